"""Where the files of a layer lie, and what Python has to be told of it.

A layer is unpacked to /opt, all layers of a function in one folder. Lambda puts
``/opt/python/lib/pythonX.Y/site-packages`` and ``/opt/python`` on ``sys.path``, behind
/var/task, ``/opt/lib`` on LD_LIBRARY_PATH, behind /var/task/lib.
https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wideload.values.target import Target

Layout = Literal["python", "site-packages"]
"""``python`` serves every Python; ``site-packages`` the target's only, and before the other:
a distribution there hides one that a layer of others has in ``python``."""

_LIBRARY = re.compile(r"lib/[^/]+\.so(\.[^/]*)?")


def root_of(layout: Layout, target: Target) -> str:
    """The folder of a layer's zip that stands for site-packages."""
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


def python_path(environment: Mapping[str, str], target: Target) -> str | None:
    """The PYTHONPATH that a function with layers has to have; nothing where it needs none.

    Without one Lambda looks into the layers' folders by itself. One of the user's takes the
    place of these, so they are put behind it, unless they are in it.
    """
    value = environment.get("PYTHONPATH", "")
    if not value:
        return None
    folders = value.split(":")
    ours = [f"/opt/{root_of('site-packages', target)}", "/opt/python"]
    named = {folder.rstrip("/") for folder in folders}
    return ":".join([*folders, *(folder for folder in ours if folder not in named)])
