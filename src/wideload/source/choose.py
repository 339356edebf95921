"""Which function of which project is meant by what a user typed."""

from __future__ import annotations

from pathlib import Path

from wideload.errors import WideloadError
from wideload.source.config import Project, load_project
from wideload.source.nearest import by_likeness, nearest


def find_function(wanted: str | None, start: Path) -> tuple[Project, str]:
    """The project and the name of the function that is meant.

    :param wanted: a name, the path of a function's folder (relative to `start`), or nothing
        where the folder that one stands in, or there being only one function, says enough.
    :raises WideloadError: no configuration, no such function, or more than one fits.
    """
    if wanted is None:
        project = load_project(start)
        return project, _only(project, _of_folder(project, start.resolve()))
    folder = start / wanted
    if not folder.is_dir():
        project = load_project(start)
        if wanted in project.functions:
            return project, wanted
        raise unknown_function(project, wanted)
    # A name wins over a folder of that name; the folder may belong to another project.
    outer: Project | None = None
    try:
        outer = load_project(start)
    except WideloadError:
        inner = load_project(folder)
    else:
        if wanted in outer.functions:
            return outer, wanted
        inner = load_project(folder)
    names = _of_folder(inner, folder.resolve())
    if names:
        return inner, _only(inner, names)
    if Path(inner.root) == folder.resolve():
        return inner, _only(inner, [])
    raise unknown_function(inner, wanted)


def unknown_function(project: Project, name: str) -> WideloadError:
    """The error for a function that the project does not have."""
    guess = nearest(name, project.functions)
    return WideloadError(
        f"no function {name!r}",
        why=f"{project.config} has {', '.join(by_likeness(name, project.functions))}",
        hint=f"did you mean {guess!r}?" if guess else "name one of these",
    )


def _of_folder(project: Project, folder: Path) -> list[str]:
    return [
        name
        for name, function in project.functions.items()
        if (Path(project.root) / function.source).resolve() == folder
    ]


def _only(project: Project, names: list[str]) -> str:
    candidates = names or list(project.functions)
    if len(candidates) == 1:
        return candidates[0]
    raise WideloadError(
        "which function?",
        why=f"{project.config} has {', '.join(sorted(candidates))}",
        hint="name one of these",
    )
