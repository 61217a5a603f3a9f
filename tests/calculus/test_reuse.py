"""What is worked out of one layer is put into those that are alike: the same equations and steps come out, for less."""

from __future__ import annotations

import pytest

import symprop
from symprop.calculus import rewriting

NETWORKS = (
    "Input(4) >> Dense(3) >> Repeat(Residual(LayerNorm() >> Dense(3) >> GELU() >> Dense(3)), 3) >> MeanSquaredError()",
    "Input(4) >> Repeat(Dense(3) >> BatchNorm() >> PReLU(), 3) >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.1)",
    "Input(3) >> Embedding(5, 4, flatten=False) >> Repeat(Residual(Dense(4) >> Softmax()), 3) >> SoftmaxCrossEntropy()",
    'Input(5, 5, 2) >> Repeat(Conv2D(2, 3, padding="same") >> ReLU(), 3) >> MaxPool2D(2) >> Flatten() >> Hinge()',
    "Input(4, 6) >> Repeat(Attention(2) >> LayerNorm(), 3) >> MeanSquaredError()",
    "Input(n) >> Repeat(Repeat(Residual(Dense(n) >> Sigmoid()), 3, tied=True), L) >> BinaryCrossEntropy()",
)


def written(text: str) -> list[str]:
    """Return the equations of a derivation and their steps with all facts."""
    lines: list[str] = []
    network = symprop.parse_network(text)
    for equation in symprop.derive(network, layout="rows").equations:
        lines.append(equation.text())
        for step in equation.steps:
            facts = [fact if isinstance(fact, str) else fact.text() for fact in step.facts]
            lines.append(f"{step.rule}: {step.before.text()} = {step.after.text()} {facts}")
    return lines


@pytest.mark.parametrize("text", NETWORKS)
def test_steps_are_those_of_each_equation_alone(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = written(text)
    monkeypatch.setattr(rewriting, "worked_once", lambda start, context, work_out: work_out(start, context))
    assert found == written(text)


def test_equations_that_are_alike_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    work_out, started = rewriting._worked_out, []
    monkeypatch.setattr(
        rewriting, "_worked_out", lambda start, context: started.append(start) or work_out(start, context)
    )
    counts = []
    for depth in (8, 16):
        block = "Residual(LayerNorm() >> Attention(2, causal=True) >> Dense(4))"
        symprop.derive(f"Input(3, 4) >> Repeat({block}, {depth}) >> MeanSquaredError()")
        counts.append(len(started))
        started.clear()
    assert counts[0] == counts[1]
