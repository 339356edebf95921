"""Writes a PDF, draws on it, finds text, renders it and takes out pictures."""

import pymupdf


def use() -> object:
    document = pymupdf.open()
    page = document.new_page(width=200, height=100)
    page.insert_text((20, 50), "wide load", fontsize=14)
    page.draw_rect((10, 10, 50, 30), color=(1, 0, 0))
    again = pymupdf.open("pdf", document.tobytes(garbage=3, deflate=True))
    picture = again[0].get_pixmap(dpi=72)
    again.select([0])
    html = pymupdf.Story("<p>a <b>b</b></p>")
    return [
        again[0].get_text().strip(),
        len(again[0].search_for("load")),
        [picture.width, picture.height],
        picture.tobytes("png")[1:4].decode(),
        html.place((0, 0, 100, 100))[0],
        [one["size"] for one in again[0].get_text("dict")["blocks"][0]["lines"][0]["spans"]],
    ]
