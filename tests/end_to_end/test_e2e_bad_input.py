"""Bad input gets one clear message, exit code 1, and nothing is half written."""

from __future__ import annotations

import shutil
import socket
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e2e_command import Command, Refusal, partials, refusal, snapshot

from made_projects import ProjectMaker
from sdist_maker import sdist
from wheel_maker import wheel, with_broken_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_index import LocalIndex
    from wheel_maker import Made

    Maker = Callable[..., Path]

HOST_RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def _clean(clean_environment: pytest.MonkeyPatch) -> None:
    """No setting of this machine's user reaches the command."""


def refused(root: Path, *arguments: str) -> Refusal:
    """A refusal that changes nothing of the project and leaves nothing begun in the cache."""
    cache = root.parent / "wideload-cache"
    before = snapshot(root)
    found = Command(root, cache).refused(*arguments)
    assert snapshot(root) == before
    assert partials(cache) == []
    return found


def everywhere(root: Path, *verbs: str) -> Refusal:
    """The same refusal by each verb, `plan` alone if none is given. Nothing is started."""
    first, *others = (refused(root, verb) for verb in (verbs or ("plan",)))
    assert all(other == first for other in others)
    assert not (root / ".wideload").exists()
    return first


# ── the configuration


def test_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): ...\n")
    folder = tmp_path / "empty"
    folder.mkdir()
    found = everywhere(folder, "plan", "build", "verify", "deploy", "invoke", "status")
    assert found.what == "no configuration found"
    assert str(folder) in found.why
    assert "wideload init" in found.hint


@pytest.mark.parametrize(
    ("more", "what", "why", "hint"),
    [
        ("memroy = 512", "unknown key 'memroy'", "known are handler, runtime", "'memory'"),
        ('memory = "big"', "bad 'memory'", "'big' (a string); allowed is a whole number", "1024"),
        ("memory = 64", "bad 'memory'", "found 64 (a whole number); allowed is", "128 to "),
        ("timeout = 0", "bad 'timeout'", "found 0 (a whole number); allowed is", "= 30"),
        ('strategy = "magic"', "bad 'strategy'", "auto, direct-zip, s3-zip", '"auto"'),
        ('environment = { AWS_REGION = "x" }', "bad 'environment'", "Lambda sets AWS_REGION", ""),
        ('network = ["http://x/y"]', "bad 'network'", "host names", "example.com"),
    ],
)
def test_a_key_that_is_not_as_it_must_be(
    projects: ProjectMaker, more: str, what: str, why: str, hint: str
) -> None:
    found = everywhere(projects.make(more=more))
    assert found.what.startswith(what)
    assert "[functions.shop]" in found.what
    assert why in found.why
    assert hint in found.hint + found.why


def test_a_table_that_is_not_known(projects: ProjectMaker) -> None:
    root = projects.make()
    with (root / "wideload.toml").open("a") as file:
        file.write("[function.other]\n")
    found = everywhere(root)
    assert found.what.startswith("unknown table 'function' in ")
    assert found.hint == "did you mean 'functions'?"


def test_toml_that_is_no_toml(projects: ProjectMaker) -> None:
    root = projects.make()
    (root / "wideload.toml").write_text("[functions.shop\n")
    found = everywhere(root)
    assert "wideload.toml" in found.what
    assert "line 1" in found.why


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("runtime", "python2.7", "python3.13"),
        ("runtime", "nodejs99.x", "python3.13"),
        ("architecture", "mips", "arm64"),
    ],
)
def test_a_runtime_or_architecture_that_is_not_known(
    projects: ProjectMaker, key: str, value: str, allowed: str
) -> None:
    root = projects.make(**{key: value})  # type: ignore[arg-type]
    found = everywhere(root)
    assert found.what.startswith(f"bad {key!r} in [functions.shop] of ")
    assert f"found {value!r} (a string); allowed is " in found.why
    assert allowed in found.why
    assert found.hint.startswith("for instance ")


def test_an_environment_of_more_than_4_kb(projects: ProjectMaker) -> None:
    root = projects.make(more=f'environment = {{ LONG = "{"x" * 4086}" }}')
    found = everywhere(root)
    assert found.what.startswith("bad 'environment' in [functions.shop]")
    assert "found 4097 bytes" in found.why
    assert "4096 bytes in all" in found.why
    fits = root.with_name("fits")
    shutil.copytree(root, fits)
    text = (fits / "wideload.toml").read_text()
    (fits / "wideload.toml").write_text(text.replace("xx", "x", 1))
    assert Command(fits, root.parent / "cache").json("plan")["choice"] == "direct-zip"


