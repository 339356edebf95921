"""Miniature layers of others, and somebody who knows them as AWS does."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from wheel_maker import Made, members_of
from wideload.errors import WideloadError
from wideload.values.attached import PublishedLayer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_index import LocalIndex

OWNER = "arn:aws:lambda:us-east-1:111122223333:layer"


def layer_zip(
    *wheels: Made,
    root: str = "python",
    files: Mapping[str, bytes | str] | None = None,
    without: Sequence[str] = (),
) -> bytes:
    """The zip of a layer that wheels were installed into.

    :param files: others, by their path in the layer.
    :param without: endings of files that its maker left out.
    """
    laid: dict[str, bytes | str] = {
        f"{root}/{path}": data for one in wheels for path, data in members_of(one).items()
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("python/", b"")
        for path, data in sorted({**laid, **(files or {})}.items()):
            if not path.endswith(tuple(without)) or not without:
                archive.writestr(zipfile.ZipInfo(path), data)
    return out.getvalue()


class Shelf:
    """A `LayerSource`: what was published, served by the index on loopback."""

    def __init__(self, index: LocalIndex) -> None:
        self._index = index
        self.layers: dict[str, PublishedLayer] = {}
        self.asked: list[str] = []
        self.unreachable = False

    def publish(
        self,
        name: str,
        data: bytes,
        *,
        version: int = 1,
        runtimes: tuple[str, ...] = (),
        architectures: tuple[str, ...] = (),
    ) -> str:
        """The ARN of a layer version, which may be there already in another form."""
        made = Made(f"{name}-{version}.zip", data)
        self._index.add(made)
        arn = f"{OWNER}:{name}:{version}"
        self.layers[arn] = PublishedLayer(
            arn, made.sha256, len(data), runtimes, architectures, self._index.file_url(made)
        )
        return arn

    def sent_of(self, arn: str) -> int:
        """Bytes of its zip that were sent."""
        return sum(
            size
            for path, size in self._index.sent.items()
            if self.layers[arn].location.endswith(path)
        )

    def describe(self, arn: str) -> PublishedLayer:
        self.asked.append(arn)
        if self.unreachable or arn not in self.layers:
            raise WideloadError(f"layer {arn} cannot be read", why="nobody answers")
        return self.layers[arn]

    def latest(self, layer: str) -> str:
        return max(arn for arn in self.layers if arn.startswith(f"{layer}:"))
