"""Packs and unpacks, with types of its own, from a stream."""

import io

import msgpack


def use() -> object:
    packed = msgpack.packb({"a": [1, 2.5, None], "t": msgpack.Timestamp(7, 8)})
    stream = msgpack.Unpacker(io.BytesIO(msgpack.packb(1) + msgpack.packb([2])))
    return [packed.hex(), msgpack.unpackb(packed)["a"], list(stream)]
