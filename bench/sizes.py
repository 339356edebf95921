"""What the recommender weighs, raw and by each way of slimming it.

    python bench/sizes.py

Every row is a build with these keys for python3.13 on x86_64; the first is what the wheels
weigh together. Megabytes of 1,000,000 bytes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
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
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("keys")
    for column in ("unzipped MB", "zipped MB"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory(prefix="wideload-bench-") as folder:
        project = Path(folder) / "project"
        shutil.copytree(EXAMPLES, project, ignore=shutil.ignore_patterns(".wideload"))
        configure(project, {"slim": "none"})
        plan = json.loads(run([WIDELOAD, "-q", "plan", "recommender", "--json"], project))
        packages = plan["packages"]
        raw = [sum(one[f"{what}_bytes"] for one in packages) for what in ("unzipped", "zipped")]
        table.add_row("wheels as they are", *(f"{size / 1e6:.1f}" for size in raw))
        for keys in WAYS:
            configure(project, keys)
            run([WIDELOAD, "-q", "build", "recommender"], project)
            built = json.loads((project / ".wideload/build/recommender/manifest.json").read_text())
            artifact = next(one for one in built["artifacts"] if one["role"] == "function")
            sizes = (artifact["unzipped_bytes"], artifact["size"])
            told = ", ".join(f'{key} = "{value}"' for key, value in keys.items())
            table.add_row(told, *(f"{size / 1e6:.1f}" for size in sizes))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
