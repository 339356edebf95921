"""Whether the handler that is configured is there.

Lambda imports the module (``/`` standing for ``.``) and takes the attribute, so the module
must be in the package and its top level must bind the name. The file is parsed, never run.
"""

from __future__ import annotations

import ast
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.source.nearest import by_likeness, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from wideload.source.files import SourceFile
    from wideload.values.target import Target

_NAMES_SHOWN = 12


def check_handler(
    handler: str,
    files: Iterable[SourceFile],
    folder: Path,
    target: Target,
    *,
    packages: Collection[str] = (),
    layers: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Check that the handler's module is packed and defines it.

    :param folder: the source folder, to tell a file that is left out from one that is not there.
    :param packages: normalised names of required packages, one of which may hold the handler.
    :param layers: whether layers are attached, which may hold it as well.
    :param tell: takes what could not be checked.
    :raises WideloadError: the handler is malformed, or its file or function is missing.
    """
    module, name = _split(handler)
    by_path = {file.path: file for file in files}
    stem = "/".join(module)
    # In the order in which Python looks.
    found = by_path.get(f"{stem}/__init__.py") or by_path.get(f"{stem}.py")
    extensions = [f"{stem}/__init__.", f"{stem}."]
    if any(path.endswith(".so") and path.startswith(tuple(extensions)) for path in by_path):
        tell(f"handler {handler}: its module is compiled, so {name} was not looked for")
        return
    if found is None:
        if _may_be_elsewhere(module[0], by_path, packages, layers):
            tell(f"handler {handler}: its module is not in the source, so it was not checked")
            return
        raise _no_file(handler, stem, by_path, folder)
    _check_name(handler, name, found, target, tell)


def _split(handler: str) -> tuple[list[str], str]:
    module, dot, name = handler.rpartition(".")
    parts = module.replace("/", ".").split(".")
    if not dot or not name.isidentifier() or not all(part.isidentifier() for part in parts):
        raise WideloadError(
            f"bad handler {handler!r}",
            why="it is not of the form module.function",
            hint='for a function `handler` in app.py write handler = "app.handler"',
        )
    return parts, name


def _may_be_elsewhere(
    top: str, by_path: Collection[str], packages: Collection[str], layers: bool
) -> bool:
    in_source = any(path == f"{top}.py" or path.startswith(f"{top}/") for path in by_path)
    return not in_source and (layers or top.lower().replace("_", "-") in packages)


def _no_file(handler: str, stem: str, by_path: Collection[str], folder: Path) -> WideloadError:
    expected = f"{stem}.py"
    what = f"no file for handler {handler!r}"
    if (folder / expected).is_file() or (folder / stem / "__init__.py").is_file():
        return WideloadError(
            what,
            why=f"{expected} is there but left out of the package",
            hint="see .wideloadignore and the keys exclude and tests; include takes it back",
        )
    modules = {
        path.removesuffix(".py").removesuffix("/__init__"): path
        for path in by_path
        if path.endswith(".py")
    }
    guess = nearest(stem, modules) or nearest(
        stem.rpartition("/")[2], (module for module in modules if "/" not in module)
    )
    listed = [modules[module] for module in by_likeness(stem, modules)]
    return WideloadError(
        what,
        why=f"{expected} is not in {folder}; "
        + (f"there are {_listed(listed)}" if listed else "there is no .py file"),
        hint=f"did you mean {_dotted(guess)}.{handler.rpartition('.')[2]}?"
        if guess
        else "set handler to module.function of a file in the source folder",
    )


def _dotted(stem: str) -> str:
    return stem.replace("/", ".")


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _check_name(
    handler: str, name: str, file: SourceFile, target: Target, tell: Callable[[str], None]
) -> None:
    host = sys.version_info[:2]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(
                Path(file.location).read_bytes(), feature_version=min(target.python, host)
            )
    except (SyntaxError, ValueError) as error:
        place = f"{file.path}:{getattr(error, 'lineno', None) or 1}"
        reason = getattr(error, "msg", None) or str(error)
        if host < target.python:
            # It may be good in the runtime's newer Python: only that can tell.
            tell(
                f"handler {handler}: {place} does not parse with Python "
                f"{host[0]}.{host[1]} ({reason}), so {name} was not looked for"
            )
            return
        raise WideloadError(
            f"{place} is not Python {target.python_version}",
            why=reason,
            hint="mend the line, or set the runtime that it is written for",
        ) from None
    except OSError as error:
        raise WideloadError(
            f"cannot read {file.path}",
            why=error.strerror or str(error),
            hint="make it readable",
        ) from None
    bound = _Bound()
    bound.visit(tree)
    if name in bound.asynchronous:
        tell(f"handler {handler} is an async def, which Lambda's Python runtime does not await")
    if name in bound.names or bound.open_ended:
        return
    callables = sorted(bound.callables)
    guess = nearest(name, callables) or (callables[0] if len(callables) == 1 else "")
    raise WideloadError(
        f"no function for handler {handler!r}",
        why=f"{file.path} does not define {name} at its top level; "
        + (
            f"it defines {_listed(by_likeness(name, bound.names))}"
            if bound.names
            else "it defines nothing"
        ),
        hint=f"did you mean {handler.rpartition('.')[0]}.{guess}?"
        if guess
        else f"define {name}(event, context) in {file.path}",
    )


class _Bound(ast.NodeVisitor):
    """Names that the top level of a module binds, whatever branch it is in."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.callables: set[str] = set()
        self.asynchronous: set[str] = set()
        self.open_ended = False
        """Whether names may be bound that cannot be known without running it."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._define(node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._define(node.name)
        if not node.decorator_list:
            self.asynchronous.add(node.name)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._define(node.name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """What a lambda binds is its own."""

    def visit_Import(self, node: ast.Import) -> None:
        self.names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.open_ended = True
            else:
                self.names.add(alias.asname or alias.name)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # Without a value it only annotates.
        if node.value is not None:
            self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        # Its target is its own; what := binds within it is the module's.
        for inner in (node.iter, *node.ifs):
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.names.add(node.id)
        elif node.id in ("globals", "exec", "setattr"):
            self.open_ended = True

    def _define(self, name: str) -> None:
        self.names.add(name)
        self.callables.add(name)
        if name == "__getattr__":
            self.open_ended = True
