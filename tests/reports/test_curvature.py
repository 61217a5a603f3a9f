"""The section on curvature: where it is asked for, with equations that are numbered on, and a plot of data."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import symprop
from symprop.cli import main
from symprop.errors import SympropError
from symprop.notation.blocks import Block, Chain, Paragraph
from symprop.reports.curvature import curvature, plot
from symprop.reports.subject import Subject
from symprop.spectrum import Spectrum

NETWORK = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
OTHERS = {
    "loop": "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> MeanSquaredError() + L2(0.1)",
    "time": "Input(T, 2) >> RNN(3) >> MeanSquaredError()",
}


def blocks(report: symprop.Report) -> list[Block]:
    assert isinstance(report.subject, Subject)
    return list(curvature(report.subject))


@pytest.mark.parametrize("text", [NETWORK, *OTHERS.values()])
def test_both_products_are_derived_and_numbered_on(text: str) -> None:
    report = symprop.report(text, curvature=True)
    chains = [block for block in blocks(report) if isinstance(block, Chain)]
    first = max(report.derivation.numbers.values()) + 1
    assert [each.number for each in chains] == list(range(first, first + len(chains)))
    names = {each.name for each in chains}
    d = report.derivation
    for name in (f"{letter}d{each.name}" for letter in "RG" for each in d.system.parameters):
        assert name in names or f"{name}[t]" in names, name
    wanted = {each.name for both in (d.hvp(), d.gauss_newton()) for each in both.equations}
    assert names == wanted - {each.name for each in d.equations}


def test_it_is_there_where_it_is_asked_for_and_names_its_sources() -> None:
    assert not blocks(symprop.report(NETWORK))
    page = symprop.report(NETWORK, curvature=True, short=True, without=["certificate"]).latex()
    assert r"\section{Curvature}" in page
    for source in ("Pearlmutter, B. A. (1994)", "Schraudolph, N. N. (2002)"):
        assert source in page


def test_a_network_with_one_product_or_none_says_so() -> None:
    with pytest.raises(SympropError, match="truncated"):
        symprop.report("Input(4, 2) >> RNN(2, truncate=2) >> MeanSquaredError()", curvature=True)


def test_the_spectrum_of_trained_weights_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{a:.4f},{b:.4f},{int(a * b > 0)}" for a, b in np.random.default_rng(0).normal(size=(30, 2))]
    Path("data.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    assert main(["train", NETWORK, "--data", "data.csv", "--target", "y", "--epochs", "2", "-o", "w.npz"]) == 0
    assert (
        main(
            [
                "report",
                "w.npz",
                "--curvature",
                "--data",
                "data.csv",
                "-o",
                "w.tex",
                "--short",
                "--without",
                "certificate",
            ]
        )
        == 0
    )
    page = Path("w.tex").read_text()
    assert "On 30 examples" in page and r"\label{fig:spectrum}" in page
    for command in (
        ["report", "w.npz", "--data", "data.csv"],
        ["report", NETWORK, "--curvature", "--data", "data.csv"],
    ):
        assert main(command) == 2
    assert main(["report", "x @ A @ x", "--curvature"]) == 2


def test_the_plot_has_a_point_for_each_eigenvalue_that_is_not_zero() -> None:
    tikz, svg = plot(Spectrum("gauss-newton", 4, 9, (8.0,), (0.0,), 8.5, 0.1, every=(8.0, 0.5, 1e-3, 1e-18)))
    assert re.findall(r"\((\d+),([\d.e-]+)\)", tikz) == [("1", "8"), ("2", "0.5"), ("3", "0.001")]
    assert svg.count("<circle") == 3 and "semilogyaxis" in tikz


def test_a_paragraph_says_why_there_is_no_gauss_newton_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(derivation: symprop.Derivation) -> None:
        raise symprop.SpecError("the loss reads f1 beside the output z2\nallowed: another")

    monkeypatch.setattr(symprop.Derivation, "gauss_newton", refuse)
    report = symprop.report(NETWORK, curvature=True)
    said = [str(block.words[0]) for block in blocks(report) if isinstance(block, Paragraph)]
    assert said[-1] == "There is no Gauss-Newton matrix here: the loss reads f1 beside the output z2."


def test_its_certificate_is_of_second_derivatives_too() -> None:
    names = {row.name for row in symprop.report(NETWORK, curvature=True).subject.certificate.rows}  # type: ignore[union-attr]
    assert {"RdW1", "gnvp", "fisher_vp", "per_example_norms"} <= names


def test_a_failed_check_in_a_report_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Input(1) >> Dense(1) >> MeanSquaredError()"
    found = symprop.check(text)
    wrong = replace(found, rows=(replace(found.rows[0], ok=False), *found.rows[1:]))
    monkeypatch.setattr("symprop.reports.subject.check", lambda *given, **options: wrong)
    asked = ["report", text, "--short", "-o", str(tmp_path / "r.tex")]
    assert main(asked) == 1
    assert f"the certificate in the report: 1 of {len(found.rows)} checks FAILED" in capsys.readouterr().err
    assert (tmp_path / "r.tex").exists() and main([*asked, "--without", "certificate"]) == 0
