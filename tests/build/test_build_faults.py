"""What goes wrong in a build: one clear error, and nothing half written."""

from __future__ import annotations

import contextlib
import hashlib
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_index import LocalIndex
from made_projects import APP, Listener, ProjectMaker, built
from wheel_maker import Made, wheel, with_broken_stream, with_wrong_crc
from wideload.build.builder import FUNCTION_ZIP
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.pipeline import Pipeline

COMMAND = [sys.executable, "-c", "from wideload.cli import main; main()", "build"]
BIG = wheel("big", files={"big/lib.so": bytes(range(256)) * 2000}, stored=True)
# Cut by RLIMIT_FSIZE well below the wheel, well above locks and notes.
SMALL = 200_000


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith(".partial")]


def build_folder(root: Path, name: str = "shop") -> Path:
    return root / ".wideload" / "build" / name


def corrupt(index: LocalIndex, projects: ProjectMaker, store: Cache, made: Made) -> WideloadError:
    index.add(made)
    root = projects.make("shop", f"{made.name}\n")
    with pytest.raises(WideloadError) as caught:
        built(root, store)
    assert caught.value.what == f"corrupt wheel {made.filename}"
    assert not list(build_folder(root).glob("*"))
    assert not leftovers(root)
    assert not leftovers(store.root)
    return caught.value


def test_a_wheel_whose_content_is_not_what_its_directory_says(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    plain = wheel("demo", files={"demo/data.bin": b"x" * 100_000}, stored=True)
    broken = plain.with_data(with_broken_stream(plain.data, "demo/data.bin"))
    assert "demo/data.bin" in corrupt(index, projects, store, broken).why


def test_a_deflated_member_that_does_not_inflate(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    text = "\n".join(str(number * number) for number in range(9000))
    plain = wheel("demo", files={"demo/a.py": text})
    broken = plain.with_data(with_broken_stream(plain.data, "demo/a.py"))
    assert "demo/a.py" in corrupt(index, projects, store, broken).why


def test_a_directory_that_gives_another_crc(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    plain = wheel("demo", files={"demo/a.py": "A = 1\n"})
    broken = plain.with_data(with_wrong_crc(plain.data, "demo/a.py"))
    assert "demo/a.py" in corrupt(index, projects, store, broken).why


def test_an_index_that_showed_another_directory_than_the_wheels(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    right = wheel("demo", files={"demo.py": "RIGHT = 1\n"})
    other = wheel("demo", files={"demo.py": "RIGHT = 1\n", "more.py": ""})
    index.add(right)
    root = projects.make("shop", "demo\n")
    pipeline = Pipeline(Listener(), store)
    function = pipeline.source("shop", root)
    pipeline.prepare(function)
    # As if the ranges had been served of another file.
    for note in store.root.glob("directories/*/*"):
        note.unlink()
    index.files[right.filename] = right.with_data(other.data)
    pipeline.prepare(function)
    index.files[right.filename] = right
    with pytest.raises(WideloadError) as caught:
        pipeline.build(function)
    assert caught.value.what == f"corrupt wheel {right.filename}"
    assert "another table of contents" in caught.value.why
    # Once the wheel itself is there, it is believed.
    made = pipeline.build(function)
    assert "more.py" not in {file.path for file in made.manifest.files}


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_source_file_that_changes_meanwhile(
    projects: ProjectMaker, store: Cache, change: str
) -> None:
    root = projects.make("shop")
    before = built(root, store)
    package = (before.folder / FUNCTION_ZIP).read_bytes()
    (root / "app.py").write_text(APP + "# new\n")
    pipeline = Pipeline(Listener(), store)
    function = pipeline.source("shop", root)
    if change == "gone":
        (root / "app.py").unlink()
    else:
        (root / "app.py").write_text(APP + "# newer\n")
    with pytest.raises(WideloadError) as caught:
        pipeline.build(function)
    assert "app.py" in caught.value.what
    assert (before.folder / FUNCTION_ZIP).read_bytes() == package
    assert not leftovers(root)


def run_limited(root: Path, size: int) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        COMMAND, cwd=root, capture_output=True, text=True, preexec_fn=limit, check=False
    )


def check_disk_full(done: subprocess.CompletedProcess[str], root: Path, store: Cache) -> None:
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    assert "disk space" in done.stderr
    assert not leftovers(root)
    assert not leftovers(store.root)


def test_a_disk_that_is_full_while_wheels_are_fetched(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(BIG)
    root = projects.make("shop", "big\n")
    check_disk_full(run_limited(root, SMALL), root, store)
    assert not list(build_folder(root).glob("*"))
    assert built(root, store).manifest.artifact("function").size > SMALL


def test_a_disk_that_is_full_while_the_package_is_written(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(BIG)
    first = projects.make("shop", "big\n")
    before = built(first, store)
    package, manifest = [path.read_bytes() for path in sorted(before.folder.iterdir())]
    (first / "app.py").write_text(APP + "# new\n")
    check_disk_full(run_limited(first, SMALL), first, store)
    assert [path.read_bytes() for path in sorted(before.folder.iterdir())] == [package, manifest]
    second = projects.make("shop", "big\n", folder="second")
    check_disk_full(run_limited(second, SMALL), second, store)
    assert not list(build_folder(second).glob("*"))


def test_a_kill_at_any_moment_leaves_nothing_that_is_believed(
    index: LocalIndex, projects: ProjectMaker, tmp_path: Path
) -> None:
    index.add(BIG, *(wheel(f"demo{number}") for number in range(6)))
    index.manners.pause = 0.001
    text = "big\n" + "".join(f"demo{number}\n" for number in range(6))
    root = projects.make("shop", text)
    whole = built(root, Cache(tmp_path / "reference")).manifest.artifact("function").sha256
    cache = Cache(tmp_path / "cache")
    started = time.monotonic()
    subprocess.run(COMMAND, cwd=root, check=True, capture_output=True)
    lasts = time.monotonic() - started
    moments = [lasts * (0.15 + 0.05 * number) for number in range(20)]
    killed = 0
    for number, moment in enumerate(moments):
        if number % 3 == 0:
            # From nothing, so that downloads are cut as well.
            for path in cache.root.rglob("*"):
                with contextlib.suppress(OSError):
                    path.unlink()
        # Another package each time, so that there is something to write.
        (root / "app.py").write_text(APP + f"# {number}\n")
        process = subprocess.Popen(
            COMMAND, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        (root / "app.py").write_text(APP)
        made = built(root, cache)
        package = (made.folder / FUNCTION_ZIP).read_bytes()
        assert hashlib.sha256(package).hexdigest() == whole
        assert made.manifest.artifact("function").sha256 == whole
    assert killed > 5


def test_two_builds_of_one_function_at_once(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(BIG, wheel("demo"))
    root = projects.make("shop", "big\ndemo\n")
    both = [
        subprocess.Popen(COMMAND, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    package = (build_folder(root) / FUNCTION_ZIP).read_bytes()
    made = built(root, store)
    assert made.manifest.artifact("function").sha256 == hashlib.sha256(package).hexdigest()
    assert not leftovers(root)
