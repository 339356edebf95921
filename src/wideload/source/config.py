"""The configuration: found as git finds its folder, read strictly.

It is ``wideload.toml``, or ``[tool.wideload]`` of a ``pyproject.toml``, in the given folder
or the nearest one above it. A key that is not known, a value of another type or out of
range is an error that names file, table, key, what was found and what is allowed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from wideload.errors import WideloadError
from wideload.source.bootstrap_file import BOOTSTRAP
from wideload.source.judging import Table, check_values, shown
from wideload.source.keys import ALLOWED, FIELDS, FunctionConfig
from wideload.source.toml import read_toml, table

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_NAME = "wideload.toml"
PYPROJECT_NAME = "pyproject.toml"
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Botocore's FunctionName."""


class Project(msgspec.Struct, frozen=True):
    """A configuration and where it lies."""

    root: str
    """Absolute path of the folder that holds the configuration."""
    config: str
    """Absolute path of the configuration."""
    functions: dict[str, FunctionConfig]


def load_project(start: Path) -> Project:
    """The project that a folder is in.

    :raises WideloadError: there is no configuration here or above, there are two in one
        folder, or it is not as it must be.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        own = folder / CONFIG_NAME
        pyproject = folder / PYPROJECT_NAME
        document = read_toml(pyproject) if pyproject.is_file() else {}
        in_pyproject = "wideload" in table(document, "tool")
        if own.is_file() and in_pyproject:
            raise WideloadError(
                f"two configurations in {folder}",
                why=f"both {CONFIG_NAME} and [tool.wideload] of {PYPROJECT_NAME} are there",
                hint="keep one of them",
            )
        if own.is_file():
            return _project(own, read_toml(own), "")
        if in_pyproject:
            return _project(pyproject, document["tool"]["wideload"], "tool.wideload.")
    raise WideloadError(
        "no configuration found",
        why=f"no {CONFIG_NAME} and no [tool.wideload] in a {PYPROJECT_NAME} "
        f"in {start} or a folder above it",
        hint="run `wideload init` in the folder of your function",
    )


def _project(path: Path, content: Any, prefix: str) -> Project:
    file = str(path)
    top = Table(file, prefix.rstrip("."))
    content = _as_table(content, top, "the configuration")
    for key in content:
        if key not in ("defaults", "functions"):
            raise top.unknown(key, ["defaults", "functions"], "table")
    defaults_table = Table(file, f"{prefix}defaults")
    defaults = _as_table(content.get("defaults", {}), defaults_table, "[defaults]")
    _check_keys(defaults, defaults_table)
    _typed(defaults, defaults_table)
    tables = _as_table(content.get("functions", {}), top, "[functions]")
    if not tables:
        raise WideloadError(
            f"{file} names no function",
            why=f"there is no table [{prefix}functions.NAME]",
            hint="run `wideload init`, or write one with handler and runtime",
        )
    functions = {
        name: _function(name, own, defaults, Table(file, f"{prefix}functions.{name}"))
        for name, own in tables.items()
    }
    return Project(str(path.parent), file, functions)


def _function(name: str, own: Any, defaults: dict[str, Any], where: Table) -> FunctionConfig:
    if not _NAME.fullmatch(name):
        raise WideloadError(
            f"bad function name {name!r} in {where.file}",
            why="Lambda allows 1 to 64 of the characters a-z A-Z 0-9 - _",
            hint=f"rename the table [{where.name}]",
        )
    own = _as_table(own, where, f"[{where.name}]")
    _check_keys(own, where)
    both = {**defaults, **own}
    shared = defaults.get("environment")
    if isinstance(shared, dict) and isinstance(own.get("environment"), dict):
        both["environment"] = {**shared, **own["environment"]}
    if str(both.get("runtime", "")).startswith("provided"):
        # Lambda wants a handler of every function and tells it to the program, that is all.
        both.setdefault("handler", BOOTSTRAP)
    for key, field in FIELDS.items():
        if field.required and key not in both:
            raise WideloadError(
                f"{key!r} is missing in [{where.name}] of {where.file}",
                why=f"neither this table nor [defaults] has it; allowed is {ALLOWED[key][0]}",
                hint=f"for instance {key} = {ALLOWED[key][1]}",
            )
    config = FunctionConfig(**_typed(both, where))
    check_values(config, where)
    return config


def _as_table(value: Any, where: Table, what: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise WideloadError(
        f"{what} is not a table in {where.file}",
        why=f"found {shown(value)}",
        hint="write it as [functions.NAME] with keys below it",
    )


def _check_keys(content: dict[str, Any], where: Table) -> None:
    for key in content:
        if key not in FIELDS:
            raise where.unknown(key, list(FIELDS))


def _typed(content: dict[str, Any], where: Table) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for key, value in content.items():
        try:
            typed[key] = msgspec.convert(value, FIELDS[key].type)
        except msgspec.ValidationError:
            raise where.refuse(key, value) from None
    return typed