def test_a_function_that_is_not_there(projects: ProjectMaker) -> None:
    root = projects.make()
    found = refused(root, "plan", "shpo")
    assert (found.what, found.hint) == ("no function 'shpo'", "did you mean 'shop'?")


@pytest.mark.parametrize(
    "arguments",
    [("plan", "--no-such-option"), ("no-such-verb",), ("deploy", "--to", "azure")],
)
def test_a_command_line_that_is_not_understood(
    projects: ProjectMaker, arguments: tuple[str, ...]
) -> None:
    done = Command(projects.make(), projects.folder / "cache").run(*arguments)
    assert done.code == 1
    assert done.out == ""
    assert arguments[-1] in done.err
    assert "Traceback" not in done.err


# ── the source


def test_a_source_folder_that_is_missing(projects: ProjectMaker) -> None:
    found = everywhere(projects.make(more='source = "shop"'))
    assert found.what == "the source folder of 'shop' is missing"
    assert "source = 'shop'" in found.why


def test_a_handler_file_that_is_missing(projects: ProjectMaker) -> None:
    root = projects.make(files={"main.py": "def handler(event, context): ...\n"})
    (root / "app.py").unlink()
    found = everywhere(root)
    assert found.what == "no file for handler 'app.handler'"
    assert "app.py is not in" in found.why
    assert "main.py" in found.why


def test_a_handler_function_that_is_missing(projects: ProjectMaker) -> None:
    root = projects.make(files={"app.py": "def handle(event, context): ...\n"})
    found = everywhere(root)
    assert found.what == "no function for handler 'app.handler'"
    assert "it defines handle" in found.why
    assert found.hint == "did you mean app.handle?"


def test_a_handler_that_does_not_compile(projects: ProjectMaker) -> None:
    code = "def handler(event, context)\n    return event\n"
    found = everywhere(projects.make(runtime=HOST_RUNTIME, files={"app.py": code}))
    assert found.what == f"app.py:1 is not Python {HOST_RUNTIME.removeprefix('python')}"
    assert "expected ':'" in found.why


@pytest.mark.parametrize(
    ("path", "content", "seen"),
    [
        (".env", "TOKEN=1\n", "settings that are not to be shared"),
        ("keys/server.pem", "-----BEGIN PRIVATE KEY-----\n" + "A" * 64, "a private key"),
        (".aws/credentials", "[default]\n", ".aws holds credentials"),
    ],
)
def test_a_secret_is_not_packed(projects: ProjectMaker, path: str, content: str, seen: str) -> None:
    root = projects.make(files={path: content})
    found = everywhere(root, "build", "deploy")
    assert found.what == "1 file that would be packed looks like a secret"
    assert found.why.startswith(f"{path}: {seen}")
    assert f'allow_secrets = ["{path}"]' in found.hint
    with (root / "wideload.toml").open("a") as file:
        file.write(f'allow_secrets = ["{path}"]\n')
    assert Command(root, root.parent / "cache").json("build")["files"] == 2


# ── the requirements


def test_no_requirements(projects: ProjectMaker) -> None:
    found = everywhere(projects.make(more="# requirements are not mentioned"))
    assert found.what == "no requirements for function 'shop'"
    assert "requirements.txt, pyproject.toml, pylock.toml, uv.lock" in found.why
    assert 'requirements = ""' in found.hint


def test_a_requirement_that_does_not_exist(projects: ProjectMaker, index: LocalIndex) -> None:
    found = everywhere(projects.make(requirements="no-such-package-at-all\n"))
    assert found.what == (
        "the requirement 'no-such-package-at-all' of requirements.txt does not exist"
    )
    assert "check the spelling" in found.hint


def test_requirements_that_conflict(projects: ProjectMaker, index: LocalIndex) -> None:
    index.add(wheel("apple", requires=["pear<2"]), wheel("pear", "1.0"), wheel("pear", "2.0"))
    found = everywhere(projects.make(requirements="apple\npear>=2\n"))
    assert found.what == (
        "the requirements of requirements.txt cannot be met for python3.13 on x86_64"
    )
    assert "pear<2" in found.why
    assert "pear>=2" in found.why
    assert "relax" in found.hint


def test_a_requirement_without_a_wheel_for_the_target(
    projects: ProjectMaker, index: LocalIndex
) -> None:
    index.add(wheel("apple", tag="cp313-cp313-win_amd64"))
    found = everywhere(projects.make(requirements="apple\n"))
    assert found.what == (
        "the requirements of requirements.txt cannot be met for python3.13 on x86_64"
    )
    assert "apple==1.0 has no wheels with a matching platform tag" in found.why
    assert "choose another runtime" in found.hint


