"""Solves convex problems with the solvers that it brings."""

import cvxpy as cp
import numpy as np


def use() -> object:
    x = cp.Variable(2)
    least = cp.Problem(cp.Minimize(cp.sum_squares(x - np.array([1, 2]))), [x >= 0, cp.sum(x) <= 2])
    least.solve()
    linear = cp.Problem(cp.Maximize(x[0] + 2 * x[1]), [x >= 0, x[0] + x[1] <= 3, x[1] <= 2])
    linear.solve(solver=cp.CLARABEL)
    cone = cp.Problem(cp.Minimize(cp.norm(x)), [cp.sum(x) == 2])
    cone.solve(solver=cp.SCS)
    return [round(float(one.value), 3) for one in (least, linear, cone)]
