"""The one kind of error that a user is meant to see."""

from __future__ import annotations


class WideloadError(Exception):
    """Something that the user can mend: bad input, or a limit that refuses.

    Printed as ``error: what``, then ``why`` and ``hint``, each on lines of its own;
    the process ends with exit code 1 and without a traceback. Anything else that
    escapes is a defect of wideload and ends with exit code 2.

    :param what: one line, lower case, no full stop: what could not be done.
    :param why: the evidence: the offending value, the other tool's own words.
    :param hint: what to do about it.
    """

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.what]
        if self.why:
            parts.append(f"why: {self.why}")
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)
