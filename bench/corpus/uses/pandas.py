"""Groups, joins, resamples; writes and reads CSV and Parquet."""

import io

import pandas as pd


def use() -> object:
    days = pd.date_range("2026-01-01", periods=60, freq="D", tz="Europe/Berlin")
    frame = pd.DataFrame({"g": ["a", "b"] * 30, "x": range(60)}, index=days)
    monthly = frame["x"].resample("MS").sum()
    joined = frame.groupby("g").agg({"x": ["mean", "max"]}).reset_index()
    file = io.BytesIO()
    frame.to_parquet(file)
    again = pd.read_parquet(io.BytesIO(file.getvalue()))
    pd.testing.assert_frame_equal(again, frame, check_freq=False)
    text = frame.head(2).to_csv()
    wide = frame.assign(m=frame.index.month).pivot_table(index="m", columns="g", values="x")
    return [
        [int(v) for v in monthly],
        joined.to_json(),
        text,
        pd.read_csv(io.StringIO(text)).shape,
        wide.round(2).to_dict(),
        frame.query("x > 57").to_html()[:30],
        frame["x"].rolling(3).mean().iloc[-1].item(),
    ]
