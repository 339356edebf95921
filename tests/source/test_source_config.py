from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from source_projects import CONFIG, refuses, write, write_file

from wideload import limits
from wideload.source import find_function, load_project
from wideload.source.keys import FunctionConfig

if TYPE_CHECKING:
    from pathlib import Path

_ARN = "arn:aws:lambda:eu-west-1:123456789012:layer"


def _load(folder: Path, lines: str) -> FunctionConfig:
    write_file(folder, "wideload.toml", CONFIG + lines)
    return load_project(folder).functions["shop"]


def test_every_key_is_read(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        f"""
        source = "shop"
        architecture = "arm64"
        requirements = "more.txt"
        memory = 2048
        timeout = 60
        ephemeral = 1024
        strategy = "s3-zip"
        layers = ["{_ARN}:one:3"]
        environment = {{ STAGE = "prod" }}
        network = ["example.com", "*.example.com", "127.0.0.1:80"]
        description = "Sells."
        include = ["a"]
        exclude = ["b"]
        groups = ["job"]
        extras = ["fast"]
        tests = true
        allow_secrets = ["c.pem"]
        split = {{ numpy = 1, requests = "function" }}
        """,
    )
    assert config == FunctionConfig(
        handler="app.handler",
        runtime="python3.13",
        source="shop",
        architecture="arm64",
        requirements="more.txt",
        memory=2048,
        timeout=60,
        ephemeral=1024,
        strategy="s3-zip",
        layers=(f"{_ARN}:one:3",),
        environment={"STAGE": "prod"},
        network=("example.com", "*.example.com", "127.0.0.1:80"),
        description="Sells.",
        include=("a",),
        exclude=("b",),
        groups=("job",),
        extras=("fast",),
        tests=True,
        allow_secrets=("c.pem",),
        split={"numpy": 1, "requests": "function"},
    )


