"""Fits linear models, time series and tests, by formula, to data that it brings."""

import numpy as np
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.stattools import adfuller


def use() -> object:
    frame = sm.datasets.longley.load_pandas().data
    fitted = smf.ols("TOTEMP ~ GNP + POP", frame).fit()
    counts = smf.glm("TOTEMP ~ YEAR", frame, family=sm.families.Poisson()).fit()
    series = np.cumsum(np.random.default_rng(0).normal(size=100))
    arima = ARIMA(series, order=(1, 1, 0)).fit()
    return [
        round(float(fitted.rsquared), 6),
        str(fitted.summary())[:40].strip(),
        round(float(counts.params["YEAR"]), 5),
        round(float(arima.params[0]), 3),
        round(float(adfuller(series)[0]), 4),
    ]
