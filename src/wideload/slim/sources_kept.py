"""Which sources must stay as text even where compiled modules take the place of sources.

Some code reads sources while it runs: just-in-time compilers, type guards that rewrite
functions, caches that are dated by the source. What the survey finds by the words that such
code must contain is added to the list of those known.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from wideload.slim.rules.rule import Subject

_READ_THEIR_SOURCE = {
    "accelerate": "torch's compilers read the source of functions",
    "debugpy": "starts its own files by path",
    "deepspeed": "torch's compilers read the source of functions",
    "diffusers": "reads the source of its classes",
    "ipykernel": "starts its own files by path",
    "keras": "TensorFlow's AutoGraph reads the source of functions",
    "numba": "dates its caches by the source, and reads that of overloads",
    "pytest": "rewrites the assertions of sources",
    "streamlit": "runs sources by path",
    "taichi": "compiles the source of functions",
    "tensorflow": "AutoGraph reads the source of functions",
    "tensorflow-probability": "rewrites its own sources",
    "torch": "compilers read the source of functions",
    "torch-geometric": "torch's compilers read the source of functions",
    "torchaudio": "torch's compilers read the source of functions",
    "torchvision": "torch's compilers read the source of functions",
    "transformers": "reads its own sources to know what is in them",
    "triton": "compiles the source of functions",
    "virtualenv": "copies its own sources",
    "warp-lang": "compiles the source of functions",
}
_NOT_THEIR_OWN = frozenset({"langsmith", "pydantic", "reportlab", "sympy"})
"""Distributions that read sources, but those of their callers alone (langsmith, pydantic: who
lets it do so is found by the option that asks for it), to check themselves (reportlab), or to
show them to a person (sympy)."""
_FAMILIES = ("nvidia-", "tensorflow-", "torch")


def sources_kept(subject: Subject, paths: Collection[str]) -> dict[str, str]:
    """Sources of a wheel that stay, and why.

    :param subject: the wheel, of which `paths` are still there.
    :param paths: of the whole function.
    """
    reason = _READ_THEIR_SOURCE.get(subject.name, "")
    if not reason and subject.name.startswith(_FAMILIES):
        reason = "compilers read the source of functions"
    sources = [path for path in subject.paths if path.endswith(".py")]
    if reason:
        return dict.fromkeys(sources, f"{subject.name}: {reason}")
    opaque = subject.survey.opaque(subject.asked.sources)
    if opaque:
        return dict.fromkeys(sources, f"what {opaque} reads cannot be told")
    there = frozenset(subject.paths)
    reader = next((path for path in subject.survey.readers if path in there), "")
    if reader and subject.name not in _NOT_THEIR_OWN:
        return dict.fromkeys(sources, f"{reader} reads the source of functions")
    marked = dict(subject.survey.sources)
    # Whoever looks for packages by this name does so among his own.
    named = subject.asked.files - {"__init__.py"} | set(subject.survey.files) & {"__init__.py"}
    listed = tuple(
        f"{posixpath.dirname(path)}/"
        for path in subject.survey.listing
        if path in there and "/" in path
    )
    found: dict[str, str] = {}
    for path in sources:
        folder, _, name = path.rpartition("/")
        if path in marked:
            found[path] = f"read while it runs, by {marked[path]}"
        elif name in named:
            found[path] = "code names the file, so it may be opened or started"
        elif path.startswith(listed):
            found[path] = "code beside it looks for files by their ending"
        elif folder and f"{folder}/__init__.py" not in paths:
            found[path] = "its folder is no package, so it may be data"
    return found
