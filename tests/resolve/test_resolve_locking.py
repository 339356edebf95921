"""Open requirements are resolved once, and obeyed until they change or an upgrade is asked for."""

from __future__ import annotations

import os
import re
import socket
import tomllib
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from local_index import LocalIndex
from sdist_maker import project_files, sdist, write_project
from wheel_maker import wheel
from wideload.errors import WideloadError
from wideload.resolve.locking import lock, lock_path
from wideload.values.function import OpenRequirements
from wideload.values.target import Target

ALICE = ("alice", "s3cret")
OLD = "cp311-cp311-manylinux2014_x86_64"
NEW = "cp311-cp311-manylinux_2_28_x86_64"


class Folder:
    """A folder with requirements that are locked again and again."""

    def __init__(self, path: Path, runtime: str = "python3.13", arch: str = "x86_64") -> None:
        self.path = path
        self.target = Target.parse(runtime, arch)
        path.mkdir(parents=True, exist_ok=True)

    def lock(self, text: str | None = None, *, name: str = "shop", upgrade: bool = False) -> bool:
        """Whether a lock was written."""
        file = self.path / "requirements.txt"
        if text is not None:
            file.write_text(text)
        asked = OpenRequirements(str(file), "requirements")
        return lock(asked, name, self.target, upgrade=upgrade)[2]

    def text(self, name: str = "shop") -> str:
        return (self.path / f"pylock.{name}.toml").read_text()

    def versions(self, name: str = "shop") -> dict[str, str]:
        table = tomllib.loads(self.text(name))
        Pylock.from_dict(table).validate()
        return {entry["name"]: entry.get("version", "") for entry in table["packages"]}

    def refusal(self, text: str) -> WideloadError:
        before = {path.name: path.read_bytes() for path in self.path.glob("pylock.*")}
        with pytest.raises(WideloadError) as caught:
            self.lock(text)
        assert {path.name: path.read_bytes() for path in self.path.glob("pylock.*")} == before
        assert caught.value.why
        return caught.value


@pytest.fixture
def folder(tmp_path: Path, index: LocalIndex) -> Folder:
    return Folder(tmp_path / "source")


def test_the_lock_lies_beside_the_requirements_under_the_functions_name(tmp_path: Path) -> None:
    asked = OpenRequirements(str(tmp_path / "requirements.txt"), "requirements")
    assert lock_path(asked, "my-shop_2") == tmp_path / "pylock.my-shop_2.toml"


def test_it_is_written_once_then_obeyed_without_asking_the_index(
    index: LocalIndex, folder: Folder
) -> None:
    index.add(wheel("demo", "1.0"))
    assert folder.lock("demo\n") is True
    first = folder.text()
    index.add(wheel("demo", "2.0"))
    index.forget()
    assert folder.lock() is False
    assert not index.asked
    assert folder.text() == first


def test_it_is_a_pylock_that_says_what_it_is_and_for_what(
    index: LocalIndex, folder: Folder
) -> None:
    made = wheel("demo", "1.0")
    index.add(made)
    folder.lock("demo\n")
    text = folder.text()
    assert text.startswith("# Resolved from requirements.txt for python3.13 on x86_64. Commit it:")
    table = tomllib.loads(text)
    assert Pylock.from_dict(table).packages[0].name == "demo"
    assert made.sha256 in text
    assert table["tool"]["wideload"]["runtime"] == "python3.13"
    assert table["tool"]["wideload"]["architecture"] == "x86_64"
    assert str(folder.path.parent) not in text


