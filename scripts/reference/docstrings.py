"""What the code says of its fields: the string below each, which Python itself drops."""

from __future__ import annotations

import ast
import inspect
import textwrap

from reference.markdown import prose


def of_fields(kind: type) -> dict[str, str]:
    """The docstrings of a class's fields by their name, as prose."""
    source = textwrap.dedent(inspect.getsource(kind))
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            found[field.target.id] = prose(after.value.value)
    return found
