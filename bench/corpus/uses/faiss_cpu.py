"""Finds neighbours with several indexes."""

import faiss
import numpy as np


def use() -> object:
    points = np.random.default_rng(0).normal(size=(300, 8)).astype("float32")
    found = []
    for kind in ("Flat", "IVF4,Flat", "HNSW8", "PQ4x4"):
        index = faiss.index_factory(8, kind)
        index.train(points)
        index.add(points)
        again = faiss.deserialize_index(faiss.serialize_index(index))
        _, near = again.search(points[:1], 1)
        found.append([kind, int(near[0, 0]) == 0 or kind.startswith("PQ")])
    kmeans = faiss.Kmeans(8, 3, niter=3, seed=1)
    kmeans.train(points)
    return [found, kmeans.centroids.shape]
