"""Says what was left out of this package when something asks to import it.

Lies in the package with a .pth beside it, by which Python's site module loads it before the
handler. It is the last finder to be asked, so imports that succeed do not pay for it.
"""

import sys


class Guard:
    """A finder that knows what is not there, and why."""

    def __init__(self) -> None:
        self._patterns: dict[str, str] | None = None

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Raise ModuleNotFoundError for what was left out; else find nothing."""
        if self._patterns is None:
            self._patterns = _read(__file__.rpartition(".")[0] + ".txt")
        pattern = self._patterns.get(name)
        if pattern is None:
            return
        message = (
            f"No module named {name!r}: it was left out of this package by the rule traced/1 "
            "of wideload, for no traced event used it. To keep it, write "
            f'keep = ["{pattern}"] in the configuration, or run `wideload trace` again with an '
            "event that uses it"
        )
        # Whoever catches the error goes on without the module: not without a word.
        print(message, file=sys.stderr)
        # Without `name`: `from package import module` puts words of its own in the place of
        # an error that is by name about that module.
        raise ModuleNotFoundError(message)


def _read(path: str) -> dict[str, str]:
    """Names and the patterns of ``keep``, of which alone the list consists."""
    try:
        with open(path, encoding="utf-8") as lines:  # noqa: PTH123 (pathlib takes longer to load)
            patterns = lines.read().split("\n")
    except OSError:
        return {}
    return {one.rstrip("*").rstrip("/.").replace("/", "."): one for one in patterns if one}


sys.meta_path.append(Guard())
