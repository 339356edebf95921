"""Compiles functions while it runs, vectorised ones too."""

import numba
import numpy as np
from numba.typed import Dict, List


@numba.njit
def total(values):
    """Sum of squares."""
    found = 0.0
    for value in values:
        found += value * value
    return found


@numba.vectorize(["float64(float64, float64)"])
def mix(a, b):
    """A universal function."""
    return a * 2 + b


@numba.njit(parallel=True)
def spread(values):
    """In parallel."""
    found = np.zeros(len(values))
    for i in numba.prange(len(values)):
        found[i] = np.sqrt(values[i])
    return found.sum()


@numba.njit
def collect(n):
    """Typed containers, strings, sorting."""
    names = Dict.empty(numba.types.int64, numba.types.unicode_type)
    for i in range(n):
        names[i] = "x" * i
    return len(names[n - 1]), sorted([3, 1, 2]), np.linalg.det(np.eye(2))


def use() -> object:
    values = np.arange(10.0)
    numbers = List([1, 2])
    return [
        total(values),
        mix(values, 1.0).tolist(),
        round(spread(values), 6),
        collect(4),
        len(numbers),
    ]
