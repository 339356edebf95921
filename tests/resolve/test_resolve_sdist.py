"""Source distributions and folders become wheels where they are pure, the same ones anywhere."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from sdist_maker import project_files, sdist, write_project
from wheel_maker import Made
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.resolve.sdist import wheel_of_folder, wheel_of_sdist
from wideload.resolve.wheels import WHEELS
from wideload.values.target import Target

TARGET = Target.parse("python3.13", "x86_64")
pytestmark = pytest.mark.usefixtures("clean_environment")


def from_sdist(made: Made, folder: Path, store: Cache) -> tuple[str, bytes]:
    path = folder / made.sha256
    path.write_bytes(made.data)
    filename, sha256 = wheel_of_sdist(path, made.filename, made.sha256, "demo 1.0", TARGET, store)
    return filename, store.path(WHEELS, sha256, ".whl").read_bytes()


def from_folder(folder: Path, store: Cache) -> tuple[str, bytes]:
    filename, sha256 = wheel_of_folder(folder, "demo", TARGET, store)
    return filename, store.path(WHEELS, sha256, ".whl").read_bytes()


def content(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_pure_sdist_is_built_with_its_own_backend(tmp_path: Path, store: Cache) -> None:
    made = sdist("demo", files={"demo/__init__.py": "X = 1\n"}, requires=["numpy>=1"])
    filename, data = from_sdist(made, tmp_path, store)
    assert filename == "demo-1.0-py3-none-any.whl"
    files = content(data)
    assert files["demo/__init__.py"] == b"X = 1\n"
    assert b"Requires-Dist: numpy>=1" in files["demo-1.0.dist-info/METADATA"]
    assert b"Generator: wideload\n" in files["demo-1.0.dist-info/WHEEL"]
    assert b"demo/__init__.py,sha256=" in files["demo-1.0.dist-info/RECORD"]


def test_it_is_built_once(tmp_path: Path, store: Cache) -> None:
    mark = tmp_path / "built"
    made = sdist("demo", on_build=f"open({str(mark)!r}, 'a').write('x')")
    first = from_sdist(made, tmp_path, store)
    assert from_sdist(made, tmp_path, store) == first
    assert mark.read_text() == "x"


def test_a_built_wheel_that_got_damaged_is_built_again(tmp_path: Path, store: Cache) -> None:
    made = sdist("demo")
    first = from_sdist(made, tmp_path, store)
    for path in store.root.glob("wheels/*/*.whl"):
        path.write_bytes(b"broken")
    assert from_sdist(made, tmp_path, store) == first


def test_two_builds_at_other_times_and_places_are_equal(tmp_path: Path) -> None:
    made = sdist("demo", files={"demo/a.py": "A = 1\n", "demo/b.py": "B = 1\n"})
    found = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(from_sdist(made, folder, Cache(folder / "cache")))
    assert found[0] == found[1]
    with zipfile.ZipFile(io.BytesIO(found[0][1])) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"setup.py": "from setuptools import setup\nsetup(ext_modules=[x])\n"}, "ext_modules"),
        ({"setup.py": "setup(rust_extensions=[])\n"}, "rust_extensions"),
        ({"setup.py": "setup(ext=cythonize('a.pyx'))\n"}, "cythonize"),
        ({"setup.cfg": "[options]\ncffi_modules = x\n"}, "cffi_modules"),
        (
            {"pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "maturin"\n'},
            "its build backend is maturin",
        ),
        (
            {"pyproject.toml": '[build-system]\nbuild-backend = "mesonpy"\n'},
            "its build backend is mesonpy",
        ),
        ({"Cargo.toml": "[package]\n", "src/lib.rs": "fn main() {}\n"}, "Rust sources"),
    ],
)
def test_a_native_sdist_is_refused_without_running_anything(
    tmp_path: Path, store: Cache, files: dict[str, str], reason: str
) -> None:
    mark = tmp_path / "ran"
    made = sdist("demo", extra_files=files, on_build=f"open({str(mark)!r}, 'w')")
    with pytest.raises(WideloadError) as caught:
        from_sdist(made, tmp_path, store)
    assert caught.value.what == (
        "demo 1.0 has no wheel for python3.13 on x86_64 and needs a compiler"
    )
    assert reason in caught.value.why
    assert "choose a version with a wheel" in caught.value.hint
    assert not mark.exists()


def test_no_compiler_is_to_be_had_while_it_is_built(tmp_path: Path, store: Cache) -> None:
    ran = tmp_path / "ran"
    compiler = tmp_path / "bin" / "cc"
    compiler.parent.mkdir()
    compiler.write_text(f"#!/bin/sh\ntouch {ran}\n")
    compiler.chmod(0o755)
    made = sdist(
        "demo", on_build="import os, subprocess; subprocess.check_call([os.environ['CC'], 'x.c'])"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{compiler.parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("CC", str(compiler))
        with pytest.raises(WideloadError) as caught:
            from_sdist(made, tmp_path, store)
    assert caught.value.what == "demo 1.0 could not be built into a wheel"
    assert "'false', 'x.c'" in caught.value.why
    assert "a compiler is never run" in caught.value.hint
    assert not ran.exists()


def test_a_python_of_the_targets_version_that_does_not_start_is_passed_over(
    tmp_path: Path, store: Cache, clean_environment: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "shims" / f"python{TARGET.python_version}"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    clean_environment.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
    assert from_sdist(sdist("demo"), tmp_path, store)[0] == "demo-1.0-py3-none-any.whl"


def test_what_turns_out_to_be_for_this_machine_is_refused(tmp_path: Path, store: Cache) -> None:
    made = sdist("demo", tag="cp313-cp313-linux_x86_64")
    with pytest.raises(WideloadError) as caught:
        from_sdist(made, tmp_path, store)
    assert "needs a compiler" in caught.value.what
    assert "demo-1.0-cp313-cp313-linux_x86_64.whl" in caught.value.why


def test_a_backend_that_fails_is_quoted(tmp_path: Path, store: Cache) -> None:
    made = sdist("demo", on_build="raise SystemExit('the moon is not full')")
    with pytest.raises(WideloadError) as caught:
        from_sdist(made, tmp_path, store)
    assert caught.value.what == "demo 1.0 could not be built into a wheel"
    assert "the moon is not full" in caught.value.why


@pytest.mark.parametrize("data", [b"", b"no archive", sdist("demo").data[:-200]])
def test_a_corrupt_sdist_is_refused(tmp_path: Path, store: Cache, data: bytes) -> None:
    with pytest.raises(WideloadError) as caught:
        from_sdist(Made("demo-1.0.tar.gz", data), tmp_path, store)
    assert caught.value.what == "corrupt source distribution of demo 1.0"


def test_a_folder_is_built_in_a_copy(tmp_path: Path, store: Cache) -> None:
    folder = write_project(
        tmp_path / "demo", project_files("demo", on_build="open('left-behind', 'w').close()")
    )
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    filename, data = from_folder(folder, store)
    assert filename == "demo-1.0-py3-none-any.whl"
    assert content(data)["demo.py"] == b"NAME = 'demo'\n"
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_a_folder_is_built_again_only_when_its_files_change(tmp_path: Path, store: Cache) -> None:
    mark = tmp_path / "built"
    folder = write_project(
        tmp_path / "demo", project_files("demo", on_build=f"open({str(mark)!r}, 'a').write('x')")
    )
    first = from_folder(folder, store)
    os.utime(folder / "src" / "demo.py", (1, 1))
    write_project(folder, {"__pycache__/x.pyc": "", ".git/HEAD": "", "demo.egg-info/PKG-INFO": ""})
    assert from_folder(folder, store) == first
    assert mark.read_text() == "x"
    (folder / "src" / "demo.py").write_text("NAME = 'new'\n")
    assert content(from_folder(folder, store)[1])["demo.py"] == b"NAME = 'new'\n"
    assert mark.read_text() == "xx"


def test_a_native_folder_is_refused_without_running_anything(tmp_path: Path, store: Cache) -> None:
    mark = tmp_path / "ran"
    files = project_files("demo", on_build=f"open({str(mark)!r}, 'w')")
    folder = write_project(
        tmp_path / "demo", {**files, "setup.py": "setup(ext_modules=[Extension('a', ['a.c'])])\n"}
    )
    with pytest.raises(WideloadError) as caught:
        from_folder(folder, store)
    assert "needs a compiler" in caught.value.what
    assert "ext_modules" in caught.value.why
    assert not mark.exists()


def test_a_folder_that_is_not_there(tmp_path: Path, store: Cache) -> None:
    with pytest.raises(WideloadError) as caught:
        from_folder(tmp_path / "gone", store)
    assert caught.value.what == "the folder of demo is not there"
