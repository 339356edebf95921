"""The command line as a user meets it: what was typed, and what came of it, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"
COMMAND = Path(sys.executable).with_name("wideload")
ZOO = Path(__file__).parents[1] / "functions"


class Terminal:
    """Runs wideload in a folder, without a terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=cwd or self.folder,
            env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )


def transcript(typed: str, done: subprocess.CompletedProcess[str]) -> str:
    """What stands in a golden file."""
    parts = [f"$ wideload {typed}".rstrip()]
    for name, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        lines = [line.rstrip() for line in text.splitlines()]
        parts += [f"--- {name}", *lines] if lines else []
    return "\n".join([*parts, f"--- exit {done.returncode}", ""])


def normalised(text: str, folder: Path, index_url: str = "") -> str:
    """The same on any machine and with any version of the libraries."""
    root = index_url.removesuffix("/simple/")
    for found, name in ((root, "INDEX"), (str(folder), "PROJECT"), (str(folder.parent), "PARENT")):
        text = text.replace(found, name) if found else text
    text = re.sub(r"\b[0-9a-f]{64}\b", "SHA256", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    # What botocore's service model says changes with its version.
    text = re.sub(r"botocore \d+\.\d+\.\d+", "botocore VERSION", text)
    text = re.sub(r"(\w+-(?:min|max)) +[\d,]+", r"\1 N", text)
    text = re.sub(r'("name": "\w+-(?:min|max)",\s+"value": )\d+', r"\1N", text)
    # The loader is in it, which is worked on.
    text = re.sub(r"a zip of [\d.]+ k?M?B", "a zip of N", text)
    text = re.sub(r'("code_(?:un)?zipped_bytes": )\d+', r"\1N", text)
    bootstrap = r'("s3-bootstrap",\s+"feasible": true,\s+"zipped_bytes": )\d+'
    text = re.sub(bootstrap + r'(,\s+"unzipped_bytes": )\d+', r"\1N\2N", text)
    text = re.sub(r"(botocore's model of it admits) [\d,]+", r"\1 N", text)
    return re.sub(r"\b\d+ to \d+\b", "N to N", text)


def compare(name: str, text: str, *, update: bool) -> None:
    """Hold a transcript against the golden file of that name, or write it."""
    path = GOLDEN / name
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    assert path.is_file(), f"{path} is not there: run pytest tests/cli --update-golden"
    assert text == path.read_text(encoding="utf-8"), (
        f"{path.name} is another now; if that is meant, run pytest tests/cli --update-golden"
    )
