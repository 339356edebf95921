"""Where files lie in a layer's zip, and when PYTHONPATH has to say so."""

from __future__ import annotations

import pytest

from made_values import AL2
from split_made import MB, TARGET, dist, own, tree_of
from wideload.plan.split.layout import layer_path, python_path, root_of, tree_path
from wideload.plan.split.splitting import split
from wideload.values.split import Split

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
    assert python_path(environment, TARGET) == complete
