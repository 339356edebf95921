"""What the loader raises."""

from __future__ import annotations


class BundleError(RuntimeError):
    """The function cannot be started from its bundle, and why.

    No ImportError: what tries one package and does without it must not take a failed download
    for a package that is not installed.
    """

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        self.what, self.why, self.hint = what, why, hint
        super().__init__(
            "; ".join(
                [what] + ([f"why: {why}"] if why else []) + ([f"hint: {hint}"] if hint else [])
            )
        )
