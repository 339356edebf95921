"""Writes and reads features without anything else."""

import numpy as np
import pyogrio
from pyogrio.raw import read, write


def use() -> object:
    point = np.array([bytes.fromhex("0101000000000000000000224000000000000048C0")], dtype=object)
    write(
        "/tmp/a.fgb",
        point,
        [np.array([7])],
        ["n"],
        geometry_type="Point",
        crs="EPSG:4326",
        driver="FlatGeobuf",
    )
    meta, _, geometry, fields = read("/tmp/a.fgb")
    return [
        meta["crs"],
        geometry[0].hex(),
        int(fields[0][0]),
        pyogrio.list_drivers()["GPKG"],
        pyogrio.read_info("/tmp/a.fgb")["features"],
    ]
