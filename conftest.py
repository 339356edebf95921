"""Makes what the tests share importable by its name, and its fixtures known to all of them."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

# A loaded machine takes as long as it takes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

sys.path.insert(0, str(Path(__file__).parent / "tests"))
pytest_plugins = ["shared_fixtures"]
