"""Where packages are to lie by hand, as the user writes it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wideload.values.resolution import Wheel
    from wideload.values.split import Place

_PLACES = 'say "function", or the number of a layer, from 1'


def checked_pins(pins: Mapping[str, Place], wheels: Sequence[Wheel]) -> dict[str, Place]:
    """The pins by normalised name.

    :raises WideloadError: there is no such package, or no such place.
    """
    names = {wheel.name for wheel in wheels}
    checked: dict[str, Place] = {}
    for written, place in pins.items():
        name = written if written in names else str(canonicalize_name(written))
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise WideloadError(
                f"{written} is to lie in {_words(place)}, but is not among the function's packages",
                why=f"they are {', '.join(sorted(names)) or 'none'}",
                hint=f"did you mean {near[0]!r}?" if near else "name one of these",
            )
        if isinstance(place, bool) or (place != "function" and not isinstance(place, int)):
            raise WideloadError(f"{written} cannot lie in {place!r}", hint=_PLACES)
        if isinstance(place, int) and place < 1:
            raise WideloadError(f"{written} cannot lie in layer {place}", hint=_PLACES)
        checked[name] = place
    return checked


def _words(place: Place) -> str:
    return "the function" if place == "function" else f"layer {place}"