@pytest.mark.parametrize(
    ("tag", "on_build", "why"),
    [
        ("cp313-cp313-linux_x86_64", "pass", "apple-1.0-cp313-cp313-linux_x86_64.whl"),
        ("py3-none-any", "raise SystemExit('gcc: no such compiler')", "gcc: no such compiler"),
    ],
    ids=["makes-a-wheel-of-this-machine", "does-not-build"],
)
def test_a_source_that_would_need_a_compiler(
    projects: ProjectMaker, index: LocalIndex, tag: str, on_build: str, why: str
) -> None:
    index.add(sdist("apple", tag=tag, on_build=on_build))
    root = projects.make(requirements="apple\n")
    for verb in ("plan", "build"):
        found = Command(root, root.parent / "wideload-cache").refused(verb)
        assert "apple" in found.what
        assert why in found.why
        assert "wheel" in found.hint
    assert not (root / ".wideload").exists()


def test_a_source_of_pure_python_is_built(projects: ProjectMaker, index: LocalIndex) -> None:
    index.add(sdist("apple", files={"apple.py": "SEEDS = 5\n"}))
    root = projects.make(requirements="apple\n")
    folder = Path(Command(root, root.parent / "wideload-cache").json("build")["folder"])
    with zipfile.ZipFile(folder / "function.zip") as archive:
        assert archive.read("apple.py") == b"SEEDS = 5\n"


def test_a_wheel_for_too_new_a_glibc(projects: ProjectMaker, index: LocalIndex) -> None:
    index.add(wheel("apple", "2.0", tag="cp311-cp311-manylinux_2_34_x86_64"))
    asked = {"requirements": "apple\n", "runtime": "python3.11"}
    found = everywhere(projects.make(**asked))  # type: ignore[arg-type]
    assert "apple==2.0 has no wheels with a matching platform tag" in found.why
    index.add(wheel("apple", "1.0", tag="cp311-cp311-manylinux2014_x86_64"))
    root = projects.make("back", **asked)  # type: ignore[arg-type]
    plan = Command(root, root.parent / "cache").json("plan")
    assert [package["version"] for package in plan["packages"]] == ["1.0"], "it goes back"


def test_hashes_that_do_not_fit(projects: ProjectMaker, index: LocalIndex) -> None:
    index.add(wheel("apple"))
    root = projects.make(requirements=f"apple==1.0 --hash=sha256:{'0' * 64}\n")
    for verb in ("plan", "build"):
        found = Command(root, root.parent / "wideload-cache").refused(verb)
        assert found.what == "the hash of apple 1.0 does not match"
        assert found.why == "none of its files has a sha256 that the requirements admit"
        assert found.hint == "find out why the release changed before you renew the hashes"
    assert not (root / ".wideload").exists()


def test_a_wheel_that_is_not_the_one_of_the_lock(projects: ProjectMaker, index: LocalIndex) -> None:
    there = wheel("apple")
    index.add(there)
    root = projects.make(requirements="apple\n")
    command = Command(root, root.parent / "wideload-cache")
    command("plan")
    lock = root / "pylock.shop.toml"
    assert there.sha256 in lock.read_text()
    # Swapped on the index after it was locked.
    index.add(there.with_data(wheel("apple", files={"apple.py": "EVIL = True\n"}).data))
    found = refused(root, "build")
    assert there.filename in found.what + found.why
    assert "sha256" in found.what + found.why
    assert not (root / ".wideload" / "build").exists()
    index.add(there)
    assert command.json("build")["files"] > 1


