"""One repository of a registry: what is read of it is held to its digest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from wideload.errors import WideloadError
from wideload.registry.http import RegistryHttp, UnreachableError
from wideload.registry.upload import Upload
from wideload.values.image import (
    IMAGE_BLOBS,
    INDEXES,
    MANIFESTS,
    MOST_DOCUMENT_BYTES,
    BadDigestError,
    Descriptor,
    Image,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    import urllib3

    from wideload.cache import Cache

_ACCEPT = ", ".join(sorted(MANIFESTS | INDEXES))
_CHUNK = 1 << 20
_UPLOADS = 3
"""Times that the upload of a blob is begun."""


class Repository:
    """Reads and writes images.

    :param http: the registry's.
    :param name: of the repository, without host.
    """

    def __init__(self, http: RegistryHttp, name: str) -> None:
        self.http = http
        self.name = name
        self._path = f"/v2/{name}"
        self._known: dict[str, bytes] = {}
        """Documents that were read with the descriptor that names them."""

    def find(self, version: str) -> Descriptor:
        """What a tag stands for now, or the manifest of this digest.

        :raises WideloadError: there is none, or what came has another digest.
        """
        data, media_type = self._manifest(version)
        found = Descriptor(media_type, f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
        if version.startswith("sha256:") and version != found.digest:
            raise self._damaged(version)
        self._known[found.digest] = data
        return found

    def document(self, descriptor: Descriptor) -> bytes:
        """A manifest or a configuration, whole.

        :raises WideloadError: it is not there, or what came has another digest or size.
        """
        sha256 = self._sha256(descriptor)
        if descriptor.digest in self._known:
            return self._known[descriptor.digest]
        if descriptor.size > MOST_DOCUMENT_BYTES:
            raise self._damaged(descriptor.digest)
        if descriptor.media_type in MANIFESTS | INDEXES:
            data, _ = self._manifest(descriptor.digest)
        else:
            data = b"".join(self._blob(descriptor))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise self._damaged(descriptor.digest)
        return data

    def fetch(self, descriptor: Descriptor, cache: Cache) -> Path:
        """A layer, in the cache.

        :raises WideloadError: it is not there, what came has another digest or size, or the
            disk is full.
        """
        sha256 = self._sha256(descriptor)
        kept = cache.verified(IMAGE_BLOBS, sha256)
        if kept:
            return kept
        digest = hashlib.sha256()
        try:
            with cache.partial(IMAGE_BLOBS, sha256) as file:
                for chunk in self._blob(descriptor):
                    digest.update(chunk)
                    file.write(chunk)
                if digest.hexdigest() != sha256:
                    raise self._damaged(descriptor.digest)
        except OSError as error:
            raise WideloadError(
                f"a layer of {self.name} could not be kept",
                why=str(error),
                hint="free disk space, or make the cache writable",
            ) from error
        return cache.path(IMAGE_BLOBS, sha256)

    def tail(self, descriptor: Descriptor, length: int) -> bytes:
        """The last bytes of a blob; of a registry that serves no ranges nothing.

        Of these alone no digest can be checked: what is concluded from them is an estimate.

        :raises WideloadError: the blob is not there.
        """
        self._sha256(descriptor)
        start = max(descriptor.size - length, 0)
        response = self.http.request(
            "GET",
            f"{self._path}/blobs/{descriptor.digest}",
            self._reading,
            headers={"range": f"bytes={start}-{descriptor.size - 1}"},
            accepted=(416,),
        )
        if response.status != 206:
            response.close()
            return b""
        return response.data

    def has(self, descriptor: Descriptor) -> bool:
        """Whether a blob is there already.

        :raises WideloadError: the registry refuses to say.
        """
        response = self.http.request(
            "HEAD",
            f"{self._path}/blobs/{descriptor.digest}",
            # Asked before a push, so that the login is the push's and asked for once.
            self._writing,
            accepted=(404,),
        )
        response.drain_conn()
        return response.status == 200

    def add(
        self,
        descriptor: Descriptor,
        path: Path,
        mount_from: str = "",
        sent: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Put a blob there.

        :param path: of its content.
        :param mount_from: another repository of the registry that has it, so that nothing is
            sent; where it does not have it after all, it is sent.
        :param sent: called with the number of bytes more that have gone.
        :return: bytes that were sent, of the upload that succeeded.
        :raises WideloadError: the registry refuses it, or the content is another.
        """
        return self._sent(
            descriptor, lambda upload: upload.send(descriptor, path, sent), mount_from
        )

    def _sent(
        self, descriptor: Descriptor, send: Callable[[Upload], int], mount_from: str = ""
    ) -> int:
        self._sha256(descriptor)
        query = ""
        if mount_from:
            query = f"?mount={quote(descriptor.digest, safe='')}&from={quote(mount_from, safe='')}"
        for left in reversed(range(_UPLOADS)):
            try:
                response = self.http.request(
                    "POST",
                    f"{self._path}/blobs/uploads/{query}",
                    f"{self._writing} {mount_from}",
                    headers={"content-length": "0"},
                )
                response.drain_conn()
                if response.status == 201:
                    return 0
                return send(Upload(self._write, self.http, response))
            except UnreachableError:
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")

    def put_manifest(self, image: Image, tag: str) -> None:
        """Name an image whose blobs are all there. Until then nobody sees any of it.

        :raises WideloadError: the registry refuses it, or says that it is something else.
        """
        self._put(image.config, image.parsed.config)
        response = self.http.request(
            "PUT",
            f"{self._path}/manifests/{quote(tag, safe=':')}",
            self._writing,
            headers={"content-type": image.descriptor.media_type},
            body=image.manifest,
        )
        response.drain_conn()
        told = response.headers.get("docker-content-digest", image.descriptor.digest)
        if response.status != 201 or told != image.descriptor.digest:
            raise WideloadError(
                f"the registry {self.http.host} did not take the image {self.name}:{tag}",
                why=f"HTTP {response.status}, digest {told}; it is {image.descriptor.digest}",
                hint="push it again",
            )

    def _put(self, data: bytes, descriptor: Descriptor) -> None:
        if not self.has(descriptor):
            self._sent(descriptor, lambda upload: upload.finish(descriptor, data))

    def _write(
        self,
        method: str,
        path: str,
        *,
        accepted: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        return self.http.request(
            method, path, self._writing, accepted=accepted, headers=headers, body=body
        )

    @property
    def _reading(self) -> str:
        return f"pull {self.name}"

    @property
    def _writing(self) -> str:
        return f"push {self.name}"

    def _manifest(self, version: str) -> tuple[bytes, str]:
        response = self.http.request(
            "GET",
            f"{self._path}/manifests/{quote(version, safe=':')}",
            self._reading,
            headers={"accept": _ACCEPT},
        )
        data = response.read(MOST_DOCUMENT_BYTES + 1)
        if len(data) > MOST_DOCUMENT_BYTES:
            response.close()
            raise self._damaged(version)
        response.release_conn()
        media_type = response.headers.get("content-type", "").partition(";")[0].strip()
        return data, media_type

    def _blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        import urllib3  # noqa: PLC0415

        response = self.http.request(
            "GET", f"{self._path}/blobs/{descriptor.digest}", self._reading
        )
        received = 0
        try:
            for chunk in response.stream(_CHUNK):
                received += len(chunk)
                if received > descriptor.size:
                    break
                yield chunk
        except urllib3.exceptions.HTTPError as error:
            raise self.http.unreachable(error) from error
        finally:
            response.close()
        if received != descriptor.size:
            raise self._damaged(descriptor.digest)

    def _sha256(self, descriptor: Descriptor) -> str:
        try:
            return descriptor.sha256
        except BadDigestError as error:
            raise WideloadError(
                f"{self.http.host}/{self.name} names content that cannot be checked",
                why=str(error),
                hint="choose another image",
            ) from error

    def _damaged(self, what: str) -> WideloadError:
        return WideloadError(
            f"{self.http.host}/{self.name} is damaged",
            why=f"what was sent as {what} is something else, or too big",
            hint="try again; if it stays so, choose another image",
        )
