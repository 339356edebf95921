"""Which files of a function's folder are not packed.

Four rules, the later ones stronger:

1. Never packed, whatever a pattern says: version control (.git, .hg, .svn), virtual
   environments (.venv, venv, and any folder with a pyvenv.cfg) and wideload's own .wideload.
2. Left out unless asked for: byte-code, caches and editors' folders, what other deployment
   tools leave behind, node_modules (what a function needs of npm's packages is installed anew
   for its target), and the top-level folders tests and test with their conftest.py. Also what
   is only input of a build, where it lies at the top of the folder: the configuration, the
   requirements and locks that were read, pyproject.toml, .gitignore. All else is packed
   (README, JSON, a tests folder further down): a handler might read it.
3. ``.wideloadignore`` at the top of the folder, in the syntax of a .gitignore, where ``!``
   takes back what rule 2 or an earlier line left out, then the key ``exclude``.
4. The key ``include`` takes back what rules 2 and 3 left out.

Other than with git, ``include`` reaches into a folder that is left out as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pathspec

from wideload.errors import WideloadError
from wideload.source.toml import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

IGNORE_NAME = ".wideloadignore"

_NEVER = (".git", ".hg", ".svn", ".venv/", "venv/", ".wideload/")
_DEFAULTS = (
    *("__pycache__/", "*.pyc", "*.pyo", "*.egg-info/"),
    *(".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".hypothesis/", ".tox/", ".nox/"),
    *(".ipynb_checkpoints/", ".coverage", ".DS_Store", "Thumbs.db", ".idea/", ".vscode/"),
    *(".aws-sam/", ".serverless/", ".chalice/deployments/", "node_modules/"),
)
_TESTS = ("/tests/", "/test/", "conftest.py")
_BUILD_INPUTS = (
    *("/wideload.toml", f"/{IGNORE_NAME}", "/.gitignore", "/.gitattributes", "/.python-version"),
    *("/requirements.txt", "/pyproject.toml", "/pylock.toml", "/pylock.*.toml"),
    *("/uv.lock", "/poetry.lock", "/Pipfile", "/Pipfile.lock", "/*.profile.json"),
    *("/package-lock.json", "/npm-shrinkwrap.json", "/*.split.json"),
    "/layers.lock.toml",
)


class Rules:
    """The rules of one function's folder. Paths are relative to it, with ``/``."""

    def __init__(
        self,
        *,
        ignore: Iterable[str] = (),
        exclude: Iterable[str] = (),
        include: Iterable[str] = (),
        tests: bool = False,
        inputs: Iterable[str] = (),
    ) -> None:
        """Put the rules together.

        :param ignore: lines of the .wideloadignore.
        :param inputs: paths of files that only the build reads, besides those known by name.
        :raises WideloadError: a pattern is none.
        """
        self._never = _patterns(_NEVER, "")
        by_default = (*_DEFAULTS, *(() if tests else _TESTS), *_BUILD_INPUTS)
        left_out = (
            *_patterns(by_default, "").patterns,
            *_patterns((f"/{_escaped(path)}" for path in inputs), "").patterns,
            *_patterns(ignore, f"in {IGNORE_NAME}").patterns,
            *_patterns(exclude, "of the key 'exclude'").patterns,
        )
        self._latest_first = left_out[::-1]
        self._include = _patterns(include, "of the key 'include'")

    def never(self, path: str) -> bool:
        """Whether this is never packed. A folder's path ends with ``/``."""
        return self._never.match_file(path)

    def leaves_out(self, path: str) -> bool:
        """Whether a pattern leaves this out, not looking at the folders above it.

        A folder's path ends with ``/``. As in git the last pattern that matches decides.
        """
        for pattern in self._latest_first:
            if pattern.include is not None and _matches(pattern, path):
                return pattern.include
        return False

    def includes(self, path: str) -> bool:
        """Whether this is packed although it is left out."""
        return self._include.match_file(path)

    @property
    def may_include(self) -> bool:
        """Whether it pays to look into folders that are left out."""
        return bool(len(self._include))


def read_ignore_file(folder: Path) -> list[str]:
    """The lines of a folder's .wideloadignore; none where there is no such file.

    :raises WideloadError: it cannot be read.
    """
    path = folder / IGNORE_NAME
    return read_text(path).splitlines() if path.exists() else []


def _patterns(lines: Iterable[str], where: str) -> pathspec.GitIgnoreSpec:
    checked = list(lines)
    for number, line in enumerate(checked, 1):
        try:
            pathspec.GitIgnoreSpec.from_lines([line])
        except ValueError:
            raise WideloadError(
                f"bad pattern {line!r} {where}",
                why=f"entry {number} is not in the syntax of a .gitignore",
                hint="a pattern is a path with * ? [] and **, like data/*.bin",
            ) from None
    return pathspec.GitIgnoreSpec.from_lines(checked)


def _matches(pattern: pathspec.RegexPattern, path: str) -> bool:
    """Whether a pattern matches this very path.

    pathspec lets a pattern match all below what it names, since it is given files alone. Git
    goes down folder by folder, so that ``!b`` takes back b and not what another line leaves
    out in it.
    """
    text = str(pattern.pattern).removeprefix("!").rstrip()
    if text.endswith("/") and not path.endswith("/"):
        return False
    text = text.rstrip("/")
    if "/" not in text:
        folder = "/" if path.endswith("/") else ""
        return pattern.match_file(path.rstrip("/").rpartition("/")[2] + folder) is not None
    found = pattern.match_file(path)
    if found is None:
        return False
    if text.endswith("/**"):
        # All below a folder, but not the folder.
        return text == "/**" or found.match.end() < len(path)
    return bool(found.match.end() == len(path))


def _escaped(path: str) -> str:
    return "".join("\\" + char if char in "*?[]!#\\ " else char for char in path)
