"""Writes and reads NetCDF, with dates."""

import tempfile

import netCDF4
import numpy as np


def use() -> object:
    with tempfile.TemporaryDirectory() as folder:
        with netCDF4.Dataset(f"{folder}/a.nc", "w") as file:
            file.createDimension("t", None)
            times = file.createVariable("t", "f8", ("t",), zlib=True)
            times.units = "days since 2026-01-01"
            times[:] = np.arange(5)
        with netCDF4.Dataset(f"{folder}/a.nc") as file:
            dates = netCDF4.num2date(file["t"][:], file["t"].units)
            return [str(dates[-1]), file.data_model, file["t"].shape]
