"""Makes the benches importable by their names, and what runs `wideload` as a user does."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(_TESTS.parent / "bench"), str(_TESTS / "end_to_end")]
