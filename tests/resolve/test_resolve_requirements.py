"""What the user asked for, and the digest that tells whether it changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from wideload.errors import WideloadError
from wideload.resolve.requirements import Asked, read_asked
from wideload.values.function import OpenRequirements
from wideload.values.target import Target

TARGET = Target.parse("python3.13", "x86_64")
A, B = "a" * 64, "b" * 64


def read(folder: Path, text: str, **others: str) -> Asked:
    (folder / "requirements.txt").write_text(text)
    for name, content in others.items():
        (folder / f"{name}.txt").write_text(content)
    asked = OpenRequirements(str(folder / "requirements.txt"), "requirements")
    return read_asked(asked, TARGET)


def test_lines_are_kept_as_pep_508(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "numpy>=1.26  # fast\nrequests[socks] ; python_version < '3'\n"
        "--index-url https://index.example/simple\n./libs/tools\n-e .\n",
    )
    assert found.wishes == ("numpy>=1.26", 'requests[socks]; python_version < "3"')
    assert found.constraints == ()


def test_files_draw_in_others_once(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "-r more.txt\n-c=limits.txt\n",
        more="demo\n--requirement requirements.txt\n-r more.txt\n",
        limits="other<2\n-r deep.txt\n",
        deep="deeper==1\n",
    )
    assert found.wishes == ("demo",)
    # What a constraint file draws in only constrains as well.
    assert found.constraints == ("other<2", "deeper==1")
    assert [Path(file).name for file in found.files] == [
        "requirements.txt",
        "more.txt",
        "limits.txt",
        "deep.txt",
    ]


@pytest.mark.parametrize(
    "line", ["-c https://limits.example/constraints.txt", "-r ${FOLDER}/more.txt"]
)
def test_addresses_and_variables_are_left_to_uv(tmp_path: Path, line: str) -> None:
    found = read(tmp_path, f"demo\n{line}\n")
    assert found.wishes == ("demo",)
    assert found.fingerprint != read(tmp_path, "demo\n").fingerprint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WideloadError) as caught:
        read(tmp_path, "-r nowhere.txt\n")
    assert caught.value.what == "nowhere.txt cannot be read"


def test_hashes_are_gathered_by_name(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"My.Demo==1 \\\n  --hash=sha256:{A} \\\n  --hash sha256:{B.upper()}\n"
        f"other==1 --hash=md5:{'0' * 32}\nfree\n-c limits.txt\n",
        limits=f"third==1 --hash=sha256:{A}\n",
    )
    assert found.hashes == {"my-demo": (A, B), "other": (), "third": (A,)}
    assert found.wishes == ("My.Demo==1", "other==1", "free")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("demo\n", "demo==1\n"),
        ("demo\n", "demo\nother\n"),
        ("demo\n", "--no-binary demo\ndemo\n"),
        (f"demo==1 --hash=sha256:{A}\n", f"demo==1 --hash=sha256:{B}\n"),
        ("-r limits.txt\n", "-c limits.txt\n"),
    ],
)
def test_what_changes_the_resolution_changes_the_fingerprint(
    tmp_path: Path, one: str, other: str
) -> None:
    first = read(tmp_path, one, limits="demo\n").fingerprint
    assert first != read(tmp_path, other, limits="demo\n").fingerprint


@pytest.mark.parametrize("other", ["\ufeffdemo\n", "demo  # why\n", "\n\ndemo", "demo\r\n"])
def test_what_does_not_does_not(tmp_path: Path, other: str) -> None:
    assert read(tmp_path, "demo\n").fingerprint == read(tmp_path, other).fingerprint


def test_the_fingerprint_is_of_the_target_too(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("demo\n")
    asked = OpenRequirements(str(tmp_path / "requirements.txt"), "requirements")
    found = {
        read_asked(asked, Target.parse(runtime, architecture)).fingerprint
        for runtime in ("python3.12", "python3.13")
        for architecture in ("x86_64", "arm64")
    }
    assert len(found) == 4


def test_the_fingerprint_does_not_depend_on_the_place(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert (
        read(tmp_path / "a", "-r more.txt\n", more="demo\n").fingerprint
        == read(tmp_path / "b", "-r more.txt\n", more="demo\n").fingerprint
    )


def test_projects_that_a_pyproject_takes_from_a_path_count(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    inner = tmp_path / "tools" / "pyproject.toml"
    inner.write_text('[project]\nname = "tools"\nversion = "1"\n')
    outer = tmp_path / "pyproject.toml"
    outer.write_text(
        '[project]\nname = "app"\nversion = "1"\ndependencies = ["tools"]\n'
        '[tool.uv.sources]\ntools = { path = "tools" }\n'
    )
    asked = OpenRequirements(str(outer), "pyproject")
    before = read_asked(asked, TARGET).fingerprint
    inner.write_text('[project]\nname = "tools"\nversion = "1"\ndependencies = ["demo"]\n')
    assert read_asked(asked, TARGET).fingerprint != before
