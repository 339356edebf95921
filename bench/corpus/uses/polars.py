"""Groups lazily, joins, asks by SQL, writes and reads Parquet and CSV."""

import io

import polars as pl


def use() -> object:
    frame = pl.DataFrame({"g": ["a", "b"] * 5, "x": range(10)})
    grouped = frame.lazy().group_by("g").agg(pl.col("x").sum()).sort("g").collect()
    file = io.BytesIO()
    frame.write_parquet(file)
    file.seek(0)
    same = pl.read_parquet(file).equals(frame)
    asked = pl.SQLContext(t=frame).execute("select max(x) as m from t", eager=True)
    return [grouped.rows(), same, asked.item(), frame.head(2).write_csv(), str(frame.schema)]
