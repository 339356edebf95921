from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import uv
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from source_projects import LOCKS, refuses, selection, write_file

from wideload.source.locks import check_python
from wideload.source.pipfile_lock import pipfile_hash, read_pipfile_lock
from wideload.source.poetry_lock import content_hashes, read_poetry_lock
from wideload.source.pylock import is_own_pylock, read_pylock
from wideload.source.toml import read_toml
from wideload.source.uv_lock import read_uv_lock, workspace_member
from wideload.values.target import Family, Target

if TYPE_CHECKING:
    from pathlib import Path

    from wideload.values.function import LockedPackage, LockedRequirements

_SHA = "a" * 64
_INDEX = "https://index.example/simple"


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep uv off the network and away from what it has cached."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def _copy(kind: str, to: Path) -> Path:
    return shutil.copytree(LOCKS / kind, to / kind)


def _names(locked: LockedRequirements) -> list[str]:
    return [package.name for package in locked.packages]


def _by_name(locked: LockedRequirements) -> dict[str, LockedPackage]:
    return {package.name: package for package in locked.packages}


# --- pylock.toml


def test_pylock(tmp_path: Path) -> None:
    path = _copy("pylock", tmp_path) / "pylock.toml"
    locked = read_pylock(path, selection())
    assert (locked.path, locked.format, locked.roots) == (str(path), "pylock", ())
    assert _names(locked) == ["markdown-it-py", "mdurl", "psutil", "pygments", "rich", "tools"]
    packages = _by_name(locked)
    assert packages["tools"].directory == str(path.parent / "libs/tools")
    assert packages["tools"].files == ()
    rich = packages["rich"]
    assert (rich.version, rich.index) == ("15.0.0", _INDEX)
    (wheel,) = (file for file in rich.files if file.filename.endswith(".whl"))
    assert wheel.url.startswith("https://files.example/packages/")
    assert wheel.filename == "rich-15.0.0-py3-none-any.whl"
    assert wheel.url.endswith(wheel.filename)
    document = read_toml(path)
    (entry,) = (each for each in document["packages"] if each["name"] == "rich")
    assert wheel.sha256 == entry["wheels"][0]["hashes"]["sha256"]
    # All files are given, of whatever platform, and the sdist.
    (entry,) = (each for each in document["packages"] if each["name"] == "psutil")
    assert len(packages["psutil"].files) == len(entry["wheels"]) + 1


def test_markers_of_a_pylock_hold_for_the_target(tmp_path: Path) -> None:
    path = _copy("pylock", tmp_path) / "pylock.toml"
    assert "tomli" in _names(read_pylock(path, selection("python3.11")))
    assert "tomli" not in _names(read_pylock(path, selection("python3.12")))
    assert "colorama" not in _names(read_pylock(path, selection("python3.12")))


_PYLOCK = 'lock-version = "1.0"\ncreated-by = "hand"\n'


def _pylock(folder: Path, entries: str, top: str = "") -> Path:
    return write_file(folder, "pylock.toml", _PYLOCK + top + entries)


def _wheel(name: str, extra: str = "", version: str = "1.0", hashes: str = "") -> str:
    filename = f"{name}-{version}-py3-none-any.whl"
    hashes = hashes or f'sha256 = "{_SHA}"'
    return (
        f'[[packages]]\nname = "{name}"\nversion = "{version}"\n{extra}\n'
        f'[[packages.wheels]]\nurl = "https://files.example/{filename}"\nsize = 12\n'
        f"hashes = {{ {hashes} }}\n"
    )


