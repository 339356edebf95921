"""The embedded AWS as a process: ``python -m wideload.embedded STATE_FOLDER``.

The one place where the services of `local` and the sandbox in which functions run meet.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.cache import default_root
from wideload.errors import WideloadError
from wideload.local import daemon

if TYPE_CHECKING:
    from collections.abc import Callable

    from wideload.local.boundaries import FileSystems, Images, Logs, Objects, Roles
    from wideload.local.http import Server
    from wideload.local.server import LambdaApplication, LambdaFactory


def lambda_app(
    state: Path,
    objects: Objects,
    roles: Roles,
    logs: Logs,
    file_systems: FileSystems,
    images: Images,
    endpoint_url: Callable[[], str],
) -> LambdaApplication:
    """The Lambda service, with a sandbox of this machine under it."""
    from wideload.local.functions.app import create  # noqa: PLC0415
    from wideload.sandbox.linux import LinuxSandbox  # noqa: PLC0415

    sandbox = LinuxSandbox(default_root())
    return create(state, objects, roles, logs, file_systems, images, sandbox, endpoint_url)


def main(arguments: list[str] | None = None, service: LambdaFactory = lambda_app) -> int:
    """Serve in the foreground until SIGTERM, SIGINT or too long without a request."""
    parser = argparse.ArgumentParser(prog="python -m wideload.embedded", description=main.__doc__)
    parser.add_argument("state", type=Path, help="folder in which all is kept")
    parser.add_argument("--region", default="us-east-1", help="where functions' logs are kept")
    parser.add_argument("--idle-minutes", type=float, default=60, help="0: never end by itself")
    parser.add_argument("--instance", default="", help="told by the health page")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")

    def stop_on_signals(server: Server) -> None:
        def stop(*_: object) -> None:
            # The server waits for its threads, which a signal handler must not.
            threading.Thread(target=server.stop).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)

    from wideload.local.functions.downloads import PREFIX  # noqa: PLC0415

    try:
        daemon.run(
            options.state.absolute(),
            service,
            region=options.region,
            idle_minutes=options.idle_minutes,
            instance=options.instance,
            unsigned=(PREFIX,),
            listening=stop_on_signals,
        )
    except WideloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
