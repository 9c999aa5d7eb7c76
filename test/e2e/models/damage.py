"""Damage to model files: to their bytes, which mostly breaks a file's syntax, and to their structure, which leaves a file that can be
read but says something odd."""
import io
import os
import re
import tempfile
import zipfile

import onnx

EXTREMES = (0, 1, -1, 2, 3, -2, 7, 127, 128, 255, 256, -128, 65536, 2**31 - 1, 2**31, -2**31, 2**32 - 1, 2**62, 2**63 - 1, -2**63)
NUMBERS = (0.0, -1.0, 1e-45, 1e38, float("inf"), float("nan"))
TOKEN = re.compile(rb'"[^"\n]*"|-?\d[\w.+-]*|[A-Za-z_][\w.]*')
NUMBER = re.compile(rb"-?\d[\w.+-]*")


def damage_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        kind, at = rng.randrange(7), rng.randrange(len(data))
        length = rng.choice((1, 2, 8, 64))
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 2:
            del data[at:at + length]
        elif kind == 3:
            data[at:at] = data[at:at + length]
        elif kind == 4:
            other = rng.randrange(len(data))
            data[at:at + length] = data[other:other + length]
        elif kind == 5:
            size = rng.choice((2, 4, 8))
            at -= at % size
            value = rng.choice(EXTREMES) % 2**(8 * size)
            data[at:at + size] = value.to_bytes(size, "little")
        elif rng.random() < 0.3:
            del data[at:]
        if not data:
            data = bytearray(b"\0")
    return bytes(data)


def damage_text(data, rng):
    """Words and numbers replaced by others of the file, left out, or by extreme numbers; whole lines moved."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        tokens = list(TOKEN.finditer(data))
        if not tokens:
            break
        token, other = rng.choice(tokens), rng.choice(tokens).group()
        if NUMBER.fullmatch(token.group()) and rng.random() < 0.7:
            other = rng.choice((str(rng.choice(EXTREMES)), repr(rng.choice(NUMBERS)), str(rng.randrange(10)))).encode()
        elif rng.random() < 0.15:
            other = b""
        data = data[:token.start()] + other + data[token.end():]
        if rng.random() < 0.1:
            lines = data.split(b"\n")
            lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
            data = b"\n".join(lines)
    return data


def damage_archive(data, rng):
    """One member of a zip file damaged; its checksum is right."""
    result = io.BytesIO()
    compression = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(result, "w", compression) as after:
        chosen = rng.choice(before.namelist())
        for name in before.namelist():
            contents = before.read(name)
            if name == chosen:
                contents = damage_text(contents, rng) if name.endswith(".json") else damage_bytes(contents, rng)
            after.writestr(name, contents)
    return result.getvalue()


def damage_hdf5(data, rng):
    """The description of a Keras 2 model changed, which is an attribute."""
    import h5py
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        file.attrs["model_config"] = damage_text(file.attrs["model_config"].encode(), rng).decode()
    return buffer.getvalue()


# ===--- Structure: any tree of objects with lists, numbers and strings ---=== #


def change(value, others, rng):
    """Another value of the same type; `others` are the file's strings."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((rng.choice(EXTREMES), value + 1, value - 1, value * 2))
    if isinstance(value, float):
        return rng.choice(NUMBERS)
    if isinstance(value, bytes):
        return rng.choice((b"", value[:-1], value + value, damage_bytes(value, rng) if value else b"x"))
    return rng.choice(others + [""])


def find_messages(message, found):
    """All messages of a protobuf message, itself among them."""
    found.append(message)
    for descriptor, value in message.ListFields():
        if descriptor.type == descriptor.TYPE_MESSAGE:
            for inner in value if descriptor.is_repeated else [value]:
                find_messages(inner, found)
    return found


