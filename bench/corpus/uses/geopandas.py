"""Joins by place, dissolves, and writes and reads files."""

import geopandas
import pandas as pd
from shapely.geometry import Point, box


def use() -> object:
    points = geopandas.GeoDataFrame(
        {"n": range(4)}, geometry=[Point(i, i) for i in range(4)], crs=4326
    )
    areas = geopandas.GeoDataFrame(
        {"a": ["x", "y"]}, geometry=[box(-1, -1, 1.5, 1.5), box(1.6, 1.6, 4, 4)], crs=4326
    )
    joined = points.sjoin(areas)
    meters = areas.to_crs(3857).area.round(-6).tolist()
    points.to_file("/tmp/p.gpkg")
    points.to_file("/tmp/p.shp")
    again = geopandas.read_file("/tmp/p.gpkg")
    assert isinstance(joined, pd.DataFrame)
    return [
        joined["a"].tolist(),
        meters,
        again["n"].tolist(),
        str(geopandas.read_file("/tmp/p.shp").crs),
        joined.dissolve("a").shape,
    ]
