"""What an image will take uncompressed, before anything of it is made or sent."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from wideload.build.image.tarball import tar_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wideload.build.image.layering import LayerPlan
    from wideload.values.image import BaseImage, Descriptor

TAIL = 4
"""Bytes at the end of a layer that its size is read from."""

_SIZE = struct.Struct("<I")
_WRAP = 1 << 32
# Deflate adds the headers of stored blocks at most, gzip some bytes and perhaps a file's name.
_SMALLEST_SHARE = 0.99
_GZIP = 1024


def layer_bytes(layer: Descriptor, tail: bytes) -> int:
    """What a layer in gzip takes uncompressed, by its last four bytes.

    gzip says it modulo 4 GiB, so a layer that is deflated to less than its size less 4 GiB is
    taken for a smaller one; so is one of several gzip members.

    :param tail: its end; where there is none, what it takes compressed is all that is known.
    """
    least = int((layer.size - _GZIP) * _SMALLEST_SHARE)
    if len(tail) < TAIL:
        return max(least, 0)
    size: int = _SIZE.unpack(tail[-TAIL:])[0]
    while size < least:
        size += _WRAP
    return size


def base_bytes(base: BaseImage, tail: Callable[[Descriptor, int], bytes]) -> int:
    """What a base takes uncompressed, of which only the ends of its layers are read.

    :param tail: the last bytes of a layer, as many as are asked for.
    """
    return sum(layer_bytes(one, tail(one, TAIL)) for one in base.manifest.layers)


def own_bytes(plans: Iterable[LayerPlan]) -> int:
    """What a function's own layers take uncompressed, to the byte."""
    return sum(tar_bytes(plan.entries) for plan in plans)
