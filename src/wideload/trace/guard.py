"""Says what was left out of this package when something asks to import it."""

# Lies in the package with a .pth beside it, by which Python's site module loads it before the
# handler. It is the first finder to be asked: the runtime may carry another version of what
# was left out (six, urllib3), which must not be taken without a word. Small, since it is part
# of every cold start, perhaps without byte-code: what it says stands in the list beside it.

import sys


class Guard:
    """A finder that knows what is not there."""

    def __init__(self, path: str) -> None:
        """Read the list: the message, then patterns of ``keep``, a line each."""
        with open(path, "rb") as file:  # noqa: PTH123 (pathlib takes longer to load)
            self.path = path
            self.message, *patterns = file.read().decode().split("\n")
        self.gone = {one.rstrip("*").rstrip("/.").replace("/", "."): one for one in patterns}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Raise ModuleNotFoundError for what was left out; else find nothing."""
        if name in self.gone:
            message = self.message.format(name=name, pattern=self.gone[name])
            # Whoever catches the error goes on without the module: not without a word.
            print(message, file=sys.stderr)
            # Without `name`: `from package import module` puts words of its own in the place
            # of an error that is by name about that module. By the path it can be told from
            # others of its kind.
            raise ModuleNotFoundError(message, path=self.path)


sys.meta_path.insert(0, Guard(__file__.rpartition(".")[0] + ".txt"))
