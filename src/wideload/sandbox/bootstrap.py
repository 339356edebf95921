"""The first Python that runs inside: /var/runtime/bootstrap.py, as Lambda's own does it.

Runs on the runtime's Python (3.10 and later) with nothing of wideload beside it.
"""

import os
import site
import sys

_LANG = "en_US.UTF-8"
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_OPT = "/opt/python"
_OPT_SITE = f"{_OPT}/lib/{_VERSION}/site-packages"
_RUNTIME_SITE = f"/var/lang/lib/{_VERSION}/site-packages"


def _set_path(task_root: str) -> None:
    # A PYTHONPATH of the user's takes the place of the layers' folders.
    layers = [] if os.environ.get("PYTHONPATH") else [_OPT_SITE, _OPT]
    # A distribution's Python does not look into site-packages by itself.
    tail = [] if _RUNTIME_SITE in sys.path else [_RUNTIME_SITE]
    sys.path[:] = [task_root, *layers, _RUNTIME_SITE, *sys.path, *tail]
    # .pth files of the function and of its layers count.
    for folder in [task_root, *layers]:
        site.addsitedir(folder)


def main() -> None:
    """Serve invocations until the process is ended."""
    if os.environ["LANG"] == _LANG:
        # Python itself has set it where the machine, unlike Lambda, has no such locale.
        os.environ.pop("LC_CTYPE", None)
    _set_path(os.environ["LAMBDA_TASK_ROOT"])
    # Only importable now.
    from awslambdaric import bootstrap  # noqa: PLC0415
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient  # noqa: PLC0415

    client = LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    bootstrap.run(os.environ["_HANDLER"], client)


if __name__ == "__main__":
    main()