def test_it_is_found_above_and_in_pyproject(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    # A pyproject.toml without the table does not stop the search.
    write_file(tmp_path / "a", "pyproject.toml", '[project]\nname = "a"\n')
    write_file(
        tmp_path, "pyproject.toml", "[tool.wideload]\n" + CONFIG.replace("[f", "[tool.wideload.f")
    )
    project = load_project(below)
    assert project.root == str(tmp_path)
    assert project.config == str(tmp_path / "pyproject.toml")
    assert list(project.functions) == ["shop"]


def test_the_nearest_one_counts(tmp_path: Path) -> None:
    write_file(tmp_path, "wideload.toml", CONFIG)
    write_file(tmp_path, "inner/wideload.toml", CONFIG.replace("shop", "inner"))
    assert list(load_project(tmp_path / "inner").functions) == ["inner"]


def test_defaults_are_inherited_and_environments_merged(tmp_path: Path) -> None:
    write_file(
        tmp_path,
        "wideload.toml",
        """
        [defaults]
        runtime = "python3.12"
        memory = 512
        environment = { A = "1", BB = "1", CC = "1" }
        [functions.one]
        handler = "app.one"
        [functions.two]
        handler = "app.two"
        memory = 256
        environment = { BB = "2" }
        """.replace("A =", "AA ="),
    )
    functions = load_project(tmp_path).functions
    assert functions["one"].runtime == "python3.12"
    assert functions["one"].memory == 512
    assert functions["two"].memory == 256
    assert functions["two"].environment == {"AA": "1", "BB": "2", "CC": "1"}


def test_none_found(tmp_path: Path) -> None:
    with refuses("no configuration found", f"in {tmp_path} or a folder above", "wideload init"):
        load_project(tmp_path)


def test_two_in_one_folder(tmp_path: Path) -> None:
    write_file(tmp_path, "wideload.toml", CONFIG)
    write_file(tmp_path, "pyproject.toml", "[tool.wideload]\n")
    with refuses("two configurations", "[tool.wideload] of pyproject.toml", "keep one"):
        load_project(tmp_path)


def test_not_toml(tmp_path: Path) -> None:
    write_file(tmp_path, "wideload.toml", "[functions\n")
    with refuses("wideload.toml is not TOML", "line 1", "mend the line"):
        load_project(tmp_path)


def test_not_utf8(tmp_path: Path) -> None:
    write_file(tmp_path, "wideload.toml", b"# \xff\n")
    with refuses("cannot read", "not UTF-8 at byte 2", "UTF-8"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("content", "what", "why", "hint"),
    [
        ("", "names no function", "[functions.NAME]", "wideload init"),
        ("[function.a]\n", "unknown table 'function'", "defaults, functions", "'functions'"),
        ("functions = 3\n", "[functions] is not a table", "3 (a whole number)", "[functions.NAME]"),
        ("[functions]\nshop = 1\n", "[functions.shop] is not a table", "1", "[functions.NAME]"),
        (CONFIG.replace("shop", '"a b"'), "bad function name 'a b'", "1 to 64", "rename"),
        ("[defaults]\nmemroy = 3\n", "unknown key 'memroy' in [defaults]", "memory", "'memory'"),
        ('[functions.a]\nhandler = "a.b"\n', "'runtime' is missing", "python3.10 or", "python3.13"),
    ],
)
def test_bad_tables(tmp_path: Path, content: str, what: str, why: str, hint: str) -> None:
    write_file(tmp_path, "wideload.toml", content)
    with refuses(what, why, hint):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("line", "key", "why"),
    [
        ("memory = '1'", "memory", "found '1' (a string); allowed is a whole number of MB"),
        ("memory = true", "memory", "found true (true or false)"),
        ("memory = 1.5", "memory", "found 1.5 (a number with a point)"),
        (
            "memory = 127",
            "memory",
            "found 127 (a whole number); allowed is a whole number of MB, 128 to",
        ),
        ("split = { numpy = 0 }", "split", "found 0 (a whole number); allowed is a table of"),
        ("split = { numpy = 'layer' }", "split", "found 'layer' (a string)"),
        ("split = { numpy = true }", "split", "allowed is a table of packages"),
        ("timeout = 0", "timeout", "allowed is a whole number of seconds, 1 to"),
        ("ephemeral = 511", "ephemeral", "allowed is a whole number of MB, 512 to"),
        ("architecture = 'x86'", "architecture", "allowed is x86_64 or arm64"),
        ("strategy = 'zip'", "strategy", "allowed is auto, direct-zip, s3-zip"),
        ("layers = 'one'", "layers", "a list of at most 5 ARNs"),
        ("layers = ['arn:aws:s3:::bucket']", "layers", "found 'arn:aws:s3:::bucket'"),
        (f"layers = ['{_ARN}:one:1', '{_ARN}:one:2']", "layers", "layer:one stands twice"),
        (f"layers = ['{_ARN}:one:1', '{_ARN}:one:latest']", "layers", "layer:one stands twice"),
        (f"layers = ['{_ARN}:one:newest']", "layers", ":one:newest'"),
        (
            "prefer = 'newest'",
            "prefer",
            "allowed is simple or cold-start or cheap or lock or layer",
        ),
        ("prefer = ['lock', 'layer']", "prefer", "a list with one of either kind"),
        ("prefer = ['cheap', 'simple']", "prefer", "a list with one of either kind"),
        ("prefer = ['lock', 'lock']", "prefer", "a list with one of either kind"),
        ("subnets = ['vpc-1']", "subnets", "found 'vpc-1'"),
        ("subnets = ['subnet-1', 'subnet-1']", "subnets", "found 2, of which 1 differ"),
        (
            "security_groups = ['sg-1', 'sg-2', 'sg-3', 'sg-4', 'sg-5', 'sg-6']",
            "security_groups",
            "found 6",
        ),
        ("efs_access_point = 'fsap-1'", "efs_access_point", "found 'fsap-1'"),
        ("s3_files_access_point = 'fsap-1'", "s3_files_access_point", "found 'fsap-1'"),
        ("mount_path = '/data'", "mount_path", "/mnt/ and a name"),
        ("image_base = 'a b'", "image_base", "the reference of an image"),
        (f"layers = {[f'{_ARN}:l{n}:1' for n in range(6)]}", "layers", "found 6 layers"),
        (
            "environment = { AA = 1 }",
            "environment",
            "found a table with AA; allowed is a table of strings",
        ),
        ("environment = { AWS_REGION = 'x' }", "environment", "Lambda sets AWS_REGION itself"),
        ("environment = { 1A = 'x' }", "environment", "found '1A'"),
        ("network = ['https://example.com/']", "network", "without scheme or path"),
        (f"description = '{'a' * 257}'", "description", "found 257 characters"),
        ("tests = 1", "tests", "allowed is true or false"),
        ("include = 'a'", "include", "a list of strings"),
    ],
)
def test_bad_values(tmp_path: Path, line: str, key: str, why: str) -> None:
    with refuses(f"bad {key!r} in [functions.shop] of {tmp_path}", why, f"for instance {key} = "):
        _load(tmp_path, line)


