"""Tables of benches get into the pages of the docs, each in its own place."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.append(str(BENCH))

from pages import markdown, put  # noqa: E402

ROWS = [("way", "seconds", "told"), ("ours", "1.0", "fine"), ("theirs", "9.0", "broken")]
PAGE = """# Sizes

<!-- made by bench/sizes.py -->

old

<!-- end of bench/sizes.py -->

words

<!-- made by bench/imports.py -->
<!-- end of bench/imports.py -->
"""


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    assert markdown(ROWS, words=1).splitlines()[1] == "| --- | ---: | --- |"
    assert markdown(ROWS).splitlines() == [
        "| way | seconds | told |",
        "| --- | ---: | ---: |",
        "| ours | 1.0 | fine |",
        "| theirs | 9.0 | broken |",
    ]


def test_a_table_takes_the_place_of_the_old_one_and_of_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    put(page, "bench/sizes.py", "new\n")
    assert page.read_text() == PAGE.replace("old", "new")
    put(page, "bench/sizes.py", "new\n")
    assert page.read_text() == PAGE.replace("old", "new")
    put(page, "bench/imports.py", "more\n")
    assert "words\n\n<!-- made by bench/imports.py -->\n\nmore\n\n<!-- end" in page.read_text()


def test_a_page_without_the_place_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    with pytest.raises(SystemExit, match=r"no place for what bench/build\.py makes"):
        put(page, "bench/build.py", "new\n")
    assert page.read_text() == PAGE


def makers() -> list[str]:
    """The names by which benches put tables into pages."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(BENCH.rglob("*.py")))
    return [name for text in texts for name in re.findall(r'\bput\(PAGE, "([^"]+)"', text)]


@pytest.mark.parametrize("maker", makers())
def test_every_bench_that_writes_has_its_place(maker: str) -> None:
    pages = [BENCH.parent / "README.md", *(BENCH.parent / "docs").rglob("*.md")]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    holders = [text for text in texts if f"<!-- made by {maker} -->\n" in text]
    assert len(holders) == 1
    assert f"<!-- end of {maker} -->\n" in holders[0]
