"""``NAME.split.json``: in which layer each package lies, to be committed.

With it the next split starts from the last one, on any machine, so that a new version of one
package republishes the layer that holds it and no other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.values.function import Function, NoRequirements
from wideload.values.split import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCHEMA = 1


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    places: dict[str, Place]


def places_path(function: Function) -> Path:
    """``NAME.split.json`` beside the requirements, else in the function's folder."""
    if isinstance(function.requirements, NoRequirements):
        folder = Path(function.source)
    else:
        folder = Path(function.requirements.path).parent
    return folder / f"{function.name}.split.json"


def read_places(path: Path) -> dict[str, Place]:
    """Where packages lay when the function was last built with layers; nothing if it never was.

    :raises WideloadError: the file cannot be read, or is not as it was written.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
        if found.schema != _SCHEMA:
            raise msgspec.ValidationError(f"its schema is {found.schema}, known is {_SCHEMA}")
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WideloadError(
            f"{path} cannot be read",
            why=str(error),
            hint="restore it, or delete it: then the packages are placed anew",
        ) from error
    return found.places


def write_places(path: Path, places: Mapping[str, Place]) -> bool:
    """Write it, whole or not at all. Returns whether anything is other than before."""
    document = _File(_SCHEMA, dict(sorted(places.items())))
    data = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
    try:
        if path.read_bytes() == data:
            return False
    except OSError:
        pass
    write_atomically(path, data)
    return True