def test_groups_and_extras_of_a_pylock(tmp_path: Path) -> None:
    top = 'extras = ["fast"]\ndependency-groups = ["job", "std"]\ndefault-groups = ["std"]\n'
    entries = (
        _wheel("always")
        + _wheel("quick", "marker = \"'fast' in extras\"")
        + _wheel("chore", "marker = \"'job' in dependency_groups\"")
        + _wheel("usual", "marker = \"'std' in dependency_groups\"")
    )
    path = _pylock(tmp_path, entries, top)
    assert _names(read_pylock(path, selection())) == ["always", "usual"]
    chosen = selection(groups=("job",), extras=("fast",))
    assert _names(read_pylock(path, chosen)) == ["always", "chore", "quick", "usual"]
    with refuses("unknown group 'jop'", f"{path} has job, std", "did you mean 'job'?"):
        read_pylock(path, selection(groups=("jop",)))
    with refuses("unknown extra 'x'", f"{path} has fast", "remove it from extras"):
        read_pylock(path, selection(extras=("x",)))


def test_dependencies_of_a_pylock(tmp_path: Path) -> None:
    entries = _wheel("one", 'dependencies = [{ name = "two" }, { name = "off" }]') + _wheel("two")
    locked = read_pylock(_pylock(tmp_path, entries), selection())
    assert _by_name(locked)["one"].requires == ("two",)


def test_places_of_a_pylock(tmp_path: Path) -> None:
    entries = (
        f'[[packages]]\nname = "a"\n[packages.archive]\nurl = "https://files.example/a%2B1-1.zip"\n'
        f'hashes = {{ sha256 = "{_SHA.upper()}" }}\n'
        f'[[packages]]\nname = "b"\nversion = "1"\n[[packages.wheels]]\n'
        f'path = "wheels/b-1-py3-none-any.whl"\nhashes = {{ sha256 = "{_SHA}" }}\n'
    )
    packages = _by_name(read_pylock(_pylock(tmp_path, entries), selection()))
    (archive,) = packages["a"].files
    assert (archive.filename, archive.sha256) == ("a+1-1.zip", _SHA)
    (wheel,) = packages["b"].files
    assert (wheel.filename, wheel.url) == ("b-1-py3-none-any.whl", "wheels/b-1-py3-none-any.whl")


@pytest.mark.parametrize(
    ("entries", "top", "what", "why", "hint"),
    [
        ("x =\n", "", "is not TOML", "line 3", "mend"),
        ("", "", "is damaged", "Missing required value in 'packages'", "make the lock anew"),
        (
            "packages = []\n",
            'requires-python = ">=3.14"\n',
            "is not for python3.13",
            ">=3.14",
            "uv",
        ),
        (
            "packages = []\n",
            "environments = [\"sys_platform == 'win32'\"]\n",
            "is not for python3.13 on x86_64",
            "win32",
            "lock for Linux",
        ),
        (_wheel("a", 'requires-python = "<3"'), "", "is not for python3.13", "<3", "widen"),
        (
            _wheel("a", hashes='md5 = "x", blake2 = "y"'),
            "",
            "a-1.0-py3-none-any.whl has no sha256",
            "its hashes are blake2, md5",
            "an index that gives sha256",
        ),
        (_wheel("a", hashes='sha256 = "short"'), "", "is damaged", "bad sha256 'short'", "anew"),
        (_wheel("a") + _wheel("a", version="2.0"), "", "gives a twice", "1.0 and 2.0", "conflict"),
        (
            (
                '[[packages]]\nname = "a"\nvcs = { type = "git", url = "https://x.example", '
                'commit-id = "1" }\n'
            ),
            "",
            "a cannot be taken from a git repository (https://x.example)",
            "only files with a hash and folders",
            "build a wheel of a",
        ),
        (
            (
                '[[packages]]\nname = "a"\narchive = { url = "https://x.example/a.zip", '
                f'subdirectory = "b", hashes = {{ sha256 = "{_SHA}" }} }}\n'
            ),
            "",
            "a cannot be taken from a subdirectory of an archive",
            "locks it there",
            "build a wheel",
        ),
        (
            '[[packages]]\nname = "a"\ndirectory = { path = "gone" }\n',
            "",
            "the folder of a is missing",
            "locks it at gone, which is",
            "put it there",
        ),
    ],
)
def test_what_a_pylock_is_refused_for(
    tmp_path: Path, entries: str, top: str, what: str, why: str, hint: str
) -> None:
    path = _pylock(tmp_path, entries, top)
    with refuses(what, why, hint):
        read_pylock(path, selection())


