"""From a folder and its configuration to a :class:`~wideload.values.function.Function`."""

from wideload.source.choose import find_function
from wideload.source.config import FunctionConfig, Project, load_project
from wideload.source.function import read_function

__all__ = ["FunctionConfig", "Project", "find_function", "load_project", "read_function"]
