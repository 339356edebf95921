"""An engine's image is taken over: what it is asked, what it made, what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from base_registry import digest_of
from image_maker import BaseMaker
from wideload.build.image.archive import write_archive
from wideload.build.image.engine import build_by_engine
from wideload.build.image.layout import write_layout
from wideload.errors import WideloadError
from wideload.values.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = Target.parse("python3.13", "x86_64")
# Notes what it is asked, and gives an archive that lies ready where it is asked for one.
ENGINE = """\
#!{python}
import json, pathlib, shutil, sys
here = pathlib.Path({folder!r})
with (here / "asked").open("a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] in {failing!r}:
    sys.exit("it does not " + sys.argv[1])
for word in sys.argv:
    for prefix in ("type=oci,dest=", "oci-archive:"):
        if word.startswith(prefix):
            shutil.copy(here / "archive.tar", word.removeprefix(prefix))
if "--output" in sys.argv and sys.argv[1] == "save":
    shutil.copy(here / "archive.tar", sys.argv[sys.argv.index("--output") + 1])
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts engines on the PATH, and nothing else."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def put(name: str, *failing: str) -> None:
        text = ENGINE.format(python=sys.executable, folder=str(tmp_path), failing=failing)
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)

    return put


def archive(folder: Path, architecture: str = "amd64") -> str:
    """An archive that an engine may give; the image's digest."""
    maker = BaseMaker(folder / "layout")
    image = maker.image([{"a": "x" * 3000}, {"b": "y"}], architecture=architecture)
    write_archive(maker.named(latest=image), "made", folder / "archive.tar")
    digest: str = image["digest"]
    return digest


def asked(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "asked").read_text().splitlines()]


@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_what_an_engine_made_is_taken_over(
    tmp_path: Path, engine: Callable[..., None], name: str
) -> None:
    digest = archive(tmp_path)
    engine(name)
    lines: list[str] = []
    file = tmp_path / "Dockerfile"
    taken = build_by_engine(file, tmp_path, TARGET, tmp_path / "into", lines.append)
    assert lines == [f"building Dockerfile with {name}"]
    assert taken.image.descriptor.digest == digest
    assert taken.unzipped_bytes == 2 * 10240
    assert taken.what == f"Dockerfile, built by {name}"
    write_layout(tmp_path / "image", taken.image, taken.blob, "latest")
    build = next(words for words in asked(tmp_path) if "build" in words)
    assert build[build.index("--platform") + 1] == "linux/amd64"
    assert build[build.index("--file") + 1] == str(file)
    assert build[-1] == str(tmp_path)
    # Attestations would make an index of it, which Lambda does not take.
    assert ("--provenance=false" in build) == (name == "docker")


def test_it_is_an_image_that_other_tools_read(
    tmp_path: Path, engine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = archive(tmp_path)
    engine("podman")
    taken = build_by_engine(tmp_path / "D", tmp_path, TARGET, tmp_path / "into", print)
    write_layout(tmp_path / "image", taken.image, taken.blob, "latest")
    monkeypatch.undo()
    assert digest_of(f"oci:{tmp_path / 'image'}:latest") == digest


def test_an_engine_that_is_not_running_is_passed_over(
    tmp_path: Path, engine: Callable[..., None]
) -> None:
    archive(tmp_path)
    engine("docker", "info")
    engine("buildah")
    taken = build_by_engine(tmp_path / "D", tmp_path, TARGET, tmp_path / "into", print)
    assert taken.what == "D, built by buildah"


def test_without_an_engine_it_says_what_to_install(
    tmp_path: Path, engine: Callable[..., None]
) -> None:
    with pytest.raises(WideloadError, match="no engine on this machine") as caught:
        build_by_engine(tmp_path / "D", tmp_path, TARGET, tmp_path / "into", print)
    assert "on the PATH" in caught.value.why
    assert "install podman, buildah or Docker" in caught.value.hint
    engine("docker", "info")
    with pytest.raises(WideloadError, match="no engine on this machine") as caught:
        build_by_engine(tmp_path / "D", tmp_path, TARGET, tmp_path / "into", print)
    assert caught.value.why == "`docker info` fails: it does not info"


def test_a_build_that_fails_shows_the_engines_words(
    tmp_path: Path, engine: Callable[..., None]
) -> None:
    engine("podman", "build")
    with pytest.raises(WideloadError, match="`podman build --platform …` fails") as caught:
        build_by_engine(tmp_path / "D", tmp_path, TARGET, tmp_path / "into", print)
    assert caught.value.why == "it does not build"


def test_an_image_for_another_machine_is_refused(
    tmp_path: Path, engine: Callable[..., None]
) -> None:
    archive(tmp_path, "arm64")
    engine("podman")
    with pytest.raises(WideloadError, match="is not for linux/amd64"):
        build_by_engine(tmp_path / "D", tmp_path, TARGET, tmp_path / "into", print)


def test_what_is_no_archive_is_told(tmp_path: Path, engine: Callable[..., None]) -> None:
    (tmp_path / "archive.tar").write_bytes(b"nothing")
    engine("podman")
    with pytest.raises(WideloadError, match="cannot be read"):
        build_by_engine(tmp_path / "D", tmp_path, TARGET, tmp_path / "into", print)
