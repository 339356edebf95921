"""The page of the rules of slimming."""

from __future__ import annotations

from reference.markdown import NOTICE, table
from wideload.slim import bytecode, npm, record, runtime
from wideload.slim.elf import relay
from wideload.slim.rules.order import RULES
from wideload.slim.rules.rule import Risk
from wideload.trace import keep

_HEAD = """\
# The rules of slimming

The ledger (`removals` of [manifest.json](manifest.md), `wideload explain PACKAGE`, the end of
`wideload build`) names with every file the rule that left it out, made it smaller or made it, and
why. A rule that decides otherwise than before has another number.

| class | how sure it is that nothing changes for the function |
|---|---|
| `safe` | nothing that runs on Lambda reads it |
| `checked` | code could read it; that no code which ships asks for it was looked up |
| `opt-in` | changes what code can see; only where the configuration asks for it |

Where code that ships cannot be read (compiled modules without sources), that nothing asks for a
file is not known either, and rules of the class `checked` leave that package alone.

"""
_OTHERS = (
    (runtime.RULE, Risk.CHECKED, "the AWS SDK, which the runtime carries: whole or not at all"),
    (relay.MAKER, Risk.SAFE, "what no segment of a shared library loads"),
    (record.RULE, Risk.SAFE, "of `RECORD` the digests, and the files that do not ship"),
    (bytecode.RULE, Risk.SAFE, "compiled modules come, beside their sources"),
    (bytecode.RULE, Risk.CHECKED, "… in their place: sources that no code reads while it runs"),
    (bytecode.RULE, Risk.OPT_IN, "… without docstrings, where nothing is known to read them"),
    (keep.RULE, Risk.OPT_IN, 'with `slim = "traced"`: what no traced event used'),
    (npm.TYPES, Risk.CHECKED, "of npm's packages, TypeScript's declarations"),
    (npm.MAPS, Risk.CHECKED, "of npm's packages, source maps"),
    (npm.FOREIGN, Risk.CHECKED, "of npm's packages, libraries for other systems"),
)


def page() -> str:
    """The whole page."""
    rules = [(rule.name, rule.risk, rule.what) for rule in RULES]
    rows = [[f"`{name}`", f"`{risk}`", what] for name, risk, what in (*rules, *_OTHERS)]
    return NOTICE + _HEAD + table(("rule", "class", "what goes, changes or comes"), rows)
