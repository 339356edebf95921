"""What a layer of others holds is read by ranges, judged, recorded and compared."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer_maker import OWNER, Shelf, layer_zip
from wheel_maker import wheel
from wideload.errors import WideloadError
from wideload.resolve.attached import client, fetch_layer, read_layer
from wideload.resolve.attaching import attached_layers
from wideload.resolve.attaching import layer_zip as zip_of_layer
from wideload.resolve.layer_fit import check_fit, visible
from wideload.resolve.layers_lock import LAYERS_LOCK, Locked, read_lock, write_lock
from wideload.resolve.resolver import resolve
from wideload.values.attached import AttachedLayer, Extensions, Held
from wideload.values.function import LockedRequirements
from wideload.values.target import Target

if TYPE_CHECKING:
    from local_index import LocalIndex
    from wideload.cache import Cache

TARGET = Target.parse("python3.13", "x86_64")
SITE = "python/lib/python3.13/site-packages"
NUMPY = wheel(
    "numpy",
    "2.1.0",
    {"numpy/__init__.py": "", "numpy/core.cpython-313-x86_64-linux-gnu.so": "ELF"},
    tag="cp313-cp313-manylinux_2_17_x86_64",
)
PANDAS = wheel("pandas", "2.2.3", requires=["numpy>=1.26", 'fsspec; extra == "aws"'])


@pytest.fixture
def shelf(index: LocalIndex) -> Shelf:
    return Shelf(index)


def layer(
    *held: Held,
    runtimes: tuple[str, ...] = (),
    architectures: tuple[str, ...] = (),
    extensions: tuple[Extensions, ...] = (),
) -> AttachedLayer:
    return AttachedLayer(
        arn=f"{OWNER}:made:1",
        sha256="0" * 64,
        zipped_bytes=1,
        unzipped_bytes=1,
        runtimes=runtimes,
        architectures=architectures,
        distributions=held,
        extensions=extensions,
    )


def test_contents_are_read_without_the_zip(shelf: Shelf, store: Cache) -> None:
    noise = random.Random(1).randbytes(3_000_000)
    data = layer_zip(
        NUMPY,
        PANDAS,
        files={"python/a/noise.bin": noise, "python/zz.bin": noise, "lib/libx.so.1": "ELF"},
    )
    arn = shelf.publish("made", data, runtimes=("python3.13",), architectures=("x86_64",))
    found = read_layer(shelf.describe(arn), client(), store)
    assert [(one.name, one.version) for one in found.distributions] == [
        ("numpy", "2.1.0"),
        ("pandas", "2.2.3"),
    ]
    assert found.distributions[0].tags == ("cp313-cp313-manylinux_2_17_x86_64",)
    assert found.distributions[0].is_compiled
    assert not found.distributions[1].is_compiled
    assert found.distributions[1].requires == ('fsspec; extra == "aws"', "numpy>=1.26")
    assert found.modules == ("numpy", "pandas")
    assert found.libraries == ("libx.so.1",)
    assert found.extensions == (Extensions("numpy", "python", ("cpython-313-x86_64-linux-gnu",)),)
    assert found.unzipped_bytes > 6_000_000
    assert (found.runtimes, found.architectures) == (("python3.13",), ("x86_64",))
    assert 0 < shelf.sent_of(arn) < 140_000
    assert not list(store.root.glob("layers/*/*.zip"))


@pytest.mark.parametrize("manner", ["ignored", "refused", "unsaid", "no-suffix"])
def test_a_server_without_ranges_gives_the_same(
    shelf: Shelf, index: LocalIndex, store: Cache, manner: str
) -> None:
    arn = shelf.publish("made", layer_zip(NUMPY, PANDAS))
    told = read_layer(shelf.describe(arn), client(), store)
    index.manners.ranges = manner  # type: ignore[assignment]
    assert read_layer(shelf.describe(arn), client(), store) == told


def test_nobodys_credentials_are_sent_along(
    shelf: Shelf,
    index: LocalIndex,
    store: Cache,
    clean_environment: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login alice password s3cret\n")
    netrc.chmod(0o600)
    clean_environment.setenv("NETRC", str(netrc))
    index.manners.credentials = ("alice", "s3cret")
    arn = shelf.publish("made", layer_zip(PANDAS))
    with pytest.raises(WideloadError, match="could not be fetched") as caught:
        read_layer(shelf.describe(arn), client(), store)
    assert "401" in caught.value.why
    assert "index" not in caught.value.why


def test_a_zip_that_is_none_is_refused(shelf: Shelf, store: Cache) -> None:
    arn = shelf.publish("made", b"no zip" * 100)
    with pytest.raises(WideloadError, match="is no sound zip"):
        read_layer(shelf.describe(arn), client(), store)


def test_a_zip_that_is_another_is_not_taken(shelf: Shelf, store: Cache) -> None:
    arn = shelf.publish("made", layer_zip(PANDAS))
    published = shelf.describe(arn)
    shelf.publish("made", layer_zip(NUMPY))
    with pytest.raises(WideloadError, match="could not be fetched") as caught:
        fetch_layer(published, client(), store)
    assert "does not match" in caught.value.why
    assert not list(store.root.glob("layers/*/*.zip"))


def test_distributions_are_found_where_python_looks(shelf: Shelf, store: Cache) -> None:
    arn = shelf.publish(
        "made",
        layer_zip(
            PANDAS,
            root=SITE,
            files={
                "python/lib/python3.12/site-packages/numpy-1.0.dist-info/METADATA": "Name: numpy\n",
                "python/vendor/six-1.0.dist-info/METADATA": "Name: six\nVersion: 1.0\n",
                "nodejs/node_modules/x/package.json": "{}",
                "python/plain-3.0.egg-info/PKG-INFO": "Name: Plain\nVersion: 3.0\n",
                "python/bare_name-4.0.dist-info/RECORD": "",
                "python/alone.py": "",
            },
        ),
    )
    found = read_layer(shelf.describe(arn), client(), store)
    assert {(one.name, one.version) for one in visible(found, TARGET)} == {
        ("pandas", "2.2.3"),
        ("plain", "3.0"),
        ("bare-name", "4.0"),
    }
    assert ("numpy", "1.0") in {(one.name, one.version) for one in found.distributions}
    assert "alone" in found.modules
    assert "lib" not in found.modules


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (layer(runtimes=("python3.12", "python3.11")), "its CompatibleRuntimes are python3.12, "),
        (layer(architectures=("arm64",)), "its CompatibleArchitectures are arm64"),
        (
            layer(Held("numpy", "2.1.0", tags=("cp312-cp312-manylinux_2_17_x86_64",))),
            "numpy 2.1.0 in it was built for cp312-cp312-manylinux_2_17_x86_64",
        ),
        (
            layer(Held("numpy", "2.1.0", tags=("cp313-cp313-manylinux_2_39_x86_64",))),
            "numpy 2.1.0 in it was built for",
        ),
        (
            layer(extensions=(Extensions("numpy", "python", ("cpython-313-aarch64-linux-gnu",)),)),
            "python/numpy in it has compiled modules for cpython-313-aarch64-linux-gnu",
        ),
        (
            layer(Held("numpy", "2.1.0", root="python/lib/python3.12/site-packages")),
            "its distributions lie in python/lib/python3.12/site-packages, where this Python",
        ),
    ],
)
def test_a_layer_for_another_target_is_refused(made: AttachedLayer, why: str) -> None:
    with pytest.raises(WideloadError, match=r"is not for python3\.13 on x86_64") as caught:
        check_fit(made, TARGET)
    assert caught.value.why.startswith(why)
    assert caught.value.hint


@pytest.mark.parametrize(
    "made",
    [
        layer(),
        layer(runtimes=("python3.12", "python3.13"), architectures=("x86_64", "arm64")),
        layer(Held("numpy", "2", tags=("cp313-cp313-linux_x86_64",))),
        layer(Held("six", "1", tags=("py2-none-any", "py3-none-any"))),
        layer(Held("abi", "1", tags=("cp38-abi3-manylinux_2_17_x86_64",))),
        # A layer for two Pythons: each finds its own.
        layer(
            Held("numpy", "2", root=SITE, tags=("cp313-cp313-linux_x86_64",)),
            Held(
                "numpy",
                "1",
                root="python/lib/python3.12/site-packages",
                tags=("cp312-cp312-linux_x86_64",),
            ),
            extensions=(
                Extensions(
                    "numpy",
                    "python/lib/python3.12/site-packages",
                    ("cpython-312-x86_64-linux-gnu",),
                ),
            ),
        ),
        layer(
            extensions=(
                Extensions(
                    "yaml",
                    "python",
                    ("cpython-312-x86_64-linux-gnu", "cpython-313-x86_64-linux-gnu"),
                ),
            )
        ),
    ],
)
def test_a_layer_for_this_target_is_taken(made: AttachedLayer) -> None:
    check_fit(made, TARGET)


def test_the_record_is_the_same_whoever_writes_it(tmp_path: Path) -> None:
    one = Locked(
        f"{OWNER}:made:latest",
        layer(
            Held(
                "numpy", "2", ('x>1; python_version < "3.9"',), SITE, ("cp313-cp313-linux_x86_64",)
            ),
            Held('odd"name\n', "\x7f1"),
            extensions=(Extensions("numpy", SITE, ("cpython-313-x86_64-linux-gnu",)),),
        ),
    )
    two = Locked(f"{OWNER}:a:1", layer(runtimes=("python3.13",)))
    path = tmp_path / LAYERS_LOCK
    assert read_lock(path) == {}
    assert write_lock(path, [one, two])
    text = path.read_text()
    assert not write_lock(path, [two, one])
    assert read_lock(path) == {one.asked: one, two.asked: two}
    assert text.index(f"{OWNER}:a:1") < text.index(f"{OWNER}:made:latest")


WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
TUPLES = st.lists(WORDS, max_size=2).map(tuple)


@given(
    st.lists(
        st.builds(
            Locked,
            WORDS,
            st.builds(
                AttachedLayer,
                arn=WORDS,
                sha256=WORDS,
                zipped_bytes=st.integers(0, 1 << 40),
                unzipped_bytes=st.integers(0, 1 << 40),
                runtimes=TUPLES,
                architectures=TUPLES,
                distributions=st.lists(
                    st.builds(Held, WORDS, WORDS, TUPLES, WORDS, TUPLES), max_size=2
                ).map(tuple),
                modules=TUPLES,
                libraries=TUPLES,
                extensions=st.lists(st.builds(Extensions, WORDS, WORDS, TUPLES), max_size=2).map(
                    tuple
                ),
            ),
        ),
        max_size=3,
        unique_by=lambda one: one.asked,
    )
)
def test_whatever_is_recorded_is_read_again(locked: list[Locked]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LAYERS_LOCK
        write_lock(path, locked)
        assert read_lock(path) == {one.asked: one for one in locked}


@pytest.mark.parametrize(
    "text",
    [
        "version = 1\nlayers = 3\n",
        "version = 2\n",
        "[[layers]]\n",
        "version = \n",
        "version = 1\nx = 1\n",
    ],
)
def test_a_record_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / LAYERS_LOCK
    path.write_text(text)
    with pytest.raises(WideloadError, match=LAYERS_LOCK) as caught:
        read_lock(path)
    assert "delete it" in caught.value.hint


class Listener:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)


def test_recorded_layers_are_asked_for_once(shelf: Shelf, store: Cache, tmp_path: Path) -> None:
    arn = shelf.publish("made", layer_zip(PANDAS))
    tell = Listener()
    first = attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store, tell=tell)
    assert tell.lines == [f"what the layers hold is in {LAYERS_LOCK}; commit it"]
    assert shelf.asked == [arn]
    shelf.unreachable = True
    again = attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store, tell=tell)
    assert again == first
    assert shelf.asked == [arn]
    # A build would like to compare, and says that it could not.
    attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store, compare=True, tell=tell)
    (note,) = tell.lines[1:]
    assert note == (
        f"note: layer {arn} cannot be read (nobody answers), so it is taken to be what "
        "layers.lock.toml says it is"
    )


def test_a_layer_that_changed_is_told_and_refused_until_it_is_taken(
    shelf: Shelf, store: Cache, tmp_path: Path
) -> None:
    arn = shelf.publish("made", layer_zip(PANDAS, NUMPY))
    attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store)
    before = (tmp_path / LAYERS_LOCK).read_text()
    shelf.publish("made", layer_zip(wheel("pandas", "2.3.0"), wheel("six", "1.17")))
    # A plan goes by the record.
    attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store)
    with pytest.raises(WideloadError, match=r"is not what layers\.lock\.toml says") as caught:
        attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store, compare=True)
    diff = "numpy 2.1.0 is gone; pandas 2.2.3 became 2.3.0; six 1.17 is new; "
    assert caught.value.why.startswith(diff)
    assert "--upgrade" in caught.value.hint
    assert (tmp_path / LAYERS_LOCK).read_text() == before
    tell = Listener()
    attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store, upgrade=True, tell=tell)
    assert tell.lines[0].startswith(f"layer {arn} changed: {diff}")
    assert (tmp_path / LAYERS_LOCK).read_text() != before
    attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store, compare=True)


def test_the_latest_version_stays_the_recorded_one_until_upgraded(
    shelf: Shelf, store: Cache, tmp_path: Path
) -> None:
    first = shelf.publish("made", layer_zip(PANDAS), version=1)
    asked = (f"{OWNER}:made:latest",)
    (found,) = attached_layers(asked, TARGET, tmp_path, lambda: shelf, store)
    assert found.arn == first
    second = shelf.publish("made", layer_zip(wheel("pandas", "2.3.0")), version=2)
    (found,) = attached_layers(asked, TARGET, tmp_path, lambda: shelf, store, compare=True)
    assert found.arn == first
    record = (tmp_path / LAYERS_LOCK).read_text()
    (same,) = attached_layers((first,), TARGET, tmp_path, lambda: shelf, store)
    assert same == found
    assert (tmp_path / LAYERS_LOCK).read_text() == record
    tell = Listener()
    (found,) = attached_layers(
        asked, TARGET, tmp_path, lambda: shelf, store, upgrade=True, tell=tell
    )
    assert found.arn == second
    assert tell.lines[0].startswith(f"layer {first} is now {second}: pandas 2.2.3 became 2.3.0; ")


def test_records_of_layers_that_nobody_attaches_go(
    shelf: Shelf, store: Cache, tmp_path: Path
) -> None:
    arns = [shelf.publish(name, layer_zip(PANDAS)) for name in ("a", "b", "c")]
    for arn in arns[:2]:
        attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store, in_use=arns)
    assert set(read_lock(tmp_path / LAYERS_LOCK)) == set(arns[:2])
    attached_layers(arns[2:], TARGET, tmp_path, lambda: shelf, store, in_use=arns[1:])
    assert set(read_lock(tmp_path / LAYERS_LOCK)) == set(arns[1:])


def test_a_record_is_refused_for_another_target_too(
    shelf: Shelf, store: Cache, tmp_path: Path
) -> None:
    arn = shelf.publish("made", layer_zip(NUMPY))
    attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store)
    with pytest.raises(WideloadError, match=r"is not for python3\.12"):
        attached_layers(
            (arn,), Target.parse("python3.12", "x86_64"), tmp_path, lambda: shelf, store
        )


def test_the_zip_is_fetched_once_to_run_with_and_only_as_recorded(
    shelf: Shelf, store: Cache, tmp_path: Path
) -> None:
    data = layer_zip(PANDAS)
    arn = shelf.publish("made", data)
    (found,) = attached_layers((arn,), TARGET, tmp_path, lambda: shelf, store)
    assert zip_of_layer(found, lambda: shelf, store).read_bytes() == data
    shelf.unreachable = True
    assert zip_of_layer(found, lambda: shelf, store).read_bytes() == data
    shelf.unreachable = False
    other = shelf.publish("other", layer_zip(NUMPY))
    (found,) = attached_layers((other,), TARGET, tmp_path, lambda: shelf, store)
    shelf.publish("other", layer_zip(PANDAS))
    with pytest.raises(WideloadError, match=r"is not what layers\.lock\.toml says"):
        zip_of_layer(found, lambda: shelf, store)


def test_what_is_carried_stands_in_the_resolution_where_it_is_needed(
    store: Cache, tmp_path: Path
) -> None:
    held = [
        Held("pandas", "2.2.3", ("numpy>=1.26", 'pytz; python_version < "3"')),
        Held("numpy", "2.1.0"),
        Held("pytz", "1"),
        Held("unused", "1", ("numpy",)),
    ]
    locked = LockedRequirements(str(tmp_path / "uv.lock"), "uv.lock", (), roots=("pandas",))
    found = resolve(locked, TARGET, client(), store, held=held)
    assert [(one.name, one.version, one.requires) for one in found.wheels] == [
        ("numpy", "2.1.0", ()),
        ("pandas", "2.2.3", ("numpy>=1.26",)),
    ]
    assert all(one.members == () and one.sha256 == "" for one in found.wheels)
    assert found.roots == ("pandas",)
    found = resolve(locked, TARGET, client(), store, held=held, needed=["unused"])
    assert [one.name for one in found.wheels] == ["numpy", "pandas", "unused"]
    wished = LockedRequirements(str(tmp_path / "pylock.toml"), "pylock", ())
    found = resolve(wished, TARGET, client(), store, held=held, wishes=["Numpy>2"])
    assert [one.name for one in found.wheels] == ["numpy"]
    assert found.roots == ("numpy",)
