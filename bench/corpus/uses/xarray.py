"""Labels arrays, groups by months, writes and reads NetCDF."""

import numpy as np
import pandas as pd
import xarray as xr


def use() -> object:
    times = pd.date_range("2026-01-01", periods=60)
    array = xr.DataArray(np.arange(60.0), [("t", times)], name="x")
    monthly = array.groupby("t.month").mean()
    array.to_dataset().to_netcdf("/tmp/a.nc", engine="h5netcdf")
    again = xr.open_dataset("/tmp/a.nc", engine="netcdf4")
    return [
        monthly.values.tolist(),
        float(again.x.sum()),
        sorted(xr.backends.list_engines()),
        float(array.chunk(10).mean().compute()),
        "xr-wrap" in array._repr_html_(),
    ]
