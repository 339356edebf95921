"""Names of images: ``host[:port]/repository[:tag][@digest]``."""

from __future__ import annotations

import re
from typing import Self

import msgspec

from wideload.errors import WideloadError

# https://github.com/distribution/reference/blob/v0.6.0/regexp.go
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST_REPOSITORY = 255

HUB = "docker.io"
"""The registry of names without a host."""
HUB_API = "registry-1.docker.io"
"""Where Docker Hub's images really are asked for."""


class Reference(msgspec.Struct, frozen=True):
    """An image in a registry."""

    host: str
    """With its port where one is named."""
    repository: str
    tag: str = ""
    digest: str = ""
    """Where there is one, the tag is only for people."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """An image's name as `docker pull` takes it.

        Without a host it is Docker Hub's; without tag and digest its tag is ``latest``.

        :raises WideloadError: it is no such name.
        """
        rest, at, digest = text.partition("@")
        first, slash, more = rest.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            host, rest = first, more
        else:
            host = HUB
        repository, colon, tag = rest.partition(":")
        if host == HUB:
            host = HUB_API
            repository = repository if "/" in repository else f"library/{repository}"
        if (
            not _HOST.fullmatch(host)
            or not _REPOSITORY.fullmatch(repository)
            or len(repository) > _LONGEST_REPOSITORY
            or (colon and not _TAG.fullmatch(tag))
            or (at and not _DIGEST.fullmatch(digest))
        ):
            raise WideloadError(
                f"{text!r} names no image",
                hint="name one as HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST",
            )
        return cls(host, repository, tag or ("" if digest else "latest"), digest)

    @property
    def version(self) -> str:
        """What the registry is asked for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.repository}{tag}{digest}"
