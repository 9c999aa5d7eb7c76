"""Networks of libccv as SQLite files, written here with the three tables of ccv_convnet_write."""
import os
import sqlite3
import tempfile

import numpy as np

CONVOLUTIONAL, FULL_CONNECT, MAX_POOL, AVERAGE_POOL, LOCAL_RESPONSE_NORM = range(1, 6)
COLUMNS = ("layer", "type", "input_matrix_rows", "input_matrix_cols", "input_matrix_channels", "input_matrix_partition",
           "input_node_count", "output_rows", "output_cols", "output_channels", "output_partition", "output_count",
           "output_strides", "output_border", "output_size", "output_kappa", "output_alpha", "output_beta", "output_relu")


class Net:
    """A chain of layers. Extents follow from layer to layer; weights are random numbers."""

    def __init__(self, rows, columns, channels, seed=0, half=False, mean_extent=None):
        self.rng = np.random.default_rng(seed)
        self.input = self.shape = (rows, columns, channels)
        self.half, self.layers, self.weights = half, [], []
        extent = mean_extent or (rows, columns)
        self.mean = self.rng.uniform(80, 150, (*extent, channels)).astype(np.float32)

    def add(self, kind, shape, filters=None, partition=1, **outputs):
        rows, columns, channels = self.shape
        row = dict.fromkeys(COLUMNS)
        row.update(layer=len(self.layers), type=kind, input_matrix_rows=rows, input_matrix_cols=columns,
                   input_matrix_channels=channels, input_matrix_partition=partition, input_node_count=0)
        row.update({"output_" + name: value for name, value in outputs.items()})
        if kind == CONVOLUTIONAL:
            row["output_partition"] = partition
        elif kind == FULL_CONNECT:
            row["input_node_count"] = rows * columns * channels
        self.layers.append(row)
        if filters:
            kind = np.float16 if self.half else np.float32
            scale = 1 / np.sqrt(np.prod(filters[1:]))
            self.weights.append((self.rng.normal(0, scale, filters).astype(kind),
                                 self.rng.normal(0, 0.1, filters[0]).astype(kind)))
        else:
            self.weights.append(None)
        self.shape = shape
        return self

    def slide(self, window, strides, border):
        return [(extent + 2 * border - size) // strides + 1 for extent, size in zip(self.shape, window)]

    def convolutional(self, count, window, strides=1, border=0, partition=1):
        channels = self.shape[2]
        return self.add(CONVOLUTIONAL, (*self.slide(window, strides, border), count),
                        (count, *window, channels // partition), partition, rows=window[0], cols=window[1],
                        channels=channels, count=count, strides=strides, border=border)

    def pool(self, kind, size, strides, border=0):
        return self.add(kind, (*self.slide((size, size), strides, border), self.shape[2]), size=size, strides=strides,
                        border=border)

    def local_response_norm(self, size, kappa, alpha, beta, partition=1):
        return self.add(LOCAL_RESPONSE_NORM, self.shape, partition=partition, size=size, kappa=kappa, alpha=alpha, beta=beta)

    def full_connect(self, count, relu=True):
        return self.add(FULL_CONNECT, (count, 1, 1), (count, int(np.prod(self.shape))), count=count, relu=int(relu))

    def save(self, path):
        connection = sqlite3.connect(path)
        real = ("output_kappa", "output_alpha", "output_beta")
        columns = ", ".join(f"{name} {'REAL' if name in real else 'INTEGER'}" for name in COLUMNS[1:])
        connection.execute(f"CREATE TABLE layer_params (layer INTEGER PRIMARY KEY ASC, {columns})")
        connection.execute("CREATE TABLE convnet_params (convnet INTEGER PRIMARY KEY ASC, input_height INTEGER, "
                           "input_width INTEGER, mean_activity BLOB)")
        connection.execute("CREATE TABLE layer_data (layer INTEGER PRIMARY KEY ASC, weight BLOB, bias BLOB, "
                           "half_precision INTEGER)")
        for row, weights in zip(self.layers, self.weights):
            connection.execute(f"INSERT INTO layer_params VALUES ({', '.join('?' * len(COLUMNS))})",
                               [row[name] for name in COLUMNS])
            if weights:
                connection.execute("INSERT INTO layer_data VALUES (?, ?, ?, ?)",
                                   (row["layer"], weights[0].tobytes(), weights[1].tobytes(), int(self.half)))
        connection.execute("INSERT INTO convnet_params VALUES (0, ?, ?, ?)", (*self.mean.shape[:2], self.mean.tobytes()))
        connection.commit()
        connection.close()

    def serialize(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "net.sqlite3")
            self.save(path)
            with open(path, "rb") as file:
                return file.read()


def make_alex(seed=0, half=False, mean_extent=None):
    """All kinds of layers, two partitions in the middle."""
    net = Net(15, 13, 3, seed, half, mean_extent)
    net.convolutional(8, (5, 3), strides=2, border=1).local_response_norm(4, 2, 0.05, 0.75, partition=2)
    net.convolutional(8, (3, 3), border=1, partition=2).pool(MAX_POOL, 3, 1, 1).pool(AVERAGE_POOL, 2, 1, 1)
    return net.full_connect(6).full_connect(4, relu=False)


def make_all():
    """As (extension, contents), for damage."""
    return [[(".sqlite3", make_alex(seed, half).serialize())] for seed, half in ((0, False), (1, True))]
