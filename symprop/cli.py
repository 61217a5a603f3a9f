"""The command line: its parser, and how mistakes are told. The commands stand in `symprop/commands/`.

It uses argparse, because the standard library's parser does all that these commands need.

Exit codes: 0 done; 1 something disagrees (check, certify, compare, generate --check); 2 bad input; 3 over a limit;
4 files; 5 undecided (compare: no proof, and no difference found); 130 interrupted. Bad input is told in at most three
lines on stderr, without a traceback.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from symprop.commands.arguments import PROGRAM, Run
from symprop.errors import LimitError, OutputError, SpecError, SympropError, SympropWarning, shown

ROOMS: dict[str, tuple[str, ...]] = {
    "networks": ("derive", "generate", "check"),
    "differences": ("diff",),
    "formulas": ("gradient", "jacobian", "hessian", "vjp", "jvp", "hvp", "compare"),
    "certify": ("certify",),
    "reports": ("report",),
    "data": ("train", "predict"),
    "imports": ("import",),
    "serve": ("serve",),
}
"""The modules of `symprop.commands`, and the commands that each enters: only what is asked for is imported."""
INTERRUPTED, PIPE_CLOSED = 130, 141
_LONGEST_LINE = 240
_ABOUT = "Derive the backpropagation of a neural network, or the gradient of a formula, and print, check and run it."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    if arguments is None:  # a process of its own: what was imported stays, and is not searched for garbage
        gc.freeze()
    try:
        given = sys.argv[1:] if arguments is None else arguments
        options = _parser(given[0] if given else "").parse_args(given)
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        with _warnings_told():
            code: int = options.command(options)
        sys.stdout.flush()
        return code
    except SympropError as problem:
        _complain(str(problem))
        return problem.exit_code
    except (RecursionError, MemoryError) as problem:
        _complain(f"the input is too large to be worked on ({type(problem).__name__})")
        return LimitError.exit_code
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_output()
        return PIPE_CLOSED
    except OSError as problem:
        _abandon_output()
        _complain(f"cannot write the output: {os.strerror(problem.errno) if problem.errno else problem}")
        return OutputError.exit_code


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Tell each of symprop's own warnings once, in one line on stderr."""
    told: dict[str, None] = {}
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **options: Any) -> None:
            if not issubclass(category, SympropWarning):
                usual(message, category, *where, **options)
            elif str(message) not in told:
                told[str(message)] = None
                _complain(f"warning: {message}")

        warnings.simplefilter("always", SympropWarning)
        warnings.showwarning = show
        yield


def _complain(message: str) -> None:
    """Print at most three lines on stderr."""
    for number, line in enumerate(message.split("\n")[:3]):
        cut = line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"
        print(cut if number else f"{PROGRAM}: {cut}", file=sys.stderr)


def _abandon_output() -> None:
    """Send what is left of stdout nowhere, so that the interpreter's own flush at its end stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class _Parser(argparse.ArgumentParser):
    """argparse with an error of two lines: what is wrong, and where to read on."""

    def error(self, message: str) -> NoReturn:
        _complain(
            f"{shown(message, 200)[1:-1] if len(message) <= 200 else shown(message, 200)}\ntry: {self.prog} --help"
        )
        self.exit(SpecError.exit_code)


def _parser(asked: str = "") -> argparse.ArgumentParser:
    """Return the parser of the command that is `asked` for, or of all where there is none of this name."""
    parser = _Parser(prog=PROGRAM, description=_ABOUT, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Run, what: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        sub.set_defaults(command=run)
        return sub

    rooms = [room for room, names in ROOMS.items() if asked in names] or list(ROOMS)
    for room in rooms:
        importlib.import_module(f"symprop.commands.{room}").enter(command)
    return parser


class _Version(argparse.Action):
    """Prints the version; the metadata is read only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        from importlib.metadata import version

        print(PROGRAM, version(PROGRAM))
        parser.exit()
