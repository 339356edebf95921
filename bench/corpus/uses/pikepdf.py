"""Makes a PDF, encrypts it, reads it and its metadata."""

import io

import pikepdf


def use() -> object:
    document = pikepdf.new()
    document.add_blank_page(page_size=(200, 100))
    with document.open_metadata() as meta:
        meta["dc:title"] = "Wide"
    file = io.BytesIO()
    document.save(file, encryption=pikepdf.Encryption(owner="a", user="b"), linearize=True)
    with pikepdf.open(io.BytesIO(file.getvalue()), password="b") as again:
        return [
            len(again.pages),
            str(again.open_metadata()["dc:title"]),
            again.is_encrypted,
            pikepdf.unparse_content_stream(pikepdf.parse_content_stream(again.pages[0])).decode(),
        ]
