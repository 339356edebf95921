"""What the function's zip knows of the bundle."""

# ruff: noqa: PTH123 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import base64
import json

from .trouble import BundleError

FORMAT, FORMAT_WITH_COLD = 1, 3
DIGEST = 32


class Index:
    """The index of a bundle, see docs/reference/bundle-format.md.

    :ivar frames: for each offset, length, sha256, length and sha256 of the content.
    :ivar files: for each path, frame, offset, size, mode, unit.
    :ivar units: for each the frames that must be there before a module of it is run.
    :ivar has_cold: whether the bundle is of the format that may have cold frames.
    :ivar hot: how many of the frames, the first ones, are fetched at start.
    """

    def __init__(self, data: bytes) -> None:
        read = json.loads(data)
        if read["format"] not in (FORMAT, FORMAT_WITH_COLD):
            raise BundleError(
                f"the bundle's format is {read['format']}, this loader's are {FORMAT} and "
                f"{FORMAT_WITH_COLD}",
                hint="build and deploy the function again",
            )
        self.sha256: str = read["sha256"]
        self.size: int = read["size"]
        self.part: int = read["part"]
        self.tmp_bytes: int = read["tmp_bytes"]
        self.frames: list[tuple[int, int, str, int, str]] = [tuple(one) for one in read["frames"]]
        self.files: list[tuple[str, int, int, int, int, int]] = [
            tuple(one) for one in read["files"]
        ]
        self.units: list[list[int]] = read["units"]
        self.own: list[str] = read["own"]
        self.first: list[int] = read["first"]
        self.has_cold = read["format"] == FORMAT_WITH_COLD
        self.hot: int = read["hot"] if self.has_cold else len(self.frames)
        self._digests: str = read["digests"]

    @classmethod
    def read(cls, home: str) -> Index:
        """The index that lies in the loader's folder."""
        with open(f"{home}/index.json", "rb") as file:
            return cls(file.read())

    def digests(self) -> list[bytes]:
        """SHA-256 of each file, in their order."""
        data = base64.b64decode(self._digests)
        return [data[at : at + DIGEST] for at in range(0, len(data), DIGEST)]

    def stretches(self) -> list[list[tuple[int, int, int]]]:
        """For each frame what of which files lies in it: file, start in the file, length."""
        found: list[list[tuple[int, int, int]]] = [[] for _ in self.frames]
        for number, (_, first, begins, size, _, _) in enumerate(self.files):
            frame, offset, at = first, begins, 0
            while True:
                length = min(size - at, self.frames[frame][3] - offset)
                found[frame].append((number, at, length))
                at += length
                if at == size:
                    break
                frame, offset = frame + 1, 0
        return found
