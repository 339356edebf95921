"""Whether the handler of a function in Node.js is there, and whether Node.js would load it.

Lambda splits ``folder/module.name`` at the last ``/`` and then at the first ``.``, and takes the
first that is there of ``module``, ``module.js``, ``module.mjs`` and ``module.cjs``. The files are
looked at, never run, and nothing here parses JavaScript: only what is plain refuses.
https://github.com/aws/aws-lambda-nodejs-runtime-interface-client (UserFunction)
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from wideload.errors import WideloadError
from wideload.source.nearest import by_likeness, nearest
from wideload.source.npm_lock import MANIFEST_NAME, read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from wideload.source.files import SourceFile
    from wideload.values.target import Target

_ENDINGS = ("", ".js", ".mjs", ".cjs")
_NAMES_SHOWN = 12
_FORM = re.compile(r"(?P<folder>(?:[^/\s]+/)*)(?P<module>[^./\s]+)\.(?P<name>[\w$]+(?:\.[\w$]+)*)")
# As statements at the start of a line; a minified file has them anywhere.
_ESM = re.compile(
    r"(?:^|[;}\n])\s*(?:export\s*(?:default\b|async\b|function\b|const\b|let\b|var\b|class\b|[{*])"
    r"|import\s*(?:[\w${*][^;()]*\bfrom\s*)?[\"'])"
)
_CJS = re.compile(r"\bmodule\.exports\b|\bexports\b\s*[.\[=]|\brequire\s*\(")
_OPEN = re.compile(
    r"\bmodule\.exports\s*=|\bexport\s*\*|\bexports\s*\[|\bObject\.(?:assign|defineProp)"
)
_THREE = r"\(\s*[\w$]+\s*,\s*[\w$]+\s*,\s*[\w$]+\s*\)"
_CALLBACK = rf"(?:function\s*\w*\s*)?{_THREE}"
# From here on Lambda calls no handler that wants a callback.
# https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
_NO_CALLBACKS = 24
# Until here Lambda turns Node.js's guess of the kind of a .js file off.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html
_NO_GUESS = 22


def check_node_handler(
    handler: str,
    files: Iterable[SourceFile],
    folder: Path,
    target: Target,
    *,
    packages: Collection[str] = (),
    layers: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Check that the handler's module is packed, names it, and is what its ending says.

    :param folder: the source folder, to tell a file that is left out from one that is not there.
    :param packages: names of packages, one of which may hold the handler.
    :param layers: whether layers are attached, which may hold it as well.
    :param tell: takes what could not be checked, or would fail on this runtime only.
    :raises WideloadError: the handler is malformed, its file is missing or does not name it, or
        the file is an ES module where Node.js takes it for CommonJS, or the other way.
    """
    match = _FORM.fullmatch(handler)
    if match is None:
        raise WideloadError(
            f"bad handler {handler!r}",
            why="it is not of the form module.function",
            hint='for a function `handler` in index.mjs write handler = "index.handler"',
        )
    by_path = {file.path: file for file in files}
    stem = f"{match['folder']}{match['module']}"
    found = next((by_path[stem + end] for end in _ENDINGS if stem + end in by_path), None)
    if found is None:
        if layers or any(stem == name or stem.startswith(f"{name}/") for name in packages):
            tell(f"handler {handler}: its module is not in the source, so it was not checked")
            return
        raise _no_file(handler, stem, by_path, folder)
    try:
        text = Path(found.location).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise WideloadError(f"cannot read {found.path}", why=error.strerror or str(error)) from None
    _check_kind(found, text, by_path, target)
    name = match["name"].partition(".")[0]
    if not re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text) and not _OPEN.search(text):
        raise WideloadError(
            f"no function for handler {handler!r}",
            why=f"{found.path} does not name {name} anywhere",
            hint=f"export {name} from {found.path}, or set handler to what it exports",
        )
    own = re.escape(name)
    wants = rf"\b{own}\s*=\s*(?:async\s+)?{_CALLBACK}|\bfunction\s+{own}\s*{_THREE}"
    if target.node >= _NO_CALLBACKS and re.search(wants, text):
        tell(
            f"handler {handler} takes a callback, which {target.runtime} does not call with: "
            "return a promise, or set an older runtime"
        )


def _check_kind(
    file: SourceFile, text: str, by_path: Mapping[str, SourceFile], target: Target
) -> None:
    is_module = _is_module(file.path, by_path)
    if is_module is None:
        return
    says_esm, says_cjs = bool(_ESM.search(text)), bool(_CJS.search(text))
    if says_esm and not says_cjs and not is_module and target.node <= _NO_GUESS:
        raise WideloadError(
            f"{file.path} is an ES module, which Lambda would load as CommonJS",
            why="it uses import or export, "
            + (
                "and .cjs is CommonJS always"
                if file.path.endswith(".cjs")
                else f'and no {MANIFEST_NAME} above it that is packed says "type": "module"'
            ),
            hint=f"name it {Path(file.path).stem}.mjs"
            + (
                ""
                if file.path.endswith(".cjs")
                else f', or write "type": "module" into the {MANIFEST_NAME} of its folder'
            ),
        )
    if says_cjs and not says_esm and is_module and "createRequire" not in text:
        exports = re.search(r"\bmodule\.exports\b|\bexports\b\s*[.\[=]", text)
        if exports:
            raise WideloadError(
                f"{file.path} is CommonJS, which Lambda would load as an ES module",
                why=f"it uses {exports[0].strip()} and no export",
                hint=f"name it {Path(file.path).stem}.cjs, or export with `export`",
            )


def _is_module(path: str, by_path: Mapping[str, SourceFile]) -> bool | None:
    """Whether Node.js loads a file as an ES module; nothing where that is not looked at."""
    if path.endswith((".mjs", ".cjs")):
        return path.endswith(".mjs")
    if not path.endswith(".js"):
        return None
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        manifest = by_path.get(f"{folder}/{MANIFEST_NAME}" if folder else MANIFEST_NAME)
        if manifest is not None:
            return read_manifest(Path(manifest.location)).type == "module"
    return False


def _no_file(handler: str, stem: str, by_path: Collection[str], folder: Path) -> WideloadError:
    what = f"no file for handler {handler!r}"
    left_out = next((end for end in _ENDINGS[1:] if (folder / f"{stem}{end}").is_file()), None)
    if left_out:
        return WideloadError(
            what,
            why=f"{stem}{left_out} is there but left out of the package",
            hint="see .wideloadignore and the keys exclude and tests; include takes it back",
        )
    modules = {path.rpartition(".")[0]: path for path in by_path if path.endswith(_ENDINGS[1:])}
    guess = nearest(stem, modules)
    listed = [modules[module] for module in by_likeness(stem, modules)]
    more = len(listed) - _NAMES_SHOWN
    shown = ", ".join(listed[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    typescript = any(path.endswith(".ts") for path in by_path)
    mend = "set handler to module.function of a file in the source folder"
    if typescript:
        mend = "compile TypeScript first, and let source be the folder with what comes out"
    return WideloadError(
        what,
        why=f"neither {stem}.js nor {stem}.mjs nor {stem}.cjs is in {folder}; "
        + (f"there are {shown}" if listed else "there is no JavaScript file"),
        hint=f"did you mean {guess}.{handler.rpartition('.')[2]}?" if guess else mend,
    )
