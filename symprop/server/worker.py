"""One computation, in a process of its own: a request as JSON in, an answer as JSON out, on one line.

`python -m symprop.server.worker SECONDS MEGABYTES` reads the request from its input; where there is `fork`, the
processes of `fork_server` do the same without a new start of Python.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from symprop.errors import LimitError, ReadingError, SympropError
from symprop.server import of_formulas, of_networks
from symprop.server.asked import Asked, Misplaced, read_asked
from symprop.server.limits import ANSWER, Limits, confine
from symprop.terminal import silent

Stage = Callable[[Asked], dict[str, Any]]
ANSWERS: dict[str, tuple[Stage, Stage]] = {
    "derivation": (of_networks.network_derivation, of_formulas.formula_derivation),
    "steps": (of_networks.network_steps, of_formulas.formula_steps),
    "diagram": (of_networks.network_diagram, of_formulas.formula_diagram),
    "report": (of_networks.network_report, of_formulas.formula_report),
    "code": (of_networks.network_code, of_formulas.formula_code),
    "certificate": (of_networks.network_certificate, of_formulas.formula_certificate),
    "mine": (of_networks.network_compared, of_formulas.formula_compared),
}
"""What answers each stage, of a network and of a formula."""


def answered(body: bytes) -> bytes:
    r"""Return the answer to a request: the parts of the page, or the problem in words with its place.

    >>> json.loads(answered(b'{"stage": "derivation", "text": "Input(4) >> Dence(3)"}'))["problem"]["column"]
    12
    """
    try:
        asked = read_asked(body)
    except SympropError as problem:
        return _line(in_words(problem))
    kind = "network" if asked.is_network else "formula"
    of_network, of_formula = ANSWERS[asked.stage]
    try:
        with silent():
            found = {"ok": True, **(of_network if asked.is_network else of_formula)(asked)}
    except Misplaced as misplaced:
        found = {**in_words(misplaced.problem, misplaced.field), "names": misplaced.known}
    except SympropError as problem:
        found = in_words(problem)
    except (RecursionError, MemoryError) as problem:
        found = in_words(LimitError(f"too large to be worked on here ({type(problem).__name__})"))
    written = _line({"kind": kind, **found})
    if len(written) > ANSWER:
        return _line({"kind": kind, **in_words(LimitError(_TOO_LONG.format(ANSWER // 2**20)))})
    return written


_TOO_LONG = "the answer has more than {} megabytes, too much for a page\nallowed: symprop on the command line"


def in_words(problem: SympropError, field: str = "text") -> dict[str, Any]:
    """Say what is wrong in words; the text with its caret is left to the page, which knows how wide it is."""
    lines = str(problem).split("\n")
    message = [line for line in lines if not (problem.column is not None and line.startswith("  "))]
    readings = problem.readings if isinstance(problem, ReadingError) else ()
    told = _told(type(problem).__name__, "\n".join(message[: 1 if readings else None]), field, problem.column)
    told["problem"] |= {"width": problem.width, "readings": readings}
    return told


def _told(kind: str, message: str, field: str = "text", column: int | None = None, width: int = 1) -> dict[str, Any]:
    limit = kind == LimitError.__name__
    told = {"type": kind, "message": message, "field": field, "column": column, "width": width, "limit": limit}
    return {"ok": False, "problem": told}


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode("ascii")


def mistake() -> bytes:
    """Return the answer where symprop itself failed: the exception that is handled now, and its place."""
    kind, problem, trace = sys.exc_info()
    place = traceback.extract_tb(trace)[-1]
    name = kind.__name__ if kind else ""
    told = f"symprop itself failed on this: {name}: {str(problem)[:200]} ({Path(place.filename).name}:{place.lineno})"
    return _line(_told("Mistake", f"{told}\nThis is a mistake in symprop, not in your text: please report it."))


def main() -> None:
    """Answer one request, from standard input to standard output."""
    body = sys.stdin.buffer.read()
    confine(Limits(float(sys.argv[1]), int(sys.argv[2])))
    written = b""
    try:
        written = answered(body)
    finally:  # a mistake is told in the answer, and leaves its trace on stderr too
        sys.stdout.buffer.write(written or mistake())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
