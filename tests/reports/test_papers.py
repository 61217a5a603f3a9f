"""Reports on paper: measured as TeX measures, inside their margins on each paper, with letters that can be read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import symprop
from symprop.errors import SpecError
from symprop.notation.diagram import drawn
from symprop.notation.documents import LEAST
from symprop.notation.drawing import DETAILS, lessened
from symprop.notation.paper import A4, Paper
from symprop.notation.tex_boxes import width
from symprop.notation.tikz import LETTERS, size
from symprop.reports.pdf import PACKAGES, is_installed
from symprop.reports.references import BIBLIOGRAPHY, references, sources_in
from symprop.reports.subject import Subject

PLAIN = "Input(8) >> Dense(8) >> Tanh() >> Dense(5) >> ReLU() >> Dense(3) >> SoftmaxCrossEntropy()"
LOOP = "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> Dense(k) >> SoftmaxCrossEntropy()"
PENALTIES = (
    "Input(6) >> Residual(Dense(6) >> Tanh() >> Dense(6) >> Tanh()) >> Residual(Dense(6) >> Tanh() >> Dense(6))"
    " >> Dense(3) >> SoftmaxCrossEntropy() + L2(0.01)"
)
NORMED = "Input(8) >> Residual(LayerNorm() >> Dense(16) >> GELU() >> Dense(8)) >> Dense(3) >> SoftmaxCrossEntropy()"
FORMULAS = (
    r"W_1 x + b_1", r"p - p \odot y \oslash p", r"\frac{\partial L}{\partial W^{(l+1)}}", r"-\sum_{i} y_i \log(p_i)",
    r"\left(\frac{\partial p}{\partial z_4}\right)^{\top} \left(-\frac{1}{m} y \oslash p\right)",
    r"\left(W^{(l)\top} \delta^{(l)}\right) \odot \left(1 - a^{(l)} \odot a^{(l)}\right)",
    r"\operatorname{diag}(\mathbf{1}[z_2 > 0]) W_2 + I", r"\frac{1}{2 m} \left\|z_4 - y\right\|_F^2",
    r"p \odot \left(\sum_{i} \frac{p_i y_i}{p_i} - y \oslash p\right)", r"\sqrt{2 \pi} \tanh(z_1)^{\odot 2}",
    r"\in \mathbb{R}^{3 \times 5}", r"\boldsymbol{\delta}_1 \mathbf{x}^{\mathsf{T}} + \sigma(z_1)",
)  # fmt: skip
TEX = pytest.mark.skipif(not is_installed(), reason=f"no TeX: apt install {PACKAGES}")


def log_of(document: str, folder: Path) -> str:
    """Compile a document once and return TeX's log."""
    (folder / "a.tex").write_text(document, encoding="utf-8")
    command = ("pdflatex", "-draftmode", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "a.tex")
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300)
    log = (folder / "a.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, re.findall(r"^!.*\n.*", log, flags=re.MULTILINE)
    return log


@TEX
def test_formulas_are_as_wide_as_tex_sets_them(tmp_path: Path) -> None:
    """Within a point and 1.5 % of the width: scripts at 8 and 6 points have widths in the table, kerns have not."""
    body = "".join(f"\\setbox0\\hbox{{$\\displaystyle {each}$}}\\typeout{{WIDE \\the\\wd0}}\n" for each in FORMULAS)
    for points in (10, 11):
        head = rf"\documentclass[{points}pt]{{article}}\usepackage[T1]{{fontenc}}\usepackage{{lmodern,amsmath,amssymb}}"
        log = log_of(rf"{head}\begin{{document}}{body}\end{{document}}", tmp_path)
        true = [float(each) for each in re.findall(r"WIDE ([\d.]+)pt", log)]
        assert len(true) == len(FORMULAS)
        for formula, wide in zip(FORMULAS, true, strict=True):
            assert abs(width(formula, points) - wide) < 1 + wide / 66, formula


@TEX
def test_reports_stay_inside_their_margins_on_each_paper(tmp_path: Path) -> None:
    """Networks take turns on the papers: A4 and letter, 10 to 12 points, one and two columns."""
    papers = [(paper, points, columns) for paper in ("a4", "letter") for points in (10, 11, 12) for columns in (1, 2)]
    for place, (paper, points, columns) in enumerate(papers):
        network, layout = ((PLAIN, "example"), (PENALTIES, "rows"))[place % 2 if columns == 1 else (place + 1) % 2]
        report = symprop.report(
            network, layout=layout, without=["certificate"], paper=paper, points=points, columns=columns
        )
        log = log_of(report.latex(), tmp_path)
        overfull = [float(wide) for wide in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
        assert not [wide for wide in overfull if wide > 1], (paper, points, columns)


@TEX
def test_a_plain_network_of_three_layers_takes_four_pages(tmp_path: Path) -> None:
    """With a penalty, an author and letters of 11 points, on the shorter paper too."""
    report = symprop.report(f"{PLAIN} + L2(0.01)", author="A. Student", paper="letter", points=11)
    log = log_of(report.latex(), tmp_path)
    assert max(map(int, re.findall(r"\[(\d+)[\]{\s]", log))) <= 4


@TEX
def test_the_jacobian_of_a_block_is_cut_between_factors_in_two_columns(tmp_path: Path) -> None:
    report = symprop.report(NORMED, without=["certificate"], columns=2)
    page = report.latex()
    jacobian = page.partition(r"\label{sec:residual}")[2].partition(r"\end{align*}")[0]
    assert r"\cdot" in jacobian and r"\operatorname{diag}\Bigl(" in jacobian
    overfull = re.findall(r"Overfull \\hbox \(([\d.]+)pt", log_of(page, tmp_path))
    assert not [wide for wide in overfull if float(wide) > 1]
    table = page[page.index(r"\section{Notation}") :]
    assert page.count(r"\begin{table") == page.count(r"\begin{table*}") == 1  # that of a macro
    assert r"\symproptablewide{\begin" not in page  # each stands in a column, where it is read
    assert table.count(r"\symproptablemore") > 1  # it may be broken between columns


def test_a_sign_has_one_row_in_the_notation() -> None:
    page = symprop.report(PLAIN, without=["certificate"], columns=2).latex()
    table = page[page.index(r"\section{Notation}") : page.index(r"\section{Forward pass}")]
    assert table.count(r"$\operatorname{ReLU}(t)$ &") == 1


def test_letters_of_figures_have_seven_points_or_more() -> None:
    """What is drawn fits where it is made as small as that; else it is left out."""
    for text in (PLAIN, LOOP, PENALTIES):
        report = symprop.report(text, without=["certificate", "code"])
        drawing = drawn(report.derivation, None, None, report.subject.writer.notation)
        wide = [size(lessened(drawing, detail), each)[0] for detail in DETAILS for each in (False, True)]
        assert ("fig:passes" in report.latex()) == (min(wide) * LEAST <= A4.page)
        assert LETTERS * A4.page / next(each for each in wide if each * LEAST <= A4.page) >= 7
        for points in re.findall(r"fontsize\{([\d.]+)\}", report.latex()):
            assert float(points) >= 7


def test_an_author_says_who_and_when_and_on_what() -> None:
    report = symprop.report(PLAIN, author="A. Stüdent", date="May 2026", short=True, columns=2, paper="letter")
    assert r"\documentclass[10pt,letterpaper,fleqn,twocolumn]{article}" in report.latex()
    for written in (report.latex(), report.html(), report.markdown()):
        assert "A. Stüdent, May 2026" in written
    assert "sec:cost" not in {section.label for section in report.sections}
    for wrong in ({"paper": "a5"}, {"points": 9}, {"columns": 3}, {"short": True, "full": True}, {"author": "a\nb"}):
        with pytest.raises(SpecError):
            symprop.report(PLAIN, **wrong)  # type: ignore[arg-type]
    assert Paper("letter").line > Paper("a4").line > Paper(columns=2).line


@TEX
def test_slides_hold_every_equation_and_stay_inside_their_frames(tmp_path: Path) -> None:
    report = symprop.report(PLAIN, without=["certificate"], slides=True, author="A. Student")
    page = report.latex()
    assert r"\documentclass[10pt,aspectratio=169,fleqn]{beamer}" in page and "sec:code" not in page
    for name in report.derivation.numbers:
        assert page.count(rf"\label{{eq:{name}}}") == 1
    log = log_of(page, tmp_path)
    assert not [wide for wide in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", log) if float(wide) > 1]


def test_the_notation_says_what_stands_on_the_page() -> None:
    page = symprop.report(PLAIN, without=["certificate"]).latex()
    table = page[page.index(r"\section{Notation}") : page.index(r"\section{Forward pass}")]
    for sign in (r"$u \oslash v$", r"$u^{\odot 2}$", r"$\mathbf{1}$", r"$\mathbf{1}[\cdot]$", r"$W_1, \dots, W_3$"):
        assert sign in table
    linear = symprop.report("Input(2) >> Dense(1) >> MeanSquaredError()", without=["certificate"]).latex()
    assert r"\oslash" not in linear and r"\mathbf{1}[" not in linear


def test_references_are_those_that_rules_and_layers_name() -> None:
    def listed(text: str) -> str:
        (block,) = references(Subject(symprop.report(text).subject.case))
        return str(block)

    plain = listed("Input(2) >> Dense(2) >> Tanh() >> MeanSquaredError()")
    assert "Rumelhart" in plain and "Griewank" in plain and "Vaswani" not in plain
    assert "Ba, J. L." in listed("Input(4) >> Dense(4) >> LayerNorm() >> Dense(2) >> MeanSquaredError()")
    assert all(list(sources_in(f"{name} et al., *A title* ({year}).")) == [(name, year)] for name, year in BIBLIOGRAPHY)


def test_markdown_holds_every_equation_once_with_its_number() -> None:
    report = symprop.report(LOOP, without=["certificate"])
    page = report.markdown()
    anchors = re.findall(r'<a id="([^"]*)"></a>', page)
    assert len(anchors) == len(set(anchors))
    for name, number in report.derivation.numbers.items():
        assert f"\\tag{{{number}}}" in page, name
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= set(anchors)
    assert "$$" in page and "```" in page and "data:image/svg+xml" in page
