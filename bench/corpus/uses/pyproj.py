"""Transforms between coordinate systems, with the data that it brings."""

from pyproj import CRS, Geod, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info


def use() -> object:
    to_web = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    x, y = to_web.transform(9.2, 48.8)
    x2, y2 = Transformer.from_crs(31467, 4326, always_xy=True).transform(3513000, 5405000)
    _, _, meters = Geod(ellps="WGS84").inv(9.2, 48.8, 13.4, 52.5)
    zone = query_utm_crs_info("WGS 84", AreaOfInterest(9, 48, 9.1, 48.1))[0].code
    return [round(x), round(y), round(x2, 4), round(y2, 4), round(meters), zone, CRS(4326).name]
