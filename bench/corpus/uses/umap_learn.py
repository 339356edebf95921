"""Lays points out in two dimensions."""

import numpy as np
import umap


def use() -> object:
    points = np.random.default_rng(0).normal(size=(60, 5))
    laid = umap.UMAP(n_neighbors=5, n_epochs=20, random_state=1).fit_transform(points)
    return [
        laid.shape,
        bool(np.isfinite(laid).all()),
        umap.distances.euclidean(np.zeros(2), np.array([3.0, 4.0])),
    ]
