"""The parser of the command line, made from the table of commands: help with examples, options that all have, errors.

It is argparse's, because the standard library's parser does all that these commands need.
"""

from __future__ import annotations

import argparse
import importlib
import re
import textwrap
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

from symprop.commands.outcome import Run
from symprop.commands.schemas import ENVELOPE, GIVES
from symprop.commands.table import COMMANDS, PROGRAM, Command
from symprop.errors import SpecError, listed, shown
from symprop.hints import closest
from symprop.version import __version__

ABOUT = "Derive the backpropagation of a neural network, or the gradient of a formula, and print, check and run it."
CODES = (
    "Exit codes: 0 done; 1 something disagrees; 2 bad input; 3 over a limit; 4 files; 5 undecided (compare).\n"
    "A file may be - for standard input or output. symprop COMMAND --help has examples."
)


class Formatter(argparse.HelpFormatter):
    """argparse's, which keeps the lines of what has several."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" not in text:
            return super()._fill_text(text, width, indent)
        return "".join(indent + line for line in text.splitlines(keepends=True))


class Parser(argparse.ArgumentParser):
    """argparse with errors of this project, and with options that are apart: shown by --help-all alone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=Formatter, **options)
        self.apart: dict[argparse.Action, str] = {}
        self.instead: dict[str, str] = {}
        """What to type for what another command takes, by option; "" for a word more than the command takes."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong, and where to read on.

        Raises:
            SpecError: always.
        """
        told = shown(message, 200)
        raise SpecError(f"{told[1:-1] if len(message) <= 200 else told}\ntry: {self.prog} --help") from None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raise where a value is none of the choices.

        Raises:
            SpecError: always then.
        """
        if action.choices is None or value in action.choices:
            return
        choices = list(map(str, action.choices))
        said = f"there is no command {shown(value)}"
        if action.metavar != "COMMAND":
            said = f"{argparse._get_action_name(action)} cannot be {shown(value)}"
        raise SpecError(f"{said}{closest(str(value), choices)}\nallowed: {listed(choices)}") from None

    def refuse(self, left: Sequence[str]) -> NoReturn:
        """Refuse arguments that the command does not take, with what may have been meant.

        Raises:
            SpecError: always.
        """
        first = next((each for each in left if each.startswith("-")), left[0])
        told = f"{self.prog.split()[-1]} does not take {shown(first)}"
        if not first.startswith("-"):
            instead = self.instead.get("", "").format(first) if len(left) == 1 else ""
            more = f", {instead}" if instead else ""
            allowed = f'quotes around what has spaces, "x @ A @ x"{more}'
        else:
            option = first.partition("=")[0]
            known = [name for each in self._actions if each not in self.apart for name in each.option_strings]
            hint = "" if option in self.instead else closest(option, known)
            allowed = self.instead.get(option, "") or f"{self.prog} --help lists the options"
            if not hint and option not in self.instead and (others := _commands_with(option)):
                allowed = f"{option} is an option of {listed(others)}"
            told += hint
        raise SpecError(f"{told}\nallowed: {allowed}")

    def add_apart(self, *names: str, help: str, **options: Any) -> None:
        """Add an option for those who work on symprop."""
        self.apart[self.add_argument(*names, help=argparse.SUPPRESS, **options)] = help


class _Overview(Parser):
    """The parser of `symprop` itself, whose help lists the commands under their headings."""

    def format_help(self) -> str:
        lines = [f"usage: {PROGRAM} [-h] [--version] COMMAND ...", "", *self._wrapped(ABOUT)]
        for group in dict.fromkeys(row.group for row in COMMANDS.values()):
            lines += ["", f"{group}:"]
            for row in (row for row in COMMANDS.values() if row.group == group):
                lines += self._wrapped(row.what, f"  {row.name:<12}", " " * 14)
        return "\n".join([*lines, "", *self._wrapped(CODES.replace("\n", " ")), ""])

    def _wrapped(self, text: str, first: str = "", rest: str = "") -> list[str]:
        width = self._get_formatter()._width
        return textwrap.wrap(text, max(width, 40), initial_indent=first, subsequent_indent=rest)


def parser_of(asked: str | None = None) -> Parser:
    """Return the parser; the arguments are those of the command that is `asked` for, of all for None.

    The rooms of `symprop.commands` are imported for these commands alone.
    """
    parser = _Overview(prog=PROGRAM)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    subs = {name: _sub(commands, row) for name, row in COMMANDS.items()}

    def command(name: str, run: Run) -> Parser:
        subs[name].set_defaults(run=run, name=name)
        return subs[name]

    rows = list(COMMANDS.values()) if asked is None else [row for row in COMMANDS.values() if row.name == asked]
    for room in dict.fromkeys(row.room for row in rows):
        importlib.import_module(f"symprop.commands.{room}").enter(command)
    return parser


def parsed(given: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of a command.

    Raises:
        SpecError: no command, or what it does not take.
    """
    parser = parser_of(asked_in(given))
    options, left = parser.parse_known_args(formulas_kept(given, _option_names(parser, given)))
    if left:
        commands: dict[str, Parser] = next(
            each.choices for each in parser._actions if isinstance(each, argparse._SubParsersAction)
        )
        commands.get(asked_in(given), parser).refuse(left)
    return options


