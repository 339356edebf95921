"""Writes a PDF, encrypts it, merges and reads it."""

import io

from pypdf import PdfReader, PdfWriter


def use() -> object:
    writer = PdfWriter()
    writer.add_blank_page(200, 100)
    writer.add_metadata({"/Title": "Wide"})
    writer.encrypt("secret", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    reader = PdfReader(file, password="secret")
    both = PdfWriter()
    both.append(reader)
    both.append(reader)
    both.pages[0].rotate(90)
    return [
        len(both.pages),
        both.pages[0].rotation,
        reader.metadata.title,
        [float(x) for x in reader.pages[0].mediabox],
    ]
