"""Packs and unpacks, with a dictionary and as streams."""

import io

import brotli
import lz4.frame
import zstandard


def use() -> object:
    data = b"wide load " * 1000
    learned = zstandard.train_dictionary(512, [b"wide %d load" % i for i in range(500)])
    packed = zstandard.ZstdCompressor(dict_data=learned).compress(data)
    again = zstandard.ZstdDecompressor(dict_data=learned).decompress(packed) == data
    stream = (
        zstandard.ZstdDecompressor().stream_reader(io.BytesIO(zstandard.compress(data))).read(4)
    )
    return [
        again,
        stream.decode(),
        lz4.frame.decompress(lz4.frame.compress(data)) == data,
        brotli.decompress(brotli.compress(data)) == data,
    ]
