"""Images as the Lambda service pulls them: out of the registry, like any other client."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import msgspec

from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.local.boundaries import ImageRefused, PulledImage
from wideload.local.images.tokens import USER, Registry
from wideload.registry.challenge import Credentials
from wideload.registry.http import RegistryHttp
from wideload.registry.reference import Reference
from wideload.registry.repository import Repository
from wideload.rootfs import Roots
from wideload.values.image import LAYERS, MANIFESTS, BadDigestError, ImageManifest, image_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from wideload.local.images.tokens import Tokens
    from wideload.values.image import Descriptor


class Images:
    """An implementation of `wideload.local.boundaries.Images`.

    :param folder: where images are unpacked.
    :param host: asked for when it is needed: where the registry is reached.
    """

    def __init__(self, folder: Path, tokens: Tokens, host: Callable[[], str]) -> None:
        self._roots = Roots(folder)
        self._incoming = Cache(folder / "incoming")
        self._tokens = tokens
        self._host = host

    def find(self, account: str, region: str, uri: str) -> PulledImage:
        """What an image's URI means now.

        :raises ImageRefused: Lambda would not take it.
        """
        try:
            reference = Reference.parse(uri)
        except WideloadError:
            raise _not_valid(uri) from None
        own = (self._host(), f"{account}.dkr.ecr.{region}.amazonaws.com")
        if reference.host not in own:
            raise _not_valid(uri)
        repository = self._repository(account, region, reference.repository)
        try:
            found = repository.find(reference.version)
        except WideloadError as error:
            if "NAME_UNKNOWN" in error.why or "MANIFEST_UNKNOWN" in error.why:
                raise ImageRefused(
                    f"Source image {uri} does not exist. Provide a valid source image."
                ) from None
            raise
        if found.media_type not in MANIFESTS:
            raise _not_supported(uri)
        try:
            data = repository.document(found)
            manifest = msgspec.json.decode(data, type=ImageManifest)
            settings = image_settings(repository.document(manifest.config))
            # Names of files are made of them.
            digests = [layer.sha256 for layer in manifest.layers]
        except (msgspec.MsgspecError, ValueError, BadDigestError):
            raise _not_supported(uri) from None
        if not digests or any(layer.media_type not in LAYERS for layer in manifest.layers):
            raise _not_supported(uri)
        return PulledImage(
            uri=uri,
            resolved_uri=f"{reference.host}/{reference.repository}@{found.digest}",
            repository=reference.repository,
            manifest=found,
            layers=manifest.layers,
            entrypoint=settings.entrypoint or (),
            command=settings.cmd or (),
            working_directory=settings.folder,
            variables=settings.variables,
        )

    def root(self, account: str, region: str, image: PulledImage, most: int) -> Path:
        """The folder that is the image's root; pulls and unpacks what is not there.

        :param most: bytes that it may take uncompressed.
        :raises TooBig: it takes more.
        :raises WideloadError: it cannot be had any more, is damaged, or the disk is full.
        """
        repository = self._repository(account, region, image.repository)

        def opened(layer: Descriptor) -> IO[bytes]:
            path = repository.fetch(layer, self._incoming)
            file = path.open("rb")
            path.unlink()
            return file

        return self._roots.make(image.manifest, image.layers, opened, most)

    def collect(self, needed: Collection[PulledImage], running: Collection[str]) -> None:
        """Delete what is unpacked of other images than these, and than such as run."""
        self._roots.collect([(image.manifest, *image.layers) for image in needed], running)

    def _repository(self, account: str, region: str, name: str) -> Repository:
        password, _ = self._tokens.make(Registry(account, region))
        return Repository(RegistryHttp(self._host(), Credentials(USER, password)), name)


def _not_valid(uri: str) -> ImageRefused:
    return ImageRefused(f"Source image {uri} is not valid. Provide a valid source image.")


def _not_supported(uri: str) -> ImageRefused:
    return ImageRefused(
        f"The image manifest, config or layer media type for the source image {uri} is not "
        "supported."
    )
