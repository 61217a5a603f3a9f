"""What a command found, and the one writer of it: text for people, JSON for programs, files, and the exit code."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symprop.commands.table import COMMANDS
from symprop.errors import OutputError, SympropError, harmless, is_harmless
from symprop.files import write_whole

NO_TEXT = (".pdf", ".png", ".svg", ".docx", ".odt", ".npz", ".pt2")
"""Endings of files that hold no text of ours."""
STANDARD = "-"
"""What names standard input where a file is read, and standard output where one is written."""


@dataclass(frozen=True)
class Outcome:
    """What a command found: its text, the fields of its JSON (made where they are asked for), and the exit code.

    The text goes to `output` where that is a file, and `admitted` is asked of its bytes; `written` are files that the
    command wrote itself. `show` prints in place of the text where people look, in colours. Of a command that talks
    while it runs the text is `said` already, its JSON may be `delivered` too.
    """

    text: str
    fields: Callable[[], Mapping[str, Any]] = dict
    code: int = 0
    output: str | None = None
    written: tuple[str, ...] = ()
    show: Callable[[], None] | None = None
    admitted: Callable[[bytes], None] | None = None
    said: bool = False
    delivered: bool = False


Run = Callable[[Namespace], Outcome]
"""What a command does with its arguments."""


def deliver(outcome: Outcome, options: Namespace, warnings: Iterable[str]) -> int:
    """Write what a command found to where it was asked for, and return the exit code.

    Raises:
        OutputError: a file that cannot be written.
    """
    if outcome.delivered:
        return outcome.code
    written = list(outcome.written)
    to_file = outcome.output not in (None, STANDARD)
    if outcome.output is not None and to_file:
        text = outcome.text
        check_ending(outcome.output, text)
        write_whole(outcome.output, text if text.endswith("\n") else text + "\n", outcome.admitted)
        written.append(outcome.output)
    if options.json:
        found = {"text": outcome.text, **outcome.fields()}
        print(document(options.name, outcome.code, warnings, written, result=found))
        return outcome.code
    if outcome.said:
        return outcome.code
    if not to_file and not (options.quiet and COMMANDS[options.name].verdict):
        _print(outcome)
    if not options.quiet:
        for path in written:
            print(f"wrote {harmless(path)}", file=sys.stderr)
    return outcome.code


def check_ending(path: str, text: str) -> None:
    """Raise where a file's ending promises another kind of document than the text that goes into it.

    Raises:
        OutputError: `.pdf` for text, `.html` for what is no HTML.
    """
    ending = Path(path).suffix.lower()
    if ending in NO_TEXT or (ending in (".html", ".htm") and not text.lstrip().startswith("<")):
        raise OutputError(
            f"{path}: what this command writes is text, and no {ending.removeprefix('.')}\n"
            "allowed: FILE.txt, or FILE.tex with --format latex; "
            "symprop report NETWORK_OR_FORMULA -o FILE.pdf or FILE.html"
        )


def _print(outcome: Outcome) -> None:
    if outcome.show is not None:
        outcome.show()
    elif outcome.text:
        print(outcome.text)


def document(
    command: str, code: int, warnings: Iterable[str] = (), written: Iterable[str] = (), **found: Mapping[str, Any]
) -> str:
    """Return the JSON of a command: the same five names around each result or error."""
    around = {"command": command, "exit_code": code, "warnings": list(warnings), "written": list(written)}
    written_out = json.dumps(plain({**around, **found}), ensure_ascii=False)
    return "".join(each if is_harmless(each) else json.dumps(each)[1:-1] for each in written_out)


def error_of(problem: BaseException | str) -> dict[str, Any]:
    """Return the fields of an error: its kind, what it says, and the place in the typed text where it is known."""
    if not isinstance(problem, SympropError):
        kind = "" if isinstance(problem, str) else type(problem).__name__
        return {"kind": kind, "message": str(problem), "column": None, "width": None}
    known = problem.column is not None
    place = {"column": problem.column, "width": problem.width if known else None}
    return {"kind": type(problem).__name__, "message": str(problem), **place}


def plain(value: Any) -> Any:
    """Return a value as JSON can have it: numbers that are not finite become null, what is none of JSON's its text.

    >>> plain({"shape": (3,), "error": float("inf"), "ok": True})
    {'shape': [3], 'error': None, 'ok': True}
    """
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return float(value) if math.isfinite(value) else None
        case Mapping():
            return {str(name): plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case _:
            return str(value)


def terminal_width() -> int | None:
    """Return how many columns there are: those of a terminal, or of COLUMNS; None in a pipe, where nothing is cut."""
    if os.environ.get("COLUMNS") or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None
