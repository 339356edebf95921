"""Which of a package's files the target takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from packaging.tags import Tag

    from wideload.values.target import Target


def ranking(target: Target) -> Mapping[Tag, int]:
    """Each tag that loads on the target with its rank, 0 the most specific."""
    return {tag: rank for rank, tag in enumerate(target.tags())}


def best_wheel(filenames: Iterable[str], ranks: Mapping[Tag, int]) -> str | None:
    """The wheel that pip would take: the most specific tag, then the highest build number."""
    best: tuple[int, tuple[int, str], str] | None = None
    chosen = None
    for filename in filenames:
        try:
            _, _, build, tags = parse_wheel_filename(filename)
        except InvalidWheelFilename:
            continue
        rank = min((ranks[tag] for tag in tags if tag in ranks), default=None)
        if rank is None:
            continue
        number = build or (0, "")
        key = (-rank, number, filename)
        if best is None or key > best:
            best, chosen = key, filename
    return chosen


def no_wheel(name: str, version: str, filenames: Iterable[str], target: Target) -> WideloadError:
    """The error for a package none of whose wheels load on the target."""
    tags = sorted({filename.removesuffix(".whl").split("-", 2)[-1] for filename in filenames})
    shown = ", ".join(tags[:6]) + (f" and {len(tags) - 6} more" if len(tags) > 6 else "")
    major, minor = target.glibc
    return WideloadError(
        f"{name} {version} has no wheel for {target.runtime} on {target.architecture}",
        why=(
            f"the runtime loads cp{target.python[0]}{target.python[1]} or abi3 wheels for glibc "
            f"up to {major}.{minor} ({target.architecture.machine}); there are: {shown or 'none'}"
        ),
        hint="relax the version so that another release can be taken, or choose another runtime",
    )
