"""Writes a PDF with text, a table, a barcode and a drawing."""

import io

from reportlab.graphics.barcode import code128, qr
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table


def use() -> object:
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    styles = getSampleStyleSheet()
    drawing = Drawing(200, 100)
    drawing.add(VerticalBarChart())
    drawing.add(qr.QrCodeWidget("wide"))
    file = io.BytesIO()
    story = [
        Paragraph("<b>Wide</b> <font name='Vera'>load</font>", styles["Title"]),
        Table([[1, 2]]),
        drawing,
        code128.Code128("A1"),
    ]
    SimpleDocTemplate(file, pagesize=A4, invariant=1).build(story)
    data = file.getvalue()
    return [data[:5].decode(), len(data), pdfmetrics.stringWidth("wide", "Helvetica", 12)]
