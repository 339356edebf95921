"""The examples go the whole way: weighed to the byte, built, run, and killed while building."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import subprocess
import time
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
import uv
from e2e_command import EXAMPLES, Command, clean_environ, partials, shared_cache
from packaging.tags import cpython_tags
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from wideload.interpreters import find_interpreter
from wideload.slim.elf.reader import is_elf, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.heavy, pytest.mark.network]

KILLS = 20
_NOT_OF_THE_WHEEL = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}


def copy(to: Path, runtime: str = "python3.13") -> Path:
    shutil.copytree(EXAMPLES, to, ignore=shutil.ignore_patterns(".wideload", "pylock.*", "*.pyc"))
    config = to / "wideload.toml"
    config.write_text(config.read_text().replace("python3.13", runtime))
    return to


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A copy of the examples, resolved anew, with an embedded AWS."""
    command = Command(
        copy(tmp_path_factory.mktemp("place") / "examples"), shared_cache(tmp_path_factory)
    )
    yield command
    command("local", "down")


@pytest.fixture(scope="module")
def plan(examples: Command, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The recommender's plan, made with an empty cache."""
    empty = tmp_path_factory.mktemp("empty")
    found = Command(examples.folder, empty / "cache").json("plan", "recommender")
    assert not list(empty.rglob("*.whl")), "no wheel was fetched"
    return found


@pytest.fixture(scope="module")
def wheels(plan: Any, examples: Command) -> dict[str, bytes]:
    """The wheels of the lock that fit the target best, fetched without wideload, by name."""
    lock = tomllib.loads((examples.folder / "recommender" / "pylock.recommender.toml").read_text())
    platforms = [
        *(f"manylinux_2_{minor}_x86_64" for minor in range(34, 4, -1)),
        *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
    ]
    order = list(cpython_tags((3, 13), ["cp313"], platforms))
    order += [tag for tag in _any_tags() if tag not in order]
    rank = {tag: number for number, tag in enumerate(order)}
    chosen = {}
    for package in lock["packages"]:
        fitting = [
            (min(rank[tag] for tag in tags), wheel)
            for wheel in package["wheels"]
            if (tags := parse_wheel_filename(_filename(wheel))[3] & rank.keys())
        ]
        chosen[package["name"]] = min(fitting, key=lambda each: each[0])[1]
    http = urllib3.PoolManager(maxsize=8)

    def fetch(wheel: dict[str, Any]) -> bytes:
        data = http.request("GET", wheel["url"]).data
        assert hashlib.sha256(data).hexdigest() == wheel["hashes"]["sha256"]
        return data

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(chosen, pool.map(fetch, chosen.values()), strict=True))


def _any_tags() -> Iterator[Any]:
    from packaging.tags import compatible_tags  # noqa: PLC0415

    return compatible_tags((3, 13), "cp313", ["any"])


def _filename(wheel: dict[str, Any]) -> str:
    return str(wheel.get("name") or wheel["url"].rsplit("/", 1)[1])


def weights(plan: Any) -> dict[str, int]:
    return {package["name"]: package["unzipped_bytes"] for package in plan["packages"]}


def test_little_is_fetched_to_weigh_it(plan: Any) -> None:
    assert 0 < plan["downloaded_bytes"] < 3_000_000
    assert sum(weights(plan).values()) > 200_000_000
    requested = {"boto3", "graypy", "numpy", "pandas", "requests", "scikit-learn"}
    assert requested < set(weights(plan))


def test_s3_zip_is_chosen_and_direct_zip_refused_in_the_words_of_aws(plan: Any) -> None:
    assert plan["choice"] == "s3-zip"
    candidates = {each["strategy"]: each for each in plan["candidates"]}
    assert candidates["s3-zip"]["feasible"]
    assert candidates["s3-zip"]["refusals"] == []
    direct = candidates["direct-zip"]
    assert not direct["feasible"]
    (refusal,) = direct["refusals"]
    assert refusal["allowed"] == 69_905_067
    assert refusal["actual"] > direct["zipped_bytes"] * 4 / 3
    assert refusal["aws_error"] == (
        "RequestEntityTooLargeException: Request must be smaller than 69905067 bytes for the "
        "UpdateFunctionCode operation"
    )


def test_weights_are_those_of_the_wheels_to_the_byte(plan: Any, wheels: dict[str, bytes]) -> None:
    found = {}
    for name, data in wheels.items():
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found[name] = sum(info.file_size for info in archive.infolist())
    assert weights(plan) == found


def test_weights_are_those_of_an_install_of_the_same_lock(
    plan: Any, wheels: dict[str, bytes], examples: Command, tmp_path: Path
) -> None:
    lock = examples.folder / "recommender" / "pylock.recommender.toml"
    target = tmp_path / "installed"
    python = find_interpreter("3.13", examples.cache).executable
    subprocess.run(
        [
            *(uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(target)),
            *("--python", python, "--python-platform", "x86_64-manylinux_2_34"),
            *("--only-binary", ":all:", "--no-deps", "--requirements", str(lock)),
        ],
        check=True,
        env=clean_environ(),
    )
    installed = {}
    for info in target.glob("*.dist-info"):
        name = info.name.split("-")[0].lower().replace("_", "-").replace(".", "-")
        files = (line.rsplit(",", 2)[0].strip('"') for line in open_lines(info / "RECORD"))
        installed[name] = sum(
            (target / file).stat().st_size
            for file in files
            if Path(file).name not in _NOT_OF_THE_WHEEL
            and "__pycache__" not in file
            and not file.startswith(("bin/", "../"))
        )
    left_out = {name: _not_installed(data) for name, data in wheels.items()}
    assert installed == {name: size - left_out[name] for name, size in weights(plan).items()}


