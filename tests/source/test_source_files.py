from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import deflate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_projects import refuses, write_file

from wideload.own_files import UNREAD
from wideload.source.files import UNREAD_FROM, SourceFile, list_files, measure
from wideload.source.ignore import Rules, read_ignore_file
from wideload.values.packing import LARGEST_DEFLATED, is_deflatable, pack
from wideload.values.tree import LocalFile


def _paths(folder: Path, rules: Rules | None = None) -> list[str]:
    return [file.path for file in list_files(folder, rules or Rules())]


def test_what_is_left_out_by_itself(tmp_path: Path) -> None:
    left_out = [
        ".git/config",
        ".hg/store",
        ".svn/entries",
        ".venv/bin/python",
        "venv/lib.py",
        "env/pyvenv.cfg",
        "env/x.py",
        "__pycache__/app.cpython-313.pyc",
        "pkg/__pycache__/b.pyc",
        "old.pyc",
        ".wideload/build/x",
        ".mypy_cache/a",
        ".pytest_cache/a",
        ".ruff_cache/a",
        "node_modules/.bin/x",
        "node_modules/a/index.js",
        ".DS_Store",
        "pkg/.DS_Store",
        "shop.egg-info/PKG-INFO",
        ".idea/a",
        ".vscode/a",
        ".aws-sam/a",
        ".serverless/a",
        ".chalice/deployments/a",
        "tests/test_app.py",
        "test/a",
        "conftest.py",
        "pkg/conftest.py",
        "wideload.toml",
        ".wideloadignore",
        ".gitignore",
        "requirements.txt",
        "pyproject.toml",
        "uv.lock",
        "poetry.lock",
        "Pipfile",
        "Pipfile.lock",
        "pylock.toml",
        "pylock.shop.toml",
    ]
    kept = [
        "app.py",
        "README.md",
        "dist/a",
        "build/a",
        "pkg/tests/data.json",
        "pkg/requirements.txt",
        "env_settings.py",
        ".chalice/config.json",
        "pkg/uv.lock",
        "event.json",
        "ab_test.py",
        ".hidden",
        "environment/x.py",
    ]
    for path in (*left_out, *kept):
        write_file(tmp_path, path, "" if path == ".wideloadignore" else "x")
    assert _paths(tmp_path) == sorted(kept)


def test_a_git_file_of_a_worktree_is_left_out(tmp_path: Path) -> None:
    write_file(tmp_path, ".git", "gitdir: elsewhere")
    assert _paths(tmp_path) == []


def test_tests_are_packed_when_asked_for(tmp_path: Path) -> None:
    for path in ("tests/a.py", "conftest.py", "app.py"):
        write_file(tmp_path, path)
    assert _paths(tmp_path, Rules(tests=True)) == ["app.py", "conftest.py", "tests/a.py"]


def test_the_order_of_the_rules(tmp_path: Path) -> None:
    for path in ("a.csv", "b.csv", "c.csv", "old.pyc", "deep/requirements.txt", ".venv/a", "d/e"):
        write_file(tmp_path, path)
    lines = ["*.csv", "!b.csv", "!*.pyc", "!.venv/", "d/"]
    rules = Rules(ignore=lines, inputs=["deep/requirements.txt"])
    assert _paths(tmp_path, rules) == ["b.csv", "old.pyc"]
    rules = Rules(ignore=lines, exclude=["b.*"], include=["c.csv", "d/e", ".venv/a"])
    assert _paths(tmp_path, rules) == ["c.csv", "d/e", "deep/requirements.txt", "old.pyc"]


def test_inputs_with_odd_names_match_only_themselves(tmp_path: Path) -> None:
    for path in ("[a]*.txt", "a.txt", "!b", "b", "c d.txt"):
        write_file(tmp_path, path)
    assert _paths(tmp_path, Rules(inputs=["[a]*.txt", "!b", "c d.txt"])) == ["a.txt", "b"]


