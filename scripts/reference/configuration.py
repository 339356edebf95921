"""The page of the configuration: the keys of a function's table."""

from __future__ import annotations

import msgspec

from reference.docstrings import of_fields
from reference.markdown import NOTICE, table
from wideload.source.keys import ALLOWED, RANGES, FunctionConfig

_HEAD = """\
# Configuration

`wideload.toml`, or `[tool.wideload]` of a `pyproject.toml`, in the folder where a command is
run or the nearest one above it. Not both in one folder. `wideload init` writes a first one.

```toml
[defaults]                  # optional: what all functions share
runtime = "python3.13"

[functions.recommender]     # the function's name in AWS
source = "recommender"
handler = "app.handler"
memory = 1769
```

A key in the function's own table wins over `[defaults]`; of `environment` the two tables are
laid together. In a `pyproject.toml` the tables are `[tool.wideload.defaults]` and
`[tool.wideload.functions.NAME]`. A key that is not known, or a value that is not allowed,
stops with a message that says what is.

"""

# What the code does not say of a key in one place.
_NOTES = {
    "handler": "Checked without running it: the file must be in the package and bind the name. "
    "Of a provided runtime it may be left out.",
    "runtime": "Decides the language, the C library and so the packages that fit.",
    "requirements": "In Python see [Locks and upgrades](../how-to/locks-and-upgrades.md), in "
    "Node.js [Ship a function in Node.js](../how-to/ship-nodejs.md).",
    "build": "See [Ship a binary](../how-to/ship-a-binary.md).",
    "install_scripts": "See [Ship a function in Node.js](../how-to/ship-nodejs.md).",
    "strategy": "`auto` takes the first that works. `direct-zip`, `s3-zip`, `layers` and "
    "`s3-bootstrap` are built today; the others are refused.",
    "bundle_access": "See [Ship from S3](../how-to/ship-from-s3.md).",
    "bundle_start": "See [Fetch at start only what is used]"
    "(../how-to/ship-from-s3.md#fetch-at-start-only-what-is-used).",
    "provisioned_concurrency": "See [Cut cold starts](../how-to/cut-cold-starts.md).",
    "snap_start": "See [Cut cold starts](../how-to/cut-cold-starts.md).",
    "split": "See [Ship by layers](../how-to/ship-by-layers.md).",
    "layers": "See [Use a layer of others](../how-to/use-a-layer-of-others.md).",
    "environment": "At most 4,096 bytes in all; names that Lambda sets itself are refused. The "
    "values are readable in the Lambda console and in `manifest.json`.",
    "network": "What `wideload verify` lets the function reach: `host`, `host:port`, or `*`. "
    "Functions in the embedded AWS reach only that.",
    "include": "See [Secrets and ignore rules](../how-to/secrets-and-ignore-rules.md).",
    "groups": "Dependency groups besides the main one, of a pyproject.toml or a lock.",
    "extras": "Extras of a pyproject.toml or a lock.",
    "allow_secrets": "Relative to the source folder.",
}

_RANGED = "within the range of the installed botocore's service model (`wideload limits`)"


def _type(kind: object) -> str:
    names = {
        str: "string",
        int: "integer",
        bool: "boolean",
        tuple[str, ...]: "list of strings",
        dict[str, str]: "table of strings",
        dict[str, int | str]: "table of integers and strings",
        type(None): "",
    }
    if kind in names:
        return names[kind]
    parts = [_type(part) for part in getattr(kind, "__args__", ())]
    return " or ".join(part for part in parts if part)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "must be set"
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    match value:
        case None:
            return "not set"
        case ():
            return "`[]`"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f'`"{value}"`'
        case _:
            return f"`{value}`"


def keys() -> list[str]:
    """The keys of a function's table."""
    return [field.name for field in msgspec.structs.fields(FunctionConfig)]


def _row(field: msgspec.structs.FieldInfo, said: str) -> list[str]:
    # The words of the messages about bad values, so that page and message agree.
    allowed, example = ALLOWED[field.name]
    if field.name in RANGES:
        allowed = f"{allowed}, {_RANGED}"
    meaning = " ".join(part for part in (said, _NOTES.get(field.name, "")) if part)
    return [f"`{field.name}`", _type(field.type), _default(field), allowed, f"`{example}`", meaning]


def page() -> str:
    """The whole page."""
    unknown = _NOTES.keys() - set(keys())
    if unknown:
        raise ValueError(f"notes on keys that are gone: {', '.join(sorted(unknown))}")
    said = of_fields(FunctionConfig)
    header = ("key", "type", "default", "allowed", "example", "meaning")
    rows = [
        _row(field, said.get(field.name, "")) for field in msgspec.structs.fields(FunctionConfig)
    ]
    return NOTICE + _HEAD + "## Keys of `[functions.NAME]`\n\n" + table(header, rows)