def test_an_index_that_cannot_be_reached(
    projects: ProjectMaker, clean_environment: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        clean_environment.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{port}/simple/")
        found = everywhere(projects.make(requirements="apple\n"), "plan", "build", "deploy")
    assert found.what == "the package index could not be reached"
    assert f"127.0.0.1:{port}" in found.why
    assert "check the network" in found.hint


def test_a_wheel_that_is_corrupt(projects: ProjectMaker, index: LocalIndex) -> None:
    good = wheel("apple", files={"apple.py": "SEEDS = 5\n" * 500})
    bad = good.with_data(with_broken_stream(good.data, "apple.py"))
    index.add(bad)
    root = projects.make(requirements="apple\n")
    Command(root, root.parent / "wideload-cache")("plan")
    found = refused(root, "build")
    assert found.what == f"corrupt wheel {good.filename}"
    assert found.why.startswith("apple.py: ")
    assert "choose another version" in found.hint
    assert not (root / ".wideload" / "build").exists()


def test_a_cache_file_that_is_damaged_is_fetched_again(
    projects: ProjectMaker, index: LocalIndex
) -> None:
    made = wheel("apple", files={"apple.py": "SEEDS = 5\n" * 500})
    index.add(made)
    root = projects.make(requirements="apple\n")
    cache = root.parent / "wideload-cache"
    command = Command(root, cache)
    before = command.json("build")["artifacts"]
    for path in sorted(cache.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            path.write_bytes(data[: len(data) // 2] + b"\0" * (len(data) - len(data) // 2))
    shutil.rmtree(root / ".wideload")
    index.forget()
    assert command.json("build")["artifacts"] == before
    assert index.sent_of(made) >= len(made.data)


def test_a_lock_that_was_edited_is_not_half_obeyed(
    projects: ProjectMaker, index: LocalIndex
) -> None:
    index.add(wheel("apple"))
    root = projects.make(requirements="apple\n")
    Command(root, root.parent / "wideload-cache")("plan")
    lock = root / "pylock.shop.toml"
    lock.write_text(lock.read_text().replace("[[packages]]", "[[packages"))
    found = refused(root, "build")
    assert found.what == f"{lock} is not TOML"
    assert "line " in found.why


# ── too big, and no room


def test_a_function_that_no_way_ships(projects: ProjectMaker) -> None:
    root = projects.make(files={"app.py": "def handler(event, context): ...\n"})
    with (root / "model.bin").open("wb") as file:
        file.truncate(12_000_000_000)  # more than /tmp and images have
    plan = Command(root, root.parent / "wideload-cache").json("plan")
    assert plan["choice"] is None
    told = {
        candidate["strategy"]: [refusal["aws_error"] for refusal in candidate["refusals"]]
        for candidate in plan["candidates"]
    }
    assert not any(candidate["feasible"] for candidate in plan["candidates"])
    words = "InvalidParameterValueException: Unzipped size must be smaller than 262144000 bytes"
    assert told["direct-zip"][-1] == told["s3-zip"][-1] == words
    assert told["s3-bootstrap"] == ["OSError: [Errno 28] No space left on device"]
    done = Command(root, root.parent / "wideload-cache").run("build")
    assert done.code == 1
    assert "no way to ship shop" in done.err
    assert "No space left on device" in done.err
    assert not (root / ".wideload").exists()


@pytest.mark.sandbox
def test_a_disk_that_is_full(projects: ProjectMaker) -> None:
    """The project's state lies on a file system of 1 MB, which nothing outside sees."""
    root = projects.make(files={"data.bin": _noise(600_000)})
    command = Command(root, root.parent / "wideload-cache")
    command("build")
    built = snapshot(root / ".wideload")
    kept = root.parent / "kept"
    after = root.parent / "after"
    shutil.copytree(root / ".wideload", kept)
    (root / "more.bin").write_bytes(_noise(600_000, seed=2))
    done = command.run("build", wrapper=_small_disk(root / ".wideload", kept, after))
    found = refusal(done)
    assert "could not be written" in found.what
    assert "No space left on device" in found.why
    assert "free disk space" in found.hint
    assert snapshot(after) == built, "the build of before is whole, and nothing is beside it"
    assert partials(root.parent / "wideload-cache") == []
    command("build")


@pytest.mark.sandbox
def test_a_cache_on_a_disk_that_is_full(projects: ProjectMaker, index: LocalIndex) -> None:
    index.add(_big_wheel())
    root = projects.make(requirements="apple\n")
    cache, after = root.parent / "wideload-cache", root.parent / "after"
    cache.mkdir()
    command = Command(root, cache)
    command("plan")
    before = snapshot(root)
    found = refusal(command.run("build", wrapper=_small_disk(cache, cache, after)))
    assert "No space left on device" in found.why
    assert "free disk space" in found.hint
    assert snapshot(root) == before
    assert partials(after) == []
    command("build")


def _noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress, always the same."""
    import random  # noqa: PLC0415

    return random.Random(seed).randbytes(size)


def _big_wheel() -> Made:
    return wheel("apple", files={"apple.py": "", "apple.bin": _noise(2_000_000)})


def _small_disk(folder: Path, content: Path, after: Path) -> tuple[str, ...]:
    """What to run a command with, so that a folder is a file system of 1 MB in memory.

    :param content: what the folder holds at first.
    :param after: where its content is put in the end.
    """
    copied = folder.parent / ".content"
    if not copied.exists():
        shutil.copytree(content, copied)
    script = 'cp -a "$1/." "$2"; shift 2; out=$1; shift; "$@"; code=$?; '
    script += 'cp -a "$0/." "$out"; exit $code'
    after.mkdir()
    return (
        *("bwrap", "--dev-bind", "/", "/", "--size", "1048576", "--tmpfs", str(folder)),
        *("sh", "-c", script, str(folder), str(copied), str(folder), str(after)),
    )
