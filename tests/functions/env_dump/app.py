"""Tells what it sees of the place where it runs."""

import os
import platform
import sys


def writable(folder):
    """Whether a file can really be made there; access rights alone do not tell."""
    path = os.path.join(folder, ".probe")
    try:
        with open(path, "x"):
            pass
    except OSError:
        return False
    os.unlink(path)
    return True


def handler(event, context):
    return {
        "environ": dict(os.environ),
        "path": sys.path,
        "python": platform.python_version(),
        "uname": list(os.uname()),
        "cwd": os.getcwd(),
        "uid": os.getuid(),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "root": sorted(os.listdir("/")),
        "writable": [f for f in ("/var/task", "/opt", "/tmp", "/", "/mnt") if writable(f)],
        "context": {
            "function_name": context.function_name,
            "function_version": context.function_version,
            "invoked_function_arn": context.invoked_function_arn,
            "memory_limit_in_mb": context.memory_limit_in_mb,
            "log_group_name": context.log_group_name,
            "log_stream_name": context.log_stream_name,
        },
    }
