"""What `symprop gradient`, `jacobian`, `hessian`, `vjp`, `jvp`, `hvp` and `compare` do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symprop.algebra.formula import formula
from symprop.errors import SpecError, shown
from symprop.formulas import ask
from symprop.formulas.answer import Answer
from symprop.formulas.compare.compare import compare

DISAGREES = 1

WRITERS: dict[str, Callable[[Answer], str]] = {
    "pretty": Answer.page,
    "text": Answer.text,
    "latex": Answer.latex,
    "numpy": lambda answer: answer.numpy().rstrip("\n"),
    "html": Answer.html,
    "steps": lambda answer: str(answer.steps()),
}


def answer(question: str, source: str, where: str, by: str, along: str | None = None) -> Answer:
    """Return the answer to one question of the command line.

    Raises:
        SympropError: the formula, its declarations or the variables cannot be used.
    """
    names = [name.strip() for name in by.split(",")]
    if len(names) > 1 and (question != "hessian" or len(names) > 2):
        raise SpecError(f"--wrt {shown(by)} names {len(names)} variables\nallowed: one, or two for a mixed hessian")
    arguments: list[Any] = names if along is None else [*names, along]
    found: Answer = QUESTIONS[question](formula(source, where), *arguments)
    return found


QUESTIONS: dict[str, Callable[..., Any]] = {
    "gradient": ask.gradient,
    "jacobian": ask.jacobian,
    "hessian": ask.hessian,
    "vjp": ask.vjp,
    "jvp": ask.jvp,
    "hvp": ask.hvp,
}


def run(
    question: str, source: str, where: str, by: str, along: str | None, format: str, checked: bool
) -> tuple[str, int]:
    """Return what a question prints, and the exit code: 1 where `checked` finds a disagreement."""
    found = answer(question, source, where, by, along)
    written = WRITERS[format](found)
    if not checked:
        return written, 0
    certificate = found.check()
    return f"{written}\n\n{certificate.table()}", 0 if certificate.ok else DISAGREES


def run_compare(first: str, second: str, where: str) -> tuple[str, int]:
    """Return what `compare` prints, and the exit code: 1 where the formulas differ."""
    found = compare(first, second, where)
    return str(found), 0 if found else DISAGREES
