"""A handler that imports modules and tells which of them could not be. Runs inside Lambda.

It lies in a layer of its own, so that the package under test stays as it is.
"""

import importlib
import os
import sys
import warnings
from typing import Any

_LIST = "_wideload_guard.txt"


def handler(event: dict[str, Any], context: object) -> dict[str, object]:  # noqa: ARG001
    """Import ``event["modules"]``; answer a map from the failed ones to their error.

    ``event["first"]`` is imported before them, if any: it brings the others. ``left_out`` names
    those of them that fail for what the package says was left out of it.
    """
    warnings.simplefilter("ignore")
    if event["first"]:
        importlib.import_module(event["first"])
    failed: dict[str, str] = {}
    left_out: list[str] = []
    for name in event["modules"]:
        # What a module prints while it is imported is not what is asked about.
        stdout, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: PTH123, SIM115
        try:
            importlib.import_module(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # A module may even call sys.exit.
            failed[name] = f"{type(error).__name__}: {error}"[:500]
            if _is_left_out(error):
                left_out.append(name)
        finally:
            sys.stdout.close()
            sys.stdout = stdout
    imported = len(event["modules"]) - len(failed)
    return {"imported": imported, "failed": failed, "left_out": left_out}


def _is_left_out(error: BaseException | None) -> bool:
    while error is not None:
        if str(getattr(error, "path", "")).endswith(f"/{_LIST}"):
            return True
        error = error.__cause__ or error.__context__
    return False
