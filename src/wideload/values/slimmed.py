"""A function's files after slimming, with the account of what went."""

from __future__ import annotations

from typing import Literal

import msgspec

from wideload.values.proposal import Removal
from wideload.values.tree import FileTree


class Provided(msgspec.Struct, frozen=True, order=True):
    """A distribution that is not packed, since it is there already when the function runs."""

    name: str
    by: str
    """``runtime``, or the ARN of a layer."""


Bytecode = Literal["beside", "sourceless", "none"]
"""How compiled modules are shipped.

``beside``: ``__pycache__/x.cpython-313.pyc`` next to each ``x.py``. ``sourceless``: ``x.pyc``
in its place: tracebacks name file and line but cannot show the line, and
``inspect.getsource`` finds nothing. ``none``: Lambda compiles at every cold start.
"""


class SlimOptions(msgspec.Struct, frozen=True):
    """What slimming may do."""

    rules: Literal["safe", "none"] = "safe"
    """With ``none`` the wheels' files are shipped as they are."""
    bytecode: Bytecode | Literal["auto"] = "auto"
    """``auto``: beside while the function fits under the unzipped quota, else sourceless."""
    docstrings: Literal["keep", "strip"] = "keep"
    """``strip`` takes docstrings out of the compiled modules, never the function's own."""
    keep: tuple[str, ...] = ()
    """Shell patterns of paths that no rule touches, e.g. ``sklearn/datasets/tests/*``;
    ``*`` matches ``/`` as well."""
    layers_bytes: int = 0
    """What layers made by others take of the unzipped quota."""
    provided: tuple[Provided, ...] = ()
    """Distributions of the resolution that attached layers carry."""
    shadowed: tuple[str, ...] = ()
    """Names of all distributions that attached layers carry: Python finds these before the
    runtime's."""
    base: str = ""
    """An image that the function may be built on in the runtime's place, and that need not carry
    what the runtime does."""


class Addition(msgspec.Struct, frozen=True, order=True):
    """One entry of the ledger: a file that no wheel and no user brought."""

    path: str
    rule: str
    reason: str
    package: str
    """The distribution it was made for, or empty for the function's own files."""
    unzipped_bytes: int
    zipped_bytes: int
    """With what a zip spends on an entry, as in :class:`Removal`."""


class Slimmed(msgspec.Struct, frozen=True):
    """What is left to ship."""

    tree: FileTree
    removals: tuple[Removal, ...] = ()
    provided: tuple[Provided, ...] = ()
    notes: tuple[str, ...] = ()
    """What a rule wanted to do and did not, with the reason; lines for a person."""
    additions: tuple[Addition, ...] = ()
    """Raw files less `removals` plus these are `tree`, in bytes unzipped and zipped."""
    bytecode: Bytecode = "none"
    """What became of ``auto``."""
    exact: bool = True
    """Otherwise some sizes are estimates and `tree` cannot be built: the wheels were not yet
    fetched."""
