"""Other places that hold a registry's images, and the logins of registries.

Read from the environment, as container tools do.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wideload.errors import WideloadError
from wideload.registry.challenge import Credentials
from wideload.registry.reference import HUB, HUB_API

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.registry.reference import Reference

MIRRORS = "WIDELOAD_REGISTRY_MIRRORS"
"""Variable: ``HOST=OTHER`` pairs with commas between them. An image of HOST is asked of OTHER, a
host or a host and what its repositories begin with, e.g.
``public.ecr.aws=mirror.example.com/aws-public``."""


def mirrored(reference: Reference, environment: Mapping[str, str] = os.environ) -> Reference:
    """Where an image is asked for.

    :raises WideloadError: the variable is not written as it must be.
    """
    for pair in filter(None, environment.get(MIRRORS, "").split(",")):
        host, equals, other = (part.strip() for part in pair.partition("="))
        if not host or not equals or not other:
            raise WideloadError(
                f"{MIRRORS} cannot be read",
                why=f"{pair!r} is no HOST=OTHER",
                hint=f"set it like {MIRRORS}=public.ecr.aws=mirror.example.com/aws-public",
            )
        if reference.host == (HUB_API if host == HUB else host):
            there, _, prefix = other.partition("/")
            name = "/".join(filter(None, (prefix.strip("/"), reference.repository)))
            return msgspec.structs.replace(reference, host=there, repository=name)
    return reference


class _Login(msgspec.Struct):
    auth: str = ""


class _Logins(msgspec.Struct):
    auths: dict[str, _Login] = {}


def login_of(host: str, environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """The name and password that ``docker login`` or ``skopeo login`` left for a registry.

    Such as lie with a helper program are not asked for.
    """
    for path in _files(environment):
        try:
            logins = msgspec.json.decode(path.read_bytes(), type=_Logins).auths
        except (OSError, msgspec.MsgspecError):
            continue
        keys = ["https://index.docker.io/v1/", HUB] if host == HUB_API else []
        for key in (host, f"https://{host}", *keys):
            if key in logins:
                try:
                    pair = base64.b64decode(logins[key].auth, validate=True).decode()
                except (binascii.Error, UnicodeDecodeError):
                    continue
                name, colon, password = pair.partition(":")
                if colon:
                    return Credentials(name, password)
    return None


def _files(environment: Mapping[str, str]) -> list[Path]:
    # https://github.com/containers/image/blob/v5.30.0/docs/containers-auth.json.5.md
    found = []
    if environment.get("REGISTRY_AUTH_FILE"):
        found.append(Path(environment["REGISTRY_AUTH_FILE"]))
    if environment.get("XDG_RUNTIME_DIR"):
        found.append(Path(environment["XDG_RUNTIME_DIR"], "containers", "auth.json"))
    if environment.get("DOCKER_CONFIG"):
        found.append(Path(environment["DOCKER_CONFIG"], "config.json"))
    elif environment.get("HOME"):
        found.append(Path(environment["HOME"], ".docker", "config.json"))
    return found
