"""From a folder and its configuration to a :class:`~wideload.values.function.Function`."""

from wideload.source.choose import find_function
from wideload.source.config import Project, load_project
from wideload.source.function import read_function
from wideload.source.keys import FunctionConfig

__all__ = ["FunctionConfig", "Project", "find_function", "load_project", "read_function"]
