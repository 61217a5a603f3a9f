"""The command line as a page: each command, its examples, its arguments, and the fields of its JSON."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

from symprop.commands.completion import subparsers
from symprop.commands.parser import Parser, parser_of
from symprop.commands.schemas import ENVELOPE, ERROR, GIVES, Fields
from symprop.commands.table import COMMANDS, PROGRAM


def markdown() -> str:
    """Return the section of the page: what stands around every result, then each command under its heading."""
    parsers = subparsers(parser_of())
    around = [*fields({**ENVELOPE, "result": ("object", "the fields of the command, below"), **ERROR}), ""]
    lines = ["With `--json` these fields stand around every result; an error stands in place of a result:", "", *around]
    for group in dict.fromkeys(row.group for row in COMMANDS.values()):
        lines += [f"## To {group}" if group != "tools" else "## Tools", ""]
        for row in (row for row in COMMANDS.values() if row.group == group):
            lines += [*section(row.name, parsers[row.name]), ""]
    return "\n".join(lines)


def section(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the section of a command: what it does, examples, arguments, the fields of its JSON."""
    what = f"{parser.description}".rstrip(".")
    yield from (f"### {name}", "", f"{what[:1].upper()}{what[1:]}.", "", "```text")
    yield from (f"{PROGRAM} {example}" for example in COMMANDS[name].examples)
    yield from ("```", "", "| argument | what |", "|---|---|")
    apart = parser.apart if isinstance(parser, Parser) else {}
    for action in parser._actions:
        if action.dest in ("help", "help_all", "json", "quiet"):
            continue
        named = ", ".join(f"`{each}`" for each in action.option_strings) or f"`{action.metavar or action.dest}`"
        value = f" `{action.metavar}`" if action.option_strings and action.metavar else ""
        told = apart[action] + " (for those who work on symprop)" if action in apart else action.help or ""
        choices = f" {', '.join(f'`{each}`' for each in action.choices)}" if action.choices else ""
        yield f"| {named}{value} | {cell((told + ';' if told and choices else told) + choices)} |"
    first = next(each for each, told in GIVES.items() if told == GIVES[name])
    if first != name:
        yield from ("", f"Its JSON has the fields of `{first}`.")
    else:
        yield from ("", *fields({f"result.{path}": what for path, what in GIVES[name].items()}))


def fields(told: Fields) -> Iterator[str]:
    """Yield a table of fields."""
    yield from ("| field | kind | what |", "|---|---|---|")
    yield from (f"| `{path}` | {kind} | {cell(what)} |" for path, (kind, what) in told.items())


def cell(text: str) -> str:
    """Return a text as a cell of a table has it: what one types as code."""
    parts = _TYPED.split(text.replace("%%", "%").replace("|", "\\|"))
    return "".join(f"`{part.strip(QUOTES)}`" if place % 2 else _plain(part) for place, part in enumerate(parts))


QUOTES = "\"'"
_TYPED = re.compile(r"""("[^"]+"|'[^']{3,}'|(?<![\w-])--?[a-z][a-z-]*)""")


def _plain(text: str) -> str:
    return text.replace("*", "\\*").replace("<", "&lt;")
