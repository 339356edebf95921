"""Slims heavy and much-used packages, and shows that each does what it did before.

    python bench/corpus/run.py [--only NAME …] [--again] [--x86-only] [--table]

Each package of packages.toml is resolved for python3.13, slimmed with ``slim = "safe"`` and
unpacked. In the sandbox its file in uses/ is run, every module imported that ships, and all
metadata read: as the package comes, with compiled modules in the place of sources, and
beside them. The answers must be the same. For arm64 each library that was laid anew is held to
what it was, byte by byte. What was found is kept below the cache, and a package is run again when
its use or the content of what ships changed. At the end docs/reference/corpus.md is written.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from typing import TYPE_CHECKING

from corpus_entries import read_entries
from corpus_holding import Corpus
from corpus_table import DOCUMENT, page

from wideload.cache import default_root, write_atomically
from wideload.errors import WideloadError

if TYPE_CHECKING:
    from corpus_entries import Entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these packages alone")
    parser.add_argument("--again", action="store_true", help="even where nothing changed")
    parser.add_argument("--x86-only", action="store_true", help="do not look at arm64")
    parser.add_argument("--table", action="store_true", help="only write the table")
    chosen = parser.parse_args()
    entries = read_entries()
    corpus = Corpus(default_root() / "corpus", entries)
    unknown = set(chosen.only or ()) - {entry.name for entry in entries}
    if unknown:
        sys.exit(f"not in packages.toml: {', '.join(sorted(unknown))}")
    failed = False
    for entry in () if chosen.table else entries:
        if chosen.only is None or entry.name in chosen.only:
            failed |= not _told(corpus, entry, chosen)
    text = page(entries, corpus.results)
    if text is None:
        print("not every package was run: the table is left as it is", file=sys.stderr)
    elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
        write_atomically(DOCUMENT, text.encode())
        print(f"wrote {DOCUMENT.name}")
    sys.exit(1 if failed else 0)


def _told(corpus: Corpus, entry: Entry, chosen: argparse.Namespace) -> bool:
    """Run a package and say what came of it; whether all is well."""
    try:
        ran = corpus.run(entry, again=chosen.again)
        size = f"{ran.raw.unzipped / 1e6:.1f} to {ran.sourceless.unzipped / 1e6:.1f} MB"
        took = f"{ran.modules} modules, {size}, {ran.seconds:.0f} s"
        print(f"{entry.name} {ran.version}: {ran.outcome}, {took}", flush=True)
        troubles = list(ran.troubles)
        if not chosen.x86_only:
            checked = corpus.check(entry, again=chosen.again)
            troubles += [f"arm64: {one}" for one in (checked.troubles if checked else ())]
    except WideloadError as error:
        troubles = [f"{error.what}: {error.why}"]
    except Exception:  # the others are run all the same
        troubles = [traceback.format_exc()]
    for trouble in troubles:
        print(f"{entry.name}: {trouble}", flush=True)
    return not troubles


if __name__ == "__main__":
    main()
