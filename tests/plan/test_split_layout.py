"""Where files lie in a layer's zip, and when PYTHONPATH has to say so."""

from __future__ import annotations

import pytest

from made_values import AL2, attached_of, sha256_of
from split_made import MB, TARGET, dist, own, tree_of
from wideload.plan.split.layout import layer_path, root_of, search_path, tree_path
from wideload.plan.split.splitting import split
from wideload.values.proposal import Refusal
from wideload.values.resolution import Member, Wheel
from wideload.values.split import Split
from wideload.values.target import Target

NODE = Target.parse("nodejs22.x", "x86_64")
PROVIDED = Target.parse("provided.al2023", "x86_64")
SITE = "python/lib/python3.13/site-packages"


def test_the_folders_that_lambda_puts_on_the_path() -> None:
    assert root_of("python", TARGET) == "python"
    assert root_of("site-packages", TARGET) == SITE
    assert root_of("site-packages", AL2) == "python/lib/python3.11/site-packages"


@pytest.mark.parametrize("root", ["python", SITE])
@pytest.mark.parametrize(
    ("path", "moved"),
    [
        ("numpy/__init__.py", True),
        ("six.py", True),
        ("lib/libiomp5.so", False),
        ("lib/libtbb.so.12", False),
        ("lib/libtbb.so.12.1", False),
        ("lib/data.txt", True),
        ("lib/deep/libx.so", True),
        ("libx.so", True),
        ("bin/tool", True),
    ],
)
def test_a_file_lies_below_the_root_or_is_a_library(path: str, moved: bool, root: str) -> None:
    lies = layer_path(path, root)
    assert lies == (f"{root}/{path}" if moved else path)
    assert tree_path(lies, root) == path


def test_a_layer_of_either_layout() -> None:
    wheels = [dist("mkl", 90 * MB, "mkl/__init__.py", "lib/libmkl.so.2")]
    tree = tree_of(wheels, [own(), own("lib/libmine.so")])
    for layout, root in (("python", "python"), ("site-packages", SITE)):
        found = split(
            tree, wheels, TARGET, layout="python" if layout == "python" else "site-packages"
        )
        assert isinstance(found, Split)
        assert [entry.path for entry in found.layers[0].tree] == sorted(
            ["lib/libmkl.so.2", f"{root}/mkl-1.dist-info/DATA", f"{root}/mkl/__init__.py"]
        )
        # Libraries of the user's stay where he put them.
        assert [entry.path for entry in found.function] == ["app.py", "lib/libmine.so"]


@pytest.mark.parametrize(
    ("value", "complete"),
    [
        (None, None),
        ("", None),
        ("/var/task/vendor", f"/var/task/vendor:/opt/{SITE}:/opt/python"),
        ("/opt/python", f"/opt/python:/opt/{SITE}"),
        ("/opt/python/:/x", f"/opt/python/:/x:/opt/{SITE}"),
        (f"/opt/{SITE}:/opt/python", f"/opt/{SITE}:/opt/python"),
    ],
)
def test_a_path_of_the_users_hides_no_layer(value: str | None, complete: str | None) -> None:
    environment = {"HOME": "/tmp"} if value is None else {"PYTHONPATH": value}
    assert search_path(environment, TARGET) == ("PYTHONPATH", complete)


def test_a_path_of_node_hides_no_layer_either() -> None:
    folders = "/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules"
    assert search_path({}, NODE) == ("NODE_PATH", None)
    assert search_path({"NODE_PATH": "/x"}, NODE) == ("NODE_PATH", f"/x:{folders}")
    assert search_path({"PYTHONPATH": "/x", "NODE_PATH": "/x"}, PROVIDED) == ("", None)


def test_packages_of_npm_all_lie_in_layers_where_they_find_each_other() -> None:
    wheels = [npm("big", 90 * MB), npm("small", 900, requires=("@s/tiny",)), npm("@s/tiny", 300)]
    tree = tree_of(wheels, [own("index.mjs")])
    found = split(tree, wheels, NODE)
    assert isinstance(found, Split)
    assert [entry.path for entry in found.function] == ["index.mjs"]
    assert [share.packages for share in found.layers] == [("big",), ("@s/tiny", "small")]
    paths = [entry.path for share in found.layers for entry in share.tree]
    assert "nodejs/node_modules/@s/tiny/package.json" in paths
    assert all(path.startswith("nodejs/node_modules/") for path in paths)


def test_light_packages_of_npm_go_with_others_where_there_is_one_layer_left() -> None:
    wheels = [npm("big", 90 * MB), npm("small", 900)]
    tree = tree_of(wheels, [own("index.mjs")])
    found = split(tree, wheels, NODE, attached=[attached_of(1000)] * 4)
    assert isinstance(found, Split)
    assert [share.packages for share in found.layers] == [("big", "small")]


def test_a_package_of_npm_cannot_be_pinned_to_the_function() -> None:
    wheels = [npm("lodash.get", 900), npm("b", 900)]
    tree = tree_of(wheels, [own("index.mjs")])
    found = split(tree, wheels, NODE, pins={"lodash.get": "function"})
    assert isinstance(found, Refusal)
    assert "lodash.get would lie in the function" in found.reasons[0]
    pinned = split(tree, wheels, NODE, pins={"lodash.get": 2, "b": 1})
    assert isinstance(pinned, Split)
    assert pinned.places == {"b": 1, "lodash.get": 2}


def npm(name: str, zipped: int, requires: tuple[str, ...] = ()) -> Wheel:
    """A package of npm's of so many bytes."""
    location = f"node_modules/{name}"
    path = f"{location}/package.json"
    member = Member(path, path, zipped, zipped, 0, True, False)
    filename, digest = f"{name}@1.0.0", sha256_of(f"{name} {zipped}")
    return Wheel(name, "1.0.0", filename, "", digest, zipped, (member,), requires, location)
