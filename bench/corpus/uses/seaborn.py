"""Draws a statistical plot."""

import matplotlib as mpl

mpl.use("agg")
import pandas as pd
import seaborn as sns
import seaborn.objects as so


def use() -> object:
    sns.set_theme(style="whitegrid", palette="deep")
    frame = pd.DataFrame({"g": ["a", "b"] * 10, "x": range(20), "y": [v * v for v in range(20)]})
    grid = sns.FacetGrid(frame, col="g").map_dataframe(sns.scatterplot, "x", "y")
    axes = sns.regplot(frame, x="x", y="y")
    plot = so.Plot(frame, "x", "y").add(so.Line(), so.PolyFit()).plot()
    grid.savefig("/tmp/g.png")
    return [
        len(grid.axes.flat),
        len(axes.lines),
        type(plot).__name__,
        len(sns.color_palette("rocket")),
        sns.cubehelix_palette(2).as_hex(),
    ]
