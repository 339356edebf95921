"""``python -m wideload``: the command line, run by a Python that has it."""

from __future__ import annotations

from wideload.cli import main

if __name__ == "__main__":
    main()
