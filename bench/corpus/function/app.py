"""The function of every package of the corpus: uses it, imports its modules, reads its metadata.

What it finds of modules goes to the log, line by line, so that a crash does not hide it.
"""

import importlib
import importlib.metadata
import os
import signal
import sys
import warnings

PATIENCE = 90
"""Seconds that a module may take to import."""


def handler(event, context):  # noqa: ARG001
    """Answer ``{"use": true}``, ``{"modules": […]}`` or ``{"metadata": true}``."""
    warnings.simplefilter("ignore")
    if "modules" in event:
        return {"imported": modules(event["modules"])}
    if "metadata" in event:
        return {"metadata": metadata()}
    import use  # noqa: PLC0415

    return {"answer": use.use()}


def say(word, name, rest=""):
    """A line of the log that the driver reads."""
    line = f"\ncorpus {word} {name} {' '.join(rest.split())[:300]}\n"
    os.write(2, line.encode(errors="replace"))


def modules(names):
    """Import each; returns how many could be."""
    signal.signal(signal.SIGALRM, too_long)
    imported = 0
    for name in names:
        say("begins", name)
        stdout, stderr = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
        signal.alarm(PATIENCE)
        try:
            importlib.import_module(name)
            imported += 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may even call sys.exit
            say("failed", name, f"{type(error).__name__}: {error}")
        finally:
            signal.alarm(0)
            sys.stdout, sys.stderr = stdout, stderr
    return imported


def too_long(number, frame):  # noqa: ARG001
    """Ends an import that waits for something."""
    raise TimeoutError(f"no end after {PATIENCE} s")


def metadata():
    """What tools read of the distributions in the package, by name."""
    found = {}
    for one in importlib.metadata.distributions(path=[os.environ["LAMBDA_TASK_ROOT"]]):
        found[one.metadata["Name"]] = {
            "version": one.version,
            "metadata": sorted(f"{key}: {value}" for key, value in one.metadata.items()),
            "requires": one.requires,
            "entry points": sorted(f"{e.group} {e.name} {e.value}" for e in one.entry_points),
            "top level": one.read_text("top_level.txt"),
        }
    return found
