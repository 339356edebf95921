"""The module that Lambda is told to call instead of the function's own."""

# ruff: noqa: PTH100, PTH120 - importing pathlib would take longer than all that is done here

from __future__ import annotations

import os

from .start import start

handler = start(os.path.dirname(os.path.abspath(__file__)))
