"""Writes and reads features."""

import fiona
from fiona.crs import from_epsg
from fiona.transform import transform_geom


def use() -> object:
    schema = {"geometry": "Point", "properties": {"n": "int"}}
    with fiona.open(
        "/tmp/f.geojson", "w", driver="GeoJSON", schema=schema, crs=from_epsg(4326)
    ) as file:
        file.write({"geometry": {"type": "Point", "coordinates": (9, 48)}, "properties": {"n": 1}})
    with fiona.open("/tmp/f.geojson") as file:
        rows = [(row.properties["n"], row.geometry.coordinates) for row in file]
    x, _ = transform_geom(
        "EPSG:4326", "EPSG:3857", {"type": "Point", "coordinates": (9, 48)}
    ).coordinates
    return [rows, round(x), "GPKG" in fiona.supported_drivers]
