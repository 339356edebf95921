"""Reads broken pages with three parsers."""

from bs4 import BeautifulSoup, Comment


def use() -> object:
    page = "<p>a<b>c<p>d<!-- e --><table><tr><td>f"
    found = [str(BeautifulSoup(page, parser)) for parser in ("html.parser", "lxml", "html5lib")]
    soup = BeautifulSoup(page, "html5lib")
    comments = soup.find_all(string=lambda text: isinstance(text, Comment))
    return [found, soup.select_one("td").text, len(comments)]
