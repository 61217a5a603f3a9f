"""Curvature by the command line and by `generate`: the pages, the modules, and what is refused."""

from __future__ import annotations

import json

import pytest

import symprop
from symprop.cli import main
from symprop.codegen.case import GRADIENTS, QUESTIONS

NETWORK = "Input(3) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()"


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (["--hvp"], "R{∂L/∂W₁} = R{δ₁} xᵀ"),
        (["--gauss-newton"], "G{∂L/∂W₁} = G{δ₁} xᵀ"),
        (["--fisher"], "the Fisher matrix is the Gauss-Newton matrix"),
        (["--fisher", "--empirical"], "R{δ₂} = (δ₂ᵀ R{z₂}) δ₂"),
        (["--per-example"], "‖∂L/∂W₁‖² = ‖δ₁‖² ‖x‖²"),
        (["--hvp", "--steps", "RdW1"], "R{∂L/∂W₁}"),
    ],
)
def test_derive_prints_what_is_asked_of_second_derivatives(
    options: list[str], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["derive", NETWORK, *options]) == 0
    assert printed in capsys.readouterr().out


def test_questions_that_do_not_go_together_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["derive", NETWORK, "--empirical"],
        ["derive", NETWORK, "--hvp", "--fisher"],
        ["derive", NETWORK, "--hvp", "--through-time"],
        ["generate", NETWORK, "--question", "hvp", "--optimizer", "adam"],
        ["generate", NETWORK, "--question", "hvp", "--fast", "--threads", "2"],
    ):
        assert main(command) == 2, command
        assert capsys.readouterr().err


@pytest.mark.parametrize("question", [name for name in QUESTIONS if name != GRADIENTS])
def test_generate_writes_the_module_of_a_question(question: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = symprop.generate(NETWORK, question=question)
    assert f"def {question}(" in source and f"def {question}(" not in symprop.generate(NETWORK)
    assert main(["generate", NETWORK, "--question", question, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["source"] == source and result["question"] == question


def test_an_unknown_question_is_told_with_those_that_are_allowed() -> None:
    with pytest.raises(symprop.SpecError, match=r"did you mean 'gnvp'.*\nallowed: loss_and_grads, hvp, gnvp"):
        symprop.generate(NETWORK, question="gnpv")