def test_a_pylock_of_another_version(tmp_path: Path) -> None:
    path = write_file(tmp_path, "pylock.toml", _PYLOCK.replace("1.0", "2.0") + "packages = []\n")
    with refuses("cannot read", "version 2.0 is not supported", "lock-version 1.0"):
        read_pylock(path, selection())


def test_its_own_pylock_is_known(tmp_path: Path) -> None:
    assert not is_own_pylock(_pylock(tmp_path, "packages = []\n"))
    assert is_own_pylock(_pylock(tmp_path, "packages = []\n[tool.wideload]\ninputs = 'x'\n"))


# --- uv.lock


def test_uv_lock(tmp_path: Path) -> None:
    path = _copy("uv", tmp_path) / "uv.lock"
    before = sorted(path.parent.rglob("*")), path.read_bytes()
    locked = read_uv_lock(path, selection())
    assert locked.format == "uv.lock"
    assert locked.roots == ("psutil", "rich", "tools")
    assert _names(locked) == ["markdown-it-py", "mdurl", "psutil", "pygments", "rich", "tools"]
    packages = _by_name(locked)
    assert packages["rich"].requires == ("markdown-it-py", "pygments")
    assert packages["tools"].directory == str(path.parent / "libs/tools")
    assert (sorted(path.parent.rglob("*")), path.read_bytes()) == before
    # The lock says what an export of it says.
    exported = _by_name(read_pylock(_copy("pylock", tmp_path) / "pylock.toml", selection()))
    for name in set(packages) - {"tools"}:
        assert packages[name].files == exported[name].files


def test_groups_and_extras_of_a_uv_lock(tmp_path: Path) -> None:
    path = _copy("uv", tmp_path) / "uv.lock"
    locked = read_uv_lock(path, selection(groups=("job",), extras=("dates",)))
    assert set(locked.roots) == {"psutil", "python-dateutil", "rich", "six", "tools"}
    assert "iniconfig" not in _names(locked)
    assert "iniconfig" in _names(read_uv_lock(path, selection(groups=("dev",))))
    with refuses("unknown extra for", "Extra `x` is not defined", "remove it from extras"):
        read_uv_lock(path, selection(extras=("x",)))
    with refuses("unknown group for", "Group `x` is not defined", "remove it from groups"):
        read_uv_lock(path, selection(groups=("x",)))


def test_markers_of_a_uv_lock_hold_for_the_target(tmp_path: Path) -> None:
    path = _copy("uv", tmp_path) / "uv.lock"
    assert "tomli" in read_uv_lock(path, selection("python3.11")).roots
    with refuses("is not for python3.10", "it is for Python >=3.11", "uv lock"):
        read_uv_lock(path, selection("python3.10"))


def _uv_workspace(folder: Path) -> Path:
    """A workspace of two members without anything from an index, locked by uv."""
    project = '[project]\nname = "{}"\nversion = "1"\nrequires-python = ">=3.11"\n'
    sources = "[tool.uv.sources]\nlib = { workspace = true }\n"
    write_file(folder, "lib/pyproject.toml", project.format("lib"))
    write_file(
        folder,
        "shop/pyproject.toml",
        project.format("shop") + 'dependencies = ["lib"]\n' + sources,
    )
    write_file(
        folder,
        "pyproject.toml",
        project.format("root") + '[tool.uv.workspace]\nmembers = ["lib", "shop"]\n',
    )
    subprocess.run([uv.find_uv_bin(), "lock", "-q"], cwd=folder, check=True)
    return folder / "uv.lock"


