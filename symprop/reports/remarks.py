"""What follows from the structure of an answer, as sentences whose formulas are set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.formulas.answer import Answer
from symprop.notation.words import Math, Words
from symprop.reports.questions import Questions, called, enumerated

PROPERTIES = (
    "diagonal", "rank one", "symmetric", "positive definite", "positive semidefinite", "negative semidefinite",
)  # fmt: skip
"""Remarks that are words for what a matrix is."""
_CURVED = {
    "positive definite": "strictly convex",
    "positive semidefinite": "convex",
    "negative semidefinite": "concave",
}
"""What a formula is whose Hessian is so everywhere."""
_OBVIOUS = "does not depend on "
"""What a reader sees of a gradient, and is worth a word of a Hessian."""
_WHERE = ("holds where ", "where ", "the derivative of ")
"""How remarks begin that say where a derivative does not exist."""
_HINT = re.compile(r"; (symmetric='pairs'|--symmetric pairs) .*")
_PLACE = re.compile(r"\b([A-Za-z]\w*)\[(\w), (\w)\]")
_FREE = Variable("G", (), (2, 2))
_PAIRS: dict[str, Node] = {"G + G.T - diag(diagonal(G))": _FREE + _FREE.T - n.Diag(n.Diagonal(_FREE))}


def remarks(subject: Questions, answer: Answer) -> Iterator[Words]:
    """Yield what a reader should know of an answer, in sentences."""
    left_out = ("core: ",) if answer.result.kind == "hessian" else ("core: ", _OBVIOUS)
    said = [each for each in answer.remarks if not each.startswith(left_out)]
    name = f"The {called(answer.result)}"
    several = len(subject.answers) > 1
    is_matrix = [each for each in said if each in PROPERTIES]
    if is_matrix:
        words = [each.replace("rank one", "of rank one") for each in is_matrix]
        by = (" with respect to ", Math(subject.writer.formula(answer.result.by[-1]))) if several else ()
        yield (name, *by, f" is {enumerated(words)}", *_curved(subject, answer), ".")
    for each in (*answer.ledger, *(each for each in said if each not in PROPERTIES)):
        text = _HINT.sub("", each)
        if text.startswith(("does not depend", "holds", "zero")):
            of = f" with respect to {answer.result.by[-1].name}" * several
            text = f"{name}{of} {'is ' * text.startswith('zero')}{text}"
        yield _set(subject, answer, f"{text[0].upper()}{text[1:]}.")


def _curved(subject: Questions, answer: Answer) -> Words:
    """Say that a formula is convex where its Hessian says so, and holds everywhere."""
    by = dict.fromkeys(answer.result.by)
    word = next((_CURVED[each] for each in answer.remarks if each in _CURVED), "")
    everywhere = not any(each.startswith(_WHERE) for each in answer.remarks)
    if answer.result.kind != "hessian" or len(by) != 1 or not (word and everywhere):
        return ()
    write = subject.writer.formula
    return (", so ", Math(write(subject.value.target)), f" is {word} in ", Math(write(next(iter(by)))))


def _set(subject: Questions, answer: Answer, text: str) -> Words:
    """Return a sentence in which what is written in NumPy notation is set: arrays, and parts of the formulas."""
    result, write = answer.result, subject.writer.formula
    formulas = (result.node, result.formula.node, *(each.expression for each in result.formula.definitions), *result.by)
    known = dict(_PAIRS)
    for part in (part for formula in formulas for part in walk(formula) if part.operands or isinstance(part, Variable)):
        known.setdefault(part.text(), part)
    known = {name: part for name, part in known.items() if name in text and name != "a"}
    found: list[str | Math] = []
    at = 0
    names = "|".join(map(re.escape, sorted(known, key=len, reverse=True))) or "(?!)"
    for match in re.finditer(rf"{_PLACE.pattern}|(?<![\w.'])(?:{names})(?![\w(\['=])", text):
        array = known.get(match[1]) if match[1] else None
        if match[1] and array is None:
            continue
        found.append(text[at : match.start()])
        found.append(Math(f"{write(array)}_{{{match[2]}{match[3]}}}" if array is not None else write(known[match[0]])))
        at = match.end()
    return (*found, text[at:])
