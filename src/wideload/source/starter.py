"""A first wideload.toml, guessed from a folder that holds a function."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec

from wideload.errors import WideloadError
from wideload.source.config import CONFIG_NAME
from wideload.values.target import Target

# Names that people, the Lambda console and other tools give to the file, likeliest first.
_FILES = ("app.py", "lambda_function.py", "handler.py", "main.py", "index.py")
_FUNCTIONS = ("handler", "lambda_handler", "main")
_DEFAULT_RUNTIME = "python3.13"
_VERSION_FILE = ".python-version"
_NODE_FILES = tuple(
    f"{stem}.{ending}" for stem in ("index", "app", "handler") for ending in ("mjs", "js", "cjs")
)
_NODE_RUNTIME = "nodejs22.x"
_NODE_EXPORT = re.compile(r"\bexports?\b[^\n;/]*\bhandler\b")


class Guess(msgspec.Struct, frozen=True):
    """A function found in a folder."""

    name: str
    source: str
    """Relative to the folder that the configuration goes to."""
    handler: str
    runtime: str


def _functions_of(file: Path) -> list[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return []
    return [
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _handler_in(folder: Path) -> str | None:
    files = [folder / name for name in _FILES if (folder / name).is_file()]
    files += sorted(file for file in folder.glob("*.py") if file not in files)
    for file in files:
        names = _functions_of(file)
        for wanted in _FUNCTIONS:
            if wanted in names:
                return f"{file.stem}.{wanted}"
    return None


def _found_in(folder: Path, *above: Path) -> tuple[str, str] | None:
    """The handler in a folder, and the runtime for it."""
    handler = _handler_in(folder)
    if handler:
        return handler, _runtime_of(folder, *above)
    for name in _NODE_FILES:
        try:
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if _NODE_EXPORT.search(text):
            return f"{Path(name).stem}.handler", _NODE_RUNTIME
    return None


def _runtime_of(*folders: Path) -> str:
    for folder in folders:
        try:
            text = (folder / _VERSION_FILE).read_text(encoding="utf-8")
        except OSError:
            continue
        match = re.match(r"\s*(3\.\d+)", text)
        if match and f"python{match[1]}" in Target.known_runtimes():
            return f"python{match[1]}"
    return _DEFAULT_RUNTIME


def guess(folder: Path) -> tuple[Guess, ...]:
    """The functions in a folder: the folder itself, or its subfolders with requirements.

    :raises WideloadError: no handler is found.
    """
    folder = folder.resolve()
    own = _found_in(folder)
    if own:
        name = re.sub(r"[^a-zA-Z0-9_-]+", "-", folder.name).strip("-") or "function"
        return (Guess(name[:64], ".", *own),)
    found = []
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        inside = None if inner.name.startswith(".") else _found_in(inner, folder)
        if inside and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", inner.name):
            found.append(Guess(inner.name, inner.name, *inside))
    if not found:
        raise WideloadError(
            f"no handler found in {folder}",
            why=f"no .py file here or one folder down defines {', '.join(_FUNCTIONS)}, and no "
            "index.mjs, index.js or the like exports handler",
            hint=f"write {CONFIG_NAME} by hand: [functions.NAME] with source, handler, runtime",
        )
    return tuple(found)


def write_config(folder: Path) -> tuple[Path, tuple[Guess, ...]]:
    """Write wideload.toml into a folder.

    :raises WideloadError: there is one, or nothing to put into it was found.
    """
    path = folder / CONFIG_NAME
    functions = guess(folder)
    text = "\n".join(
        f"[functions.{one.name}]\n"
        f'source = "{one.source}"\n'
        f'handler = "{one.handler}"\n'
        f'runtime = "{one.runtime}"\n'
        'architecture = "x86_64"\n'
        "memory = 1769    # MB; buys one whole vCPU\n"
        "timeout = 30     # seconds\n"
        for one in functions
    )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise WideloadError(
            f"{path} is there already", hint="edit it, or move it away first"
        ) from None
    return path, functions
