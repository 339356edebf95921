"""Makes what the tests share importable by its name, and its fixtures known to all of them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "tests"))
pytest_plugins = ["shared_fixtures"]