def damage_protobuf(message, rng):
    """Fields changed, left out, repeated and exchanged."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        messages = [each for each in find_messages(message, []) if each.ListFields()]
        strings = [value for each in messages for descriptor, value in each.ListFields() if isinstance(value, str)]
        chosen = rng.choice(messages)
        descriptor, value = rng.choice(chosen.ListFields())
        name, is_list = descriptor.name, descriptor.is_repeated
        is_message = descriptor.type == descriptor.TYPE_MESSAGE
        if rng.random() < 0.15:
            chosen.ClearField(name)
        elif is_list and rng.random() < 0.5:
            entries = list(value)
            entries.insert(rng.randrange(len(entries) + 1), rng.choice(entries))
            del entries[rng.randrange(len(entries))]
            if rng.random() < 0.5:
                entries.append(rng.choice(entries))
            copies = [type(entry).FromString(entry.SerializeToString()) for entry in entries] if is_message else entries
            chosen.ClearField(name)
            getattr(chosen, name).extend(copies)
        elif not is_message:
            at = rng.randrange(len(value)) if is_list else None
            new = change(value[at] if is_list else value, strings, rng)
            try:
                if is_list:
                    value[at] = new
                else:
                    setattr(chosen, name, new)
            except (ValueError, TypeError):  # out of the field's range
                pass
    return message.SerializeToString()


def damage_onnx(data, rng):
    return damage_protobuf(onnx.ModelProto.FromString(data), rng)


def list_slots(holder, found):
    """All (object, attribute or index) of a tree of the flatbuffers object API, apart from the weights."""
    items = enumerate(holder) if isinstance(holder, list) else list(vars(holder).items())
    for key, value in items:
        if value is None or type(value).__module__ == "numpy":
            continue
        found.append((holder, key))
        if isinstance(value, list) or hasattr(value, "__dict__"):
            list_slots(value, found)
    return found


def damage_tflite(data, rng):
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    for _ in range(rng.choice((1, 1, 2, 3))):
        slots = list_slots(model, [])
        holder, key = rng.choice(slots)
        value = holder[key] if isinstance(holder, list) else getattr(holder, key)
        if isinstance(value, list):
            new = value + value[:1] if rng.random() < 0.5 else value[1:]
        elif hasattr(value, "__dict__"):
            same = [h[k] if isinstance(h, list) else getattr(h, k) for h, k in slots]
            new = rng.choice([other for other in same if type(other) is type(value)])
        else:
            new = change(value, ["t0", b"t1"], rng)
        if isinstance(holder, list):
            holder[key] = new
        else:
            setattr(holder, key, new)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def damage_sqlite(data, rng):
    """Numbers and blobs of rows changed, rows left out or repeated, columns and tables gone, views in their place."""
    import sqlite3
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net")
        with open(path, "wb") as file:
            file.write(data)
        connection = sqlite3.connect(path)
        for _ in range(rng.choice((1, 1, 2, 3))):
            table = rng.choice(("layer_params", "layer_params", "layer_data", "convnet_params"))
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            column, key = rng.randrange(len(columns)), rng.choice(rows)[0]
            if rng.random() < 0.1:
                query = rng.choice((f"SELECT * FROM old_{table}", f"SELECT zeroblob(1000000000) AS weight, * FROM old_{table}",
                                    "WITH RECURSIVE n(layer) AS (SELECT 0 UNION ALL SELECT layer + 1 FROM n) SELECT * FROM n"))
                connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
                connection.execute(f"CREATE VIEW {table} AS {query}")
                break  # it may have no end
            elif rng.random() < 0.1:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {columns[column]}")
            elif rng.random() < 0.1:
                connection.execute(f"DELETE FROM {table} WHERE {columns[0]} = ?", (key,))
            else:
                old = rng.choice(rows)[column]
                new = rng.choice((None, "text", b"blob", 0.5, *EXTREMES)) if rng.random() < 0.2 else change(old or 0, ["x"], rng)
                connection.execute(f"UPDATE {table} SET {columns[column]} = ? WHERE {columns[0]} = ?", (new, key))
        connection.commit()
        connection.close()
        with open(path, "rb") as file:
            return file.read()


STRUCTURED = {".sqlite3": damage_sqlite, ".onnx": damage_onnx, ".tflite": damage_tflite, ".keras": damage_archive, ".h5": damage_hdf5,
              ".prototxt": damage_text, ".cfg": damage_text}


def damage(extension, data, rng):
    """`data` with damage to its structure or its bytes."""
    if extension in STRUCTURED and rng.random() < 0.7:
        for _ in range(5):
            try:
                return STRUCTURED[extension](data, rng)
            except Exception:  # noqa: BLE001 - not every change can be written
                continue
    return damage_bytes(data, rng)
