"""Segments, measures, filters and reads a picture that it brings."""

import numpy as np
from skimage import (
    color,
    data,
    exposure,
    feature,
    filters,
    graph,
    io,
    measure,
    morphology,
    restoration,
    segmentation,
    transform,
)


def use() -> object:
    camera = data.camera()
    labels = measure.label(filters.gaussian(camera, 2) > filters.threshold_otsu(camera) / 255)
    regions = measure.regionprops(labels)
    superpixels = segmentation.slic(data.astronaut()[:64, :64], n_segments=20)
    io.imsave("/tmp/a.png", (exposure.rescale_intensity(camera[:32, :32])).astype(np.uint8))
    return [
        camera.shape,
        len(regions) > 1,
        int(superpixels.max()),
        io.imread("/tmp/a.png").shape,
        feature.canny(camera[:64, :64] / 255.0).sum().item(),
        transform.rescale(camera, 0.25).shape,
        color.rgb2lab(np.ones((1, 1, 3))).round(3).tolist(),
        morphology.skeletonize(camera > 100).sum().item(),
        restoration.denoise_tv_chambolle(camera[:16, :16]).shape,
        graph.rag_mean_color.__name__,
    ]
