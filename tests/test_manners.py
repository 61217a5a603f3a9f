"""Manners: files of others stay, slips are told with what was meant, hints are in the form of where they are read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

import symprop
from symprop.cli import main

NETWORK = "Input(3) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()"


def test_a_rerun_writes_over_its_own_file_and_over_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("answer.txt", "page.tex"):
        path = tmp_path / name
        for wrt in ("x", "A"):
            assert main(["gradient", "x @ A @ x", "--wrt", wrt, "-o", str(path)]) == 0
        path.write_text(path.read_text().replace("x", "y", 1))
        before = path.read_bytes()
        again = ["gradient", "x @ A @ x", "-o", str(path)]
        assert main(again) == 4 and path.read_bytes() == before
        assert "--force" in capsys.readouterr().err
        assert main([*again, "--force"]) == 0 and path.read_bytes() != before
    notes = tmp_path / "notes.html"
    notes.write_text("<p>mine</p>")
    for command in (["derive", NETWORK], ["diff", NETWORK, NETWORK], ["report", NETWORK]):
        assert main([*command, "-o", str(notes)]) == 4 and notes.read_text() == "<p>mine</p>"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: symprop.derive(NETWORK, size={"n": 3}), "derive takes no size= (did you mean 'sizes'?)"),
        (lambda: symprop.report(NETWORK, symbol={}), "report takes no symbol= (did you mean 'symbols'?)"),
        (lambda: symprop.derive("x @ x", x="n"), 'symprop.formula(text, x="n")'),
        (lambda: symprop.Dense(3, bais=False), "Dense takes no bais= (did you mean 'bias'?)"),
        (lambda: symprop.Adam(0.1, 0, symprop.Cosine(), 1, 2, 3, 4), "Adam: too many positional arguments"),
        (lambda: symprop.formula("x @ x", wher="x: n"), "formula takes no wher= (did you mean 'where'?)"),
        (lambda: symprop.compare("x @ x", "x @ x", where="x: n"), "compare takes no where="),
        (lambda: symprop.gradient("x @ x", "x").check(sede=1), "check takes no sede= (did you mean 'seed'?)"),
        (lambda: symprop.vjp("A @ x", "x", direction="v"), "the direction comes third"),
    ],
)
def test_an_argument_that_a_call_does_not_take_is_told(call: Callable[[], object], told: str) -> None:
    with pytest.raises(symprop.SympropError) as caught:
        call()
    assert told in str(caught.value) and len(str(caught.value).split("\n")) == 2


def test_hints_are_in_the_form_of_where_they_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    answer = symprop.gradient("x @ S @ x", "S", S="n n symmetric")
    assert any("symmetric='pairs'" in each for each in answer.remarks)
    assert main(["gradient", "x @ S @ x", "--where", "S: n n symmetric", "--wrt", "S"]) == 0
    assert "--symmetric pairs moves" in capsys.readouterr().out


def test_pages_fit_the_terminal_and_are_cut_outside_of_brackets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    recurrent = "Input(T, n) >> LSTM(k) >> Dense(2) >> SoftmaxCrossEntropy()"
    for more in (["derive", recurrent], ["derive", recurrent, "--through-time"], ["diff", NETWORK, NETWORK]):
        assert main(more) == 0
        lines = capsys.readouterr().out.split("\n")
        assert max(sum(not unicodedata.combining(sign) for sign in line) for line in lines) <= 80
    main(["derive", recurrent, "--through-time"])
    pieces = [line.strip() for line in capsys.readouterr().out.split("\n")]
    assert "+ diag(o⁽¹⁾ₛ ⊙ (1 − tanh(c⁽¹⁾ₛ)⊙²))" in pieces


def test_a_report_asks_for_products_and_a_formula_may_begin_with_a_minus(tmp_path: Path) -> None:
    path = tmp_path / "answer.tex"
    asked = ["--wrt", "x", "--ask", "vjp", "jvp", "--short", "-o", str(path)]
    assert main(["report", "--", "-tanh(A@x)", *asked]) == 0
    text = path.read_text()
    assert "with respect to $x$ along $v$ and the Jacobian-vector product" in text and "along $u$" in text
