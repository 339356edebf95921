"""The rule `tests`: test suites, unless code that ships asks for a file of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wideload.slim.kinds import TEST_FILE, TEST_FOLDERS
from wideload.slim.rules.rule import Drop, Risk, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wideload.slim.survey import Survey


def _folders(paths: Sequence[str]) -> dict[str, bool]:
    """Folders named as tests are, the outermost of each path, and whether tests lie below.

    Only where the way to it can be imported: a template of a project (``{{ name }}/tests``)
    is data.
    """
    found: dict[str, bool] = {}
    for path in paths:
        *parents, name = path.split("/")
        for index, part in enumerate(parents):
            if not part.isidentifier():
                break
            if part in TEST_FOLDERS:
                folder = "/".join(parents[: index + 1])
                is_test = bool(TEST_FILE.fullmatch(name)) or name.startswith("test")
                found[folder] = found.get(folder, False) or (is_test and name.endswith(".py"))
                break
    return found


def candidates(paths: Sequence[str], survey: Survey) -> dict[str, str]:
    """Paths that look like tests, with the folder or the file that makes them look so.

    ``django/test`` holds no test module and stays, as do ``numpy/testing`` and all else that
    merely helps to test.
    """
    packages = {path.rpartition("/")[0] for path in paths if path.endswith((".py", ".so"))}
    suites = {
        folder
        for folder, tested in _folders(paths).items()
        if tested and ("/" not in folder or folder.rpartition("/")[0] in packages)
    }
    modules = set(survey.tests)
    found: dict[str, str] = {}
    for path in paths:
        parts = path.split("/")
        for index in range(1, len(parts)):
            if parts[index - 1] in TEST_FOLDERS:
                folder = "/".join(parts[:index])
                if folder in suites:
                    found[path] = f"{folder}/"
                break
        else:
            if path in modules or parts[-1] == "conftest.py":
                found[path] = path
    return found


def _find(subject: Subject) -> Iterator[Drop]:
    for path, where in candidates(subject.paths, subject.survey).items():
        if path in subject.asked.needed:
            continue
        what = "part of a test suite" if where.endswith("/") else "a module of tests"
        yield Drop(path, f"{what}, and no code that ships asks for it")


RULE = Rule("tests/1", Risk.CHECKED, "test suites inside of packages", _find)
