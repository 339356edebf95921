"""Source distributions and project folders whose build needs nothing from the network."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

from wheel_maker import Made

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# A build backend of its own, as PEP 517 allows (`backend-path`): it zips what lies in src/.
_BACKEND = """\
import pathlib, zipfile

NAME, VERSION, TAG, REQUIRES = {name!r}, {version!r}, {tag!r}, {requires!r}
SNAKE = NAME.replace("-", "_")
INFO = f"{{SNAKE}}-{{VERSION}}.dist-info"
METADATA = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n" + "".join(
    f"Requires-Dist: {{line}}\\n" for line in REQUIRES
)
WHEEL = f"Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: {{TAG}}\\n"

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    {on_build}
    filename = f"{{SNAKE}}-{{VERSION}}-{{TAG}}.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / filename, "w") as archive:
        for path in sorted(pathlib.Path("src").rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to("src").as_posix())
        archive.writestr(f"{{INFO}}/METADATA", METADATA)
        archive.writestr(f"{{INFO}}/WHEEL", WHEEL)
        archive.writestr(f"{{INFO}}/RECORD", "")
    return filename

build_editable = build_wheel

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = pathlib.Path(metadata_directory) / INFO
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    (folder / "WHEEL").write_text(WHEEL)
    return INFO

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
"""


def project_files(
    name: str,
    version: str = "1.0",
    files: Mapping[str, str] | None = None,
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    on_build: str = "pass",
    dynamic: bool = False,
) -> dict[str, str]:
    """The files of a project that builds itself.

    :param files: by path below src/, that is, as they lie once installed.
    :param on_build: a statement that runs when a wheel is built.
    :param dynamic: only the backend knows what the project requires.
    """
    if files is None:
        files = {f"{name.replace('-', '_')}.py": f"NAME = {name!r}\n"}
    listed = "".join(f"    {line!r},\n" for line in requires)
    about = 'dynamic = ["dependencies"]\n' if dynamic else f"dependencies = [\n{listed}]\n"
    return {
        "pyproject.toml": (
            '[build-system]\nrequires = []\nbuild-backend = "own_backend"\n'
            'backend-path = ["backend"]\n\n'
            f'[project]\nname = "{name}"\nversion = "{version}"\n{about}'
        ),
        "backend/own_backend.py": _BACKEND.format(
            name=name, version=version, tag=tag, requires=list(requires), on_build=on_build
        ),
        **{f"src/{path}": text for path, text in files.items()},
    }


def write_project(folder: Path, files: Mapping[str, str]) -> Path:
    """Lay a project's files into a folder."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def sdist(
    name: str,
    version: str = "1.0",
    files: Mapping[str, str] | None = None,
    *,
    extra_files: Mapping[str, str] | None = None,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    on_build: str = "pass",
    mtime: int = 1_000_000_000,
) -> Made:
    """A .tar.gz with static metadata, so that a resolver need not build it.

    :param extra_files: by path below the project's root; empty text removes a file.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    content = project_files(name, version, files, tag=tag, requires=requires, on_build=on_build)
    content["PKG-INFO"] = f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n" + "".join(
        f"Requires-Dist: {line}\n" for line in requires
    )
    content.update(extra_files or {})
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path, text in content.items():
            if not text:
                continue
            entry = tarfile.TarInfo(f"{stem}/{path}")
            entry.size, entry.mtime = len(text.encode()), mtime
            tar.addfile(entry, io.BytesIO(text.encode()))
    return Made(f"{stem}.tar.gz", gzip.compress(raw.getvalue(), mtime=mtime))
