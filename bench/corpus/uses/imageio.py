"""Writes and reads pictures and an animation."""

import imageio.v3 as iio
import numpy as np


def use() -> object:
    frames = np.stack([np.full((16, 16, 3), i * 40, np.uint8) for i in range(4)])
    data = iio.imwrite("<bytes>", frames, extension=".gif")
    return [
        iio.imread(data, index=None).shape,
        iio.improps(data).n_images,
        len(iio.imwrite("<bytes>", frames[0], extension=".png")),
    ]
