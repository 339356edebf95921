"""Reading files of the user's own, held to what they were when the function was read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from wideload.values.tree import LocalFile


def read_unchanged(name: str, origin: LocalFile) -> bytes:
    """The content of a file.

    :param name: what messages call it.
    :raises WideloadError: it cannot be read, or changed since.
    """
    try:
        data = Path(origin.path).read_bytes()
    except OSError as error:
        raise WideloadError(f"{name} cannot be read", why=str(error)) from error
    if hashlib.sha256(data).hexdigest() != origin.sha256:
        raise WideloadError(
            f"{name} changed while it was being packed",
            why="its content is another than when the build began",
            hint="build again",
        )
    return data
