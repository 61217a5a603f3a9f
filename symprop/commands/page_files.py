"""Pages that are printed or written to files: the ending of the file says in which form, where --format does not."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from symprop.commands.outcome import STANDARD, Outcome
from symprop.own_files import write_own

PAGE_FILES = "write here instead of printing; FILE.pdf, .tex and .html are whole documents"
FORMS = {".html": "html", ".htm": "html", ".tex": "latex", ".pdf": "latex"}
"""In which form a page stands in a file, by its ending."""


def form_of(options: Namespace) -> str:
    """Return the form that is asked for: by --format, by the ending of the file, or the one for a terminal."""
    chosen: str | None = options.format
    return chosen or FORMS.get(_ending(options), "pretty")


def page_outcome(write: Callable[[str], str], fields: Callable[[], Mapping[str, Any]], options: Namespace) -> Outcome:
    """Return a page in the form that is asked for; of a PDF its LaTeX is compiled.

    Raises:
        OutputError: TeX is not installed or refuses the page, or the file cannot be written.
    """
    text = write(form_of(options))
    if options.format is None and _ending(options) == ".pdf":
        from symprop.reports.pdf import compiled  # here, so that a page is printed without it

        write_own(options.output, compiled(text))
        return Outcome("", fields, written=(options.output,))
    return Outcome(text, fields, output=options.output)


def _ending(options: Namespace) -> str:
    return "" if options.output in (None, STANDARD) else Path(options.output).suffix.lower()