def test_the_same_requirements_give_the_same_lock_anywhere(
    index: LocalIndex, tmp_path: Path
) -> None:
    index.add(wheel("demo", "1.0", requires=["other"]), wheel("other", "3.1"))
    folders = [Folder(tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        folder.lock("demo\n")
    assert folders[0].text() == folders[1].text()


def test_only_an_upgrade_takes_a_newer_release(index: LocalIndex, folder: Folder) -> None:
    index.add(wheel("demo", "1.0"))
    folder.lock("demo\n")
    index.add(wheel("demo", "2.0"))
    folder.lock()
    assert folder.versions() == {"demo": "1.0"}
    assert folder.lock(upgrade=True) is True
    assert folder.versions() == {"demo": "2.0"}


def test_a_change_keeps_the_versions_that_it_does_not_affect(
    index: LocalIndex, folder: Folder
) -> None:
    index.add(wheel("demo", "1.0"), wheel("other", "1.0"))
    folder.lock("demo\n")
    index.add(wheel("demo", "2.0"), wheel("other", "2.0"))
    assert folder.lock("demo\nother\n") is True
    assert folder.versions() == {"demo": "1.0", "other": "2.0"}
    assert folder.lock("demo>=2\nother\n") is True
    assert folder.versions() == {"demo": "2.0", "other": "2.0"}
    assert folder.text().count("[tool.wideload]") == 1
    assert folder.text().count("# Resolved from") == 1


def test_comments_and_blank_lines_change_nothing(index: LocalIndex, folder: Folder) -> None:
    index.add(wheel("demo", "1.0"))
    folder.lock("demo\n")
    assert folder.lock("# why\n\ndemo  # because\n") is False


def test_files_that_are_drawn_in_count(index: LocalIndex, folder: Folder) -> None:
    index.add(*(wheel("demo", version) for version in ("1.0", "2.0", "3.0")), wheel("other"))
    (folder.path / "more.txt").write_text("other\n")
    (folder.path / "limits.txt").write_text("demo<3\n")
    folder.lock("demo\n-r more.txt\n-c 'limits.txt'\n")
    assert folder.versions() == {"demo": "2.0", "other": "1.0"}
    assert folder.lock() is False
    (folder.path / "limits.txt").write_text("demo<2\n")
    assert folder.lock() is True
    assert folder.versions() == {"demo": "1.0", "other": "1.0"}


def test_another_target_is_resolved_anew(index: LocalIndex, folder: Folder) -> None:
    index.add(wheel("demo", "1.0", requires=['other; python_version < "3.13"']), wheel("other"))
    folder.lock("demo\n")
    assert folder.versions() == {"demo": "1.0"}
    folder.target = Target.parse("python3.12", "x86_64")
    assert folder.lock() is True
    assert folder.versions() == {"demo": "1.0", "other": "1.0"}


def test_functions_of_one_folder_have_locks_of_their_own(index: LocalIndex, folder: Folder) -> None:
    index.add(wheel("demo", "1.0"))
    folder.lock("demo\n", name="shop-next")
    kept = folder.text("shop-next")
    folder.lock(name="shop")
    folder.lock(name="shop", upgrade=True)
    assert folder.text("shop-next") == kept
    assert sorted(path.name for path in folder.path.glob("pylock.*")) == [
        "pylock.shop-next.toml",
        "pylock.shop.toml",
    ]


def test_it_backs_off_to_a_release_that_loads_under_the_targets_glibc(
    index: LocalIndex, tmp_path: Path
) -> None:
    index.add(wheel("demo", "1.0", tag=OLD), wheel("demo", "2.0", tag=NEW))
    folder = Folder(tmp_path / "source", "python3.11")
    folder.lock("demo\n")
    assert folder.versions() == {"demo": "1.0"}


def test_a_requirement_only_for_a_newer_glibc_is_refused(index: LocalIndex, tmp_path: Path) -> None:
    index.add(wheel("demo", "2.0", tag=NEW))
    refused = Folder(tmp_path / "source", "python3.11").refusal("demo\n")
    assert refused.what == (
        "the requirements of requirements.txt cannot be met for python3.11 on x86_64"
    )
    assert "no wheels with a matching platform tag" in refused.why
    assert "another runtime" in refused.hint


def test_each_architecture_gets_its_own_wheels(index: LocalIndex, tmp_path: Path) -> None:
    index.add(
        wheel("demo", "1.0", tag="cp313-cp313-manylinux_2_34_aarch64"),
        wheel("demo", "2.0", tag="cp313-cp313-manylinux_2_34_x86_64"),
    )
    for architecture, version in (("arm64", "1.0"), ("x86_64", "2.0")):
        folder = Folder(tmp_path / architecture, arch=architecture)
        folder.lock("demo\n")
        assert folder.versions() == {"demo": version}


def test_a_package_that_is_not_there(folder: Folder) -> None:
    refused = folder.refusal("nope\n")
    assert refused.what == "the requirement 'nope' of requirements.txt does not exist"
    assert "spelling" in refused.hint


def test_a_version_that_is_not_there(index: LocalIndex, folder: Folder) -> None:
    index.add(wheel("demo", "1.0"))
    refused = folder.refusal("demo==3\n")
    assert "cannot be met" in refused.what
    assert "there is no version of demo==3" in refused.why


def test_a_conflict_names_both_sides(index: LocalIndex, folder: Folder) -> None:
    index.add(
        wheel("left", requires=["demo<2"]),
        wheel("right", requires=["demo>=2"]),
        wheel("demo", "1.0"),
        wheel("demo", "2.0"),
    )
    refused = folder.refusal("left\nright\n")
    assert "cannot be met" in refused.what
    assert "left" in refused.why
    assert "right" in refused.why


def test_a_refusal_leaves_the_lock_that_was_there(index: LocalIndex, folder: Folder) -> None:
    index.add(wheel("demo", "1.0"))
    folder.lock("demo\n")
    folder.refusal("demo\nnope\n")
    assert folder.versions() == {"demo": "1.0"}


def test_an_index_that_is_not_there(folder: Folder, clean_environment: pytest.MonkeyPatch) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/simple/"
        clean_environment.setenv("UV_DEFAULT_INDEX", url)
        refused = folder.refusal("demo\n")
    assert refused.what == "the package index could not be reached"
    assert "refused" in refused.why


@pytest.mark.parametrize("login", ["", "alice:wrong@"])
def test_missing_or_wrong_credentials_are_called_so(
    index: LocalIndex, folder: Folder, clean_environment: pytest.MonkeyPatch, login: str
) -> None:
    index.add(wheel("demo"))
    index.manners.credentials = ALICE
    clean_environment.setenv("UV_DEFAULT_INDEX", index.url.replace("://", f"://{login}"))
    refused = folder.refusal("demo\n")
    assert refused.what == "the package index refused the requirements of requirements.txt"
    assert "401 Unauthorized" in refused.why
    assert "UV_INDEX_*_USERNAME" in refused.hint
    assert "wrong" not in str(refused)


def test_credentials_are_not_written_into_the_lock(
    index: LocalIndex, folder: Folder, clean_environment: pytest.MonkeyPatch
) -> None:
    index.add(wheel("demo"))
    index.manners.credentials = ALICE
    clean_environment.delenv("UV_DEFAULT_INDEX")
    folder.lock(f"--index-url {index.url_with(*ALICE)}\ndemo\n")
    assert folder.versions() == {"demo": "1.0"}
    assert ALICE[1] not in folder.text()


def test_credentials_of_a_named_index_and_of_netrc(
    index: LocalIndex, tmp_path: Path, clean_environment: pytest.MonkeyPatch
) -> None:
    index.add(wheel("demo"))
    index.manners.credentials = ALICE
    by_netrc = Folder(tmp_path / "netrc")
    Path(os.environ["NETRC"]).write_text(f"machine 127.0.0.1 login {ALICE[0]} password {ALICE[1]}")
    by_netrc.lock("demo\n")
    Path(os.environ["NETRC"]).unlink()
    clean_environment.setenv("UV_DEFAULT_INDEX", f"own={index.url}")
    clean_environment.setenv("UV_INDEX_OWN_USERNAME", ALICE[0])
    clean_environment.setenv("UV_INDEX_OWN_PASSWORD", ALICE[1])
    by_name = Folder(tmp_path / "named")
    by_name.lock("demo\n")
    assert by_netrc.text() == by_name.text()


def test_an_index_that_only_speaks_html(index: LocalIndex, folder: Folder) -> None:
    made = wheel("demo")
    index.add(made)
    index.manners.html_only = True
    folder.lock("demo\n")
    assert made.sha256 in folder.text()


def test_a_lock_that_is_no_toml_stops(folder: Folder) -> None:
    (folder.path / "pylock.shop.toml").write_text("<<<<<<< ours\n")
    refused = folder.refusal("demo\n")
    assert refused.what == "the lock pylock.shop.toml cannot be read"
    assert "version control" in refused.hint


def test_a_lock_of_somebody_else_is_not_written_over(folder: Folder) -> None:
    (folder.path / "pylock.shop.toml").write_text('lock-version = "1.0"\n')
    refused = folder.refusal("demo\n")
    assert refused.what == "pylock.shop.toml was not made by wideload"
    assert 'requirements = "pylock.shop.toml"' in refused.hint


def test_local_projects_are_locked_by_a_path_relative_to_the_lock(
    index: LocalIndex, folder: Folder
) -> None:
    write_project(folder.path / "libs" / "tools", project_files("tools"))
    write_project(folder.path / "libs" / "more", project_files("more"))
    folder.lock("./libs/tools\n-e ./libs/more\n")
    table = tomllib.loads(folder.text())
    paths = {each["name"]: each["directory"]["path"] for each in table["packages"]}
    assert paths == {"more": "libs/more", "tools": "libs/tools"}


@pytest.mark.parametrize(
    "line", ["./libs/tools", "-e ./libs/tools", "--editable=libs/tools", "tools @ file:{}"]
)
def test_what_a_local_project_requires_is_part_of_the_requirements(
    index: LocalIndex, folder: Folder, line: str
) -> None:
    index.add(wheel("demo"))
    root = folder.path / "libs" / "tools"
    write_project(root, project_files("tools"))
    folder.lock(line.format(f"//{root}") + "\n")
    assert folder.versions().keys() == {"tools"}
    (root / "src" / "tools.py").write_text("NAME = 'changed'\n")
    assert folder.lock() is False
    write_project(root, project_files("tools", requires=["demo"]))
    assert folder.lock() is True
    assert folder.versions().keys() == {"demo", "tools"}


def test_a_package_that_has_only_a_source_distribution_is_admitted_as_such(
    index: LocalIndex, folder: Folder
) -> None:
    made = sdist("src-only")
    index.add(wheel("demo", requires=["src-only"]), made)
    folder.lock("demo\n")
    table = tomllib.loads(folder.text())
    source = next(each for each in table["packages"] if each["name"] == "src-only")
    assert source["sdist"]["hashes"]["sha256"] == made.sha256


def test_a_release_with_a_wheel_is_preferred_to_a_newer_one_without(
    index: LocalIndex, folder: Folder
) -> None:
    index.add(wheel("demo", "1.0"), sdist("demo", "2.0"))
    folder.lock("demo\n")
    assert folder.versions() == {"demo": "1.0"}


@pytest.mark.parametrize(
    ("extras", "groups", "names"),
    [
        ((), (), {"demo"}),
        (("fast",), (), {"demo", "quick"}),
        ((), ("job",), {"demo", "other"}),
    ],
)
def test_extras_and_groups_of_a_pyproject(
    index: LocalIndex,
    tmp_path: Path,
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    names: set[str],
) -> None:
    index.add(wheel("demo"), wheel("quick"), wheel("other"))
    file = tmp_path / "pyproject.toml"
    file.write_text(
        '[project]\nname = "app"\nversion = "1"\ndependencies = ["demo"]\n'
        '[project.optional-dependencies]\nfast = ["quick"]\n'
        '[dependency-groups]\njob = ["other"]\n'
    )
    asked = OpenRequirements(str(file), "pyproject", groups=groups, extras=extras)
    path, found, written = lock(asked, "shop", Target.parse("python3.13", "x86_64"))
    assert written
    assert {entry["name"] for entry in tomllib.loads(path.read_text())["packages"]} == names
    assert set(found.wishes) == names
    file.write_text(file.read_text() + '[tool.other]\nx = "irrelevant"\n')
    assert lock(asked, "shop", Target.parse("python3.13", "x86_64"))[2] is False


def test_a_folder_that_cannot_be_written_to_is_one_clear_error(folder: Folder) -> None:
    (folder.path / "requirements.txt").write_text("")
    folder.lock("")
    lock_file = folder.path / "pylock.shop.toml"
    lock_file.unlink()
    lock_file.mkdir()
    with pytest.raises(WideloadError) as caught:
        folder.lock("\n\n--only-binary demo\n")
    assert re.search(r"pylock\.shop\.toml (cannot|could not) be (read|written)", caught.value.what)
