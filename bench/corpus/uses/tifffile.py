"""Writes and reads TIFF with codecs that are compiled."""

import io

import imagecodecs
import numpy as np
import tifffile


def use() -> object:
    data = np.arange(4096, dtype="uint16").reshape(64, 64)
    found = []
    for codec in ("zlib", "lzw", "zstd", "jpeg2000", "webp"):
        file = io.BytesIO()
        values = np.dstack([(data % 256).astype("uint8")] * 3) if codec == "webp" else data
        tifffile.imwrite(file, values, compression=codec)
        found.append([codec, list(tifffile.imread(io.BytesIO(file.getvalue())).shape)])
    blosc = imagecodecs.blosc_decode(imagecodecs.blosc_encode(b"abc" * 99))[:3]
    return [
        found,
        bytes(blosc).decode(),
        imagecodecs.png_decode(imagecodecs.png_encode(data)).shape,
    ]
