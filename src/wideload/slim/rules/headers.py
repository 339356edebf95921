"""The rule `headers`: what lies in ``include/`` to be compiled against.

The rule `sources` leaves all headers of a package alone whose code composes names of headers,
wherever they lie. Code that composes names writes such files more often than it reads them,
and headers in an ``include`` folder are only reached by way of that folder. So here it counts
where one file does both: composes names, and speaks of the folder.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from wideload.slim.compilers import why_compiles
from wideload.slim.kinds import HEADERS_FOLDER, INCLUDED_ENDINGS, SOURCE_ENDINGS
from wideload.slim.rules.rule import Drop, Risk, Rule, Subject
from wideload.slim.rules.sources import composed_endings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ENDINGS = (*SOURCE_ENDINGS, *INCLUDED_ENDINGS)
_CODE = (".py", ".so")
_ONLY_WRITES = frozenset(
    {"intel-tensorflow", "tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws"}
    | {"tensorflow-intel", "tf-nightly", "tf-nightly-cpu"}
)
"""Distributions whose code does both, and reads nothing there all the same: TensorFlow's
`saved_model_cli aot_compile_cpu` writes a header, and a makefile that names the folder."""


def _folders(paths: Sequence[str]) -> frozenset[str]:
    """Folders of headers, the outermost of each path, ending in ``/``.

    One that holds Python or libraries is a package that happens to have the name.
    """
    found: set[str] = set()
    packages: set[str] = set()
    for path in paths:
        head, folder, _ = f"/{path}".partition(f"/{HEADERS_FOLDER}/")
        if folder:
            where = f"{head}{folder}"[1:]
            found.add(where)
            if path.endswith(_CODE):
                packages.add(where)
    return frozenset(found - packages)


def _find(subject: Subject) -> Iterator[Drop]:
    if why_compiles(subject.name) or subject.asked.compiler:
        return
    reads = subject.survey.headers and subject.name not in _ONLY_WRITES
    composed = tuple(composed_endings(subject.survey.files)) if reads else ()
    folders = tuple(_folders(subject.paths))
    for path in subject.paths:
        name = posixpath.basename(path)
        if not path.startswith(folders) or name in subject.asked.files or name.endswith(composed):
            continue
        ending = next((end for end in _ENDINGS if name.endswith(end)), None)
        if ending and len(name) > len(ending):
            yield Drop(
                path,
                f"{HEADERS_FOLDER}/ is for compiling against the package, and Lambda has no "
                "compiler",
            )


RULE = Rule("headers/1", Risk.CHECKED, "headers to compile against", _find)
