"""The files of a build, taken only if they are still what the manifest says."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from wideload.errors import WideloadError

if TYPE_CHECKING:
    from pathlib import Path


def check(path: Path, sha256: str, size: int) -> None:
    """Make sure that a file is the one that was built.

    :raises WideloadError: it is not, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
            length = file.tell()
    except OSError as error:
        raise WideloadError(
            f"{path.name} of the build cannot be read",
            why=str(error),
            hint="build again, then deploy",
        ) from error
    if (actual, length) != (sha256, size):
        raise WideloadError(
            f"{path.name} is not what was built",
            why=f"the manifest says sha256 {sha256}, {size} bytes; it is {actual}, {length} bytes",
            hint="build again, then deploy",
        )
