"""Solves, optimises, integrates, transforms, filters, tests."""

import numpy as np
from scipy import (
    fft,
    integrate,
    interpolate,
    io,
    linalg,
    ndimage,
    optimize,
    signal,
    sparse,
    spatial,
    special,
    stats,
)
from scipy.sparse.linalg import spsolve


def use() -> object:
    x = np.linspace(0, 1, 50)
    found = optimize.minimize(optimize.rosen, [1.3, 0.7], method="BFGS").x
    area, _ = integrate.quad(np.sin, 0, np.pi)
    matrix = sparse.diags([1, 2, 1], [-1, 0, 1], shape=(20, 20), format="csc")
    lp = optimize.linprog([-1, -2], A_ub=[[1, 1]], b_ub=[4]).fun
    return [
        [round(float(v), 3) for v in found],
        round(area, 6),
        round(float(spsolve(matrix, np.ones(20))[0]), 6),
        round(float(linalg.det(linalg.hilbert(3))), 8),
        round(float(stats.norm.cdf(1.96)), 4),
        round(float(stats.ttest_ind([1, 2, 3], [2, 3, 5]).pvalue), 6),
        float(interpolate.CubicSpline(x, x**2)(0.5).round(4)),
        float(ndimage.gaussian_filter(np.eye(9), 1)[4, 4].round(6)),
        len(spatial.ConvexHull(np.array([[0, 0], [1, 0], [0, 1], [0.2, 0.2]])).vertices),
        float(signal.butter(2, 0.2)[0][0].round(6)),
        float(np.abs(fft.fft(np.ones(4)))[0]),
        round(float(special.gamma(4.5)), 6),
        lp,
        io.wavfile.__name__,
    ]
