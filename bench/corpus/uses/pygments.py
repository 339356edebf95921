"""Colours code, with lexers and styles found by name."""

from pygments import highlight
from pygments.formatters import HtmlFormatter, get_formatter_by_name
from pygments.lexers import get_lexer_by_name, guess_lexer_for_filename
from pygments.styles import get_all_styles, get_style_by_name


def use() -> object:
    code = "def f(x):\n    return x + 1\n"
    return [
        highlight(code, get_lexer_by_name("python"), HtmlFormatter(style="monokai")),
        guess_lexer_for_filename("a.rs", "fn main() {}").name,
        len(list(get_all_styles())),
        get_style_by_name("friendly").__name__,
        type(get_formatter_by_name("latex")).__name__,
    ]
