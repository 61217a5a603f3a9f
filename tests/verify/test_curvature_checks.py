"""The rows of second derivatives: all agree where all is right, and each sees what it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.trees import zeros
from symprop.analysis.curvature import layers
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.layers import hessian_of_loss
from symprop.codegen.case import QUESTIONS, Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify import Row, curvature_checks, noise
from symprop.verify.points import points_of

TEXT = "Input(2) >> Dense(2) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.2)"


FULL = "complex step of the gradients, full"


def rows(text: str) -> list[Row]:
    return list(curvature_checks.rows(Case(written_out_in_time(symprop.parse_network(text))), 0))


def test_the_certificate_has_them_where_asked() -> None:
    certificate = symprop.check("Input(2) >> Dense(2) >> BinaryCrossEntropy()", curvature=True)
    assert certificate.ok, certificate.table()
    oracles = {name: {row.oracle for row in certificate.rows if row.name == name} for name in QUESTIONS}
    assert any("symmetry" in each for each in oracles["hvp"]) and any("second diff" in each for each in oracles["hvp"])
    assert any("the Hessian" in each for each in oracles["gnvp"])
    assert any("every choice" in each for each in oracles["fisher_vp"])
    assert oracles["per_example_norms"] and oracles["empirical_fisher_vp"] and oracles["tangent_kernel"]
    assert {row.name for row in certificate.rows} >= {"kron(GW1, AW1)", "FW1"} and not oracles["kfac_reduce"]
    assert not any(row.name in QUESTIONS for row in symprop.check("Input(2) >> Dense(1) >> MeanSquaredError()").rows)


@pytest.mark.parametrize(
    "text",
    [
        "Input(1, 1) >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.1)",
        "Input(1, 2) >> RNN(2) >> Dense(2) >> SoftmaxCrossEntropy()",
        "Input(2, 1) >> Conv1D(2, 1) >> SoftmaxCrossEntropy()",
        "Input(2) >> Embedding(3, 2) >> MeanSquaredError()",
    ],
)
def test_all_agree_of_one_position_of_windows_and_of_a_table_before_the_loss(text: str) -> None:
    assert not [row for row in rows(text) if not row.ok]


def test_points_are_drawn_where_rounding_moves_little() -> None:
    text = "Input(2) >> Dense(3) >> Dropout(0.5) >> LayerNorm() >> Dense(2) >> SoftmaxCrossEntropy()"
    case, seed, kinds = Case(symprop.parse_network(text)), 2, ["one-hot"]  # whose first draw is a loud one
    quiet, first = noise.quiet_points(case, seed, 2, kinds), points_of(case, seed, 2, kinds, everywhere=True)
    loud = [max(noise.loudness(case.rows.derivation, each) for each in points) for points in (quiet, first)]
    assert loud[0] <= noise.QUIET < 10 * noise.QUIET < loud[1]


def test_truncated_backpropagation_has_none() -> None:
    with pytest.raises(symprop.SpecError, match="truncate"):
        rows("Input(4, 2) >> RNN(2, truncate=2) >> MeanSquaredError()")


def doubled(along: Along, name: str) -> Along:
    """Return equations one of which is twice what it should be, without steps."""

    def changed(items: Iterable[Any]) -> tuple[Any, ...]:
        wrong = (
            Equation(each.target, n.Multiply(n.Scalar(2), each.expression)) if each.name == name else each
            for each in items
        )
        return tuple(wrong)

    return replace(along, forward=changed(along.forward), backward=changed(along.backward))


@pytest.mark.parametrize(
    ("question", "equation", "seen"),
    [
        ("hvp", "RdW2", {FULL, "symmetry, u'Hv = v'Hu", "50 digits, second differences"}),
        ("gnvp", "Ra1", {"50 digits, u'J'HJv by differences"}),
        ("fisher_vp", "Gdelta1", {"50 digits, every choice of the model"}),
        ("empirical_fisher_vp", "Gdelta2", {"50 digits, slopes of each example"}),
        ("per_example_norms", "NdW1", {"gradients of batches of one"}),
        ("tangent_kernel", "Theta1", {"J J', J by complex step"}),
        ("kfac", "GW1", {"complex step of the loss, every choice of the model, batches of one"}),
        ("kfac", "Sz2", {"complex step of the loss, every choice of the model"}),
    ],
)
def test_a_wrong_equation_is_seen(
    question: str, equation: str, seen: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right: Callable[[Any], Any] = QUESTIONS[question]

    def wrong(derivation: Any) -> Any:
        found = right(derivation)
        return replace(found, along=doubled(found.along, equation))

    monkeypatch.setitem(QUESTIONS, question, wrong)  # type: ignore[arg-type]
    monkeypatch.setattr(curvature_checks, "CHECKS", {question: curvature_checks.CHECKS[question]})
    bad = {row.oracle for row in rows(TEXT) if not row.ok}
    assert seen <= bad


def test_a_wrong_step_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(derivation: symprop.Derivation) -> symprop.Derivation:
        found = derivation.hvp()
        last = found.along.backward[-1]
        assert isinstance(last, Equation) and last.steps
        step = replace(last.steps[0], after=n.Multiply(n.Scalar(3), last.steps[0].before))
        broken = replace(last, steps=(step, *last.steps[1:]))
        return replace(found, along=replace(found.along, backward=(*found.along.backward[:-1], broken)))

    monkeypatch.setitem(QUESTIONS, "hvp", wrong)  # type: ignore[arg-type]
    bad = [row for row in rows("Input(2) >> Dense(1) >> MeanSquaredError()") if not row.ok]
    assert [row.name for row in bad] == ["Rdb1"] and "step 1" in bad[0].note


def test_a_wrong_hessian_of_the_loss_is_seen_behind_an_activation_that_it_divides_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "Input(2) >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()"
    asked = {question: curvature_checks.CHECKS[question] for question in ("gnvp", "fisher_vp")}
    monkeypatch.setattr(curvature_checks, "CHECKS", asked)
    found = rows(text)
    assert {"GW1", "FW1", "Fb1"} <= {row.name for row in found} and all(row.ok for row in found)

    def nothing(*given: Any) -> Equation:
        right = hessian_of_loss(*given)
        assert right is not None
        return Equation(right.target, zeros(*right.target.shape))

    monkeypatch.setattr(layers, "hessian_of_loss", nothing)
    assert [row.name for row in rows(text) if not row.ok] == ["GW1", "Gb1", "FW1", "Fb1"]


def test_factors_of_weights_in_several_places_have_their_rows() -> None:
    network = "Input(3, 3, 1) >> Conv2D(2, 2) >> Tanh() >> Flatten() >> Dense(2) >> SoftmaxCrossEntropy()"
    found = {row.name: row for row in rows(network)}
    assert found["FW1"].ok and found["kfac_reduce"].ok and "kron(GW1, AW1)" not in found
    given = {row.name: row.oracle for row in rows("Input(2) >> Dense(2) >> Huber()")}
    assert "targets of the data" in given["kron(GW1, AW1)"]
