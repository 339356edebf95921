"""Computes arrays, tables and bags in pieces."""

import dask
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import pandas as pd


def use() -> object:
    dask.config.set(scheduler="threads")
    total = da.ones((1000, 1000), chunks=100).sum().compute()
    frame = dd.from_pandas(pd.DataFrame({"g": ["a", "b"] * 5, "x": range(10)}), npartitions=2)
    words = (
        db.from_sequence(["a b", "b"], npartitions=2)
        .map(str.split)
        .flatten()
        .frequencies()
        .compute(scheduler="sync")
    )
    lazy = dask.delayed(sum)([dask.delayed(pow)(2, 3), 1])
    return [
        float(total),
        frame.groupby("g").x.sum().compute().to_dict(),
        sorted(words),
        lazy.compute(),
        dask.config.get("array.slicing.split-large-chunks"),
    ]
