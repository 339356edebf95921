"""Turns units, times and coordinates, writes and reads FITS and tables."""

import io

import numpy as np
from astropy import constants
from astropy import units as u
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.cosmology import Planck18
from astropy.io import ascii, fits, votable
from astropy.modeling import fitting, models
from astropy.stats import sigma_clip
from astropy.table import QTable, Table
from astropy.time import Time
from astropy.utils import iers
from astropy.wcs import WCS

iers.conf.auto_download = False


def use() -> object:
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(np.eye(3)), fits.BinTableHDU(Table({"a": [1, 2]}))]).writeto(file)
    file.seek(0)
    with fits.open(file) as found:
        kinds = [type(one).__name__ for one in found]
    star = SkyCoord("05h35m17s", "-05d23m28s")
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    line = fitting.LinearLSQFitter()(models.Linear1D(), [0, 1, 2], [1, 3, 5])
    return [
        kinds,
        [round(v, 4) for v in (star.galactic.l.deg, star.galactic.b.deg)],
        round(Time("2020-01-01").jd, 2),
        round(Planck18.luminosity_distance(1).to_value(u.Mpc), 2),
        round((5 * u.km / u.h).to_value(u.m / u.s), 5),
        [round(float(v), 4) for v in line.parameters],
        constants.c.value,
        int(sigma_clip([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 99]).mask.sum()),
        ascii.read("a b\n1 2").colnames,
        round(EarthLocation.from_geodetic(9, 48).x.value),
        QTable({"d": [1] * u.m})["d"].unit.to_string(),
        votable.__name__,
        round(Time("2020-01-01").ut1.jd, 2),
    ]