def open_lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def _not_installed(wheel: bytes) -> int:
    """Bytes of a wheel's members that an installer writes anew or puts into bin/."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return sum(
            info.file_size
            for info in archive.infolist()
            if info.filename.endswith(".dist-info/RECORD") or ".data/scripts/" in info.filename
        )


def whole_way(command: Command, name: str) -> Any:
    """Build, deploy, invoke: the manifest, the answer being the expected one."""
    built = command.json("build", name)
    folder = Path(built["folder"])
    manifest = json.loads((folder / "manifest.json").read_bytes())
    package = (folder / "function.zip").read_bytes()
    (artifact,) = manifest["artifacts"]
    assert hashlib.sha256(package).hexdigest() == artifact["sha256"]
    assert sum(file["size"] for file in manifest["files"]) == artifact["unzipped_bytes"]
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    assert {file["path"] for file in manifest["files"]} == set(members)
    for file in manifest["files"]:
        assert hashlib.sha256(members[file["path"]]).hexdigest() == file["sha256"], file
    deployed = command.json("deploy", name)
    assert deployed["strategy"] == built["strategy"]
    assert deployed["uploaded_bytes"] == len(package)
    done = command("invoke", name, "--event", f"{name}/event.json")
    expected = json.loads((EXAMPLES / name / "expected.json").read_bytes())
    assert done.json() == expected
    assert command.json("deploy", name)["instructions"] == []
    return manifest


@pytest.mark.sandbox
def test_the_recommender_goes_the_whole_way(examples: Command, plan: Any) -> None:
    manifest = whole_way(examples, "recommender")
    assert manifest["strategy"] == "s3-zip"
    assert {f"{one['name']} {one['version']}" for one in manifest["wheels"]} == {
        f"{one['name']} {one['version']}" for one in plan["packages"]
    }
    provided = {one["name"] for one in manifest["wheels"] if one["provided_by"] == "runtime"}
    assert {"boto3", "botocore"} <= provided
    assert not [f for f in manifest["files"] if f["path"].startswith(("boto3/", "botocore/"))]


@pytest.mark.sandbox
def test_the_recommender_is_verified(examples: Command) -> None:
    verdict = examples.json("verify", "recommender")
    assert verdict["passed"]
    assert [check["name"] for check in verdict["checks"]] == ["imports", "invoke with event.json"]
    assert verdict["checks"][1]["detail"].startswith("the expected answer")


@pytest.mark.sandbox
def test_the_trader_goes_the_whole_way(examples: Command) -> None:
    manifest = whole_way(examples, "trader")
    assert "alpaca-py 0.21.1" in {f"{one['name']} {one['version']}" for one in manifest["wheels"]}


@pytest.mark.sandbox
def test_for_python_3_11_all_loads_under_glibc_2_26(
    tmp_path: Path, examples: Command, plan: Any
) -> None:
    command = Command(copy(tmp_path / "examples", "python3.11"), examples.cache)
    try:
        manifest = whole_way(command, "recommender")
    finally:
        command("local", "down")
    newest = {one["name"]: Version(one["version"]) for one in plan["packages"]}
    here = {one["name"]: Version(one["version"]) for one in manifest["wheels"]}
    assert here["numpy"] < newest["numpy"], "it went back to wheels that load"
    needed: dict[str, Version] = {}
    objects = 0
    with zipfile.ZipFile(
        command.folder / ".wideload" / "build" / "recommender" / "function.zip"
    ) as archive:
        for info in archive.infolist():
            data = archive.read(info)
            if not is_elf(data):
                continue
            objects += 1
            dynamic = parse(data).dynamic
            for one in dynamic.versions if dynamic else ():
                if one.version.startswith("GLIBC_") and one.version != "GLIBC_PRIVATE":
                    version = Version(one.version.removeprefix("GLIBC_"))
                    needed[info.filename] = max(version, needed.get(info.filename, version))
    assert objects > 100
    assert len(needed) > 100
    assert {path: v for path, v in needed.items() if v > Version("2.26")} == {}
    assert max(needed.values()) >= Version("2.14")


def test_killed_at_any_moment_the_next_build_is_the_same(examples: Command, tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    shutil.copytree(examples.folder, folder, ignore=shutil.ignore_patterns(".wideload"))
    cache = tmp_path / "cache"
    command = Command(folder, cache)

    def build() -> dict[str, str]:
        built = Path(command.json("build", "recommender")["folder"])
        assert sorted(
            path.name for path in built.iterdir() if path.suffix in (".zip", ".json")
        ) == [
            "function.zip",
            "manifest.json",
        ]
        return {
            name: hashlib.sha256((built / name).read_bytes()).hexdigest()
            for name in ("function.zip", "manifest.json")
        }

    started = time.monotonic()
    expected = build()
    cold = time.monotonic() - started
    killed = 0
    for number in range(KILLS):
        # What is left of the rounds before stays, every other time only the wheels do.
        for kind in ("blocks", "streams") if number % 2 else ("",):
            shutil.rmtree(cache / kind, ignore_errors=True)
        shutil.rmtree(folder / ".wideload", ignore_errors=True)
        # The first second is spent on loading and reading.
        moment = 0.2 + (cold if not number % 2 else cold / 3) * random.random()
        process = command.start("build", "recommender")
        time.sleep(moment)
        process.kill()
        process.communicate()
        killed += process.returncode != 0
        assert build() == expected, f"killed after {moment:.2f} s"
    assert killed >= KILLS // 2
    assert len(partials(tmp_path)) <= 40 * KILLS
