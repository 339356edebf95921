"""Fits several models to data that it brings, and chooses among them."""

import numpy as np
from sklearn import (
    cluster,
    datasets,
    decomposition,
    ensemble,
    linear_model,
    manifold,
    metrics,
    neural_network,
    svm,
)
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def use() -> object:
    x, y = datasets.load_iris(return_X_y=True)
    search = GridSearchCV(make_pipeline(StandardScaler(), svm.SVC()), {"svc__C": [0.1, 1]}).fit(
        x, y
    )
    forest = ensemble.RandomForestClassifier(20, random_state=0).fit(x, y)
    boosted = ensemble.HistGradientBoostingClassifier(max_iter=10).fit(x, y)
    words = TfidfVectorizer(stop_words="english").fit_transform(["the wide load", "a long road"])
    table = make_column_transformer((OneHotEncoder(), [0])).fit_transform(np.array([["a"], ["b"]]))
    return [
        search.best_params_,
        round(forest.score(x, y), 3),
        round(boosted.score(x, y), 3),
        list(words.shape),
        list(table.shape),
        round(
            float(cross_val_score(linear_model.LogisticRegression(max_iter=500), x, y).mean()), 3
        ),
        len(set(cluster.KMeans(3, n_init=2, random_state=0).fit_predict(x).tolist())),
        decomposition.PCA(2).fit_transform(x).shape,
        manifold.TSNE(n_components=2, max_iter=250, init="pca").fit_transform(x[:40]).shape,
        neural_network.MLPClassifier((5,), max_iter=20, random_state=0).fit(x, y).n_layers_,
        metrics.classification_report(y, y)[:20],
        datasets.load_digits().images.shape,
        "html" in search._repr_html_(),
    ]
