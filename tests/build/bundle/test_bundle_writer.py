"""The bundle: the tree's files and no others, the same bytes anywhere, made once."""

from __future__ import annotations

import base64
import hashlib
import random
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from slimming_maker import Kitchen
from wideload.build.bundle.content import Contents
from wideload.build.bundle.decompressor import decompressor_lock
from wideload.build.bundle.format import FORMAT
from wideload.build.bundle.format import FRAME as WHOLE_FRAME
from wideload.build.bundle.levels import LARGE, level_for, level_for_executables
from wideload.build.bundle.loader_files import FOLDER, loader_files
from wideload.build.bundle.owners import Divided, divide
from wideload.build.bundle.writer import INDEXES, write_bundle
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.values.bundle import LOADER_HANDLER, Bundle, BundleLocation
from wideload.values.target import Family, Target
from wideload.values.tree import FileTree, LocalFile

FRAME = 64 * 1024
PACKAGES: dict[str, dict[str, bytes | str]] = {
    "alpha": {
        "alpha/__init__.py": "import beta\n",
        "alpha/sub/__init__.py": "x = 1\n" * 9000,
        "alpha/data/words.txt": "words",
        "alpha/empty.txt": "",
    },
    "beta": {
        "beta/__init__.py": "",
        "beta/core.so": random.Random(1).randbytes(150_000),
        "beta.libs/libbeta-1.so.2": random.Random(2).randbytes(90_000),
    },
    "unused": {"unused.py": "y = 2\n"},
}
OWN: dict[str, bytes | str] = {"app.py": "import alpha\n", "rows.csv": "1,2\n"}


def everything(kitchen: Kitchen) -> Divided:
    return divide(kitchen.raw, {wheel.sha256: wheel for wheel in kitchen.resolution.wheels})


def written(kitchen: Kitchen, out: Path, **more: Any) -> Bundle:
    wheels = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    cache = more.pop("cache", kitchen.cache)
    divided = more.pop("divided", None) or everything(kitchen)
    more.setdefault("frame", FRAME)
    return write_bundle(divided, wheels, kitchen.paths, "app.handler", out, cache, **more)


def index_of(bundle: Bundle, cache: Cache) -> Any:
    return msgspec.json.decode(cache.path(INDEXES, bundle.index).read_bytes())


def read_back(out: Path, index: Any) -> dict[str, bytes]:
    """The files of a bundle, by the words of the format's description alone."""
    content = out.read_bytes()
    assert hashlib.sha256(content).hexdigest() == index["sha256"]
    assert len(content) == index["size"]
    raws, end = [], 0
    for offset, length, sha256, raw_length, raw_sha256 in index["frames"]:
        assert offset == end
        end = offset + length
        frame = content[offset:end]
        assert hashlib.sha256(frame).hexdigest() == sha256
        raw = zstandard.ZstdDecompressor().decompress(frame)
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (raw_length, raw_sha256)
        raws.append(raw)
    assert end == len(content)
    digests = base64.b64decode(index["digests"])
    files = {}
    for number, (path, frame, offset, size, mode, _) in enumerate(index["files"]):
        data = b"".join(raws[frame:])[offset : offset + size]
        assert hashlib.sha256(data).digest() == digests[32 * number : 32 * number + 32]
        assert mode in (0o644, 0o755)
        files[path] = data
    return files


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path, PACKAGES, OWN)


