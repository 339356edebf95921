"""Where the files of a layer lie, and what the runtime has to be told of it.

A layer is unpacked to /opt, all layers of a function in one folder. Lambda puts
``/opt/python/lib/pythonX.Y/site-packages`` and ``/opt/python`` on ``sys.path``, behind
/var/task, ``/opt/lib`` on LD_LIBRARY_PATH, behind /var/task/lib.
https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
Node.js looks into ``/opt/nodejs/node_modules``, and from a package there not into /var/task.
https://docs.aws.amazon.com/lambda/latest/dg/nodejs-layers.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, assert_never

from wideload.values.target import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.values.target import Target

Layout = Literal["python", "site-packages"]
"""``python`` serves every Python; ``site-packages`` the target's only, and before the other:
a distribution there hides one that a layer of others has in ``python``."""

_LIBRARY = re.compile(r"lib/[^/]+\.so(\.[^/]*)?")


def root_of(layout: Layout, target: Target) -> str:
    """The folder of a layer's zip that stands for site-packages, or for the function's folder
    where packages lie in node_modules."""
    if target.family is Family.NODE:
        return "nodejs"
    if layout == "python":
        return "python"
    return f"python/lib/python{target.python_version}/site-packages"


def layer_path(path: str, root: str) -> str:
    """Where a file of the tree lies in a layer's zip.

    Shared objects right in ``lib/`` stay there: in the function the loader finds them by
    LD_LIBRARY_PATH, so it has to in the layer.
    """
    return path if _LIBRARY.fullmatch(path) else f"{root}/{path}"


def tree_path(path: str, root: str) -> str:
    """The path in the tree of a file in a layer's zip."""
    return path.removeprefix(f"{root}/")


def search_path(environment: Mapping[str, str], target: Target) -> tuple[str, str | None]:
    """The variable that says where packages are looked for, and the value that a function with
    layers has to have; nothing where it needs none.

    Without one Lambda looks into the layers' folders by itself. One of the user's takes the
    place of these, so they are put behind it, unless they are in it.
    """
    match target.family:
        case Family.PYTHON:
            variable = "PYTHONPATH"
            ours = [f"/opt/{root_of('site-packages', target)}", "/opt/python"]
        case Family.NODE:
            variable = "NODE_PATH"
            ours = [f"/opt/nodejs/node{target.node}/node_modules", "/opt/nodejs/node_modules"]
        case Family.PROVIDED:
            return "", None
        case _:
            assert_never(target.family)
    value = environment.get(variable, "")
    if not value:
        return variable, None
    folders = value.split(":")
    named = {folder.rstrip("/") for folder in folders}
    return variable, ":".join([*folders, *(folder for folder in ours if folder not in named)])
