"""Makes slides with a chart from its template, and reads them."""

import io

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches


def use() -> object:
    slides = Presentation()
    slide = slides.slides.add_slide(slides.slide_layouts[5])
    slide.shapes.title.text = "Wide"
    data = CategoryChartData()
    data.categories = ["a", "b"]
    data.add_series("s", (1, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, *map(Inches, (1, 1, 4, 3)), data)
    slide.notes_slide.notes_text_frame.text = "note"
    file = io.BytesIO()
    slides.save(file)
    again = Presentation(file).slides[0]
    return [
        again.shapes.title.text,
        [one.shape_type for one in again.shapes][-1].name,
        again.notes_slide.notes_text_frame.text,
    ]
