"""Writes and reads HDF5 with compression, attributes and strings."""

import tempfile

import h5py
import numpy as np


def use() -> object:
    with tempfile.NamedTemporaryFile(suffix=".h5") as name:
        with h5py.File(name.name, "w") as file:
            data = file.create_dataset(
                "g/d", data=np.arange(100).reshape(10, 10), compression="gzip", chunks=(5, 5)
            )
            data.attrs["unit"] = "m"
            file["s"] = ["a", "ü"]
        with h5py.File(name.name) as file:
            found = []
            file.visit(found.append)
            return [
                found,
                int(file["g/d"][3:5].sum()),
                file["g/d"].attrs["unit"],
                file["s"].asstr()[1],
                h5py.h5z.filter_avail(h5py.h5z.FILTER_DEFLATE),
            ]
