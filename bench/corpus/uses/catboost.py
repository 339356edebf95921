"""Trains trees on numbers and words, and keeps them."""

import numpy as np
from catboost import CatBoostClassifier, Pool


def use() -> object:
    x = [[float(i), "a" if i % 2 else "b"] for i in range(60)]
    y = [int(i > 30) for i in range(60)]
    pool = Pool(x, y, cat_features=[1])
    model = CatBoostClassifier(
        iterations=5, verbose=False, thread_count=1, allow_writing_files=False
    ).fit(pool)
    model.save_model("/tmp/m.cbm")
    again = CatBoostClassifier().load_model("/tmp/m.cbm")
    same = bool(np.allclose(again.predict_proba(pool), model.predict_proba(pool)))
    return [same, float(model.score(pool)), len(model.get_feature_importance())]
