"""Reports as PDF: they compile, stay inside their margins, and show their formulas. Skipped where TeX is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from example_networks import EXAMPLES

import symprop
from symprop.reports.pdf import PACKAGES, is_installed

pytestmark = pytest.mark.skipif(not is_installed(), reason=f"no TeX: apt install {PACKAGES}")

MORE = {
    "deep": ("Input(8) >> Dense(8) >> Repeat(Residual(Dense(8) >> Tanh() >> Dense(8)), 6) >> MeanSquaredError()", {}),
    "thirty": ("Input(8) >> Repeat(Dense(8) >> Tanh(), 30) >> Dense(4) >> SoftmaxCrossEntropy()", {}),
    "recurrence": ("Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), L) >> MeanSquaredError()", {}),
    "named": ("Input(n0) >> Dense(n1) >> GELU('tanh') >> Dense(n2) >> Softmax() >> MeanSquaredError()", {}),
    "rows": (
        "Input(4) >> Dense(5) >> GELU('tanh') >> Residual(Dense(5) >> ELU()) >> Dense(3) >> SoftmaxCrossEntropy()",
        {"layout": "rows", "symbols": {"delta": r"\varepsilon"}},
    ),
    "columns": (
        "Input(4) >> Dense(5) >> GELU('tanh') >> Residual(Dense(5) >> ELU()) >> Dense(3) >> Softmax()"
        " >> MeanSquaredError()",
        {"layout": "columns", "bold": "arrays", "transpose": "T", "layer_index": "super"},
    ),
    "embedding": (
        "Input(3) >> Embedding(27, 10) >> Dense(20) >> Tanh() >> Dense(27) >> SoftmaxCrossEntropy()",
        {"layout": "columns", "bold": "vectors", "transpose": "prime", "layer_index": "sub"},
    ),
    "many penalties": (
        "Input(6) >> Repeat(Dense(6) >> Tanh(), 5) >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.001)",
        {},
    ),
    "a dozen penalties": ("Input(6) >> Repeat(Dense(6) >> Tanh(), 12) >> MeanSquaredError() + L2(0.001)", {}),
    "long names": (
        'Input(4) >> Dense(3) >> Activation("x * sigmoid(x) + log(1 + exp(x)) * sin(x)**2 / (1 + x**2)",'
        ' name="my_very_long_name") >> Dense(2) >> Loss("sum((a - y)**4) / 4 + sum(abs(a))")',
        {"layout": "rows"},
    ),
}
CASES = {**{example.name: (example.text, {}) for example in EXAMPLES}, **MORE}


WHOLE = ("latexmk", "-norc", "-pdf", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error")
ONCE = ("pdflatex", "-draftmode", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error")
"""One pass without a PDF: how wide lines are is known then, where references lead is not."""


def compiled(document: str, folder: Path, command: tuple[str, ...] = WHOLE) -> str:
    """Compile a document in a folder and return TeX's log."""
    (folder / "report.tex").write_text(document, encoding="utf-8")
    done = subprocess.run([*command, "report.tex"], cwd=folder, capture_output=True, timeout=300)
    log = (folder / "report.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, re.findall(r"^!.*\n.*", log, flags=re.MULTILINE)
    return log


def check_widths(log: str, name: str = "") -> None:
    """Assert that nothing is more than a point too wide."""
    overfull = [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert not [width for width in overfull if width > 1], f"{name} is too wide: {overfull}"


def check_log(log: str) -> None:
    """Assert that nothing is too wide, and that every reference leads somewhere, once."""
    check_widths(log)
    assert "undefined" not in log.lower().replace("undefined font shapes", "") and "multiply" not in log


IN_WHOLE = ("digits", "recurrence", "columns")
"""Networks whose reports are compiled as a user does: with the certificate, the slowest part, which is alike in all."""


@pytest.mark.parametrize("name", IN_WHOLE)
def test_a_report_compiles_inside_its_margins_and_its_references_lead_somewhere(name: str, tmp_path: Path) -> None:
    text, choice = CASES[name]
    check_log(compiled(symprop.report(text, **choice).latex(), tmp_path))


@pytest.mark.slow  # the short form compiles the reports above, one of each kind; a line that is too wide is seeded
def test_every_network_stays_inside_its_margins(tmp_path: Path) -> None:
    """Reports with the same preamble are one document, so that TeX starts once; the log says where each begins."""
    together: dict[str, list[str]] = {}
    for name, (text, choice) in CASES.items():
        if name not in IN_WHOLE:
            written = symprop.report(text, without=["certificate"], **choice).latex()
            preamble, _, body = written.partition(r"\begin{document}")
            body = body.removesuffix("\\end{document}\n")
            together.setdefault(preamble, []).append(f"\\typeout{{NETWORK {name}}}\n{body}\\clearpage\n")
    checked = []
    for place, (preamble, bodies) in enumerate(together.items()):
        folder = tmp_path / str(place)
        folder.mkdir()
        document = preamble + r"\begin{document}" + "".join(bodies) + r"\end{document}"
        for part in compiled(document, folder, ONCE).split("NETWORK ")[1:]:
            checked.append(part.partition("\n")[0])
            check_widths(part, checked[-1])
    assert sorted([*checked, *IN_WHOLE]) == sorted(CASES)


def test_a_line_that_is_too_wide_is_seen(tmp_path: Path) -> None:
    document = r"\documentclass{article}\begin{document}\typeout{NETWORK x}\hbox to 5cm{\hskip 6cm}\end{document}"
    with pytest.raises(AssertionError, match="too wide"):
        check_widths(compiled(document, tmp_path, ONCE), "x")


def test_the_page_and_the_steps_compile_too(tmp_path: Path) -> None:
    derivation = symprop.derive(MORE["rows"][0], layout="rows")
    for place, document in enumerate(
        (symprop.notation.document(derivation, figure=True), symprop.notation.latex_steps(derivation, "delta3"))
    ):
        folder = tmp_path / str(place)
        folder.mkdir()
        check_log(compiled(document, folder))


PAPER = r"""\documentclass[10pt,twocolumn]{article}
\usepackage{amsmath,amssymb,array,booktabs,longtable,xcolor,tikz,pgfplots}
\usetikzlibrary{arrows.meta}
\begin{document}
\begin{equation}\label{mine} E = m c^2\end{equation}
As \eqref{eq:one.delta1} and Section~\ref{sec:two.recurrence} say.
\input{one}
\input{two}
\typeout{LAST \theequation}
\end{document}
"""


def test_two_fragments_stand_in_one_paper(tmp_path: Path) -> None:
    """A paper in two columns, whose equations are centred, with references into both: one count of all equations."""
    network = "Input(2) >> Dense(2) >> Tanh() >> Residual(Dense(2) >> ReLU()) >> Dense(2) >> SoftmaxCrossEntropy()"
    report = symprop.report(network, without=["certificate"], columns=2)
    for prefix in ("one", "two"):
        (tmp_path / f"{prefix}.tex").write_text(report.fragment(f"{prefix}.", "subsection"), encoding="utf-8")
    log = compiled(PAPER, tmp_path)
    assert "undefined references" not in log and "multiply" not in log
    check_widths(log)
    numbers = dict(re.findall(r"newlabel\{eq:([^}]*)\}\{\{(\d+)\}", (tmp_path / "report.aux").read_text("utf-8")))
    own = report.derivation.numbers
    assert [int(numbers[f"one.{name}"]) for name in own] == [1 + number for number in own.values()]
    assert [int(numbers[f"two.{name}"]) for name in own] == [1 + len(own) + number for number in own.values()]
    assert f"LAST {1 + 2 * len(own)}" in log


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext: apt install poppler-utils")
def test_the_pdf_shows_its_formulas(tmp_path: Path) -> None:
    network = "Input(4) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> ReLU()) >> Dense(2) >> SoftmaxCrossEntropy()"
    path = tmp_path / "report.pdf"
    symprop.report(network).pdf(path)
    assert path.read_bytes().startswith(b"%PDF-")
    assert [each.name for each in tmp_path.iterdir()] == ["report.pdf"]
    done = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, encoding="utf-8", check=True)
    shown = re.sub(r"\s+", " ", done.stdout)
    for words in ("Residual blocks", "The recurrence", "checks, all agree", "complex step"):
        assert words in shown
    assert re.search(r"δ3 = p . y", shown)
    assert re.search(r"W2 \+ I", shown)
    assert re.search(r"def backward\(params, x, y, values\):", shown)
    assert re.search(r"elementwise function tanh; (.* )?the derivative of tanh", shown)


def test_the_same_report_is_the_same_file(tmp_path: Path) -> None:
    report = symprop.report("Input(2) >> Dense(1) >> MeanSquaredError()", without=["certificate"])
    for name in ("a.pdf", "b.pdf"):
        report.pdf(tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


BLOCK = (
    "Residual(LayerNorm() >> Attention(4, causal=True)) >> Residual(LayerNorm() >> Dense(4*n) >> GELU() >> Dense(n))"
)
GPT = f'Repeat({BLOCK}, N) >> LayerNorm() >> Dense(V, tied="E1", bias=False) >> SoftmaxCrossEntropy()'


@pytest.mark.parametrize(
    ("network", "layout"),
    [
        (f"Input(T, n) >> {BLOCK} >> MeanSquaredError()", "rows"),
        (f"Input(T) >> Embedding(V, n, flatten=False) >> Positions() >> {GPT}", "example"),
        (f"Input(T) >> Embedding(V, n, flatten=False) >> Positions() >> {GPT}", "rows"),
    ],
    ids=["block", "gpt", "gpt_batch"],
)
def test_the_derivation_of_a_transformer_is_short(network: str, layout: str, tmp_path: Path) -> None:
    log = compiled(symprop.notation.document(symprop.derive(network, layout)), tmp_path, ONCE)
    check_widths(log)
    assert max(map(int, re.findall(r"\[(\d+)\]", log))) <= 3
