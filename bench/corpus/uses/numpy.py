"""Solves a system, multiplies, transforms, draws random numbers, writes and reads a file."""

import io

import numpy as np
import numpy.testing


def use() -> object:
    a = np.random.default_rng(7).normal(size=(50, 50))
    b = a @ np.ones(50)
    x = np.linalg.solve(a, b)
    numpy.testing.assert_allclose(x, 1, rtol=1e-6)
    spectrum = np.abs(np.fft.rfft(np.sin(np.arange(64))))
    file = io.BytesIO()
    np.savez_compressed(file, a=a)
    file.seek(0)
    same = bool((np.load(file)["a"] == a).all())
    eigen = np.linalg.eigvalsh(a + a.T)
    masked = int(np.ma.masked_less([1, 5], 3).count())
    return [same, int(spectrum.argmax()), round(float(eigen[0]), 6), masked]
