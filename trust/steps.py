"""Steps of answers: how many are identities for every size, by the algebra of elements; the rest by 50 digits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from question_cases import ALL

import symprop
from symprop.algebra.steps import Step
from trust.element_sums import Undecided
from trust.equalities import equal
from trust.measures import Measure, Outcome
from trust.proofs import drawn

ASK = {name: getattr(symprop, name) for name in ("gradient", "jacobian", "hessian", "hvp")}


def steps_of(number: int) -> Iterator[Step]:
    """Yield the steps of the answer to a question."""
    kind, text, declared, by, _ = ALL[number]
    read = symprop.formula(text, ", ".join(f"{name}: {what}" for name, what in declared.items()))
    yield from ASK[kind](read, *by).result.steps


def proved(step: Step) -> bool:
    """Whether both sides of a step are equal for every size; false says nothing."""
    try:
        return equal(step.before, step.after)
    except (Undecided, LookupError):
        return False


IN_DIGITS = {
    "log-determinant": "the determinant of a formula has no derivative there",
    "elementwise function tanh": "an exponential of a sum below the line, under a sum",
    "elementwise function softplus": "an exponential of a sum below the line, under a sum",
    "matrix of a linear map": "digits of an index in two orders at once",
    "tidy": "digits of an index in two orders at once",
    "sum of a product": "a softmax under two sums",
}
"""Rules of which some step is without a proof for every size, and what it lacks; `check` compares it in 50 digits."""


def ask(cases: int, seed: int) -> Outcome:
    """Prove steps of answers; one without a proof is a failure unless what it lacks is known."""
    asked, failures, left = 0, [], Counter[str]()
    for number in drawn(range(len(ALL)), cases, seed):
        for step in steps_of(number):
            asked += 1
            if not proved(step):
                left[step.rule] += 1
                if step.rule not in IN_DIGITS:
                    failures.append(f"{step.rule}: {step.before.text()} = {step.after.text()}")
    figures = {"for every size": asked - left.total()}
    return Outcome(asked, tuple(failures), {**figures, **{f"in digits: {rule}": left[rule] for rule in left}})


MEASURES = (
    Measure(
        "steps for every size",
        "Each step of an answer is an identity for every size, but for those of a few rules, which 50 digits compare.",
        ask,
        short=2,
        usual=1000,
        long=1000,
    ),
)
