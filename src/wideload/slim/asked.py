"""What the code that ships asks for: mentions followed until nothing new is found.

A test module that shipped code imports is kept, with what it imports in turn; a folder that
code opens by path is kept whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.kinds import is_sensitive
from wideload.slim.rules.rule import Asked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from wideload.slim.mentions import Mention
    from wideload.slim.survey import Survey

_EXTENSIONS = (".so", ".pyc")


def _module_files(paths: Iterable[str]) -> dict[str, list[str]]:
    """Candidate files by the dotted name under which they are imported."""
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        stem, _, ending = name.partition(".")
        if ending == "py" or name.endswith(_EXTENSIONS):
            package = folder.replace("/", ".")
            dotted = package if stem == "__init__" else f"{package}.{stem}".lstrip(".")
            found.setdefault(dotted, []).append(path)
    return found


def _ancestors(path: str) -> list[str]:
    """Folders that hold a file, the root as an empty name, each ending in ``/``."""
    parts = path.split("/")[:-1]
    return ["", *("/".join(parts[: index + 1]) + "/" for index in range(len(parts)))]


class _Follower:
    def __init__(self, mentions: Iterable[Mention], where: Mapping[str, str]) -> None:
        self._where = where
        self._modules = _module_files(where)
        self._folders: dict[str, list[str]] = {}
        for path in where:
            for folder in _ancestors(path)[1:]:
                if is_sensitive(folder.rstrip("/")):
                    self._folders.setdefault(folder, []).append(path)
        self._mentions = {mention.path: mention for mention in mentions}
        self.needed: set[str] = set()
        self.files: set[str] = set()

    def run(self) -> None:
        todo = [mention for path, mention in self._mentions.items() if path not in self._where]
        while todo:
            mention = todo.pop()
            self.files.update(mention.files)
            for path in self._wanted(mention):
                if path in self.needed:
                    continue
                self.needed.add(path)
                follow = self._mentions.get(path)
                if follow is None:
                    continue
                todo.append(follow)
                if follow.near:
                    self._take_folder(self._where[path], todo)

    def _take_folder(self, folder: str, todo: list[Mention]) -> None:
        for path in self._folders.get(folder, ()):
            if path not in self.needed:
                self.needed.add(path)
                if path in self._mentions:
                    todo.append(self._mentions[path])

    def _wanted(self, mention: Mention) -> Iterable[str]:
        for dotted in mention.modules:
            parts = dotted.split(".")
            for index in range(1, len(parts) + 1):
                yield from self._modules.get(".".join(parts[:index]), ())
        for path in mention.folders:
            parts = path.split("/")
            sensitive = (i for i, part in enumerate(parts) if is_sensitive(part.partition(".")[0]))
            until = next(sensitive, None)
            if until is None:  # such as "x/name.test", which no rule would drop
                continue
            below = "/".join(parts[: until + 1])
            # A file of a package does not look beside the package for a bare "tests".
            inside = until == 0 and "/" in mention.path
            for folder in _ancestors(mention.path)[1 if inside else 0 :]:
                yield from self._folders.get(f"{folder}{below}/", ())
                if f"{folder}{below}" in self._where:
                    yield f"{folder}{below}"


def asked_for(
    surveys: Collection[Survey],
    candidates: Mapping[str, str],
    *,
    sources: Collection[str],
    sdk: Iterable[Survey],
    compiler: str = "",
) -> Asked:
    """What all this code asks for.

    :param surveys: of every wheel that ships and of the function's own files.
    :param candidates: paths that a rule would drop were they not asked for, each with the
        folder (``…/``) or file that it goes with.
    :param sources: paths of all Python sources.
    :param sdk: those of the surveys whose use of AWS counts: not the SDK's own.
    :param compiler: what may read the headers of any package, if anything.
    """
    mentions = [mention for survey in surveys for mention in survey.mentions]
    follower = _Follower(mentions, candidates)
    follower.run()
    callers = list(sdk)
    uses = [survey.sdk for survey in callers]
    unknown = [use.unknown for use in uses if use.unknown]
    unknown += [path for survey in callers if (path := survey.opaque(sources))]
    return Asked(
        needed=frozenset(follower.needed),
        files=frozenset(name for survey in surveys for name in survey.files) | follower.files,
        sources=frozenset(sources),
        compiler=compiler,
        services=frozenset(service for use in uses for service in use.services),
        services_unknown=next(iter(unknown), ""),
    )
