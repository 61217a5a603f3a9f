"""A derivation with a line for each equation: the same steps, put together, in short lines without indices."""

from itertools import pairwise

import symprop
from symprop.calculus.context import context
from symprop.notation.chain_rule import brief, by_names
from symprop.notation.stacks import stacked

NETWORK = (
    'Input(8, 8, 1) >> Conv2D(4, 3, padding="same") >> BatchNorm() >> ReLU() >> MaxPool2D(2) >> Flatten() >> Dense(3)'
    " >> SoftmaxCrossEntropy()"
)


def test_lines_are_steps_put_together() -> None:
    derivation = symprop.derive(NETWORK)
    known = context(derivation.system).by_value
    for equation in (each for each in derivation.equations if each.steps):
        lines = brief(equation.steps, known)
        assert lines[0].before == equation.steps[0].before and lines[-1].after == equation.steps[-1].after
        assert all(first.after == then.before for first, then in pairwise(lines))
        told = {rule for line in lines for rule in line.rule.split(", ")}
        assert told == {step.rule for step in equation.steps}


def test_a_norm_of_images_is_derived_in_ten_short_lines_without_indices() -> None:
    derivation = symprop.derive(NETWORK)
    known = context(derivation.system).by_value
    lines = brief(derivation.equation("delta1").steps, known)
    assert len(lines) <= 10
    for line in lines:
        shown = stacked(by_names(line.after, known)).pretty()
        assert len(shown) < 160 and ":" not in shown and "ᵢ" not in shown, shown
