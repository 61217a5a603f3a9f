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

from symprop.errors import LimitError, SympropError
from symprop.server import of_formulas, of_networks
from symprop.server.asked import Asked, read_asked
from symprop.server.limits import ANSWER, Limits, confine
from symprop.server.of_formulas import Misplaced

Stage = Callable[[Asked], dict[str, Any]]
NETWORK: dict[str, Stage] = {
    "derivation": of_networks.network_derivation,
    "steps": of_networks.network_steps,
    "code": of_networks.network_code,
    "certificate": of_networks.network_certificate,
}
FORMULA: dict[str, Stage] = {
    "derivation": of_formulas.formula_derivation,
    "steps": of_formulas.formula_steps,
    "code": of_formulas.formula_code,
    "certificate": of_formulas.formula_certificate,
}


def answered(body: bytes) -> bytes:
    r"""Return the answer to a request: the parts of the page, or the problem in words with its place.

    >>> json.loads(answered(b'{"stage": "derivation", "text": "Input(4) >> Dence(3)"}'))["problem"]["column"]
    12
    """
    try:
        asked = read_asked(body)
    except SympropError as problem:
        return _line(_problem(problem, "text"))
    kind = "network" if asked.is_network else "formula"
    try:
        found = {"ok": True, **(NETWORK if asked.is_network else FORMULA)[asked.stage](asked)}
    except Misplaced as misplaced:
        found = {**_problem(misplaced.problem, misplaced.field), "names": misplaced.known}
    except SympropError as problem:
        found = _problem(problem, "text")
    except (RecursionError, MemoryError) as problem:
        found = _problem(LimitError(f"too large to be worked on here ({type(problem).__name__})"), "text")
    written = _line({"kind": kind, **found})
    if len(written) > ANSWER:
        return _line({"kind": kind, **_problem(LimitError(_TOO_LONG.format(ANSWER // 2**20)), "text")})
    return written


_TOO_LONG = "the answer has more than {} megabytes, too much for a page\nallowed: symprop on the command line"


def _problem(problem: SympropError, field: str) -> dict[str, Any]:
    """Say what is wrong in words; the text with its caret is left to the page, which knows how wide it is."""
    lines = str(problem).split("\n")
    message = [line for line in lines if not (problem.column is not None and line.startswith("  "))]
    return {
        "ok": False,
        "problem": {
            "type": type(problem).__name__,
            "message": "\n".join(message),
            "field": field,
            "column": problem.column,
            "width": problem.width,
            "limit": isinstance(problem, LimitError),
        },
    }


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode("ascii")


def mistake() -> bytes:
    """Return the answer where symprop itself failed: the exception that is handled now, and its place."""
    kind, problem, trace = sys.exc_info()
    place = traceback.extract_tb(trace)[-1]
    name = kind.__name__ if kind else ""
    told = f"symprop itself failed on this: {name}: {str(problem)[:200]} ({Path(place.filename).name}:{place.lineno})"
    return _line(
        {
            "ok": False,
            "problem": {
                "type": "Mistake",
                "message": f"{told}\nThis is a mistake in symprop, not in your text: please report it.",
                "field": "text",
                "column": None,
                "width": 1,
                "limit": False,
            },
        }
    )


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
