"""Makes charts as JSON, checked against the schema that it brings."""

import altair as alt


def use() -> object:
    data = alt.Data(values=[{"a": "x", "b": 1}])
    chart = alt.Chart(data).mark_bar().encode(x="a:N", y="sum(b):Q").properties(width=100)
    try:
        alt.Chart(data).mark_bar().encode(x=alt.X("a:N", nothing=1)).to_dict()
    except Exception as error:
        refused = type(error).__name__
    return [chart.to_json(), refused, len(chart.to_html()) > 500]
