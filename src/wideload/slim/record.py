"""The rule `record`: RECORD tells what is shipped, without digests.

``importlib.metadata`` reads it to say what files a distribution has and which modules it
brings. Digests are of no use there, differ from what slimming changed, and do not deflate.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from wideload.slim import bytecode
from wideload.slim.derived import put

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wideload.cache import Cache
    from wideload.slim.parts import Parts
    from wideload.slim.sift import Sieve

RULE = "record/1"
REASON = "lists what is shipped, without digests"


def is_record(path: str) -> bool:
    """Whether this is a distribution's list of its files."""
    folder, _, name = path.partition("/")
    return name == "RECORD" and folder.endswith(".dist-info")


def contents(paths: Iterable[str]) -> bytes:
    """A RECORD of these files, relative to site-packages."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((path, "", "") for path in sorted(paths))
    return text.getvalue().encode()


def rewrite_records(parts: Parts, sieve: Sieve, cache: Cache) -> None:
    """Let each distribution's RECORD list what of it ships, where that is shorter.

    Compiled modules beside their sources are not listed, as installers that compile later
    do not list them either.
    """
    for one in sieve.wheels:
        for entry in one.entries:
            if not is_record(entry.path) or entry.path in one.untouched:
                continue
            shipped = [
                path if path in parts.entries else bytecode.instead(path)
                for path in (file.path for file in one.entries)
            ]
            made = put(entry.path, contents(shipped), cache)
            parts.change(made.entry(entry.path, entry.mode, RULE), RULE, REASON, one.wheel.name)
