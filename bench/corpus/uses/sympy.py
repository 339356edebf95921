"""Integrates, solves, and makes functions and other languages' code of formulas."""

import sympy as sp
from sympy.parsing.sympy_parser import parse_expr


def use() -> object:
    x, y = sp.symbols("x y")
    f = sp.Function("f")
    return [
        str(sp.integrate(sp.exp(-(x**2)), (x, -sp.oo, sp.oo))),
        str(sp.solve([x + y - 3, x - y - 1], [x, y])),
        str(sp.dsolve(f(x).diff(x) - f(x))),
        sp.latex(sp.Matrix([[x, 1], [y, 2]]).inv()),
        sp.ccode(sp.sin(x) ** 2),
        sp.lambdify(x, x**2 + 1)(3),
        str(parse_expr("2*x + x")),
        str(sp.factorint(360)),
    ]
