"""What a page is made of before it is read: tables that are made stand in for their names in double brackets."""

from __future__ import annotations

import re
from collections.abc import Callable

from sphinx.application import Sphinx

_NAME = re.compile(r"^\[\[(.+)\]\]$", flags=re.MULTILINE)


def parts() -> dict[str, Callable[[], str]]:
    """Return what makes each part, by the name that a page calls it."""
    import command_page
    import rule_table
    import simplification_table

    return {
        "rules of differentiation": rule_table.markdown,
        "rules of simplification": simplification_table.markdown,
        "finishing touches": simplification_table.touches_markdown,
        "commands": command_page.markdown,
    }


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put tables that are made where a page names them: `[[rules of differentiation]]` on a line of its own."""
    if _NAME.search(source[0]):
        makers = parts()
        source[0] = _NAME.sub(lambda found: makers[found[1]](), source[0])
