"""The documents on disk: JSON files, each replaced whole, all of them also in memory."""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from wideload.errors import WideloadError
from wideload.local.functions.documents import (
    FunctionDocument,
    LayerDocument,
    RetiredNumbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wideload.local.boundaries import PulledImage
    from wideload.local.functions.documents import Version
    from wideload.local.functions.names import Place

T = TypeVar("T", FunctionDocument, LayerDocument, RetiredNumbers)


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a kill at any moment leaves the old or the new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


class Collection(Generic[T]):
    """Documents of one kind by place and name."""

    def __init__(self, folder: Path, kind: type[T]) -> None:
        """Read what lies in `folder`.

        :raises WideloadError: a document is damaged or of another version of wideload.
        """
        self._folder = folder
        self._encoder = msgspec.json.Encoder()
        self._documents: dict[tuple[str, str, str], T] = {}
        decoder = msgspec.json.Decoder(kind)
        for path in sorted(folder.glob("*/*/*.json")):
            if path.name.startswith("."):
                continue
            try:
                document = decoder.decode(path.read_bytes())
            except msgspec.DecodeError as error:
                raise WideloadError(
                    "the state of the embedded AWS cannot be read",
                    why=f"{path}: {error}",
                    hint=f"take {folder.parent} away to start with an empty one",
                ) from error
            self._documents[document.account, document.region, document.name] = document

    def get(self, place: Place, name: str) -> T | None:
        """The document of this name."""
        return self._documents.get((place.account, place.region, name))

    def put(self, document: T) -> None:
        """Write a document in the place of the one of its name."""
        write_whole(self._path(document), self._encoder.encode(document))
        self._documents[document.account, document.region, document.name] = document

    def remove(self, document: T) -> None:
        """Forget the document of this name."""
        with contextlib.suppress(FileNotFoundError):
            self._path(document).unlink()
        self._documents.pop((document.account, document.region, document.name), None)

    def within(self, place: Place) -> list[T]:
        """All documents of a place, by name."""
        found = [
            document
            for (account, region, _), document in self._documents.items()
            if (account, region) == (place.account, place.region)
        ]
        return sorted(found, key=lambda document: document.name)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._documents.values()))

    def _path(self, document: T) -> Path:
        return self._folder / document.account / document.region / f"{document.name}.json"


class Store:
    """All documents. Whoever changes one holds `lock` from reading to writing."""

    def __init__(self, state: Path) -> None:
        self.lock = threading.RLock()
        self.functions = Collection(state / "functions", FunctionDocument)
        self.layers = Collection(state / "layers", LayerDocument)
        self.retired = Collection(state / "retired", RetiredNumbers)

    def referenced(self) -> set[str]:
        """The digests of all packages that a function or a layer still needs."""
        with self.lock:
            digests = {
                code.sha256
                for version in self._needed()
                for code in (
                    version.code,
                    *(layer.code for layer in version.configuration.layers),
                )
            }
            digests.update(
                version.code.sha256 for layer in self.layers for version in layer.versions.values()
            )
        return digests

    def images(self) -> list[PulledImage]:
        """All images that a function still needs."""
        with self.lock:
            return [one.code.image for one in self._needed() if one.code.image is not None]

    def _needed(self) -> Iterator[Version]:
        for function in self.functions:
            yield from function.all_versions()
            if function.serving:
                yield function.serving

    def code_bytes(self, place: Place) -> int:
        """Bytes of zips that count against the region's code storage."""
        with self.lock:
            return sum(
                version.code.size
                for function in self.functions.within(place)
                for version in function.all_versions()
            ) + sum(
                version.code.size
                for layer in self.layers.within(place)
                for version in layer.versions.values()
            )
