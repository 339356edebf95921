"""Trains trees and keeps them."""

import numpy as np
import xgboost


def use() -> object:
    x = np.random.default_rng(0).normal(size=(200, 4))
    y = (x[:, 0] > 0).astype(int)
    matrix = xgboost.DMatrix(x, y)
    model = xgboost.train({"objective": "binary:logistic", "nthread": 1}, matrix, 5)
    again = xgboost.Booster()
    again.load_model(model.save_raw("json"))
    same = bool(np.allclose(model.predict(matrix), again.predict(matrix)))
    return [
        same,
        round(float(((model.predict(matrix) > 0.5) == y).mean()), 2),
        xgboost.build_info()["USE_OPENMP"],
    ]
