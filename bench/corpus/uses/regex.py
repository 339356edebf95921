"""Matches what the standard library cannot."""

import regex


def use() -> object:
    return [
        regex.findall(r"\p{Lu}\p{Ll}+", "Ünder Über xyz"),
        regex.search(r"(?:fuzzy){e<=1}", "a fuzy match")[0],
        regex.fullmatch(r"(?<x>a|ab)(?<y>c|bcd)", "abcd").groupdict(),
        regex.sub(r"(?r)(\d{3})", r",\1", "1234567"),
    ]
