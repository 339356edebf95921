"""Draws and saves as PNG, SVG and PDF, with formulas, fonts and colours that it brings."""

import io

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from mpl_toolkits.mplot3d import Axes3D


def use() -> object:
    mpl.rcParams["svg.hashsalt"] = "x"
    plt.style.use("ggplot")
    figure, (left, right) = plt.subplots(1, 2)
    x = np.linspace(0, 6, 50)
    left.plot(x, np.sin(x), label=r"$\frac{a}{\sqrt{b}}$")
    left.legend()
    figure.colorbar(right.imshow(np.outer(x, x), cmap="viridis"))
    heads = []
    for kind in ("png", "svg", "pdf", "ps"):
        file = io.BytesIO()
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
        heads.append([file.getvalue()[:5].decode("latin-1"), len(file.getvalue()) > 5000])
    figure.savefig("/tmp/a.png")
    solid = plt.figure().add_subplot(projection="3d")
    solid.plot_surface(*np.meshgrid(x, x), np.outer(x, x))
    solid.figure.savefig(io.BytesIO())
    font = font_manager.findfont("DejaVu Sans").rpartition("/")[2]
    return [
        heads,
        plt.imread("/tmp/a.png").shape,
        isinstance(solid, Axes3D),
        font,
        len(mpl.colormaps) > 80,
        len(plt.style.available),
    ]
