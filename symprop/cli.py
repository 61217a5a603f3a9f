"""The command line: what runs a command, and how mistakes are told. The commands stand in `symprop/commands/`.

Exit codes: 0 done; 1 something disagrees (check, certify, compare, generate --check); 2 bad input; 3 over a limit;
4 files; 5 undecided (compare: no proof, and no difference found); 130 interrupted. Bad input is told in at most three
lines on stderr, without a traceback; with --json as JSON on stdout, with the same exit code.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from symprop.commands.outcome import STANDARD, check_files, deliver, document, error_of, terminal_width
from symprop.commands.parser import asked_in, parsed
from symprop.commands.table import PROGRAM, TOUR
from symprop.errors import LimitError, OutputError, SympropError, SympropWarning
from symprop.hints import as_options
from symprop.terminal import fitted, silent

INTERRUPTED, PIPE_CLOSED = 130, 141
_LONGEST_LINE = 240


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    if arguments is None:  # a process of its own: what was imported stays, and is not searched for garbage
        gc.freeze()
    given = list(sys.argv[1:] if arguments is None else arguments)
    told: dict[str, None] = {}
    try:
        return _run(given, told)
    except SympropError as problem:
        return _failed(given, told, problem, str(problem), problem.exit_code)
    except (RecursionError, MemoryError) as problem:
        message = f"the input is too large to be worked on ({type(problem).__name__})"
        return _failed(given, told, message, message, LimitError.exit_code)
    except KeyboardInterrupt as stop:
        message = str(stop) or "interrupted"
        return _failed(given, told, message, message, INTERRUPTED)
    except BrokenPipeError:
        _abandon_output()
        return PIPE_CLOSED
    except OSError as problem:
        _abandon_output()
        _complain(f"cannot write the output: {os.strerror(problem.errno) if problem.errno else problem}")
        return OutputError.exit_code


def _run(given: list[str], told: dict[str, None]) -> int:
    if not given:
        print(TOUR)
        return 0
    options = parsed(given)
    check_files(options)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    alone = options.json or options.quiet
    columns = terminal_width() if vars(options).get("output") in (None, STANDARD) else None
    with as_options(), silent(alone), fitted(columns), _warnings_told(told, quiet=alone):
        outcome = options.run(options)
        code = deliver(outcome, options, told)
    sys.stdout.flush()
    return code


def _failed(given: list[str], told: dict[str, None], problem: SympropError | str, message: str, code: int) -> int:
    """Tell what went wrong, to people or to a program, and return the exit code."""
    if "--json" in given:
        print(document(asked_in(given), code, told, error=error_of(problem)))
    else:
        _complain(message)
    return code


@contextmanager
def _warnings_told(told: dict[str, None], quiet: bool) -> Iterator[None]:
    """Tell each of symprop's own warnings once, in one line on stderr; keep them all."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **options: Any) -> None:
            if not issubclass(category, SympropWarning):
                usual(message, category, *where, **options)
            elif str(message) not in told:
                told[str(message)] = None
                if not quiet:
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