def test_it_holds_the_packages_files_and_the_zip_the_users(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    divided = everything(kitchen)
    assert {entry.path for entry in divided.zipped} == set(OWN)
    bundle = written(kitchen, tmp_path / "bundle")
    index = index_of(bundle, kitchen.cache)
    assert index["format"] == FORMAT
    assert read_back(tmp_path / "bundle", index) == kitchen.contents(divided.bundled)
    assert bundle.files == len(divided.bundled)
    assert bundle.unzipped_bytes == divided.bundled.unzipped_bytes
    assert bundle.tmp_bytes > bundle.unzipped_bytes
    assert bundle.frames == len(index["frames"]) > 5
    assert max(frame[3] for frame in index["frames"]) <= FRAME
    assert index["own"] == []


def test_a_large_file_has_frames_of_its_own(kitchen: Kitchen, tmp_path: Path) -> None:
    index = index_of(written(kitchen, tmp_path / "bundle"), kitchen.cache)
    rows = {row[0]: row for row in index["files"]}
    _, frame, offset, size, _, unit = rows["beta/core.so"]
    assert (offset, size) == (0, 150_000)
    assert [index["frames"][frame + at][3] for at in range(3)] == [50_000] * 3
    assert {frame, frame + 1, frame + 2} <= set(index["units"][unit])
    assert [row[0] for row in index["files"] if frame <= row[1] < frame + 3] == ["beta/core.so"]


def test_a_module_needs_its_unit_its_libraries_and_all_metadata(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    index = index_of(written(kitchen, tmp_path / "bundle"), kitchen.cache)
    rows = {row[0]: row for row in index["files"]}

    def frames(path: str) -> set[int]:
        _, frame, offset, size, *_ = rows[path]
        end, found = offset + size, {frame}
        while end > index["frames"][frame][3]:
            end -= index["frames"][frame][3]
            frame += 1
            found.add(frame)
        return found

    needed = set(index["units"][rows["beta/__init__.py"][5]])
    for path in rows:
        if ".dist-info/" in path or path.startswith("beta"):
            assert frames(path) <= needed, path
    assert not frames("alpha/sub/__init__.py") <= needed
    metadata = {frame for path in rows if ".dist-info/" in path for frame in frames(path)}
    assert metadata == set(index["first"])


def test_without_a_profile_what_the_handler_imports_comes_first(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    index = index_of(written(kitchen, tmp_path / "bundle"), kitchen.cache)
    order = [row[0] for row in index["files"] if ".dist-info/" not in row[0]]
    assert order.index("alpha/__init__.py") < order.index("unused.py")
    assert order[-1] == "unused.py"


def test_the_same_bytes_in_another_place_with_another_cache(tmp_path: Path) -> None:
    bundles = []
    for name in ("one", "another place"):
        kitchen = Kitchen(tmp_path / name, PACKAGES, OWN)
        out = tmp_path / name / "out" / "bundle"
        bundles.append((written(kitchen, out), out.read_bytes()))
    assert bundles[0] == bundles[1]


def test_a_change_of_the_users_code_changes_nothing_of_it(kitchen: Kitchen, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    first = written(kitchen, out)
    was = out.stat()
    done: list[int] = []
    changed = Kitchen(tmp_path / "b", PACKAGES, OWN | {"app.py": "import alpha  # a line\n"})
    second = written(changed, out, cache=kitchen.cache, progress=done.append)
    assert second == first
    # Not even written again.
    assert (out.stat().st_ino, out.stat().st_mtime_ns) == (was.st_ino, was.st_mtime_ns)
    assert sum(done) == first.unzipped_bytes


def test_what_changes_is_made_and_nothing_else(kitchen: Kitchen, tmp_path: Path) -> None:
    written(kitchen, tmp_path / "bundle")
    frames = {path.name for path in (kitchen.cache.root / "frames").rglob("*") if path.is_file()}
    packages = PACKAGES | {"unused": {"unused.py": "y = 3\n"}}
    changed = Kitchen(tmp_path / "b", packages, OWN)
    bundle = written(changed, tmp_path / "bundle", cache=kitchen.cache)
    index = index_of(bundle, kitchen.cache)
    new = [frame[2] for frame in index["frames"] if frame[2] not in frames]
    # Its own, and the metadata with the digest of its file.
    assert len(new) == 2
    assert read_back(tmp_path / "bundle", index) == changed.contents(everything(changed).bundled)


def test_a_damaged_frame_of_the_cache_is_made_again(kitchen: Kitchen, tmp_path: Path) -> None:
    first = written(kitchen, tmp_path / "bundle")
    for path in (kitchen.cache.root / "frames").rglob("*"):
        if path.is_file() and path.suffix != ".stamp":
            path.write_bytes(b"damaged")
    (tmp_path / "bundle").unlink()
    assert written(kitchen, tmp_path / "bundle") == first
    read_back(tmp_path / "bundle", index_of(first, kitchen.cache))


def test_a_bundle_that_was_touched_is_written_again(kitchen: Kitchen, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    first = written(kitchen, out)
    out.write_bytes(b"something else")
    assert written(kitchen, out) == first
    assert hashlib.sha256(out.read_bytes()).hexdigest() == first.sha256


def test_a_large_file_of_the_users_goes_into_the_bundle(tmp_path: Path) -> None:
    model = random.Random(5).randbytes(1_500_000)
    kitchen = Kitchen(tmp_path, PACKAGES, OWN | {"model/weights.bin": model})
    divided = everything(kitchen)
    assert {entry.path for entry in divided.zipped} == set(OWN)
    assert divided.beside == ("app.py", "rows.csv")
    index = index_of(written(kitchen, tmp_path / "bundle"), kitchen.cache)
    row = next(row for row in index["files"] if row[0] == "model/weights.bin")
    # No module of the user's runs before it is there.
    assert set(range(row[1], row[1] + 22)) <= set(index["first"])
    assert index["own"] == ["app.py", "rows.csv"]
    assert read_back(tmp_path / "bundle", index)["model/weights.bin"] == model


def test_files_of_the_users_in_a_packages_folder_are_laid_beside_it(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, PACKAGES, OWN | {"alpha/mine.py": ""})
    assert everything(kitchen).beside == ("alpha/mine.py", "app.py", "rows.csv")


def test_compiled_modules_at_the_root_are_found_by_their_sources(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"alpha.py": "", "__pycache__/alpha.cpython-313.pyc": b"1"}
    packages = {"alpha": files}
    kitchen = Kitchen(tmp_path, packages, OWN | {"__pycache__/app.cpython-313.pyc": b"2"})
    assert everything(kitchen).beside == ()


def test_the_level_is_lower_where_there_is_much_to_compress() -> None:
    assert (level_for(LARGE), level_for(LARGE + 1)) == (19, 12)


def test_executables_are_packed_so_that_they_unpack_fast_up_to_what_the_network_brings_fast() -> (
    None
):
    assert (level_for_executables(LARGE), level_for_executables(LARGE + 1)) == (1, 12)


def test_a_file_of_several_frames_is_read_once(tmp_path: Path) -> None:
    model = bytes(WHOLE_FRAME + 1)
    kitchen = Kitchen(tmp_path, PACKAGES, OWN | {"model/weights.bin": model})
    (entry,) = (one for one in kitchen.raw if one.path == "model/weights.bin")
    with Contents({}, {}, kitchen.cache) as contents:
        first, digest = contents.read(entry)
        assert contents.read(entry)[0] is first
    assert (first, digest) == (model, hashlib.sha256(model).hexdigest())


def test_what_was_derived_of_a_wheel_is_the_wheels(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, PACKAGES, OWN)
    from wideload.values.slimmed import SlimOptions  # noqa: PLC0415

    slimmed = kitchen.slim(SlimOptions(bytecode="sourceless"))
    wheels = {wheel.sha256: wheel for wheel in kitchen.resolution.wheels}
    divided = divide(slimmed.tree, wheels)
    assert {entry.path.split(".")[0] for entry in divided.zipped} <= {
        "app",
        "rows",
        "__pycache__/app",
    }
    assert "alpha/__init__.pyc" in divided.bundled.by_path
    by_name = {wheel.name: wheel.sha256 for wheel in wheels.values()}
    assert divided.owners["alpha/__init__.pyc"] == by_name["alpha"]
    bundle = written(kitchen, tmp_path / "bundle", divided=divided)
    found = read_back(tmp_path / "bundle", index_of(bundle, kitchen.cache))
    assert found == kitchen.contents(divided.bundled)


def test_nothing_to_bundle_is_refused(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, {}, OWN)
    with pytest.raises(WideloadError, match="nothing to put into a bundle"):
        written(kitchen, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_file_that_changes_meanwhile_stops_it(tmp_path: Path) -> None:
    kitchen = Kitchen(tmp_path, PACKAGES, OWN | {"model.bin": random.Random(6).randbytes(1 << 21)})
    (origin,) = [e.origin for e in kitchen.own if e.path == "model.bin"]
    assert isinstance(origin, LocalFile)
    Path(origin.path).write_bytes(b"changed")
    with pytest.raises(WideloadError, match=r"model\.bin changed while it was being packed"):
        written(kitchen, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_warm_build_is_quick(tmp_path: Path) -> None:
    packages: dict[str, dict[str, bytes | str]] = {
        f"package{n}": {f"package{n}/m{m}.py": f"v = {m}\n" for m in range(100)} for n in range(30)
    }
    kitchen = Kitchen(tmp_path, packages, OWN)
    out = tmp_path / "bundle"
    written(kitchen, out)
    began = time.process_time()
    written(kitchen, out)
    assert time.process_time() - began < 0.5


def files_for(
    kitchen: Kitchen, tmp_path: Path, version: str = "3.14", **more: Any
) -> tuple[FileTree, Bundle]:
    bundle = written(kitchen, tmp_path / "bundle")
    target = Target.parse(f"python{version}", "x86_64")
    more.setdefault("compiled", None)
    return (
        loader_files(bundle, "app.handler", target, None, cache=kitchen.cache, **more),
        bundle,
    )


def test_the_zip_has_the_loader_the_index_and_the_handlers_name(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    tree, bundle = files_for(kitchen, tmp_path)
    contents = kitchen.contents(tree)
    assert all(path.startswith(f"{FOLDER}/") for path in contents)
    assert hashlib.sha256(contents[f"{FOLDER}/index.json"]).hexdigest() == bundle.index
    assert len(contents[f"{FOLDER}/index.json"]) == bundle.index_bytes
    function = msgspec.json.decode(contents[f"{FOLDER}/function.json"])
    assert function == {"bundle": bundle.sha256, "folder": "/tmp", "handler": "app.handler"}
    module = LOADER_HANDLER.rpartition(".")[0].replace(".", "/")
    assert f"{module}.py" in contents
    assert tree == files_for(kitchen, tmp_path)[0]


def test_the_loader_ships_compiled_once_for_each_python(kitchen: Kitchen, tmp_path: Path) -> None:
    calls = []

    def compiled(sources: Any) -> list[bytes]:
        calls.append([path for path, _ in sources])
        return [b"code of " + path.encode() for path, _ in sources]

    tree, _ = files_for(kitchen, tmp_path, compiled=compiled)
    again, _ = files_for(kitchen, tmp_path, compiled=compiled)
    assert tree == again
    assert len(calls) == 1
    contents = kitchen.contents(tree)
    code = contents[f"{FOLDER}/__pycache__/start.cpython-314.pyc"]
    assert code == b"code of _wideload/start.py"


def test_an_index_that_the_cache_lost_is_told(kitchen: Kitchen, tmp_path: Path) -> None:
    bundle = written(kitchen, tmp_path / "bundle")
    shutil.rmtree(kitchen.cache.root / INDEXES)
    target = Target.parse("python3.14", "arm64")
    with pytest.raises(WideloadError, match="index is no longer in the cache"):
        loader_files(bundle, "app.handler", target, None, None, kitchen.cache)


def test_pythons_without_zstd_get_one() -> None:
    for runtime in Target.known_runtimes():
        for architecture in ("x86_64", "arm64"):
            target = Target.parse(runtime, architecture)
            if target.family is not Family.PYTHON:
                continue
            lock = decompressor_lock(target)
            assert (lock is None) == (target.python >= (3, 14))
            if lock is not None:
                (package,) = lock.packages
                (file,) = package.files
                assert f"cp{target.python[0]}{target.python[1]}" in file.filename
                assert target.architecture.machine in file.filename
                assert len(file.sha256) == 64


@pytest.mark.parametrize(
    ("location", "value"),
    [
        (BundleLocation("b", "k/x", "eu-west-1"), "s3://b/k/x?region=eu-west-1"),
        (
            BundleLocation("b", "a b&ü?", "us-east-1", "123", "v/1"),
            "s3://b/a%20b%26%C3%BC%3F?region=us-east-1&owner=123&version=v%2F1",
        ),
    ],
)
def test_the_place_is_told_by_a_variable(location: BundleLocation, value: str) -> None:
    assert location.variable() == value
