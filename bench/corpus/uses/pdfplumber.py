"""Reads words and tables of a PDF, with the character maps that pdfminer brings."""

import io

import pdfplumber
from pdfminer.cmapdb import CMapDB
from reportlab.platypus import SimpleDocTemplate, Table


def use() -> object:
    file = io.BytesIO()
    grid = [("GRID", (0, 0), (-1, -1), 1, (0, 0, 0))]
    SimpleDocTemplate(file, invariant=1).build([Table([["a", "b"], ["1", "2"]], style=grid)])
    with pdfplumber.open(io.BytesIO(file.getvalue())) as document:
        page = document.pages[0]
        picture = page.to_image(resolution=40).original.size
        return [
            page.extract_table(),
            page.extract_text(),
            picture,
            CMapDB.get_cmap("UniJIS-UCS2-H").is_vertical(),
        ]
