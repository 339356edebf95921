"""Documentation goes; what code imports or opens stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from slimming_maker import Kitchen, gone
from wideload.slim.rules.docs import RULE

FILES = {
    "pkg/__init__.py": "",
    "pkg/docs/index.rst": "Hello\n",
    "pkg/examples/first.py": "import pkg\n",
    "pkg/deep/examples/kept.py": "",
    "docs/conf.py": "",
    "share/man/man1/pkg.1": "",
    "share/pkg/data.txt": "",
}


def dropped(tmp_path: Path, files: dict[str, str], name: str = "pkg") -> set[str]:
    found = gone(Kitchen(tmp_path, {name: files}).slim())
    return {path for path, rule in found.items() if rule == RULE.name}


def test_folders_at_the_top_go(tmp_path: Path) -> None:
    assert dropped(tmp_path, FILES) == {
        "pkg/docs/index.rst",
        "pkg/examples/first.py",
        "docs/conf.py",
        "share/man/man1/pkg.1",
    }


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("from pkg.examples.first import x\n", "pkg/examples/first.py"),
        ("from .examples import first\n", "pkg/examples/first.py"),
        ('open(os.path.join(root, "docs", "index.rst"))\n', "pkg/docs/index.rst"),
        ('get_data("pkg", "docs/index.rst")\n', "pkg/docs/index.rst"),
    ],
)
def test_what_is_asked_for_stays(tmp_path: Path, code: str, kept: str) -> None:
    assert kept not in dropped(tmp_path, {**FILES, "pkg/code.py": code})


def test_where_examples_are_the_matter_they_stay(tmp_path: Path) -> None:
    assert dropped(tmp_path, {"gradio/examples/a.txt": ""}, "gradio") == set()
