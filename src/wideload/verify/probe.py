"""A handler that imports modules and tells which of them could not be. Runs inside Lambda.

It lies in a layer of its own, so that the package under test stays as it is.
"""

import importlib
import os
import sys
import warnings


def handler(event: dict[str, list[str]], context: object) -> dict[str, object]:  # noqa: ARG001
    """Import ``event["modules"]``; answer a map from the failed ones to their error."""
    warnings.simplefilter("ignore")
    failed: dict[str, str] = {}
    for name in event["modules"]:
        # What a module prints while it is imported is not what is asked about.
        stdout, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: PTH123, SIM115
        try:
            importlib.import_module(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # A module may even call sys.exit.
            failed[name] = f"{type(error).__name__}: {error}"[:500]
        finally:
            sys.stdout.close()
            sys.stdout = stdout
    return {"imported": len(event["modules"]) - len(failed), "failed": failed}
