"""The base of a function's image: asked for once by its name, from then on by its digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from wideload.build.image.base import read_base
from wideload.build.image.lock import PinnedBase, pin_base, pinned_base
from wideload.build.image.predicted import base_bytes
from wideload.registry.http import RegistryHttp
from wideload.registry.mirrors import login_of, mirrored
from wideload.registry.reference import Reference
from wideload.registry.repository import Repository
from wideload.values.image import OCI_MANIFEST, BaseImage, Descriptor, ImageManifest
from wideload.values.target import Family

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wideload.cache import Cache
    from wideload.values.target import Target

_DOCUMENTS = "image-documents"


def default_base(target: Target) -> str:
    """The image that AWS publishes for a runtime."""
    match target.family:
        case Family.PYTHON:
            language, version = "python", target.runtime.removeprefix("python")
        case Family.NODE:
            language, version = "nodejs", str(target.node)
        case Family.PROVIDED:
            language, _, version = target.runtime.partition(".")
    return f"public.ecr.aws/lambda/{language}:{version}"


class Based(msgspec.Struct, frozen=True):
    """A base that is known, and where it is fetched from."""

    base: BaseImage
    pinned: PinnedBase
    repository: Repository

    def blob(self, layer: Descriptor, cache: Cache) -> Path:
        """Where a layer of it lies, fetched if need be.

        :raises WideloadError: it cannot be had.
        """
        return self.repository.fetch(layer, cache)


class _Kept:
    """Documents of a repository, which are what their digest says for ever."""

    def __init__(self, repository: Repository, cache: Cache) -> None:
        self._repository = repository
        self._cache = cache

    def document(self, descriptor: Descriptor) -> bytes:
        kept = self._cache.verified(_DOCUMENTS, descriptor.sha256)
        if kept is not None:
            return kept.read_bytes()
        data = self._repository.document(descriptor)
        with self._cache.partial(_DOCUMENTS, descriptor.sha256) as file:
            file.write(data)
        return data


def _known(digest: str, cache: Cache) -> Descriptor | None:
    """What names a manifest that was read before."""
    kept = cache.verified(_DOCUMENTS, digest.removeprefix("sha256:"))
    if kept is None:
        return None
    data = kept.read_bytes()
    media_type = msgspec.json.decode(data, type=ImageManifest).media_type or OCI_MANIFEST
    return Descriptor(media_type, digest, len(data))


def find_base(
    reference: str,
    target: Target,
    lock: Path,
    cache: Cache,
    *,
    upgrade: bool = False,
    hasty: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Based:
    """The base that a reference means: what it was when it was recorded, else what it is now.

    Nobody is asked for what was recorded and was read before.

    :param lock: the project's record, which is written when there is anything new.
    :param upgrade: ask for it anew.
    :param hasty: give up soon on a registry that does not answer.
    :raises WideloadError: it cannot be had, nothing can be built on it, or it cannot be recorded.
    """
    asked = Reference.parse(reference)
    there = mirrored(asked)
    http = RegistryHttp(there.host, login_of(there.host), hasty=hasty)
    repository = Repository(http, there.repository)
    documents = _Kept(repository, cache)
    recorded = pinned_base(lock, reference, target.architecture)
    if recorded is not None and not upgrade:
        found = _known(recorded.digest, cache) or repository.find(recorded.digest)
        base = read_base(reference, found, documents, target)
        return Based(base, recorded, repository)
    base = read_base(reference, repository.find(there.version), documents, target)
    pinned = PinnedBase(
        reference=reference,
        architecture=target.architecture,
        digest=base.digest,
        layers=len(base.manifest.layers),
        unzipped_bytes=base_bytes(base, repository.tail),
    )
    if pin_base(lock, pinned):
        tell(f"{reference} is {base.digest}, as {lock.name} says from now on; commit it")
    return Based(base, pinned, repository)