def test_a_bad_value_in_pyproject_names_its_table(tmp_path: Path) -> None:
    content = CONFIG.replace("[f", "[tool.wideload.f") + "memory = 1\n"
    write_file(tmp_path, "pyproject.toml", content)
    with refuses("in [tool.wideload.functions.shop] of", "found 1", "1024"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("handler", "runtime", "key", "why"),
    [
        ("a b.c", "python3.13", "handler", "found 'a b.c'"),
        (
            "app.handler",
            "python2.7",
            "runtime",
            "found 'python2.7' (a string); allowed is python3.10",
        ),
    ],
)
def test_bad_handler_and_runtime(
    tmp_path: Path, handler: str, runtime: str, key: str, why: str
) -> None:
    lines = f'[functions.shop]\nhandler = "{handler}"\nruntime = "{runtime}"\n'
    write_file(tmp_path, "wideload.toml", lines)
    with refuses(f"bad {key!r}", why, f"for instance {key}"):
        load_project(tmp_path)


def test_the_ends_of_the_ranges_are_in_them(tmp_path: Path) -> None:
    for end in (0, 1):
        memory, timeout = limits.memory_range()[end], limits.timeout_range()[end]
        config = _load(tmp_path, f"memory = {memory}\ntimeout = {timeout}\n")
        assert (config.memory, config.timeout) == (memory, timeout)
    with refuses("bad 'memory'", str(memory + 1), "1024"):
        _load(tmp_path, f"memory = {memory + 1}")


def test_environment_is_counted_as_json(tmp_path: Path) -> None:
    # {"AA":"…"} is nine bytes around the value.
    assert _load(tmp_path, f"environment = {{ AA = '{'x' * 4087}' }}").environment
    with refuses("bad 'environment'", "found 4097 bytes", "environment ="):
        _load(tmp_path, f"environment = {{ AA = '{'x' * 4088}' }}")


def test_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    with refuses(
        "unknown key 'Time_out' in [functions.shop] of", "timeout", "did you mean 'timeout'?"
    ):
        _load(tmp_path, "Time_out = 3")
    with refuses("unknown key 'zzz'", "known are handler", "remove 'zzz'"):
        _load(tmp_path, "zzz = 3")


def _two(folder: Path) -> Path:
    other = CONFIG.replace("shop", "other")
    write_file(folder, "wideload.toml", CONFIG + 'source = "front"\n' + other + 'source = "back"\n')
    for each in ("front", "back", "neither"):
        (folder / each).mkdir()
    return folder


def test_choosing_by_name_folder_and_place(tmp_path: Path) -> None:
    root = _two(tmp_path)
    for wanted, start in (
        ("shop", root),
        ("shop", root / "back"),
        ("front", root),
        ("./front/", root),
        ("../front", root / "back"),
        (str(root / "front"), root.parent),
        (None, root / "front"),
    ):
        project, name = find_function(wanted, start)
        assert (project.root, name) == (str(root), "shop"), (wanted, start)


def test_a_project_with_one_function_needs_no_name(tmp_path: Path) -> None:
    write_file(tmp_path, "one/wideload.toml", CONFIG + 'source = "src"\n')
    assert find_function(None, tmp_path / "one")[1] == "shop"
    assert find_function("one", tmp_path)[1] == "shop"


def test_a_name_wins_over_a_folder(tmp_path: Path) -> None:
    write_file(
        tmp_path, "wideload.toml", CONFIG + CONFIG.replace("shop", "b") + 'source = "shop"\n'
    )
    (tmp_path / "shop").mkdir()
    assert find_function("shop", tmp_path)[1] == "shop"
    assert find_function("./shop", tmp_path)[1] == "b"


def test_choosing_what_is_not_there(tmp_path: Path) -> None:
    root = _two(tmp_path)
    with refuses("no function 'shpo'", "has shop, other", "did you mean 'shop'?"):
        find_function("shpo", root)
    with refuses("no function 'neither'", "has other, shop", ""):
        find_function("neither", root)
    with refuses("no function 'zzz'", "has other, shop", "name one of these"):
        find_function("zzz", root)
    with refuses("which function?", "has other, shop", "name one"):
        find_function(None, root)


def test_several_functions_of_one_folder(tmp_path: Path) -> None:
    write_file(tmp_path, "wideload.toml", CONFIG + CONFIG.replace("shop", "other"))
    write(tmp_path, app_dot_py="")
    with refuses("which function?", "other, shop", "name one"):
        find_function(".", tmp_path)
