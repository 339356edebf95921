"""Trains trees and keeps them."""

import lightgbm
import numpy as np


def use() -> object:
    x = np.random.default_rng(0).normal(size=(300, 4))
    y = (x[:, 0] > 0).astype(int)
    model = lightgbm.train(
        {"objective": "binary", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(x, y), 5
    )
    again = lightgbm.Booster(model_str=model.model_to_string())
    same = bool(np.allclose(model.predict(x), again.predict(x)))
    return [same, round(float(((model.predict(x) > 0.5) == y).mean()), 2)]
