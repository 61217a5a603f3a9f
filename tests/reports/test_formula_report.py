"""Reports on formulas: what they say, that their lines are equal to their left sides, and how they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reports.test_pdf import ONCE, check_widths, compiled

import symprop
from symprop.cli import main
from symprop.formulas.code.module import compile_formula
from symprop.formulas.stages import stages
from symprop.notation.blocks import Boxed, Bullets, Chain
from symprop.reports.pdf import PACKAGES, is_installed

LOGISTIC = "sum(log(1 + exp(X @ w)) - y * (X @ w))"
NAMED = "K = X @ X.T + s * eye(n); y @ inv(K) @ y + logdet(K)"


@pytest.fixture(scope="module")
def formula() -> symprop.Formula:
    return symprop.formula(LOGISTIC, X="m n", w="n", y="m")


@pytest.fixture(scope="module")
def report(formula: symprop.Formula) -> symprop.Report:
    answers = [symprop.gradient(formula, "w"), symprop.hessian(formula, "w")]
    return symprop.report(answers, author="A. Student", date="May 2026", without=["certificate"])


def test_a_report_has_question_steps_and_answer_under_numbers(report: symprop.Report) -> None:
    assert report.title == "The gradient and the Hessian with respect to w"
    found = {section.label.removeprefix("sec:"): section for section in report.sections}
    assert list(found) == ["question", "conventions", "derivation", "answer", "code", "references"]
    page = report.markdown()
    assert "Find the gradient and the Hessian of $f$ with respect to $w$" in page and "A. Student, May 2026" in page
    assert [page.count(rf"\tag{{{number}}}") for number in (1, 2, 3, 4)] == [1, 1, 1, 0]
    (box, said) = found["answer"].blocks
    assert isinstance(box, Boxed) and [row.name for part in box.blocks for row in part.rows if row.number] == [
        "gradient_w",
        "hessian_w",
    ]
    told = " ".join(str(part) for part in (said.items if isinstance(said, Bullets) else ()))
    assert "symmetric and positive semidefinite" in told and "convex" in told
    rules = [link.rule for block in found["derivation"].blocks if isinstance(block, Chain) for link in block.links]
    assert rules[:2] == ["1. softplus", "2. sum over an axis"] and rules.count("1. softplus") == 1  # derived once
    assert "def gradient_w(X, w, y):" in page and "Return equation (2), an array of shape (n,)." in page
    assert report.equation("hessian_w").startswith(r"\frac{\partial^2 f}{\partial w^2} = X^{\top}")


def test_each_chain_is_equal_to_its_left_side(formula: symprop.Formula) -> None:
    """A gradient on the way, its product with a tangent, the Hessian: against the complex step of the formula."""
    random = np.random.default_rng(0)
    X, w, y, u = random.normal(size=(4, 3)), random.normal(size=3), random.normal(size=4), random.normal(size=3)

    def slope(w: np.ndarray) -> np.ndarray:
        moved = w + 1e-30j * np.eye(3)
        return np.array([np.sum(np.log(1 + np.exp(X @ each)) - y * (X @ each)).imag / 1e-30 for each in moved])

    steps = 1e-5 * np.eye(3)
    hessian = np.array([(slope(w + step) - slope(w - step)) / 2e-5 for step in steps])
    result = symprop.hessian(formula, "w").result
    found = stages(result)
    assert [stage.left.replace(r"\partial", "d") for stage in found] == [
        r"\frac{d f}{d w}",
        r"\frac{d^2 f}{d w^2} u",
        r"\frac{d^2 f}{d w^2}",
    ]
    tangent = found[1].tangent
    assert tangent is not None and tangent.name == "u"
    for stage, right in zip(found, (slope(w), hessian @ u, hessian), strict=True):
        given = (*formula.variables, *([tangent] if stage.tangent else []))
        value = compile_formula(stage.steps[-1].after, given, "end", "the end of a stage")
        assert np.allclose(value(X=X, w=w, y=y, **({"u": u} if stage.tangent else {})), right, rtol=1e-6, atol=1e-8)


def test_a_tangent_has_a_letter_of_its_own() -> None:
    found = stages(symprop.hessian("u @ A @ tanh(v)", "u", "v").result)
    assert [stage.tangent.name for stage in found if stage.tangent] == ["h"]


def test_brief_steps_are_lines_for_parts(formula: symprop.Formula) -> None:
    def lines(**choice: str) -> int:
        made = symprop.report(symprop.gradient(formula, "w"), without=["certificate", "code"], **choice)
        return sum(len(block.links) for part in made.sections for block in part.blocks if isinstance(block, Chain))

    assert lines() == lines(steps="all") > lines(steps="brief") > 2


def test_an_author_chooses_letters_of_a_formula(formula: symprop.Formula) -> None:
    choice = {"symbols": {"w": r"\beta", "m": "N"}, "bold": "vectors", "transpose": "T"}
    made = symprop.report(formula, without=["certificate"], **choice)  # type: ignore[arg-type]
    assert made.equation("w").startswith(r"\frac{\partial f}{\partial \boldsymbol{\beta}} = X^{\mathsf{T}}")
    assert r"\mathbb{R}^{N \times n}" in made.latex()
    for choice, said in (
        ({"symbols": {"q": "r"}}, "nothing in the report is called 'q'"),
        ({"without": ["forward"]}, "no section 'forward'"),
        ({"layout": "rows"}, "no layout 'rows'"),
        ({"sizes": {"q": 3}}, "no size 'q'"),
    ):
        with pytest.raises(symprop.SympropError, match=said):
            symprop.report(formula, **choice)  # type: ignore[arg-type]
    with pytest.raises(symprop.FormulaError, match="one formula"):
        symprop.report([symprop.gradient("x @ x", "x"), symprop.gradient("y @ y", "y")])


def test_sizes_are_numbers_for_names(formula: symprop.Formula) -> None:
    answer = symprop.gradient(formula, "w")
    certificate = answer.check(sizes={"m": 5, "n": 4})
    assert certificate.ok and not any("=" in row.note for row in certificate.rows)  # no size is left to choose
    assert '_array("X", X, (5, 4))' in answer.numpy(sizes={"m": 5, "n": 4})
    assert r"\mathbb{R}^{5 \times n}" in symprop.report(answer, sizes={"m": 5}, without=["certificate"]).latex()
    with pytest.raises(symprop.FormulaError, match="whole number from 1"):
        answer.check(sizes={"m": 0})


def test_commands_write_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, tex = tmp_path / "g.html", tmp_path / "h.tex"
    assert main(["gradient", "x @ A @ x", "--wrt", "x", "-o", str(page), "--author", "A. Student", "--short"]) == 0
    assert "A. Student" in page.read_text() and "The answer" in page.read_text()
    asked = ["report", "x @ A @ x", "--wrt", "x", "A", "--ask", "gradient", "hessian", "--without", "certificate"]
    assert main([*asked, "--sizes", "n=3", "-o", str(tex)]) == 0
    assert r"\frac{\partial^2 f}{\partial A^2} &= \mathbf{0}" in tex.read_text()
    assert main(["report", "--latex", r"\|A x - b\|_2^2", "--wrt", "x", "--equation", "x"]) == 0
    assert capsys.readouterr().out == "\\frac{\\partial f}{\\partial x} = 2 A^{\\top} \\left(A x - b\\right)\n"
    for arguments, code, said in (
        (["gradient", "x @ x", "--author", "Me"], 2, "--author is of a report"),
        (["report", "Input(2) >> Dense(1) >> MeanSquaredError()", "--wrt", "W1"], 2, "--wrt is of a formula"),
        (["gradient", "x @ x", "--format", "text", "-o", str(tmp_path / "x.pdf")], 4, "and no pdf"),
    ):
        assert main(arguments) == code
        assert said in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["g.html", "h.tex"]


def test_the_ending_says_in_which_form_a_page_is_written(tmp_path: Path) -> None:
    one, other = (f"Input(2) >> Dense(1) >> {loss}()" for loss in ("MeanSquaredError", "MeanAbsoluteError"))
    for command in (["diff", one, other], ["derive", one]):
        for ending, begins in ((".html", "<!DOCTYPE html>"), (".tex", r"\documentclass"), (".txt", "")):
            path = tmp_path / f"{command[0]}{ending}"
            assert main([*command, "-o", str(path)]) == 0
            assert path.read_text().startswith(begins) and path.read_text()


@pytest.mark.skipif(not is_installed(), reason=f"no TeX: apt install {PACKAGES}")
@pytest.mark.parametrize("columns", [1, 2])
def test_a_report_stays_inside_its_margins(columns: int, tmp_path: Path) -> None:
    answers = symprop.gradient(symprop.formula(NAMED, X="n d", s="", y="n"), "X")
    made = symprop.report(answers, points=11, columns=columns, author="A. Student", without=["certificate"])
    check_widths(compiled(made.latex(), tmp_path, ONCE))


def test_a_fact_that_two_answers_use_is_said_once() -> None:
    f = symprop.formula("K = X @ X.T + s**2 * eye(m); logdet(K)")
    page = symprop.report([symprop.gradient(f, "s"), symprop.gradient(f, "X")]).markdown()
    assert page.count("Used: ") == 1
