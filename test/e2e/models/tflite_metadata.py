"""The description that TFLite files may have of their inputs and outputs, written field by field with the numbers of
metadata_schema.fbs, and the zip archive behind the model with its files of labels."""
import io
import zipfile

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

IMAGE, NORMALIZATION, RGB, AXIS_LABELS = 2, 1, 1, 2  # of ContentProperties, ProcessUnitOptions, ColorSpaceType, AssociatedFileType


def table(builder, *fields):
    """A table; each field is (number, kind, value), of which offsets are made already."""
    builder.StartObject(max(number for number, _, _ in fields) + 1)
    for number, kind, value in fields:
        if kind == "offset":
            builder.PrependUOffsetTRelativeSlot(number, value, 0)
        else:
            builder.PrependUint8Slot(number, value, 0)
    return builder.EndObject()


def offsets(builder, values):
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependUOffsetTRelative(value)
    return builder.EndVector()


def floats(builder, values):
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()


def describe(mean, deviation, labels_file):
    """The FlatBuffer for a model of one image and one classification."""
    builder = flatbuffers.Builder(256)
    numbers = [floats(builder, mean), floats(builder, deviation)]
    options = table(builder, (0, "offset", numbers[0]), (1, "offset", numbers[1]))
    unit = table(builder, (0, "byte", NORMALIZATION), (1, "offset", options))
    image = table(builder, (0, "byte", RGB))
    content = table(builder, (0, "byte", IMAGE), (1, "offset", image))
    first = table(builder, (3, "offset", content), (4, "offset", offsets(builder, [unit])))
    name = builder.CreateString(labels_file)
    file = table(builder, (0, "offset", name), (2, "byte", AXIS_LABELS))
    second = table(builder, (6, "offset", offsets(builder, [file])))
    inputs, outputs = offsets(builder, [first]), offsets(builder, [second])
    graph = table(builder, (2, "offset", inputs), (3, "offset", outputs))
    builder.Finish(table(builder, (3, "offset", offsets(builder, [graph]))), b"M001")
    return bytes(builder.Output())


def add_metadata(model, mean, deviation, labels, compression=zipfile.ZIP_DEFLATED):
    """`model`, the bytes of a file, with a description and its labels."""
    tables = schema.ModelT.InitFromPackedBuf(bytearray(model), 0)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(describe(mean, deviation, "labels.txt"))
    entry.name, entry.buffer = "TFLITE_METADATA", len(tables.buffers)
    tables.buffers.append(buffer)
    tables.metadata = [entry]
    builder = flatbuffers.Builder(1024)
    builder.Finish(tables.Pack(builder), b"TFL3")
    file = io.BytesIO(bytes(builder.Output()))
    with zipfile.ZipFile(file, "a", compression) as archive:
        archive.writestr("labels.txt", "".join(label + "\n" for label in labels))
    return file.getvalue()
