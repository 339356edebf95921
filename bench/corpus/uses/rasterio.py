"""Writes a GeoTIFF in memory, reads it, warps it to another coordinate system."""

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.features import shapes
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.warp import calculate_default_transform, reproject


def use() -> object:
    data = np.arange(100, dtype="float32").reshape(10, 10)
    with MemoryFile() as file:
        profile = {"driver": "GTiff", "width": 10, "height": 10, "count": 1, "dtype": "float32"}
        profile |= {"crs": "EPSG:32632", "transform": from_origin(500000, 5400000, 10, 10)}
        with file.open(**profile, compress="deflate") as made:
            made.write(data, 1)
        with file.open() as read:
            same = bool((read.read(1) == data).all())
            where, width, height = calculate_default_transform(
                read.crs, "EPSG:4326", 10, 10, *read.bounds
            )
            target = np.zeros((height, width), "float32")
            reproject(
                rasterio.band(read, 1),
                target,
                dst_transform=where,
                dst_crs="EPSG:4326",
                resampling=Resampling.nearest,
            )
    areas = len(list(shapes((data > 50).astype("uint8"))))
    return [
        same,
        width,
        height,
        float(target.max()),
        areas,
        rasterio.crs.CRS.from_epsg(4326).to_wkt()[:20],
    ]
