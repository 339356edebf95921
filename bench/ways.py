"""Cold starts of one function by every way that works, side by side in one chart.

    python bench/ways.py [--function NAME] [--runs N] [--write]

What `wideload bench` measures, with a registry on this machine for the base of the image: the
base is made of this machine's interpreter and libraries, and named as AWS's is. So the public
registry need not be reached; what a base of AWS's takes to load may differ. With --write the
table and the picture go into the page of the docs. Needs what the tests of images need
(docker-registry, skopeo, umoci), and FUSE for the ways that mount.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pages import markdown, put

from wideload.cache import default_root

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from base_registry import base_registry  # noqa: E402

PAGE = ROOT / "docs" / "explanation" / "cold-starts.md"
PICTURE = PAGE.with_suffix(".svg")


def main() -> None:
    """Measure, and show or write what was."""
    parser = argparse.ArgumentParser(prog="bench/ways.py")
    parser.add_argument("--function", default="recommender", help="an example in Python")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--way", action="append", default=[], help="as of `wideload bench`")
    parser.add_argument("--memory", default="1769", metavar="MB")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name} as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ignored = shutil.ignore_patterns(".wideload", "__pycache__")
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=ignored)
        picture = PICTURE if options.write else folder / PICTURE.name
        words = ["--runs", str(options.runs), "--memory", options.memory, "--slim", "safe"]
        words += [word for way in options.way for word in ("--way", way)]
        words += ["--chart", str(picture), "--json"]
        found = measured(folder, options.function, words)
    rows = table(found)
    print(markdown(rows))
    for line in found["missing"]:
        print(f"note: {line}")
    if options.write:
        put(PAGE, "bench/ways.py", markdown(rows))


def measured(folder: Path, function: str, words: list[str]) -> Any:
    """What `wideload bench` says of an example, as JSON."""
    command = [str(Path(sys.executable).with_name("wideload")), "-C", "examples"]
    target = json.loads(_run([*command, "plan", function, "--json"], folder, {}))["target"]
    version = target["runtime"].removeprefix("python")
    with base_registry(folder / "registry", default_root(), version) as bases:
        try:
            told = _run([*command, "bench", function, *words], folder, bases.environ)
        finally:
            _run([*command, "local", "down"], folder, {})
    return json.loads(told)


def _run(words: list[str], folder: Path, environ: dict[str, str]) -> bytes:
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **environ}, stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words[1:])} ended with {done.returncode}")
    return done.stdout


def table(found: Any) -> list[tuple[str, ...]]:
    """A row for each way, the fastest start the measure of all."""
    fastest = min(one["cold_ms"]["median"] for one in found["timings"] if one["starts"])
    rows: list[tuple[str, ...]] = [
        ("way", "cold start", "least … most", "×", "warm call", "fetched")
    ]
    for one in found["timings"]:
        if not one["starts"]:
            rows.append((f"`{one['way']}`", "fails", "", "", "", ""))
            continue
        cold = one["cold_ms"]
        fetched = max(start["fetched_bytes"] for start in one["starts"])
        rows.append(
            (
                f"`{one['way']}`",
                f"{cold['median'] / 1000:.2f} s",
                f"{cold['min'] / 1000:.2f} … {cold['max'] / 1000:.2f}",
                f"{cold['median'] / fastest:.1f}",
                f"{one['warm_ms']:,.0f} ms",
                f"{fetched / 1e6:.1f} MB" if fetched else "–",
            )
        )
    return rows


if __name__ == "__main__":
    main()
