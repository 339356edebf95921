"""Parses a page with CSS; drawing needs libraries of the system that Lambda has not."""


def use() -> object:
    try:
        import weasyprint  # noqa: PLC0415
    except OSError as error:
        missing = "cannot load library" in str(error)
    else:
        missing = weasyprint.__version__
    import tinycss2  # noqa: PLC0415
    import tinyhtml5  # noqa: PLC0415
    from fontTools.ttLib import TTFont  # noqa: PLC0415
    from pydyf import PDF  # noqa: PLC0415

    rules = tinycss2.parse_stylesheet("a { color: red } @media print { b { } }")
    return [
        missing,
        [one.type for one in rules],
        tinyhtml5.parse("<p>a").tag,
        len(PDF().objects),
        TTFont().getReverseGlyphMap.__name__,
    ]
