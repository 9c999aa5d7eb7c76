// Names of TensorFlow's functions as those of keras.ops.
#include "lib/Frontend/Keras/LayerTable.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace nnc::keras {

StringRef getOperationName(const Layer &layer) {
  if (layer.isOperation)
    return layer.className;
  if (layer.className == "SlicingOpLambda")
    return "GetItem";
  StringRef function = layer.parameters().getString("function");
  for (StringRef prefix : {"math.", "nn.", "linalg.", "compat.v1.", "__operators__."})
    function.consume_front(prefix);
  return StringSwitch<StringRef>(function)
      .Case("abs", "Absolute")
      .Case("add", "Add")
      .Case("acos", "Arccos")
      .Case("asin", "Arcsin")
      .Case("atan", "Arctan")
      .Case("argmax", "Argmax")
      .Case("argmin", "Argmin")
      .Case("cast", "Cast")
      .Case("ceil", "Ceil")
      .Case("clip_by_value", "Clip")
      .Case("concat", "Concatenate")
      .Case("cos", "Cos")
      .Case("cosh", "Cosh")
      .Cases({"divide", "truediv", "realdiv"}, "Divide")
      .Case("elu", "Elu")
      .Cases({"equal", "eq"}, "Equal")
      .Case("erf", "Erf")
      .Case("exp", "Exp")
      .Case("expand_dims", "ExpandDims")
      .Case("reverse", "Flip")
      .Case("floor", "Floor")
      .Case("gelu", "Gelu")
      .Case("getitem", "GetItem")
      .Case("greater", "Greater")
      .Case("greater_equal", "GreaterEqual")
      .Case("identity", "Identity")
      .Case("leaky_relu", "LeakyRelu")
      .Case("less", "Less")
      .Case("less_equal", "LessEqual")
      .Case("log", "Log")
      .Case("log_sigmoid", "LogSigmoid")
      .Case("matmul", "Matmul")
      .Case("reduce_max", "Max")
      .Case("maximum", "Maximum")
      .Case("reduce_mean", "Mean")
      .Case("reduce_min", "Min")
      .Case("minimum", "Minimum")
      .Case("multiply", "Multiply")
      .Case("negative", "Negative")
      .Cases({"not_equal", "ne"}, "NotEqual")
      .Case("one_hot", "OneHot")
      .Case("pow", "Power")
      .Case("reduce_prod", "Prod")
      .Case("reciprocal", "Reciprocal")
      .Case("relu", "Relu")
      .Case("relu6", "Relu6")
      .Case("reshape", "Reshape")
      .Case("round", "Round")
      .Case("rsqrt", "Rsqrt")
      .Case("selu", "Selu")
      .Case("sigmoid", "Sigmoid")
      .Case("sign", "Sign")
      .Cases({"silu", "swish"}, "Silu")
      .Case("sin", "Sin")
      .Case("sinh", "Sinh")
      .Case("softmax", "Softmax")
      .Case("softplus", "Softplus")
      .Case("softsign", "Softsign")
      .Case("sqrt", "Sqrt")
      .Case("square", "Square")
      .Case("squeeze", "Squeeze")
      .Case("stack", "Stack")
      .Case("reduce_std", "Std")
      .Case("stop_gradient", "StopGradient")
      .Case("subtract", "Subtract")
      .Case("reduce_sum", "Sum")
      .Case("tan", "Tan")
      .Case("tanh", "Tanh")
      .Case("tile", "Tile")
      .Case("transpose", "Transpose")
      .Case("reduce_variance", "Var")
      .Case("where", "Where")
      .Default("");
}

} // namespace nnc::keras
