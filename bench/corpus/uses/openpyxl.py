"""Writes a workbook with a formula, a chart and styles, and reads it."""

import io

from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter


def use() -> object:
    book = Workbook()
    sheet = book.active
    for row in ([1, 2], [3, 4]):
        sheet.append(row)
    sheet["C1"] = "=SUM(A1:B2)"
    sheet["C1"].font = Font(bold=True)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=1, max_col=2, min_row=1, max_row=2))
    sheet.add_chart(chart, "E1")
    file = io.BytesIO()
    book.save(file)
    again = load_workbook(file).active
    return [list(again.values), again["C1"].font.bold, get_column_letter(28)]
