"""The own test suites of heavy packages, unslimmed against slimmed.

    python bench/suites [--packages numpy,scipy] [--sides raw,beside] [--into FOLDER]

Runs in the folder all that was not run there before: stopped anywhere, it goes on there the
next time. A test with another outcome than unslimmed is run again, alone, on both sides.
Needs bubblewrap. Hours of work for all four packages.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from suites.command import main

    sys.exit(main())
