"""The module that Lambda is told to call of a function whose packages are mounted.

It has the function find them where it would if they lay beside its own files: right behind these
on Python's search path, before anything of the runtime's, and with their .pth files read. Where
files of the function's own lie apart, the small ones in its zip and the large ones in the mounted
directory, they are laid together in /tmp first, copies of the small and links to the large.
"""

# ruff: noqa: PTH100, PTH103, PTH120, PTH123, PTH211 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import tempfile

from .ahead import Ahead
from .archived import Modules
from .memory import memory_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def start(home: str) -> Callable[..., Any]:
    """The function's own handler.

    :param home: the loader's folder in the function's zip.
    """
    with open(f"{home}/function.json", "rb") as file:
        told = json.loads(file.read())
    task = os.environ.get("LAMBDA_TASK_ROOT") or os.path.dirname(home)
    search = told["search"]
    if told["linked"]:
        task = _laid(told, task)
    rest = [each for each in sys.path if each not in (task, search)]
    sys.path[:] = [task, search, *rest]
    ahead = Ahead(home, memory_of(dict(os.environ)))
    Modules.read(home, search, ahead.want).install()
    if told["pth"]:
        import site  # noqa: PLC0415 (rarely wanted)

        for name in told["pth"]:
            site.addpackage(search, name, None)
    os.environ["_HANDLER"] = told["handler"]
    module, _, attribute = told["handler"].rpartition(".")
    handler: Callable[..., Any] = vars(importlib.import_module(module.replace("/", ".")))[attribute]
    ahead.started()
    return handler


def _laid(told: dict[str, Any], task: str) -> str:
    """A folder with all of the function's own files, which takes the place of `task`."""
    tree = tempfile.mkdtemp(prefix="wideload-", dir=told["folder"])
    for path in told["own"]:
        os.makedirs(os.path.dirname(f"{tree}/{path}"), exist_ok=True)
        shutil.copy(f"{task}/{path}", f"{tree}/{path}")
    for path in told["linked"]:
        os.makedirs(os.path.dirname(f"{tree}/{path}"), exist_ok=True)
        os.symlink(f"{told['search']}/{path}", f"{tree}/{path}")
    sys.path[:] = [each for each in sys.path if each != task]
    os.environ["LAMBDA_TASK_ROOT"] = tree
    os.chdir(tree)
    return tree


handler = start(os.path.dirname(os.path.abspath(__file__)))
"""The function's own."""
