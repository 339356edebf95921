"""Makes figures as JSON and as a page of its own."""

import plotly.graph_objects as go
import plotly.io
from plotly.colors import sequential
from plotly.figure_factory import create_dendrogram
from plotly.subplots import make_subplots


def use() -> object:
    figure = make_subplots(1, 2)
    figure.add_trace(go.Scatter(x=[1, 2], y=[3, 4]), 1, 1)
    figure.add_trace(go.Bar(x=["a"], y=[1]), 1, 2)
    figure.update_layout(template="plotly_dark", title={"text": "Wide"})
    try:
        go.Scatter(nothing=1)
    except ValueError as error:
        refused = "Invalid property" in str(error)
    page = plotly.io.to_html(figure, div_id="a", include_plotlyjs=True)
    return [
        figure.to_json(),
        refused,
        len(page) > 1_000_000,
        sequential.Viridis[0],
        create_dendrogram.__name__,
    ]
