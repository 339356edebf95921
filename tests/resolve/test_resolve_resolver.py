"""From a lock to exact wheels: chosen, checked, with members, edges and the user's wishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_index import LocalIndex
from sdist_maker import project_files, sdist, write_project
from wheel_maker import Made, members_of, wheel
from wideload.cache import Cache
from wideload.errors import WideloadError
from wideload.resolve.http import Http
from wideload.resolve.resolver import resolve
from wideload.values.function import LockedFile, LockedPackage, LockedRequirements
from wideload.values.resolution import Resolution
from wideload.values.target import Target

TARGET = Target.parse("python3.13", "x86_64")
AL2 = Target.parse("python3.11", "x86_64")


def file_of(made: Made, url: str = "") -> LockedFile:
    return LockedFile(made.sha256, made.filename, url, len(made.data))


def package(index: LocalIndex, *made: Made, version: str = "1.0") -> LockedPackage:
    files = tuple(file_of(one, index.file_url(one)) for one in made)
    return LockedPackage(made[0].name, version, files)


class Resolver:
    def __init__(self, folder: Path, http: Http, store: Cache) -> None:
        self.folder = folder
        self.http = http
        self.store = store

    def __call__(
        self,
        *packages: LockedPackage,
        target: Target = TARGET,
        roots: tuple[str, ...] = (),
        wishes: tuple[str, ...] = (),
        constraints: tuple[str, ...] = (),
        hashes: dict[str, tuple[str, ...]] | None = None,
    ) -> Resolution:
        locked = LockedRequirements(str(self.folder / "a.lock"), "poetry.lock", packages, roots)
        return resolve(
            locked,
            target,
            self.http,
            self.store,
            wishes=wishes,
            constraints=constraints,
            hashes=hashes,
        )


@pytest.fixture
def resolver(tmp_path: Path, index: LocalIndex, http: Http, store: Cache) -> Resolver:
    (tmp_path / "project").mkdir()
    return Resolver(tmp_path / "project", http, store)


def test_wheels_come_sorted_with_members_edges_and_wishes(
    index: LocalIndex, resolver: Resolver
) -> None:
    top = wheel("top", requires=["leaf>=1", 'never ; sys_platform == "win32"'])
    leaf = wheel("leaf", files={"leaf/a.py": "A = 1\n" * 9})
    index.add(top, leaf)
    found = resolver(
        package(index, top),
        package(index, leaf),
        wishes=("top", 'gone ; python_version < "3"'),
        constraints=("leaf<9",),
    )
    assert [one.name for one in found.wheels] == ["leaf", "top"]
    assert [one.requires for one in found.wheels] == [(), ("leaf>=1",)]
    assert found.roots == ("top",)
    assert found.wishes == ("top", "leaf<9")
    first = found.wheels[0]
    assert (first.url, first.sha256) == (index.file_url(leaf), leaf.sha256)
    assert (first.size, first.version) == (len(leaf.data), "1.0")
    content = members_of(leaf)
    assert first.unzipped_bytes == sum(map(len, content.values()))
    assert {member.name for member in first.members} == content.keys()
    assert found.downloaded_bytes == index.sent_of(leaf) + index.sent_of(top)


def test_a_second_time_nothing_is_sent(index: LocalIndex, resolver: Resolver) -> None:
    made = wheel()
    index.add(made)
    first = resolver(package(index, made))
    index.forget()
    second = resolver(package(index, made))
    assert not index.asked
    assert second.downloaded_bytes == 0
    assert second.wheels == first.wheels


def test_of_a_releases_wheels_the_best_for_the_target_is_taken(
    index: LocalIndex, resolver: Resolver
) -> None:
    made = [
        wheel(tag="cp313-cp313-manylinux_2_28_x86_64"),
        wheel(tag="cp311-cp311-manylinux_2_28_x86_64"),
        wheel(tag="cp311-cp311-manylinux_2_17_x86_64"),
        wheel(tag="py3-none-any"),
        wheel(tag="cp313-cp313-win_amd64"),
    ]
    index.add(*made)
    locked = package(index, *made)
    assert resolver(locked).wheels[0].filename == made[0].filename
    assert resolver(locked, target=AL2).wheels[0].filename == made[2].filename
    arm = Target.parse("python3.13", "arm64")
    assert resolver(locked, target=arm).wheels[0].filename == made[3].filename


def test_a_wheel_for_too_new_a_glibc_is_refused(index: LocalIndex, resolver: Resolver) -> None:
    made = wheel(tag="cp311-cp311-manylinux_2_28_x86_64")
    with pytest.raises(WideloadError) as caught:
        resolver(package(index, made), target=AL2)
    assert caught.value.what == "demo 1.0 has no wheel for python3.11 on x86_64"
    assert "glibc up to 2.26" in caught.value.why
    assert not index.asked


def test_a_source_beside_wheels_that_do_not_load_is_not_built(
    index: LocalIndex, resolver: Resolver
) -> None:
    locked = package(index, wheel(tag="cp313-cp313-win_amd64"), sdist("demo"))
    with pytest.raises(WideloadError, match="has no wheel"):
        resolver(locked)


def test_a_pure_source_is_built(index: LocalIndex, resolver: Resolver) -> None:
    made = sdist("src-only", requires=["leaf"])
    leaf = wheel("leaf")
    index.add(made, leaf)
    found = resolver(package(index, made), package(index, leaf))
    built = found.wheels[1]
    assert (built.name, built.filename) == ("src-only", "src_only-1.0-py3-none-any.whl")
    assert built.requires == ("leaf",)
    assert "src_only.py" in {member.path for member in built.members}
    assert found.roots == ("src-only",)


def test_a_native_source_is_refused(index: LocalIndex, resolver: Resolver) -> None:
    made = sdist("src-only", extra_files={"setup.py": "setup(ext_modules=[])\n"})
    index.add(made)
    with pytest.raises(WideloadError, match="needs a compiler"):
        resolver(package(index, made))


def test_a_source_with_another_hash_is_refused(index: LocalIndex, resolver: Resolver) -> None:
    made = sdist("src-only")
    index.add(made.with_data(sdist("src-only", files={"x.py": "evil"}).data))
    with pytest.raises(WideloadError) as caught:
        resolver(package(index, made))
    assert caught.value.what == f"the hash of {made.filename} does not match"


def test_a_local_folder(resolver: Resolver) -> None:
    folder = write_project(resolver.folder / "libs" / "tools", project_files("tools", "2.5"))
    found = resolver(LockedPackage("tools", "", (), directory=str(folder)))
    assert (found.wheels[0].name, found.wheels[0].version) == ("tools", "2.5")
    assert found.wheels[0].url.startswith("file://")
    assert found.roots == ("tools",)


@pytest.mark.parametrize("with_hash", [True, False])
def test_a_local_wheel_by_a_path_relative_to_the_lock(resolver: Resolver, with_hash: bool) -> None:
    made = wheel()
    place = resolver.folder / "vendor wheels" / made.filename
    place.parent.mkdir()
    place.write_bytes(made.data)
    sha256 = made.sha256 if with_hash else ""
    file = LockedFile(sha256, made.filename, f"vendor wheels/{made.filename}")
    found = resolver(LockedPackage("demo", "1.0", (file,)))
    assert found.wheels[0].sha256 == made.sha256


def test_a_local_wheel_that_changed_is_refused(resolver: Resolver) -> None:
    made = wheel()
    place = resolver.folder / made.filename
    place.write_bytes(wheel(files={"demo.py": "evil"}).data)
    file = LockedFile(made.sha256, made.filename, made.filename)
    with pytest.raises(WideloadError, match="does not match"):
        resolver(LockedPackage("demo", "1.0", (file,)))


def test_a_file_of_the_network_without_a_hash_is_refused(
    index: LocalIndex, resolver: Resolver
) -> None:
    made = wheel()
    index.add(made)
    file = LockedFile("", made.filename, index.file_url(made))
    with pytest.raises(WideloadError, match="the lock gives no hash for demo"):
        resolver(LockedPackage("demo", "1.0", (file,)))
    assert not index.asked


def test_a_wheel_that_vanished_from_the_index(index: LocalIndex, resolver: Resolver) -> None:
    with pytest.raises(WideloadError) as caught:
        resolver(package(index, wheel()))
    assert "HTTP 404" in caught.value.why
    assert "--upgrade" in caught.value.hint


def test_packages_locked_by_hash_alone_are_found_on_the_index(
    index: LocalIndex, resolver: Resolver
) -> None:
    pure, other = wheel("demo"), wheel("demo", tag="cp313-cp313-manylinux_2_17_x86_64")
    newer = wheel("demo", "2.0")
    index.add(pure, other, newer)
    poetry = LockedPackage("demo", "1.0", (file_of(pure), file_of(other)))
    pipfile = LockedPackage("demo", "1.0", (LockedFile(pure.sha256), LockedFile(other.sha256)))
    for locked in (poetry, pipfile):
        found = resolver(locked)
        assert found.wheels[0].filename == other.filename
        assert found.wheels[0].url == index.file_url(other)


def test_files_that_the_lock_does_not_admit_are_not_taken(
    index: LocalIndex, resolver: Resolver
) -> None:
    pure, other = wheel("demo"), wheel("demo", tag="cp313-cp313-manylinux_2_17_x86_64")
    index.add(pure, other)
    found = resolver(LockedPackage("demo", "1.0", (LockedFile(pure.sha256),)))
    assert found.wheels[0].filename == pure.filename


def test_a_release_that_was_replaced_on_the_index_is_refused(
    index: LocalIndex, resolver: Resolver
) -> None:
    index.add(wheel("demo", files={"demo.py": "evil"}))
    with pytest.raises(WideloadError) as caught:
        resolver(LockedPackage("demo", "1.0", (LockedFile("0" * 64),)))
    assert caught.value.what == "the hash of demo 1.0 does not match"
    assert "a.lock" in caught.value.why


def test_hashes_of_the_users_limit_what_is_taken(index: LocalIndex, resolver: Resolver) -> None:
    pure, other = wheel("demo"), wheel("demo", tag="cp313-cp313-manylinux_2_17_x86_64")
    index.add(pure, other)
    locked = package(index, pure, other)
    assert resolver(locked).wheels[0].filename == other.filename
    found = resolver(locked, hashes={"demo": (pure.sha256,)})
    assert found.wheels[0].filename == pure.filename
    with pytest.raises(WideloadError) as caught:
        resolver(locked, hashes={"demo": ("0" * 64,)})
    assert caught.value.what == "the hash of demo 1.0 does not match"
    assert "the requirements admit" in caught.value.why


def test_roots_are_those_of_the_lock_where_it_says(index: LocalIndex, resolver: Resolver) -> None:
    made = [wheel("app", requires=["leaf"]), wheel("leaf"), wheel("other")]
    index.add(*made)
    packages = [package(index, one) for one in made]
    assert resolver(*packages).roots == ("app", "other")
    assert resolver(*packages, roots=("leaf", "other")).roots == ("leaf", "other")


def test_a_path_among_the_requirements_is_a_root_too(index: LocalIndex, resolver: Resolver) -> None:
    demo = wheel("demo")
    index.add(demo)
    folder = write_project(resolver.folder / "tools", project_files("tools"))
    tools = LockedPackage("tools", "", (), directory=str(folder))
    assert resolver(tools, package(index, demo), wishes=("demo",)).roots == ("demo", "tools")


def test_many_wheels_at_once_are_counted_to_the_byte(index: LocalIndex, resolver: Resolver) -> None:
    made = [wheel(f"demo{number}") for number in range(40)]
    index.add(*made)
    found = resolver(*(package(index, one) for one in made))
    assert len(found.wheels) == 40
    assert found.downloaded_bytes == sum(index.sent_of(one) for one in made)
