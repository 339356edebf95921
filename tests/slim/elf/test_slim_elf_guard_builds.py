"""Plans and builds refuse what cannot load, whatever slimming does, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from elf_maker import AARCH64, Spec, make

from local_index import LocalIndex
from made_projects import Listener, ProjectMaker, built
from wheel_maker import wheel
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.pipeline import Pipeline
from wideload.prepared import Prepared
from wideload.resolve.http import Http
from wideload.resolve.resolver import fetch_all
from wideload.slim.guarding import guard

NEWER = make(Spec(versions=(("libc.so.6", "GLIBC_2.28", 0),)))
LACKING = make(Spec(needed=("libcuda.so.1",), versions=()))
ARM = make(Spec(machine=AARCH64))


def planned(root: Path, store: Cache) -> tuple[Prepared, Listener]:
    listener = Listener()
    pipeline = Pipeline(listener, store)
    prepared = pipeline.prepare(pipeline.source(None, root))
    pipeline.plan(prepared)
    return prepared, listener


@pytest.mark.parametrize("slim", ["none", "runtime", "safe"])
def test_a_wheel_that_says_an_older_glibc_than_it_needs_is_refused(
    index: LocalIndex, projects: ProjectMaker, store: Cache, slim: str
) -> None:
    tag = "cp311-cp311-manylinux2014_x86_64"
    index.add(wheel("demo", files={"demo/_x.abi3.so": NEWER, "demo/__init__.py": ""}, tag=tag))
    more = f'slim = "{slim}"\nbytecode = "none"'
    root = projects.make("shop", "demo\n", runtime="python3.11", slim=True, more=more)
    planned(root, store)  # of a wheel that was never fetched nothing is known
    with pytest.raises(WideloadError, match=r"demo 1\.0 cannot be loaded on python3\.11") as caught:
        built(root, store)
    assert "needs GLIBC_2.28 of libc.so.6; python3.11 has GLIBC_2.26" in caught.value.why
    assert not list((root / ".wideload").rglob("*")), "nothing was built"
    with pytest.raises(WideloadError, match="cannot be loaded"):
        planned(root, store)


def test_a_lock_with_a_wheel_for_a_later_glibc_is_refused_by_its_name_already(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    made = wheel("demo", files={"demo/_x.abi3.so": NEWER}, tag="cp311-cp311-manylinux_2_28_x86_64")
    index.add(made)
    more = 'requirements = "pylock.toml"'
    root = projects.make("shop", runtime="python3.11", more=more)
    (root / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\nname = "demo"\nversion = "1.0"\n'
        f'wheels = [{{ url = "{index.file_url(made)}", '
        f'hashes = {{ sha256 = "{made.sha256}" }} }}]\n'
    )
    with pytest.raises(WideloadError) as caught:
        planned(root, store)
    assert "demo" in caught.value.what
    assert "manylinux_2_28" in str(caught.value)


def test_what_is_allowed_is_built_and_told(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("demo", files={"demo/plugins/a.so": NEWER}))
    more = 'allow_unloadable = ["demo/plugins/*"]'
    root = projects.make("shop", "demo\n", runtime="python3.11", more=more)
    listener = Listener()
    pipeline = Pipeline(listener, store)
    pipeline.build(pipeline.source(None, root))
    note = (
        "note: would fail if loaded: demo/plugins/a.so needs GLIBC_2.28 of libc.so.6; "
        "python3.11 has GLIBC_2.26"
    )
    assert listener.lines.count(note) == 1
    assert planned(root, store)[1].lines == [note]


def test_a_plugin_whose_library_is_lacking_forbids_nothing(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("demo", files={"demo/cuda.so": LACKING}))
    root = projects.make("shop", "demo\n")
    built(root, store)
    (note,) = planned(root, store)[1].lines
    assert note.endswith("demo/cuda.so (libcuda.so.1)")


def test_a_wheel_for_another_machine_that_was_unpacked_into_the_folder_is_refused_at_once(
    projects: ProjectMaker, store: Cache
) -> None:
    path = "demo/_core.cpython-313-aarch64-linux-gnu.so"
    root = projects.make("shop", files={"demo/__init__.py": "", path: ARM})
    with pytest.raises(WideloadError) as caught:
        planned(root, store)
    assert caught.value.what == f"{path} cannot be loaded on python3.13, x86_64"
    assert "which Python 3.13 on x86_64 does not import" in caught.value.why
    assert "made for Python 3.13 on x86_64 Linux with glibc" in caught.value.hint
    arm = projects.make("arm", files={"demo/__init__.py": "", path: ARM}, architecture="arm64")
    planned(arm, store)


def test_a_warm_build_does_not_open_the_wheels_for_it(
    index: LocalIndex, projects: ProjectMaker, store: Cache
) -> None:
    index.add(wheel("demo", files={"demo/a.so": make(Spec())}))
    root = projects.make("shop", "demo\n")
    built(root, store)
    notes = {path: path.stat().st_mtime_ns for path in store.root.glob("elf-facts/*/*")}
    assert len(notes) == 1
    built(root, store)
    assert {path: path.stat().st_mtime_ns for path in store.root.glob("elf-facts/*/*")} == notes


HEAVY = (
    *("numpy", "scipy", "pandas", "scikit-learn", "pyarrow", "lxml", "pillow"),
    *("opencv-python-headless", "onnxruntime", "matplotlib", "shapely", "cryptography"),
    *("psycopg2-binary", "grpcio", "duckdb", "polars", "numba", "lightgbm", "pyodbc", "h5py"),
)


@pytest.mark.heavy
@pytest.mark.network
@pytest.mark.parametrize(
    ("runtime", "architecture"),
    [("python3.13", "x86_64"), ("python3.11", "x86_64"), ("python3.13", "arm64")],
)
def test_no_heavy_wheel_is_refused(
    projects: ProjectMaker,
    runtime: str,
    architecture: str,
    store: Cache,
    http: Http,
) -> None:
    root = projects.make(
        "shop", "\n".join(HEAVY) + "\n", runtime=runtime, architecture=architecture
    )
    pipeline = Pipeline(Listener(), store)
    prepared = pipeline.prepare(pipeline.source(None, root))
    wheels = prepared.resolution.wheels
    paths = fetch_all(wheels, http, store, lambda _: None)
    found = guard(prepared.resolution, prepared.slimmed.tree, store, paths)
    assert found.complete
    # What an extension for threads of GNU's, or of Intel's, would need, is not on Lambda.
    (note,) = found.notes
    assert "/lib_lightgbm.so (libgomp.so.1)" in note
