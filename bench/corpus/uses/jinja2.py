"""Renders templates, of a package too."""

from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError


def use() -> object:
    pages = {
        "a": "<b>{% block x %}{% endblock %}</b>",
        "c": "{% extends 'a' %}{% block x %}{{ n|join(',') }}{% endblock %}",
    }
    environment = Environment(loader=DictLoader(pages), autoescape=True, undefined=StrictUndefined)
    try:
        environment.from_string("{{ nothing }}").render()
    except UndefinedError as error:
        return [environment.get_template("c").render(n=["<", 2]), str(error)]
    raise AssertionError
