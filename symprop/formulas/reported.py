"""How an answer reaches its report, which stands further right: entered in `REPORT` from there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

REPORT: list[Callable[[Any], Any]] = []


class Reported:
    """An answer, or several: what a report is on; `symprop.report` has choices, these texts are the usual one."""

    __slots__ = ()

    def html(self) -> str:
        """Return a report as one HTML file: the question, the steps, the answer, certificate and source.

        >>> import symprop
        >>> "Derivation" in symprop.gradient("x @ A @ x", "x").html()
        True
        """
        return str(_report(self).html())

    def document(self) -> str:
        """Return the same as a complete LaTeX document."""
        return str(_report(self).latex())

    def markdown(self) -> str:
        """Return the same as Markdown with LaTeX."""
        return str(_report(self).markdown())


def _report(asked: Reported) -> Any:
    if not REPORT:
        importlib.import_module("symprop.reports.report")
    return REPORT[0](asked)
