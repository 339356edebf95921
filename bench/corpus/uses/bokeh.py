"""Draws plots into a page of its own and as JSON."""

from bokeh.embed import file_html, json_item
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.palettes import Viridis256
from bokeh.plotting import figure
from bokeh.resources import INLINE


def use() -> object:
    plot = figure(title="Wide", tools=[HoverTool()])
    plot.line("x", "y", source=ColumnDataSource({"x": [1, 2], "y": [3, 4]}))
    page = file_html(plot, INLINE)
    return [len(page) > 500_000, json_item(plot)["version"], Viridis256[0]]
