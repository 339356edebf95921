"""Names of the packages that open requirements ask for, as far as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wideload.source.toml import table

if TYPE_CHECKING:
    from collections.abc import Iterable


def names_of(requirements: Iterable[object]) -> set[str]:
    """Normalised names of PEP 508 requirements; what is none (a URL, a path) is passed over."""
    names: set[str] = set()
    for text in requirements:
        try:
            names.add(canonicalize_name(Requirement(str(text)).name))
        except InvalidRequirement:
            continue
    return names


def pyproject_names(
    pyproject: dict[str, Any], groups: Iterable[str] = (), extras: Iterable[str] = ()
) -> set[str]:
    """Normalised names that a pyproject.toml asks for, Poetry's own tables among them."""
    project, poetry = table(pyproject, "project"), table(pyproject, "tool", "poetry")
    names = names_of(project.get("dependencies", []))
    names |= {canonicalize_name(name) for name in table(poetry, "dependencies") if name != "python"}
    for group in groups:
        names |= names_of(table(pyproject, "dependency-groups").get(group, []))
        of_poetry = table(poetry, "group", group, "dependencies")
        names |= {canonicalize_name(name) for name in of_poetry}
    for extra in extras:
        names |= names_of(table(project, "optional-dependencies").get(extra, []))
        names |= {canonicalize_name(name) for name in table(poetry, "extras").get(extra, [])}
    return names