_OPTION = re.compile(r"--?[A-Za-z][\w-]*(=.*)?", re.DOTALL)


def formulas_kept(given: Sequence[str], options: Collection[str]) -> list[str]:
    """Return arguments in which a formula that begins with a minus is none of the `options`: it begins with a blank.

    Behind `--` everything is a formula but these options; before it what looks like no option is.

    >>> formulas_kept(["report", "--", "-x", "--wrt", "x", "-sum(x)"], ["--wrt", "-o"])
    ['report', ' -x', '--wrt', 'x', ' -sum(x)']
    """
    kept: list[str] = []
    is_behind = False
    for word in given:
        if word == "--":
            is_behind = True
            continue
        attached = word[:2] in options and re.fullmatch(r"-\w[\w./-]+", word) is not None  # -oFILE
        is_known = attached or word.partition("=")[0] in options
        is_formula = len(word) > 1 and word[0] == "-" and not is_known and (is_behind or not _OPTION.fullmatch(word))
        kept.append(f" {word}" if is_formula else word)
    return kept


def _option_names(parser: Parser, given: Sequence[str]) -> list[str]:
    """Return the options of the command that is asked for, of the parser itself where none is."""
    subs = (each.choices for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    asked = next(subs, {}).get(asked_in(given), parser)
    return [name for each in asked._actions for name in each.option_strings]


def _commands_with(option: str) -> list[str]:
    """Return the commands that have an option."""
    every = next(each for each in parser_of()._actions if isinstance(each, argparse._SubParsersAction))
    return [name for name, sub in every.choices.items() if option in sub._option_string_actions]


def _sub(commands: Any, row: Command) -> Parser:
    """Return the parser of a command, with what all of them have."""
    examples = "\n".join(f"  {PROGRAM} {each}" for each in row.examples)
    sub: Parser = commands.add_parser(
        row.name, help=row.what, description=row.what, epilog=f"examples:\n{examples}", add_help=False
    )
    every = sub.add_argument_group("of every command")
    every.add_argument("-h", "--help", action="help", help="print this help")
    every.add_argument("--help-all", action=_HelpAll, nargs=0, help="and options for those who work on symprop")
    every.add_argument("--json", action="store_true", help="print one JSON document, errors too")
    alone = "print nothing, the exit code answers" if row.verdict else "print the result alone: no notes and warnings"
    every.add_argument("-q", "--quiet", action="store_true", help=alone)
    return sub


class _HelpAll(argparse.Action):
    """Prints the help with all that is left out of it otherwise: options that are apart, the fields of the JSON."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        if isinstance(parser, Parser):
            for action, what in parser.apart.items():
                action.help = f"{what} (for those who work on symprop)"
        name = parser.prog.split()[-1]
        fields = {**ENVELOPE, **{f"result.{field}": what for field, what in GIVES[name].items()}}
        told = "\n".join(f"  {field:<28} {kind}: {what}" for field, (kind, what) in fields.items())
        parser.epilog = f"{parser.epilog}\n\n--json has:\n{told}"
        parser.print_help()
        parser.exit()


class _Version(argparse.Action):
    """Prints the version."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        print(PROGRAM, __version__)
        parser.exit()


def asked_in(given: Sequence[str]) -> str:
    """Return the command that stands first among arguments, "" where there is none."""
    return given[0] if given and given[0] in COMMANDS else ""
