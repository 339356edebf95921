from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
from source_projects import APP, CONFIG, refuses, write_file

from wideload.source import load_project, read_function
from wideload.values.function import Function, NoRequirements, OpenRequirements, Settings, Strategy
from wideload.values.mount import Mounts, Vpc
from wideload.values.target import Target

if TYPE_CHECKING:
    from pathlib import Path


def _project(folder: Path, lines: str = "") -> Path:
    write_file(folder, "wideload.toml", CONFIG + 'source = "src"\n' + lines)
    write_file(folder, "src/app.py", APP)
    write_file(folder, "src/requirements.txt", "-r deep/base.txt\n")
    write_file(folder, "src/deep/base.txt", "six\n")
    write_file(folder, "src/deep/other.txt", "kept\n")
    return folder


def _read(folder: Path, cache: Path | None = None) -> Function:
    return read_function(load_project(folder), "shop", cache=cache)


def test_a_whole_function(tmp_path: Path) -> None:
    root = _project(
        tmp_path,
        'memory = 512\nenvironment = { STAGE = "prod" }\nnetwork = ["*"]\nstrategy = "s3-zip"\n'
        'description = "Sells."\ntimeout = 3\nephemeral = 600\n',
    )
    function = _read(root, root / ".wideload/cache")
    assert (function.name, function.root, function.source) == ("shop", str(root), f"{root}/src")
    assert function.target == Target.parse("python3.13", "x86_64")
    assert function.requirements == OpenRequirements(f"{root}/src/requirements.txt", "requirements")
    assert function.settings == Settings(512, 3, 600, {"STAGE": "prod"}, (), "Sells.")
    assert (function.strategy, function.network) == (Strategy.S3_ZIP, ("*",))
    # Files that requirements draw in are input of the build; others beside them are not.
    assert [entry.path for entry in function.files] == ["app.py", "deep/other.txt"]


def test_what_is_preferred_answers_two_questions(tmp_path: Path) -> None:
    root = _project(tmp_path)
    for line, version, merit in (
        ("", None, "simple"),
        ('prefer = "lock"\n', "lock", "simple"),
        ('prefer = "cheap"\n', None, "cheap"),
        ('prefer = ["cold-start"]\n', None, "cold-start"),
        ('prefer = ["layer", "cheap"]\n', "layer", "cheap"),
        ('prefer = ["cheap", "layer"]\n', "layer", "cheap"),
    ):
        function = _read(_project(root, line))
        assert (function.prefer, function.merit) == (version, merit)


def test_a_vpc_and_what_is_mounted_there(tmp_path: Path) -> None:
    efs = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"
    s3_files = (
        "arn:aws:s3files:eu-west-1:123456789012:file-system/fs-0123456789abcdef0/"
        "access-point/fsap-0123456789abcdef0"
    )
    plain = _read(_project(tmp_path)).settings
    assert (plain.vpc, plain.mounts) == (Vpc(), Mounts(path="/mnt/wideload"))
    function = _read(
        _project(
            tmp_path,
            'subnets = ["subnet-0a", "subnet-0b"]\nsecurity_groups = ["sg-0a"]\n'
            f'efs_access_point = "{efs}"\ns3_files_access_point = "{s3_files}"\n'
            'mount_path = "/mnt/models"\nimage_base = "registry.example/base:1"\n',
        )
    )
    assert function.settings.vpc == Vpc(("subnet-0a", "subnet-0b"), ("sg-0a",))
    assert function.settings.mounts == Mounts(efs, s3_files, "/mnt/models")
    assert function.image_base == "registry.example/base:1"


def test_it_has_json(tmp_path: Path) -> None:
    document = msgspec.json.decode(msgspec.json.encode(_read(_project(tmp_path))))
    assert document["requirements"]["type"] == "open"
    assert document["files"]["entries"][0]["path"] == "app.py"


def test_a_project_that_is_its_own_source(tmp_path: Path) -> None:
    write_file(tmp_path, "wideload.toml", CONFIG + 'requirements = ""\n')
    write_file(tmp_path, "app.py", APP)
    write_file(tmp_path, ".wideload/build/shop/function.zip")
    function = _read(tmp_path)
    assert function.requirements == NoRequirements()
    assert [entry.path for entry in function.files] == ["app.py"]
    assert function.strategy == "auto"


def test_the_keys_about_files(tmp_path: Path) -> None:
    root = _project(
        tmp_path,
        'exclude = ["*.csv"]\ninclude = ["b.csv", "*.pyc"]\n'
        'tests = true\nallow_secrets = [".env"]\n',
    )
    for path in ("a.csv", "b.csv", "c.pyc", "tests/t.py", ".env", ".wideloadignore"):
        write_file(root / "src", path, "deep/" if path == ".wideloadignore" else "x")
    paths = [entry.path for entry in _read(root).files]
    assert paths == [".env", "app.py", "b.csv", "c.pyc", "tests/t.py"]


def test_notes_are_told(tmp_path: Path) -> None:
    root = _project(tmp_path)
    write_file(root, "requirements.txt", "six\n")
    notes: list[str] = []
    read_function(load_project(root), "shop", tell=notes.append)
    assert notes == ["requirements of shop: src/requirements.txt, not requirements.txt"]


def test_the_source_folder_is_missing(tmp_path: Path) -> None:
    root = _project(tmp_path)
    (root / "src").rename(root / "srcs")
    with refuses(
        "the source folder of 'shop' is missing", f"'src' of {root}/wideload.toml", "'srcs'?"
    ):
        _read(root)
    write_file(root, "src", "a file")
    with refuses("the source folder of 'shop' is a file", f"is {root}/src", "'srcs'?"):
        _read(root)


def test_no_such_function(tmp_path: Path) -> None:
    project = load_project(_project(tmp_path))
    with refuses("no function 'shp'", "has shop", "did you mean 'shop'?"):
        read_function(project, "shp")


def test_every_guard_is_asked(tmp_path: Path) -> None:
    root = _project(tmp_path)
    write_file(root, "src/.env", "A=1")
    with refuses("1 file that would be packed looks like a secret", ".env: ", ".wideloadignore"):
        _read(root)
    write_file(root, "src/.wideloadignore", ".env\n")
    write_file(root, "src/app.py", "def other(e, c): ...\n")
    with refuses("no function for handler 'app.handler'", "defines other", "app.other?"):
        _read(root)
    write_file(root, "src/app.py", APP)
    (root / "src/link").symlink_to("/etc/hostname")
    with refuses("the link link leaves", "/etc/hostname", "copy what it points at"):
        _read(root)
    (root / "src/link").unlink()
    write_file(root, "src/deep/base.txt", b"\xff")
    with refuses("cannot read", "not UTF-8", "UTF-8"):
        _read(root)


def test_a_handler_of_a_required_package(tmp_path: Path) -> None:
    root = _project(tmp_path)
    text = (root / "wideload.toml").read_text().replace("app.handler", "six.moves.handler")
    write_file(root, "wideload.toml", text)
    assert _read(root).handler == "six.moves.handler"


def test_reading_leaves_nothing_behind(tmp_path: Path) -> None:
    root = _project(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    _read(root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_source_needs_no_other_stage() -> None:
    code = (
        "import sys, wideload.source\n"
        "allowed = {'source', 'values', 'errors', 'limits'}\n"
        "allowed |= {'interpreters', 'cache', 'cold_starts', 'own_files'}\n"
        "loaded = {m.split('.')[1] for m in sys.modules if m.startswith('wideload.')}\n"
        "print(sorted(loaded - allowed), 'boto3' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"
