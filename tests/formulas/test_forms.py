"""Answers in the form that a person writes: a score for each case, so that no form gets worse unseen.

`accepted/*.json` hold a case in a line: the question, and what is accepted as its answer. `accepted` is a form that a
person wrote; the answer has at most its characters and its kinds of node, and its value. `longest` is how many
characters a reader is content with where nobody wrote the form, `never` what its Unicode form may not hold. A case
that is not `reached` yet says so, and must be marked once it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import symprop
from symprop.algebra.formula import formula_of
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.calculus.tidy import tidy
from symprop.errors import SympropError
from symprop.formulas import questions
from symprop.formulas.checks.checks import check_result, chosen_points
from symprop.formulas.result import Result
from symprop.notation.pretty import pretty
from tests.needed import needed_of
from tests.rounding_of_formulas import assert_same_value

FILES = sorted((Path(__file__).parent / "accepted").glob("*.json"))
CASES: tuple[dict[str, Any], ...] = tuple(case for file in FILES for case in json.loads(file.read_text("utf-8")))


@cache
def answered(place: int) -> Result:
    """The answer to the question of a case, asked once."""
    case = CASES[place]
    given = symprop.formula(case["formula"], needed_of(case["where"], case["formula"]))
    found: Result = getattr(questions, case["question"])(given, *case["by"].split())
    return found


def accepted(place: int) -> Node:
    """The form that a person wrote."""
    return formula_of(CASES[place]["accepted"], answered(place).variables).node


def kinds(node: Node) -> set[str]:
    return {type(part).__name__ for part in walk(node)}


def faults(place: int) -> Iterator[str]:
    """Yield what is worse in an answer than in the form that is accepted."""
    case = CASES[place]
    try:
        answer = answered(place).node
    except SympropError as error:
        yield f"refused: {error}"
        return
    text, unicode = answer.text(), pretty(answer)
    yield from (f"has {part!r}: {unicode}" for part in case.get("never", ()) if part in unicode)
    longest = len(case["accepted"]) if "accepted" in case else case.get("longest", len(text))
    if len(text) > longest:
        yield f"{len(text)} characters, {longest} are accepted: {text}"
    if "accepted" in case:
        more, wanted = kinds(answer), kinds(tidy(accepted(place)))
        if len(more) > len(wanted):
            yield f"{len(more)} kinds of node, {len(wanted)} are accepted: {sorted(more - wanted)} in {text}"


def test_each_answer_has_the_form_that_is_accepted() -> None:
    """A form that was reached stays; one that is reached now is marked in the table."""
    found = {case["id"]: list(faults(place)) for place, case in enumerate(CASES)}
    assert len(found) == len(CASES), "an id stands twice"
    worse = {case["id"]: found[case["id"]] for case in CASES if case["reached"] and found[case["id"]]}
    unmarked = [case["id"] for case in CASES if not case["reached"] and not found[case["id"]]]
    assert not worse, "\n".join(f"{name}: {'; '.join(why)}" for name, why in worse.items())
    assert not unmarked, f'reached, so mark them "reached": true: {", ".join(unmarked)}'


def test_each_answer_has_the_value_of_the_form_that_is_accepted() -> None:
    """The accepted form was written by hand: nothing that derives the answer is in it."""
    for place in (place for place, case in enumerate(CASES) if case["reached"] and "accepted" in case):
        result = answered(place)
        point = chosen_points(result, 0)[0]
        assert_same_value(result.node, accepted(place), point.values, point.sizes)


@pytest.mark.slow
@pytest.mark.parametrize("place", [pytest.param(k, id=case["id"]) for k, case in enumerate(CASES) if case["reached"]])
def test_each_answer_is_the_derivative_and_each_step_an_identity(place: int) -> None:
    certificate = check_result(answered(place))
    assert certificate.ok, certificate.table()
