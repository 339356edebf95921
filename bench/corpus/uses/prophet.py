"""Forecasts a series with the compiled model that it brings."""

import logging

import pandas as pd
from prophet import Prophet

logging.getLogger("cmdstanpy").disabled = True


def use() -> object:
    frame = pd.DataFrame(
        {"ds": pd.date_range("2026-01-01", periods=60), "y": [i % 7 + i * 0.1 for i in range(60)]}
    )
    model = Prophet(yearly_seasonality=False, uncertainty_samples=0)
    model.add_country_holidays("DE")
    model.fit(frame, seed=1)
    ahead = model.predict(model.make_future_dataframe(7))
    return [len(ahead), round(float(ahead["yhat"].iloc[-1]), 1)]
