"""Writes a document from its template, with a table, and reads it."""

import io

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm


def use() -> object:
    document = Document()
    document.add_heading("Wide", 1)
    document.add_paragraph("load", style="List Bullet").alignment = WD_ALIGN_PARAGRAPH.CENTER
    table = document.add_table(1, 2, style="Table Grid")
    table.cell(0, 1).text = "x"
    document.sections[0].left_margin = Cm(3)
    document.sections[0].header.paragraphs[0].text = "head"
    file = io.BytesIO()
    document.save(file)
    again = Document(file)
    return [
        [p.text for p in again.paragraphs],
        again.tables[0].cell(0, 1).text,
        len(again.styles),
        again.sections[0].header.paragraphs[0].text,
    ]
