"""Miniature projects on disk, and the pipeline over them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from wideload.pipeline import Pipeline
from wideload.prepared import Built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from wideload.cache import Cache

APP = "def handler(event, context):\n    return event\n"


class Listener:
    """A narrator that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.fetched = 0
        self.announced: dict[str, int] = {}

    def tell(self, line: str) -> None:
        self.lines.append(line)

    @contextlib.contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        self.announced[what] = total

        def count(more: int) -> None:
            self.fetched += more

        yield count


class ProjectMaker:
    """Writes projects of one function each below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(
        self,
        name: str = "shop",
        requirements: str | None = None,
        *,
        runtime: str = "python3.13",
        architecture: str = "x86_64",
        slim: bool = False,
        more: str = "",
        files: Mapping[str, str | bytes] | None = None,
        folder: str = "",
    ) -> Path:
        """A project whose only function lies beside its configuration.

        :param requirements: text of requirements.txt; without it the function needs nothing.
        :param slim: whether slimming applies; without it all of the wheels is packed.
        :param more: lines of the function's table.
        """
        root = self.folder / (folder or name)
        root.mkdir(parents=True, exist_ok=True)
        lines = [
            f"[functions.{name}]",
            'handler = "app.handler"',
            f'runtime = "{runtime}"',
            f'architecture = "{architecture}"',
        ]
        if not slim:
            lines.append('slim = "none"')
        if requirements is None and "requirements" not in more:
            lines.append('requirements = ""')
        (root / "wideload.toml").write_text("\n".join([*lines, more, ""]), encoding="utf-8")
        if requirements is not None:
            (root / "requirements.txt").write_text(requirements, encoding="utf-8")
        for path, content in {"app.py": APP, **(files or {})}.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return root


def built(root: Path, cache: Cache, name: str | None = None, *, upgrade: bool = False) -> Built:
    """What `wideload build` does."""
    pipeline = Pipeline(Listener(), cache)
    return pipeline.build(pipeline.source(name, root), upgrade=upgrade)
