"""Where a profile lies, and how it is read and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wideload.cache import write_atomically
from wideload.errors import WideloadError
from wideload.values.function import Function, NoRequirements
from wideload.values.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wideload.values.target import Target


def profile_path(function: Function) -> Path:
    """``NAME.profile.json`` beside the requirements, else in the function's folder."""
    if isinstance(function.requirements, NoRequirements):
        folder = Path(function.source)
    else:
        folder = Path(function.requirements.path).parent
    return folder / f"{function.name}.profile.json"


def write_profile(path: Path, profile: Profile) -> bool:
    """Write it, whole or not at all. Returns whether anything is other than before."""
    data = profile.encode()
    try:
        if path.read_bytes() == data:
            return False
    except OSError:
        pass
    write_atomically(path, data)
    return True


def read_profile(path: Path, target: Target, packages: Iterable[str]) -> Profile:
    """The profile of a function, being about what is packed now.

    :param packages: ``name==version`` of all wheels that are packed.
    :raises WideloadError: it is not there, cannot be read, or is of other packages.
    """
    return checked(read_bytes(path), path, target, packages)


def read_bytes(path: Path) -> bytes:
    """A profile as it lies on the disk.

    :raises WideloadError: it is not there, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WideloadError(
            "nothing is known of what the function uses",
            why=f"{path} is not there",
            hint="run `wideload trace` and commit what it writes",
        ) from None
    except OSError as error:
        raise WideloadError(f"{path} cannot be read", why=str(error)) from error


def checked(data: bytes, path: Path, target: Target, packages: Iterable[str]) -> Profile:
    """The profile that these bytes are, being about what is packed now.

    :param path: where it lies, for messages.
    :param packages: ``name==version`` of all wheels that are packed.
    :raises WideloadError: it is no profile, or is of other packages.
    """
    profile = Profile.decode(data, str(path))
    reasons = profile.outdated_by(target, packages)
    if reasons:
        raise WideloadError(
            f"{path} is of other packages than are packed now",
            why="; ".join(reasons),
            hint="run `wideload trace` again and commit what it writes",
        )
    return profile
