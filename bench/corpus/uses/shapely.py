"""Buffers, unions, simplifies, indexes and writes geometries."""

import shapely
from shapely import STRtree, affinity, ops, wkt
from shapely.geometry import LineString, Point, mapping


def use() -> object:
    circle = Point(0, 0).buffer(1)
    both = ops.unary_union([circle, affinity.translate(circle, 1, 0)])
    tree = STRtree([Point(i, i) for i in range(10)])
    line = LineString([(0, 0), (1, 0.01), (2, 0)]).simplify(0.1)
    split = ops.split(LineString([(-2, 0), (2, 0)]), circle)
    return [
        round(both.area, 6),
        [int(i) for i in tree.query(Point(3, 3).buffer(0.5))],
        wkt.dumps(line, trim=True),
        len(split.geoms),
        mapping(shapely.box(0, 0, 1, 1))["type"],
        shapely.is_valid(both).item(),
    ]
