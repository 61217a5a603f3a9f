"""Reports: what they say, what an author may choose, what is refused, and that they are the same every time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import symprop
from symprop.cli import main
from symprop.codegen.case import Case
from symprop.errors import OutputError, SympropError
from symprop.notation.blocks import Listing
from symprop.notation.content import seen_steps
from symprop.reports import pdf
from symprop.reports.content import SECTIONS
from symprop.reports.costs import by_layer
from symprop.reports.flow import measured, stations
from symprop.reports.general import with_name
from symprop.reports.norm_plot import Point, plot
from symprop.reports.proof import _independence
from symprop.reports.subject import Subject
from symprop.verify.measure import Row

RESIDUAL = (
    "Input(6) >> Dense(5) >> Tanh() >> Residual(Dense(5) >> ReLU()) >> Residual(Dense(5) >> Tanh()) >> Dense(3)"
    " >> SoftmaxCrossEntropy()"
)
LOOP = "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> MeanSquaredError()"


@pytest.fixture(scope="module")
def residual() -> symprop.Report:
    return symprop.report(RESIDUAL)


@pytest.fixture(scope="module")
def loop() -> symprop.Report:
    return symprop.report(LOOP)


def section(report: symprop.Report, name: str) -> str:
    """Return the LaTeX of one section."""
    page = report.latex()
    start = page.index(rf"\label{{sec:{name}}}")
    following = page.find(r"\section", start)
    return page[start : following if following > 0 else len(page)]


def test_every_section_is_there_in_order(residual: symprop.Report) -> None:
    missing = (
        "training",
        "convolution",
        "branches",
        "unrolled",
        "curvature",
    )  # of other networks, or where it is asked for
    found = {name: title for name, (title, _) in SECTIONS.items() if name not in missing}
    assert [part.label for part in residual.sections] == [f"sec:{name}" for name in found]
    titles = re.findall(r"\\section\{(.*?)\}", residual.latex())
    assert titles == list(found.values())[:-1]  # every check is for a screen, unless it is asked for
    assert re.findall(r"\\section\{(.*?)\}", symprop.report(residual.network, full=True).latex())[-1] == "Every check"


def test_every_equation_has_one_label_and_its_number(residual: symprop.Report) -> None:
    page = residual.latex()
    labels = re.findall(r"\\label\{(eq:[^}]*)\}", page)
    assert sorted(labels) == sorted(f"eq:{name}" for name in residual.derivation.numbers)
    tags = re.findall(r"\\(?:tag|sympropnumber)\{(\d+)\}\\label\{eq:([^}]*)\}", page)
    assert {name: int(number) for number, name in tags} == residual.derivation.numbers
    assert [int(number) for number, _ in tags] == sorted(residual.derivation.numbers.values()), "numbers rise"
    everything = re.findall(r"\\label\{([^}]*)\}", page)
    assert len(everything) == len(set(everything))
    referred = set(re.findall(r"\\(?:eq)?ref\{([^}]*)\}", page))
    assert referred and referred <= set(everything)


def test_the_recurrence_stands_in_a_frame(residual: symprop.Report) -> None:
    written = section(residual, "recurrence")
    assert written.count(r"\begin{sympropbox}") == 1
    inside = written[written.index(r"\begin{sympropbox}") : written.index(r"\end{sympropbox}")]
    for name in ("delta1", "delta2", "delta3", "delta4"):
        assert rf"\tag{{{residual.derivation.numbers[name]}}}" in inside
    alone = section(symprop.report(RESIDUAL, without=["derivation", "certificate"]), "recurrence")
    assert r"\label{eq:delta1}" in alone  # where it stands first


def test_a_long_recurrence_stands_in_several_frames_that_fit_on_a_page() -> None:
    deep = symprop.report(
        "Input(4) >> Repeat(Dense(4) >> Tanh(), 30) >> MeanSquaredError()", without=["certificate", "code"]
    )
    boxes = section(deep, "recurrence").split(r"\begin{sympropbox}")[1:]
    assert len(boxes) > 1
    assert all(box.count(r"\tag") <= 14 for box in boxes)
    assert sum(box.count(r"\tag") for box in boxes) == 30


def test_a_repeat_has_its_recurrence_in_general_too() -> None:
    """The general equations, at each block, are the numbered ones."""
    text = "Input(3) >> Dense(4) >> Tanh() >> Repeat(Residual(Dense(4) >> Sigmoid()), 5) >> MeanSquaredError()"
    written = section(symprop.report(text, without=["certificate", "code"]), "recurrence")
    general = (
        r"\delta^{(l+1)} &= \frac{\partial L}{\partial a^{(l+1)}} \odot f^{(l+1)} \odot \left(1 - f^{(l+1)}\right)"
    )
    assert general in written and "with $N = 5$ blocks" in written and r"\quad (l < N)" in written
    for repeated in (text, "Input(3) >> Repeat(Dense(3) >> Tanh(), 5, tied=True) >> MeanSquaredError()"):
        network = symprop.parse_network(repeated)
        found = with_name(network)
        assert found is not None and found[1:] == ("N", 5)
        numbered = symprop.derive(network)
        (loop,) = (item for item in symprop.derive(found[0]).backward if isinstance(item, symprop.Loop))
        for block in range(1, 5):
            for equation in loop.equations:
                target, expression = (
                    side.xreplace({loop.index: block}) for side in (equation.target, equation.expression)
                )
                assert numbered.equation(target.name).expression == expression
    for other in (
        "Input(3) >> Repeat(Dense(3) >> Tanh(), 2) >> MeanSquaredError()",
        "Input(3) >> Repeat(Repeat(Dense(3) >> Tanh(), K) >> Dense(3), 4) >> MeanSquaredError()",
        "Input(3) >> Dense(3) >> Repeat(Tanh(), 4) >> MeanSquaredError()",
        "Input(2) >> Repeat(Dense(3) >> Tanh(), 4) >> MeanSquaredError()",
        "Input(l) >> Repeat(Dense(l) >> Tanh(), 4) >> MeanSquaredError()",
        "Input(n_l) >> Repeat(Dense(n_l) >> Tanh(), 4) >> MeanSquaredError()",
        "Input(3) >> Repeat(Dense(3) >> Tanh(), 4) >> Repeat(Dense(n_l) >> Dense(3), K) >> MeanSquaredError()",
        'Input(3) >> Repeat(Dense(3) >> Dense(3, tied="W1"), 4) >> MeanSquaredError()',
        'Input(3) >> Repeat(Dense(3) >> Tanh(), 4) >> Dense(3, tied="W4.T") >> MeanSquaredError()',
        'Input(3) >> Repeat(Dense(3) >> Tanh(), 4) >> Dense(3) >> Dense(3, tied="W5") >> MeanSquaredError()',
    ):
        assert with_name(symprop.parse_network(other)) is None
    for other in (
        'Input(3) >> Dense(3) >> Repeat(Dense(3) >> Dense(3, tied="W1"), 4) >> MeanSquaredError()',
        'Input(3) >> Repeat(Dense(3) >> Tanh(), 4, tied=True) >> Dense(3, tied="W1.T") >> MeanSquaredError()',
        "Input(3) >> Repeat(Residual(Tanh(), projection=True), 4) >> MeanSquaredError()",
        "Input(3) >> Repeat(Dense(n_l) >> Dense(3), K) >> Repeat(Dense(3) >> Tanh(), 4) >> MeanSquaredError()",
        "Input(3) >> Repeat(Dense(3), K) >> Repeat(Dense(5) >> Repeat(Dense(3), 2), 3) >> MeanSquaredError()",
    ):
        found = with_name(symprop.parse_network(other))
        assert found is not None and found[0].system().loops[-1].equations


@pytest.mark.parametrize(
    "inside", ["Repeat(Dense(n) >> Tanh(), K) >> Dense(n)", "Residual(Repeat(Dense(n) >> Tanh(), K, tied=True))"]
)
def test_reports_of_loops_inside_loops(inside: str) -> None:
    """A residual block around a loop has no Jacobian in one formula, so its section shows none."""
    made = symprop.report(f"Input(n) >> Repeat({inside}, N) >> MeanSquaredError()", without=["certificate"])
    assert not [part for part in made.sections if "residual" in part.title.lower() and "Jacobian" in str(part.blocks)]
    assert "For each $l$, for $k = K, \\dots, 1$:" in made.latex()
    assert made.html()


def test_each_step_of_the_derivation_is_shown_and_like_ones_once(residual: symprop.Report) -> None:
    written = section(residual, "derivation")
    chains = re.findall(r"\\sympropnumber\{\d+\}\\label\{eq:([^}]*)\}", written + section(residual, "gradients"))
    assert chains[0] == "delta4"
    numbers = residual.derivation.numbers
    assert chains == sorted((each.name for each in residual.derivation.backward), key=lambda name: numbers[name])
    assert section(residual, "gradients").count(r"{as \eqref{eq:") >= 4  # found by the same steps
    assert r"elementwise function tanh" in written and r"sums to one" in written
    steps = residual.derivation.equation("delta4").steps
    assert _lines_of("delta4", written) < len(seen_steps(steps, symprop.notation.latex))
    assert "constant factor, sum over an axis, elementwise product" in written  # through one equation in one line
    whole = symprop.report(RESIDUAL, steps="all", without=["certificate", "code"])
    assert _lines_of("delta4", section(whole, "derivation")) == len(seen_steps(steps, symprop.notation.latex))


def _lines_of(name: str, written: str) -> int:
    first = written[: written.index(rf"\label{{eq:{name}}}")].rpartition(r"\sympropof")[2]
    return len(re.findall(r"\\sympropstep(?:below)?\{", first))


def test_residual_blocks_show_the_identity_and_the_paths(residual: symprop.Report) -> None:
    written = section(residual, "residual")
    assert r"\frac{\partial a_2}{\partial a_1} &= \operatorname{diag}(\mathbf{1}[z_2 > 0]) W_2 + I" in written
    assert r"\frac{\partial a_3}{\partial f_2} &= \mathbf{I} + \frac{\partial f_3}{\partial f_2}" in written
    assert r"$\partial L/\partial a_2$ in \eqref{eq:delta1}" in written
    plain = symprop.report("Input(3) >> Dense(2) >> MeanSquaredError()", without=["certificate"])
    assert "sec:residual" not in [part.label for part in plain.sections]


def test_a_symbolic_repeat_is_told_for_a_general_block(loop: symprop.Report) -> None:
    assert r"\frac{\partial a^{(l)}}{\partial a^{(l-1)}} &=" in section(loop, "residual")
    assert r"For $l = N, \dots, 1$:" in section(loop, "recurrence")
    assert "sec:code" not in [part.label for part in loop.sections]  # no code without numbers
    assert "Checked for n = 3." in section(loop, "certificate")


def test_cost_is_a_polynomial_in_the_widths_and_a_number(residual: symprop.Report) -> None:
    network, sizes = by_layer(symprop.parse_network(RESIDUAL))
    assert sizes == {"n0": 6, "n1": 5, "n4": 3}  # the residual blocks have the width of what they read
    apart = "Input(8) >> Dense(8) >> Tanh() >> Dense(8) >> MeanSquaredError()"
    assert by_layer(symprop.parse_network(apart))[1] == {"n0": 8, "n1": 8, "n2": 8}
    written = section(residual, "cost")
    exact = symprop.derive(RESIDUAL).cost().total
    assert rf"= {int(exact):,}".replace(",", "{,}") in written
    assert symprop.derive(network.with_sizes(sizes)).cost().total == exact
    general = symprop.derive(network).cost().total
    assert general.xreplace({symbol: sizes[symbol.name] for symbol in general.free_symbols}) == exact
    assert r"n_0 = 6$, $n_1 = 5$, $n_4 = 3$" in written


def test_bounds_multiply_to_the_input_and_norms_are_measured(residual: symprop.Report) -> None:
    written = section(residual, "flow")
    assert r"$\partial a_2/\partial a_1$ & $\|W_2\|_2 + 1$" in written
    assert r"\addplot" in written
    assert [variable.name for variable in stations(symprop.parse_network(RESIDUAL).system())] == [
        "x", "a1", "a2", "a3", "z4",
    ]  # fmt: skip
    points = measured(Subject(Case(symprop.parse_network(RESIDUAL)), seed=3))
    assert [point.latex for point in points] == ["W_1", "W_2", "W_3", "W_4"]
    assert all(point.norm > 0 for point in points)
    for point in points:
        assert f"{point.norm:.4g}" in symprop.report(RESIDUAL, seed=3, without=["certificate"]).latex()


def test_the_certificate_names_each_equation(residual: symprop.Report) -> None:
    written = section(residual, "certificate")
    assert f"{len(residual.certificate.rows)} checks, all agree" in written
    assert "complex step &" in written and r"\label{tab:checks}" not in residual.latex()  # on paper by oracles
    page = residual.html()
    for number in (residual.derivation.numbers[name] for name in ("delta4", "dW1", "z1")):
        assert f"({number})</a></td>" in page[page.index('id="tab:checks"') :]


def test_code_stands_under_its_equations(residual: symprop.Report) -> None:
    written = section(residual, "code")
    numbers = [int(residual.derivation.numbers[name]) for name in re.findall(r"\\#~\\eqref\{eq:([^}]*)\}", written)]
    backward = [residual.derivation.numbers[equation.name] for equation in residual.derivation.backward]
    assert numbers == sorted(backward), "the backward pass, each equation once, in the order of the page"
    under = written[written.index(r"\eqref{eq:delta3}") :].split(r"\eqref")[1]
    assert r"delta3\ =\ " in under and "delta2" not in under
    (code,) = (part for part in residual.sections if part.label == "sec:code")
    (listing,) = (block for block in code.blocks if isinstance(block, Listing))
    shown = {line.number for line in listing.lines if line.number}
    assert shown == set(residual.derivation.numbers.values()), "the whole module on a screen"


def test_an_author_chooses_letters_bold_transposes_and_indices() -> None:
    report = symprop.report(
        RESIDUAL,
        symbols={"delta": r"\varepsilon", "L": r"\mathcal{J}", "tanh": r"\varphi"},
        bold="vectors",
        transpose="T",
        layer_index="super",
        without=["certificate"],
    )
    assert report.equation("delta4") == r"\boldsymbol{\varepsilon}^{(4)} = \mathbf{p} - \mathbf{y}"
    assert report.equation("W1") == (
        r"\frac{\partial \mathcal{J}}{\partial W^{(1)}} = \boldsymbol{\varepsilon}^{(1)} \mathbf{x}^{\mathsf{T}}"
    )
    page = report.latex()
    assert r"\varphi(\mathbf{z}^{(1)})" in page
    assert r"\delta" not in page and r"^{\top" not in page and r"\partial L" not in page
    for transpose, sign in (("top", r"W_4^{\top}"), ("prime", r"W_4^{\prime}")):
        assert sign in symprop.report(RESIDUAL, transpose=transpose).equation("da3")
    rows = symprop.report(RESIDUAL, layout="rows").equation("W1")
    columns = symprop.report(RESIDUAL, layout="columns").equation("W1")
    assert (rows, columns) == (
        r"\frac{\partial L}{\partial W_1} = \delta_1^{\top} x",
        r"\frac{\partial L}{\partial W_1} = \delta_1 x^{\top}",
    )


def test_no_choice_loses_an_equation() -> None:
    for choice in ({"layout": "rows"}, {"layout": "columns"}, {"bold": "arrays"}, {"layer_index": "sub"}):
        page = symprop.report(RESIDUAL, without=["certificate"], **choice).latex()
        assert len(re.findall(r"\\label\{eq:", page)) == len(symprop.derive(RESIDUAL).numbers)


def test_a_fragment_has_no_preamble_and_its_own_labels(residual: symprop.Report) -> None:
    fragment = residual.fragment(prefix="mine.", level="subsection")
    assert r"\documentclass" not in fragment and r"\begin{document}" not in fragment
    assert r"\label{eq:mine.delta1}" in fragment and r"\subsection{Gradients}" in fragment
    assert not re.search(r"\\(?:label|ref|eqref)\{(?:eq|sec|fig|tab):(?!mine\.)", fragment)


WRONG = [
    ({"symbols": {"delta": r"\input{x}"}}, "cannot be the symbol"),
    ({"symbols": {"delta": "\\var\nepsilon"}}, "cannot be the symbol"),
    ({"symbols": {"delta": "a" * 1000}}, "cannot be the symbol"),
    ({"symbols": {"delta": r"\mathbf{\write18{id}}"}}, "cannot be the symbol"),
    ({"symbols": {"delta}": "a"}}, "cannot be the name of a symbol"),
    ({"symbols": ["delta"]}, "cannot be read"),
    ({"symbols": ["delta=a", "delta=b"]}, "twice"),
    ({"symbols": {"dleta": "a"}}, "did you mean 'delta'"),
    ({"layout": "rowz"}, "allowed: example, rows, columns"),
    ({"bold": "all"}, "allowed: none, vectors, arrays"),
    ({"transpose": "'"}, "allowed: top, T, prime"),
    ({"layer_index": "up"}, "allowed: mixed, sub, super"),
    ({"layer_index": 1}, "takes a text as layer_index, not 1"),
    ({"without": ["costs"]}, "did you mean 'cost'"),
    ({"title": ""}, "cannot be a title"),
    ({"title": "a\nb"}, "cannot be a title"),
    ({"title": "数学"}, "Latin letters"),
    ({"dtype": "float16"}, "float"),
]


@pytest.mark.parametrize(("choice", "said"), WRONG, ids=[said for _, said in WRONG])
def test_wrong_choices_are_refused_at_the_door(choice: dict[str, object], said: str) -> None:
    with pytest.raises(SympropError, match=re.escape(said)) as caught:
        symprop.report(RESIDUAL, **choice)  # type: ignore[arg-type]
    assert str(caught.value).count("\n") <= 2


def test_a_network_without_a_loss_has_no_report() -> None:
    with pytest.raises(SympropError, match="end it with one"):
        symprop.report("Input(2) >> Dense(1)")


@pytest.mark.parametrize(
    ("method", "argument"), [("fragment", "a}b"), ("fragment", "x" * 99), ("equation", "delta9"), ("equation", "")]
)
def test_wrong_parts_are_refused(residual: symprop.Report, method: str, argument: str) -> None:
    with pytest.raises(SympropError):
        {"fragment": residual.fragment, "equation": residual.equation}[method](argument)


def test_words_have_an_apostrophe_and_tables_no_wide_colon(residual: symprop.Report) -> None:
    assert "the block's input" in section(residual, "residual")
    assert r"\texttt{Residual} ($f_2 + a_1$)" in section(residual, "network")


def test_a_report_of_gates_says_what_branches_read_and_what_bounds_them() -> None:
    made = symprop.report(
        "Input(4) >> Dense(3) >> Tanh() >> Multiply(Dense(3) >> Tanh(), Dense(3) >> Sigmoid()) >> GLU(2)"
        " >> Concatenate((), Dense(2)) >> MeanSquaredError()",
        without=["certificate", "code", "cost"],
    )
    table = section(made, "network")
    assert r"\texttt{Dense(\penalty300{}3)} of $a_1$ & $z_3$" in table and r"\texttt{GLU} ($z_4 \odot f_5$)" in table
    assert "Identity" not in table[table.index(r"\toprule") :]  # it adds nothing
    blocks = section(made, "branches")
    assert r"\begin{bmatrix} I_{2} \\ W_6 \end{bmatrix}" in blocks
    assert r"\operatorname{diag}(f_5) W_4 + \operatorname{diag}{\left(z_4 \odot f_5" in blocks
    bounds = section(made, "flow")
    assert r"$\|W_2\|_2 + \frac{\|W_3\|_2}{4}$" in bounds and "none: $z_4$ is not bounded" in bounds
    assert "a shortcut adds 1" not in bounds
    assert not any(part.label == "sec:residual" for part in made.sections)
    assert "‖" in made.html() and "⊙" in made.html()


def test_a_title_is_escaped() -> None:
    title = r"50% of \input{x} & <script>é"
    report = symprop.report("Input(2) >> Dense(1) >> MeanSquaredError()", title=title, without=["certificate"])
    assert r"50\% of \textbackslash{}input\{x\} \& \textless{}script\textgreater{}é" in report.latex()
    assert "&lt;script&gt;" in report.html() and "<script>é" not in report.html()


def test_the_command_writes_each_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = "Input(2) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()"
    assert main(["report", network, "-o", str(tmp_path / "r.tex")]) == 0
    assert (tmp_path / "r.tex").read_text(encoding="utf-8").startswith(symprop.report(network).latex())
    assert main(["report", network, "-o", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    capsys.readouterr()
    assert main(["report", network, "--equation", "delta1", "--symbol", r"delta=\varepsilon"]) == 0
    shown = capsys.readouterr().out
    assert shown == r"\varepsilon_1 = \left(W_2^{\top} \varepsilon_2\right) \odot \left(1 - a_1 \odot a_1\right)" + "\n"
    assert main(["report", network, "--fragment", "--prefix", "p.", "-o", str(tmp_path / "f.tex")]) == 0
    assert r"\label{eq:p.delta1}" in (tmp_path / "f.tex").read_text(encoding="utf-8")
    for wrong, code in (
        (["-o", str(tmp_path / "r.doc")], 4),
        (["--fragment", "--equation", "delta1"], 2),
        (["--prefix", "a"], 2),
        (["--fragment", "-o", str(tmp_path / "f.pdf")], 2),
        (["-o", str(tmp_path)], 4),
        (["-o", str(tmp_path / "no" / "r.tex")], 4),
    ):
        assert main(["report", network, *wrong]) == code
        assert 1 <= capsys.readouterr().err.count("\n") <= 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.tex", "r.html", "r.tex"]


def test_without_tex_a_pdf_is_refused_and_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    report = symprop.report("Input(2) >> Dense(1) >> MeanSquaredError()", without=["certificate"])
    with pytest.raises(OutputError, match="apt install latexmk"):
        report.pdf(tmp_path / "r.pdf")
    assert not list(tmp_path.iterdir())


def test_the_bounds_say_what_is_true_of_the_network() -> None:
    def flow(network: str, **choice: str) -> str:
        return section(symprop.report(network, without=["certificate", "code"], **choice), "flow")  # type: ignore[arg-type]

    plain = flow("Input(3) >> Dense(2) >> Tanh() >> Dense(2) >> MeanSquaredError()")
    assert "parallel paths" not in plain and "product of the bounds, in the last row" in plain
    assert "product" not in flow("Input(3) >> Dense(2) >> MeanSquaredError()")
    assert "identity as a shortcut adds 1" in flow(RESIDUAL)
    projected = flow("Input(4) >> Residual(Dense(6) >> ReLU(), projection=True) >> Dense(1) >> MeanSquaredError()")
    assert "The bounds of parallel paths add up." in projected and "adds 1" not in projected
    assert "For one example, the norm" in flow(RESIDUAL, layout="rows")
    embedded = flow("Input(3) >> Embedding(7, 2) >> Dense(5) >> Tanh() >> Dense(7) >> SoftmaxCrossEntropy()")
    assert r"\partial x" not in embedded and "no bound" not in embedded  # nothing is derived by numbers of rows
    assert r"$\partial z_2/\partial e_1$ &" in embedded


def test_every_residual_block_is_shown_and_its_term_only_where_there_is_one() -> None:
    """Blocks with a layer between them too; below the first layer nothing is left for the recurrence."""
    apart = "Input(4) >> Residual(Dense(4) >> Tanh()) >> Dense(3) >> Residual(Dense(3) >> ReLU()) >> MeanSquaredError()"
    written = section(symprop.report(apart, without=["certificate", "code"]), "residual")
    assert r"\partial a_1}{\partial x}" in written and r"\partial a_3}{\partial z_2}" in written
    assert "in the recurrence" in written
    lowest = symprop.report("Input(4) >> Residual(Dense(4)) >> MeanSquaredError()", without=["certificate", "code"])
    assert "in the recurrence" not in section(lowest, "residual")


def test_the_terms_of_highest_degree_are_called_so(residual: symprop.Report) -> None:
    """What grows fastest depends on which width grows."""
    assert r"of highest degree &" in section(residual, "cost") and "grows" not in section(residual, "cost")


def test_the_certificate_speaks_of_oracles_that_were_asked_in_sentences(loop: symprop.Report) -> None:
    written = section(loop, "certificate")
    assert "All but the recurrence is checked for N = 3." in written and "Checked for n = 3." in written
    assert "The complex step, SymPy's derivative" in written
    moments = symprop.report("Input(T, 2) >> RNN(2) >> MeanSquaredError()").certificate
    assert moments.remarks == ("all but the recurrence is checked for T = 3",)
    only = (Row("dW1", "complex step, full Jacobian", "1 random", 0.0, 1.0, True, ""),)
    assert list(_independence(only)) == ["The complex step shares no code with the rules."]


def test_a_loss_with_a_penalty_is_drawn_by_its_name() -> None:
    report = symprop.report("Input(2) >> Dense(1) >> MeanSquaredError() + L2(0.1)", without=["certificate"])
    assert "Penalised" not in report.latex() + report.html()


def test_a_figure_whose_letters_would_be_too_small_is_left_out(residual: symprop.Report) -> None:
    long = 'Activation("x * sigmoid(x) + log(1 + exp(x)) * sin(x)**2 / (1 + x**2)", name="own")'
    report = symprop.report(f"Input(2) >> Dense(1) >> {long} >> MeanSquaredError()", without=["certificate"])
    assert "fig:passes" not in report.latex() and "fig:passes" in residual.latex()


def test_the_plot_marks_whole_powers_of_ten() -> None:
    tikz, _ = plot([Point("W_1", "W", 20.0), Point("W_2", "W", 70.0)])
    assert "ytick={1e1,1e2}" in tikz


def test_sizes_counts_indices_and_numbers_get_symbols_and_no_two_things_print_alike() -> None:
    network = "Input(n) >> Repeat(Residual(LayerNorm() >> Dense(n) >> Tanh()), N) >> MeanSquaredError()"
    symbols = {"n": "d", "N": "K", "l": "j", "eps": r"\nu"}
    written = symprop.report(network, symbols=symbols, short=True).latex()
    assert r"\mathbb{R}^{d}" in written and "W^{(j)}" in written and r"+ \nu" in written
    assert "(K)" in written and "W^{(l)}" not in written
    for name, symbol in {"delta": r"\varepsilon", "W": "l", "x": "N", "b": "I", "tanh": r"\gamma"}.items():
        with pytest.raises(symprop.SpecError, match="symbol"):
            symprop.report(network, symbols={name: symbol})
