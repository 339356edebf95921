"""What the recommender weighs, raw and by each way of slimming it.

    python bench/sizes.py [--write]

Every row is a build with these keys for python3.13 on x86_64; the first is what the wheels
weigh together. Megabytes of 1,000,000 bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import markdown, put, show

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "explanation" / "how-small.md"
WIDELOAD = str(Path(sys.executable).with_name("wideload"))
WAYS: tuple[dict[str, str], ...] = (
    {"slim": "runtime"},
    {"slim": "safe", "bytecode": "none"},
    {"slim": "safe", "bytecode": "sourceless"},
    {"slim": "safe", "bytecode": "beside"},
    {"slim": "safe", "bytecode": "sourceless", "docstrings": "strip"},
    {"slim": "safe", "bytecode": "beside", "docstrings": "strip"},
)


def run(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")
    return done.stdout


def configure(project: Path, keys: dict[str, str]) -> None:
    lines = [f'{key} = "{value}"' for key, value in keys.items()]
    (project / "wideload.toml").write_text(
        '[functions.recommender]\nsource = "recommender"\nhandler = "app.handler"\n'
        'runtime = "python3.13"\n' + "\n".join(lines) + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name} as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wideload-bench-") as folder:
        project = Path(folder) / "project"
        shutil.copytree(EXAMPLES, project, ignore=shutil.ignore_patterns(".wideload"))
        rows = [("keys", "unzipped MB", "zipped MB"), raw(project)]
        rows += [built(keys, project) for keys in WAYS]
    show(rows, 100)
    if options.write:
        put(PAGE, "bench/sizes.py", markdown(rows))


def raw(project: Path) -> tuple[str, ...]:
    """What the wheels weigh, by their tables of contents."""
    configure(project, {"slim": "none"})
    plan = json.loads(run([WIDELOAD, "-q", "plan", "recommender", "--json"], project))
    packages = plan["packages"]
    sizes = (sum(one[f"{what}_bytes"] for one in packages) for what in ("unzipped", "zipped"))
    return ("wheels as they are", *(f"{size / 1e6:.1f}" for size in sizes))


def built(keys: dict[str, str], project: Path) -> tuple[str, ...]:
    """What a build with these keys weighs."""
    configure(project, keys)
    run([WIDELOAD, "-q", "build", "recommender"], project)
    manifest = json.loads((project / ".wideload/build/recommender/manifest.json").read_text())
    artifact = next(one for one in manifest["artifacts"] if one["role"] == "function")
    told = ", ".join(f'`{key} = "{value}"`' for key, value in keys.items())
    sizes = (artifact["unzipped_bytes"], artifact["size"])
    return (told, *(f"{size / 1e6:.1f}" for size in sizes))


if __name__ == "__main__":
    main()
