"""Explains what a model of trees says."""

import numpy as np
import shap
from sklearn.ensemble import RandomForestRegressor


def use() -> object:
    x = np.random.default_rng(0).normal(size=(60, 3))
    model = RandomForestRegressor(5, random_state=0).fit(x, x[:, 0] * 2)
    values = shap.TreeExplainer(model).shap_values(x[:5])
    kernel = shap.KernelExplainer(lambda v: v.sum(1), x[:5]).shap_values(x[:1], silent=True)
    return [values.shape, int(np.abs(values).mean(0).argmax()), kernel.shape]
