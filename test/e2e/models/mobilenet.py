"""MobileNetV2 (Sandler et al., 2018, table 2; width 1.0) with fixed-seed random weights, 1x3x224x224."""
from models.graph_builder import FLOAT, GraphBuilder

# expansion, channels, blocks, stride of the first block
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


class MobileNet(GraphBuilder):
    def convolution(self, x, inputs, outputs, kernel, stride=1, group=1, clip=True):
        weight = self.normal((outputs, inputs // group, kernel, kernel), (2 / (inputs // group * kernel * kernel))**0.5)
        x = self.node("Conv", x, weight, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4,
                      group=group)
        x = self.node("BatchNormalization", x, self.uniform(outputs, 0.6, 1.4), self.normal(outputs, 0.1),
                      self.normal(outputs, 0.1), self.uniform(outputs, 0.6, 1.4), epsilon=1e-5)
        return self.node("Clip", x, self.low, self.high) if clip else x

    def block(self, x, inputs, outputs, expansion, stride):
        hidden, start = inputs * expansion, x
        if expansion != 1:
            x = self.convolution(x, inputs, hidden, 1)
        x = self.convolution(x, hidden, hidden, 3, stride, group=hidden)
        x = self.convolution(x, hidden, outputs, 1, clip=False)
        return self.node("Add", start, x) if stride == 1 and inputs == outputs else x

    def build(self):
        import numpy as np
        self.low, self.high = self.constant(np.float32(0), "low"), self.constant(np.float32(6), "high")
        x, channels = self.convolution("image", 3, 32, 3, 2), 32
        for expansion, outputs, blocks, stride in STAGES:
            for i in range(blocks):
                x = self.block(x, channels, outputs, expansion, stride if i == 0 else 1)
                channels = outputs
        x = self.convolution(x, channels, 1280, 1)
        x = self.node("Flatten", self.node("GlobalAveragePool", x))
        x = self.node("Gemm", x, self.normal((1000, 1280), 0.04), self.normal(1000, 0.1), transB=1)
        return self.model("mobilenet_v2", {"image": (FLOAT, [1, 3, 224, 224])}, {x: (FLOAT, [1, 1000])}, 13)


def build(seed=1):
    return MobileNet(seed).build()