def test_members_of_a_uv_workspace(tmp_path: Path) -> None:
    path = _uv_workspace(tmp_path)
    assert workspace_member(path, tmp_path / "shop") == "shop"
    assert workspace_member(path, tmp_path / "nope") == ""
    assert read_uv_lock(path, selection()).packages == ()
    locked = read_uv_lock(path, selection(), "shop")
    assert locked.roots == ("lib",)
    assert _by_name(locked)["lib"].directory == str(tmp_path / "lib")


def test_a_uv_lock_that_does_not_fit_any_more(tmp_path: Path) -> None:
    path = _uv_workspace(tmp_path)
    shop = tmp_path / "shop/pyproject.toml"
    shop.write_text(shop.read_text().replace('["lib"]', "[]"))
    locked = path.read_bytes()
    with refuses("does not fit pyproject.toml any more", "was changed since", "run `uv lock`"):
        read_uv_lock(path, selection())
    assert path.read_bytes() == locked


def test_a_uv_lock_that_uv_cannot_read(tmp_path: Path) -> None:
    path = _copy("uv", tmp_path) / "uv.lock"
    path.with_name("pyproject.toml").unlink()
    with refuses("uv cannot read", "pyproject.toml", "uv lock --check"):
        read_uv_lock(path, selection())


@pytest.fixture
def pyenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pyenv whose shim fails, as one does whose version is not switched on."""
    root = tmp_path / "pyenv"
    shim = write_file(root, "shims/python3", "#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(root))
    monkeypatch.setenv("PATH", str(shim.parent))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "pythons"))
    return root


def test_the_pythons_of_pyenv_are_found(tmp_path: Path, pyenv: Path) -> None:
    path = _copy("uv", tmp_path) / "uv.lock"
    folder = pyenv / "versions/3.99.0/bin"
    folder.mkdir(parents=True)
    (folder / "python3").symlink_to(sys.executable)
    assert read_uv_lock(path, selection()).packages


@pytest.mark.usefixtures("pyenv")
def test_no_python_for_uv(tmp_path: Path) -> None:
    path = _copy("uv", tmp_path) / "uv.lock"
    with refuses("uv cannot read", "No interpreter found for Python >=3.11", "uv python install"):
        read_uv_lock(path, selection())


# --- poetry.lock


def test_poetry_lock(tmp_path: Path) -> None:
    path = _copy("poetry", tmp_path) / "poetry.lock"
    locked = read_poetry_lock(path, selection())
    assert locked.format == "poetry.lock"
    assert locked.roots == ("rich", "tools")
    assert _names(locked) == ["markdown-it-py", "mdurl", "pygments", "rich", "tools"]
    packages = _by_name(locked)
    rich = packages["rich"]
    assert (rich.version, rich.index) == ("15.0.0", _INDEX)
    assert rich.requires == ("markdown-it-py", "pygments")
    assert packages["tools"].directory == str(path.parent / "libs/tools")
    exported = _by_name(read_pylock(_copy("pylock", tmp_path) / "pylock.toml", selection()))
    of_poetry = {(file.filename, file.sha256) for file in rich.files}
    assert of_poetry == {(file.filename, file.sha256) for file in exported["rich"].files}


def test_groups_extras_and_markers_of_a_poetry_lock(tmp_path: Path) -> None:
    path = _copy("poetry", tmp_path) / "poetry.lock"
    locked = read_poetry_lock(path, selection(groups=("job", "lint"), extras=("dates",)))
    assert locked.roots == ("iniconfig", "python-dateutil", "rich", "six", "tools")
    assert "tzdata" in _names(locked)
    assert "tomli" in _names(read_poetry_lock(path, selection("python3.11")))
    with refuses("unknown group 'jop'", "has job, lint", "did you mean 'job'?"):
        read_poetry_lock(path, selection(groups=("jop",)))
    with refuses("unknown extra 'date'", "has dates", "did you mean 'dates'?"):
        read_poetry_lock(path, selection(extras=("date",)))
    with refuses("is not for python3.10", ">=3.11,<4.0", "poetry lock"):
        read_poetry_lock(path, selection("python3.10"))


def test_a_poetry_lock_that_does_not_fit_any_more(tmp_path: Path) -> None:
    path = _copy("poetry", tmp_path) / "poetry.lock"
    pyproject = path.with_name("pyproject.toml")
    text = pyproject.read_text()
    # What Poetry does not lock may change.
    pyproject.write_text(text.replace('version = "1.0"', 'version = "2.0"'))
    assert read_poetry_lock(path, selection()).packages
    pyproject.write_text(text.replace("rich>=14", "rich>=13"))
    with refuses("does not fit pyproject.toml any more", "was changed", "run `poetry lock`"):
        read_poetry_lock(path, selection())
    pyproject.unlink()
    assert read_poetry_lock(path, selection()).packages


def test_the_content_hash_of_a_project_in_poetrys_own_tables() -> None:
    poetry = {"dependencies": {"python": "^3.11", "six": "*"}, "name": "x"}
    content = {"dependencies": poetry["dependencies"], "dev-dependencies": None}
    content |= {"extras": None, "source": None}
    expected = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    assert content_hashes({"tool": {"poetry": poetry}}) == (expected, expected)
    # Before 2.3 dependency groups did not count.
    new, old = content_hashes({"tool": {"poetry": poetry}, "dependency-groups": {"a": ["b"]}})
    assert old == expected != new


def _poetry(folder: Path, entry: str, version: str = "2.1") -> Path:
    return write_file(
        folder,
        "poetry.lock",
        f'[[package]]\nname = "My_Pkg"\nversion = "1.0"\ngroups = ["main", "job"]\n{entry}\n'
        f'[metadata]\nlock-version = "{version}"\npython-versions = "^3.11"\n',
    )


_FILES = f'files = [{{ file = "a-1.tar.gz", hash = "sha256:{_SHA}" }}]\n'


def test_sources_of_a_poetry_lock(tmp_path: Path) -> None:
    (package,) = read_poetry_lock(_poetry(tmp_path, _FILES), selection()).packages
    assert (package.name, package.index, package.files[0].url) == ("my-pkg", "", "")
    source = '[package.source]\ntype = "{}"\nurl = "{}"\n'
    for kind, url in (("file", "wheels/a-1.tar.gz"), ("url", "https://x.example/a-1.tar.gz")):
        path = _poetry(tmp_path, _FILES + source.format(kind, url))
        (package,) = read_poetry_lock(path, selection()).packages
        assert package.files[0].url == url
    path = _poetry(tmp_path, _FILES + source.format("git", "https://x.example/a.git"))
    with refuses(
        "my-pkg cannot be taken from a git source (https://x", "locks it", "build a wheel"
    ):
        read_poetry_lock(path, selection())
    path = _poetry(tmp_path, source.format("directory", "gone"))
    with refuses("the folder of my-pkg is missing", "at gone", "put it there"):
        read_poetry_lock(path, selection())


def test_markers_by_group_of_a_poetry_lock(tmp_path: Path) -> None:
    markers = "markers = { main = \"python_version < '3.12'\", job = \"os_name == 'posix'\" }\n"
    path = _poetry(tmp_path, markers + _FILES)
    assert read_poetry_lock(path, selection()).packages == ()
    assert len(read_poetry_lock(path, selection("python3.11")).packages) == 1
    assert len(read_poetry_lock(path, selection(groups=("job",))).packages) == 1


@pytest.mark.parametrize(
    ("entry", "version", "what", "why", "hint"),
    [
        (_FILES, "2.0", "cannot read", "its lock-version is 2.0", "with Poetry 2"),
        (_FILES, "3.0", "cannot read", "its lock-version is 3.0", "with Poetry 2"),
        (_FILES, "x", "is damaged", "bad lock-version 'x'", "anew"),
        ("files = []\n", "2.1", "is damaged", "my-pkg has no files", "anew"),
        ("files = [{ file = 'a' }]", "2.1", "is damaged", "without name or hash", "anew"),
        ('markers = "x ~"\n', "2.1", "is damaged", "bad marker 'x ~'", "anew"),
        (
            "files = [{ file = 'a.whl', hash = 'md5:x' }]",
            "2.1",
            "a.whl has no sha256",
            "its hashes are md5",
            "an index",
        ),
    ],
)
def test_what_a_poetry_lock_is_refused_for(
    tmp_path: Path, entry: str, version: str, what: str, why: str, hint: str
) -> None:
    path = _poetry(tmp_path, entry, version)
    with refuses(what, why, hint):
        read_poetry_lock(path, selection())


# --- Pipfile.lock


def test_pipfile_lock(tmp_path: Path) -> None:
    path = _copy("pipenv", tmp_path) / "Pipfile.lock"
    locked = read_pipfile_lock(path, selection("python3.11"))
    assert (locked.format, locked.roots) == ("Pipfile.lock", ("rich",))
    assert _names(locked) == ["markdown-it-py", "mdurl", "pygments", "rich"]
    rich = _by_name(locked)["rich"]
    assert (rich.version, rich.index) == ("15.0.0", _INDEX)
    exported = _by_name(read_pylock(_copy("pylock", tmp_path) / "pylock.toml", selection()))
    assert {file.sha256 for file in rich.files} == {f.sha256 for f in exported["rich"].files}
    assert {(file.filename, file.url) for file in rich.files} == {("", "")}


def test_sections_of_a_pipfile_lock(tmp_path: Path) -> None:
    path = _copy("pipenv", tmp_path) / "Pipfile.lock"
    chosen = selection("python3.11", groups=("job", "develop"))
    assert read_pipfile_lock(path, chosen).roots == ("iniconfig", "rich", "six")
    with refuses("unknown group 'jop'", "has develop, job", "did you mean 'job'?"):
        read_pipfile_lock(path, selection("python3.11", groups=("jop",)))
    with refuses("unknown extra 'x'", "has no extras", "remove it from extras"):
        read_pipfile_lock(path, selection("python3.11", extras=("x",)))


def test_a_pipfile_lock_for_another_python(tmp_path: Path) -> None:
    path = _copy("pipenv", tmp_path) / "Pipfile.lock"
    with refuses("is not for python3.13", "it is for Python 3.11", "pipenv lock"):
        read_pipfile_lock(path, selection())


def test_a_pipfile_lock_that_does_not_fit_any_more(tmp_path: Path) -> None:
    path = _copy("pipenv", tmp_path) / "Pipfile.lock"
    pipfile = path.with_name("Pipfile")
    text = pipfile.read_text()
    pipfile.write_text(text + '[scripts]\nx = "y"\n')
    assert read_pipfile_lock(path, selection("python3.11")).packages
    pipfile.write_text(text.replace(">=14", ">=13"))
    with refuses("does not fit Pipfile any more", "was changed", "run `pipenv lock`"):
        read_pipfile_lock(path, selection("python3.11"))
    pipfile.unlink()
    assert read_pipfile_lock(path, selection("python3.11")).packages


def test_the_hash_of_a_pipfile_without_sources() -> None:
    source = [{"name": "main", "url": _INDEX}]
    assert pipfile_hash({}, {"sources": source}) == pipfile_hash({"source": source}, {})
    assert pipfile_hash({"job": {"a": "*"}}, {}) != pipfile_hash({}, {})


def _pipfile_lock(folder: Path, entry: object, url: str = _INDEX) -> Path:
    meta = {"pipfile-spec": 6, "requires": {}, "sources": [{"name": "main", "url": url}]}
    document = {"_meta": meta, "default": {"My_Pkg": entry}, "develop": {}}
    return write_file(folder, "Pipfile.lock", json.dumps(document))


_PINNED = {"version": "==1.0", "hashes": [f"sha256:{_SHA}"]}


def test_markers_of_a_pipfile_lock(tmp_path: Path) -> None:
    path = _pipfile_lock(tmp_path, {**_PINNED, "markers": "sys_platform == 'win32'"})
    assert read_pipfile_lock(path, selection()).packages == ()


def test_an_index_with_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _pipfile_lock(tmp_path, _PINNED, "https://${WHO}@index.example/simple")
    monkeypatch.setenv("WHO", "me")
    (package,) = read_pipfile_lock(path, selection()).packages
    assert package.index == "https://me@index.example/simple"
    monkeypatch.delenv("WHO")
    with refuses("the index of my-pkg is not known", "${WHO}", "set the variable"):
        read_pipfile_lock(path, selection())


def test_a_folder_of_a_pipfile_lock(tmp_path: Path) -> None:
    (tmp_path / "libs").mkdir()
    path = _pipfile_lock(tmp_path, {"path": "./libs", "editable": True})
    (package,) = read_pipfile_lock(path, selection()).packages
    assert package.directory == str(tmp_path / "libs")


@pytest.mark.parametrize(
    ("entry", "what", "why", "hint"),
    [
        ({"version": "*"}, "my-pkg is not locked", "its version is '*'", "lock on Linux"),
        ({"version": "==1.0"}, "my-pkg has no sha256", "its hashes are none", "an index"),
        ({**_PINNED, "hashes": ["md5:x"]}, "my-pkg has no sha256", "hashes are md5", "an index"),
        ({**_PINNED, "hashes": ["sha256:x"]}, "is damaged", "bad sha256 'x'", "anew"),
        ({**_PINNED, "index": "other"}, "is damaged", "of the index 'other'", "anew"),
        ({**_PINNED, "markers": "!"}, "is damaged", "bad marker '!'", "anew"),
        ({"git": "https://x.example", "ref": "1"}, "from a git repository", "locks it", "wheel"),
        ({"file": "https://x.example/a.zip"}, "from https://x.example/a.zip", "locks it", "wheel"),
        ({"path": "gone"}, "from gone without a hash", "locks it", "wheel"),
        (3, "is damaged", "sections of packages", "anew"),
    ],
)
def test_what_a_pipfile_lock_is_refused_for(
    tmp_path: Path, entry: object, what: str, why: str, hint: str
) -> None:
    path = _pipfile_lock(tmp_path, entry)
    with refuses(what, why, hint):
        read_pipfile_lock(path, selection())


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "it is not JSON"), ("[]", "sections of packages"), ("{}", "its pipfile-spec is None")],
)
def test_a_pipfile_lock_that_is_none(tmp_path: Path, text: str, why: str) -> None:
    path = write_file(tmp_path, "Pipfile.lock", text)
    with refuses("is damaged", why, "anew"):
        read_pipfile_lock(path, selection())


# --- Python versions


@given(sign=st.sampled_from(["^", "~"]), major=st.integers(2, 4), minor=st.integers(0, 20))
def test_poetrys_signs_mean_what_poetry_means(sign: str, major: int, minor: int) -> None:
    low = f"{major}.{minor}"
    high = f"{major + 1}" if sign == "^" else f"{major}.{minor + 1}"
    meant = SpecifierSet(f">={low},<{high}")
    for runtime in Target.known_runtimes():
        target = Target.parse(runtime, "arm64")
        if target.family is not Family.PYTHON:
            continue
        fits = meant.contains(f"{target.python_version}.0")
        if fits:
            check_python(LOCKS, f"{sign}{low}", target, "x")
        else:
            with refuses(f"is not for {runtime}", f"Python {sign}{low}", "run `x`"):
                check_python(LOCKS, f"{sign}{low}", target, "x")


def test_any_patch_version_will_do() -> None:
    target = Target.parse("python3.13", "x86_64")
    for specifier in (">=3.13.2", ">=3.12,<3.13.1", "~=3.13.5", "*", ""):
        check_python(LOCKS, specifier, target, "x")
    with refuses("is damaged", "bad Python versions 'nonsense'", "anew"):
        check_python(LOCKS, "nonsense", target, "x")