def test_the_ignore_file_is_read(tmp_path: Path) -> None:
    assert read_ignore_file(tmp_path) == []
    write_file(tmp_path, ".wideloadignore", "\ufeff*.csv\r\n# comment\r\n")
    assert read_ignore_file(tmp_path) == ["*.csv", "# comment"]


def test_a_bad_pattern() -> None:
    with refuses("bad pattern '!' in .wideloadignore", "entry 2", "data/*.bin"):
        Rules(ignore=["a", "!"])
    with refuses("bad pattern '!' of the key 'exclude'", "entry 1", "data/*.bin"):
        Rules(exclude=["!"])


_NAMES = st.sampled_from(["a", "b", "c.txt", "d.csv"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_PATTERNS = st.lists(
    st.tuples(
        st.sampled_from(["", "!"]),
        st.sampled_from(["", "/"]),
        st.one_of(
            _PATHS,
            st.sampled_from(
                ["*.csv", "*", "a/*", "**/b", "a/**", "a/**/b", "?", "[ab]", "*/a", "a*"]
            ),
        ),
        st.sampled_from(["", "/"]),
    ).map("".join),
    max_size=5,
)


@settings(max_examples=40)
@given(paths=st.sets(_PATHS, min_size=1, max_size=8), patterns=_PATTERNS)
def test_the_ignore_file_means_what_git_means(paths: set[str], patterns: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in sorted(paths):
            if not any(other.startswith(path + "/") for other in paths):
                write_file(folder, path)
        write_file(folder, ".gitignore", "\n".join(patterns))
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", "init", "-q"], cwd=folder, env=environment, check=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--others", "--exclude-standard"],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        by_git = {path for path in listed if path and path != ".gitignore"}
        assert set(_paths(folder, Rules(ignore=patterns))) - {".gitignore"} == by_git


@given(patterns=_PATTERNS, include=_PATTERNS, path=_PATHS)
def test_nothing_brings_back_what_is_never_packed(
    patterns: list[str], include: list[str], path: str
) -> None:
    rules = Rules(ignore=patterns, include=include)
    for folder in (".git", ".hg", ".svn", ".venv", "venv", ".wideload"):
        assert rules.never(f"{folder}/")
        assert rules.never(f"{path}/{folder}/")


def test_what_is_measured(tmp_path: Path) -> None:
    text = b"print('hello')\n" * 100
    app = write_file(tmp_path, "pkg/app.py", text)
    app.chmod(0o700)
    noise = write_file(tmp_path, "noise.bin", os.urandom(500))
    noise.chmod(0o666)
    empty = write_file(tmp_path, "empty", b"")
    tree = measure(list_files(tmp_path, Rules()))
    entry = tree.by_path["pkg/app.py"]
    assert (entry.size, entry.crc32, entry.mode) == (len(text), zlib.crc32(text), 0o755)
    assert entry.origin == LocalFile(str(app), hashlib.sha256(text).hexdigest())
    stream, stored = pack(text)
    assert (entry.compressed_size, entry.stored, stored) == (len(stream), False, False)
    assert zlib.decompress(stream, wbits=-15) == text
    assert tree.by_path["noise.bin"].stored
    assert tree.by_path["noise.bin"].mode == 0o644
    assert tree.by_path["noise.bin"].compressed_size == noise.stat().st_size
    assert tree.by_path[empty.name].stored
    assert tree.by_path[empty.name].compressed_size == 0


@given(data=st.binary(max_size=2000) | st.text("ab", max_size=2000).map(str.encode))
def test_packing_keeps_the_bytes_and_never_grows_them(data: bytes) -> None:
    stream, stored = pack(data)
    assert (stream if stored else zlib.decompress(stream, wbits=-15)) == data
    assert len(stream) <= len(data)
    assert stored == (len(stream) == len(data))


def test_a_file_over_the_quota_is_stored_unread(tmp_path: Path) -> None:
    assert is_deflatable(LARGEST_DEFLATED)
    assert not is_deflatable(LARGEST_DEFLATED + 1)
    path = tmp_path / "model.bin"
    with path.open("wb") as file:
        file.truncate(LARGEST_DEFLATED + 1)
    entry = measure(list_files(tmp_path, Rules())).by_path["model.bin"]
    assert entry.stored
    assert entry.compressed_size == entry.size == LARGEST_DEFLATED + 1
    # The digest of that many zeros.
    digest, left = hashlib.sha256(), entry.size
    while left:
        digest.update(bytes(min(left, 1 << 22)))
        left -= min(left, 1 << 22)
    assert isinstance(entry.origin, LocalFile)
    assert entry.origin.sha256 == digest.hexdigest()


def test_a_file_that_no_zip_and_no_layer_holds_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    for size in (UNREAD_FROM, 12 << 30):
        with path.open("wb") as file:
            file.truncate(size)
        before = _read_so_far()
        entry = measure(list_files(tmp_path, Rules()), tmp_path / "cache").by_path["model.bin"]
        assert _read_so_far() - before < 1 << 20
        assert entry.size == entry.compressed_size == size
        assert entry.stored
        assert isinstance(entry.origin, LocalFile)
        assert entry.origin.sha256 == UNREAD
    assert not (tmp_path / "cache").exists()


def _read_so_far() -> int:
    """Bytes that this process has read."""
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def test_sizes_of_big_files_are_kept(tmp_path: Path) -> None:
    source, cache = tmp_path / "source", tmp_path / "cache"
    write_file(source, "small.txt", "a" * 1000)
    big = write_file(source, "big.txt", b"0123456789abcdef" * (1 << 16))
    files = list_files(source, Rules())
    first = measure(files, cache)
    (kept,) = (path for path in cache.rglob("*") if path.is_file())
    assert kept.name.startswith(hashlib.sha256(big.read_bytes()).hexdigest())
    assert f"deflate-{deflate.__version__}" in kept.name
    assert kept.read_text() == f"{first.by_path['big.txt'].compressed_size}\n"
    kept.write_text("4242\n")
    assert measure(files, cache).by_path["big.txt"].compressed_size == 4242
    for damaged in ("", "42", "x\n", "0\n", f"{1 << 30}\n", "\xff"):
        kept.write_text(damaged, "latin-1")
        assert measure(files, cache) == first
        assert kept.read_text() == f"{first.by_path['big.txt'].compressed_size}\n"


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    write_file(tmp_path, "source/big.txt", b"0123456789abcdef" * (1 << 16))
    cache = write_file(tmp_path, "cache", "a file, not a folder")
    files = list_files(tmp_path / "source", Rules())
    assert measure(files, cache) == measure(files)


def test_links_inside_are_files(tmp_path: Path) -> None:
    real = write_file(tmp_path, "data/real.txt", "real")
    real.chmod(0o755)
    (tmp_path / "link.txt").symlink_to("data/real.txt")
    (tmp_path / "twice.txt").symlink_to(tmp_path / "link.txt")
    (tmp_path / "folder").symlink_to("data")
    tree = measure(list_files(tmp_path, Rules()))
    paths = ["data/real.txt", "folder/real.txt", "link.txt", "twice.txt"]
    assert [entry.path for entry in tree] == paths
    assert {entry.mode for entry in tree} == {0o755}
    assert {entry.origin for entry in tree} == {tree.by_path["data/real.txt"].origin}


def test_the_folder_itself_may_be_reached_by_a_link(tmp_path: Path) -> None:
    write_file(tmp_path, "real/app.py")
    (tmp_path / "link").symlink_to("real")
    assert _paths(tmp_path / "link") == ["app.py"]


@pytest.mark.parametrize(
    ("target", "what", "why"),
    [
        ("../outside", "leaves the function's folder", "points at ../outside"),
        ("../source-2/x", "leaves the function's folder", "points at ../source-2/x"),
        ("/etc", "leaves the function's folder", "points at /etc"),
        ("missing", "dangles", "missing does not exist"),
        ("link", "runs in a circle", "link comes back"),
        (".", "runs in a circle", "a folder that it lies in"),
        ("..", "leaves the function's folder", "points at .."),
    ],
)
def test_links_that_cannot_be_packed(tmp_path: Path, target: str, what: str, why: str) -> None:
    source = tmp_path / "source"
    write_file(source, "app.py")
    write_file(tmp_path, "outside", "secret")
    write_file(tmp_path, "source-2/x", "secret")
    (source / "link").symlink_to(target)
    with refuses(f"the link link {what}", why, ".wideloadignore"):
        list_files(source, Rules())
    assert _paths(source, Rules(ignore=["link"])) == ["app.py"]


def test_links_that_chase_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "to-b").symlink_to("../b")
    (tmp_path / "b" / "to-a").symlink_to("../a")
    with refuses("the link a/to-b/to-a runs in a circle", "../a", ".wideloadignore"):
        list_files(tmp_path, Rules())


@settings(max_examples=40)
@given(
    links=st.dictionaries(
        st.sampled_from(["l1", "d/l2", "d/e/l3"]),
        st.sampled_from(["f", "d", "d/f", "d/e", "d/e/f", ".", "l1", "d/l2", "nowhere", ".."]),
    )
)
def test_a_tree_with_links_is_listed_whole_or_refused(links: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "source"
        for path in ("f", "d/f", "d/e/f"):
            write_file(folder, path, path)
        for link, target in links.items():
            (folder / link).symlink_to(folder / target)
        try:
            files = list_files(folder, Rules())
        except Exception as error:
            assert "link" in str(error)  # noqa: PT017 - the law is about either outcome
            return
        root = os.path.realpath(folder)
        assert {"f", "d/f", "d/e/f"} <= {file.path for file in files}
        for file in files:
            assert file.location.startswith(root + "/")
            assert not Path(file.location).is_symlink()
            assert (folder / file.path).read_text() == Path(file.location).read_text()


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with refuses("pipe is no regular file", "named pipe", ".wideloadignore"):
        list_files(tmp_path, Rules())
    (tmp_path / "pipe").unlink()
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/door")
        with refuses("door is no regular file", "socket", ".wideloadignore"):
            list_files(Path(short), Rules())


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    with refuses(r"b'caf\xe9.txt' is not UTF-8", "UTF-8", "rename"):
        list_files(tmp_path, Rules())


def test_names_with_a_backslash(tmp_path: Path) -> None:
    (tmp_path / "a\\b").write_text("x")
    with refuses(r"'a\\b' has a backslash", "folder", "rename"):
        list_files(tmp_path, Rules())


def test_names_that_differ_in_case_or_are_odd_are_kept(tmp_path: Path) -> None:
    names = ["A.txt", "a.txt", "naïve 🐌.txt", "new\nline", " "]
    for name in names:
        write_file(tmp_path, name)
    assert _paths(tmp_path) == sorted(names)


def test_a_file_that_cannot_be_read() -> None:
    # The kernel refuses to read one's own memory at 0, even to root.
    file = SourceFile("data/mem", "/proc/self/mem", 10, False)
    with refuses("cannot read data/mem", "Input/output error", "make it readable"):
        measure([file])


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with refuses(f"cannot read the folder {tmp_path}/no", "No such file", "make it readable"):
        list_files(tmp_path / "no", Rules())


def test_the_same_files_measure_the_same_in_another_process(tmp_path: Path) -> None:
    write_file(tmp_path, "app.py", "print('hello')\n" * 999)
    code = (
        "import sys; from pathlib import Path;"
        "from wideload.source.files import *; from wideload.source.ignore import Rules;"
        "print(measure(list_files(Path(sys.argv[1]), Rules())).zipped_bytes)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == measure(list_files(tmp_path, Rules())).zipped_bytes
