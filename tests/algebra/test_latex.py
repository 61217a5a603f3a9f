r"""LaTeX in: what people write, what our printers write, what is refused; equations of papers, the command line."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import random_formulas
from example_networks import EXAMPLES
from hypothesis import HealthCheck, given, settings
from latex_by_people import BY_PEOPLE
from latex_in_publications import NONE, PUBLISHED

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.latex.formulas import latex_formula
from symprop.algebra.latex.formulas import sides as equation_sides
from symprop.algebra.latex.papers import equation, equations
from symprop.algebra.latex.parser import Parser
from symprop.algebra.latex.reading import names_of, node_of, read_latex
from symprop.algebra.latex.statements import statements
from symprop.algebra.latex.tokens import tokens
from symprop.algebra.named_numbers import named_numbers
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.calculus.tidy import tidy
from symprop.cli import main
from symprop.formulas.checks.points import lifted, numbered, points, size_symbols
from symprop.formulas.compare.in_latex import names_in
from symprop.formulas.compare.quantities import known_variables
from symprop.notation.choices import Notation
from symprop.notation.latex import latex
from symprop.notation.page_blocks import PageWriter
from symprop.notation.stacks import sides
from symprop.verify.evaluate import complex_value, precise_value

LIMIT = 1e-9
"""Relative: both sides take the same operations in another order, a few dozen of them, each right to 1e-16."""
ACCEPTED = sorted((Path(__file__).parents[1] / "formulas" / "accepted").glob("*.json"))


def alike(one: Node, other: Node, variables: Sequence[Variable]) -> bool:
    """Whether two formulas are the same, as they stand, in tidy form, or at three random points of two sizes."""
    if one == other or tidy(one) == tidy(other):
        return True
    symbols = size_symbols(variables)
    more, seen = lifted(symbols, one), 0
    for point in points(tuple(variables), 7, lambda k: {s: v + more for s, v in numbered(symbols, k).items()}, 3):
        with np.errstate(all="ignore"):  # where one has no value, the other has none either
            found = [np.squeeze(complex_value(each, point.values, point.sizes)) for each in (one, other)]
        seen += 1
        if found[0].shape != found[1].shape or not np.allclose(*found, rtol=LIMIT, atol=LIMIT, equal_nan=True):
            return False
    return seen > 0


def test_formulas_as_people_write_them_mean_what_their_text_says() -> None:
    assert len(BY_PEOPLE) >= 80
    for written, where, text in BY_PEOPLE:
        read, meant = latex_formula(written, where), symprop.formula(text, where)
        assert alike(read.whole.node, meant.node, meant.variables), (written, read.source)
        assert alike(symprop.formula(read.source, where).whole.node, meant.node, meant.variables), read.source


DRAWN = {"spd": (0.3, 1.7), "unit": (0.1, 0.9), "big": (20.3, 21.7), "": (0.3, 1.7)}


def drawn(where: str, draw: np.random.Generator) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Random arrays as declarations say, of sizes that differ."""
    arrays: dict[str, np.ndarray] = {}
    sizes: dict[str, int] = {}
    for name, _, words in (part.strip().partition(":") for part in where.split(",")):
        shape = tuple(sizes.setdefault(word, max(2, 5 - len(sizes))) for word in words.split() if word not in DRAWN)
        kind = next((word for word in words.split() if word in DRAWN), "")
        arrays[name] = draw.uniform(*DRAWN[kind], shape)
        if kind == "spd":
            arrays[name] = arrays[name] @ arrays[name].T + np.eye(shape[0])
    return arrays, sizes


def test_formulas_of_textbooks_and_papers_have_the_value_that_numpy_gives() -> None:
    assert len(PUBLISHED) >= 80
    for written, where, meant in PUBLISHED:
        arrays, sizes = drawn(where, np.random.default_rng(len(written)))
        read = latex_formula(written, re.sub(r" (spd|unit|big)\b", "", where))
        symbols = {symbol: sizes[str(symbol)] for symbol in size_symbols(read.variables)}
        found, true = (np.squeeze(each) for each in (complex_value(read.whole.node, arrays, symbols), meant(**arrays)))
        assert found.shape == true.shape and np.allclose(found, true, rtol=LIMIT, atol=LIMIT), (written, read.source)


def test_what_the_language_has_no_words_for_is_refused_at_its_place() -> None:
    for written, where, told, part in NONE:
        with pytest.raises(symprop.SympropError) as caught:
            latex_formula(written, where)
        assert told in str(caught.value) and len(str(caught.value).split("\n")) <= 3, (written, str(caught.value))
        assert written[caught.value.column :].startswith(part), (written, caught.value.column)


def test_nothing_need_be_declared() -> None:
    """Where nothing is, the convention of names decides, as for texts."""
    for written, text, reading in (
        (r"\|Xw-y\|^2", "sum((X @ w - y)**2)", "X: m n, w: n, y: m"),
        (r"x^\top A x", "x @ A @ x", "A: n n, x: n"),
        (r"y = Wx + b", "y = W @ x + b", "W: m n, x: n, b: m"),
        (r"r = Ax - b, \quad r^\top r", "r = A @ x - b; r @ r", "A: m n, x: n, b: m"),
        (r"\sum_i \log(1 + e^{-y_i w^\top x_i})", "sum(log(1 + exp(-y * (w @ x.T))))", "y: m, w: n, x: m n"),
        (
            r"\operatorname{softmax}(QK^\top/\sqrt{d})V",
            "softmax(Q @ K.T / sqrt(d), axis=1) @ V",
            "Q: m d, K: n d, V: n k",
        ),
    ):
        found = latex_formula(written)
        assert (found.source, found.readings[0]) == (text, reading), written
    for written, where, reading in (
        (r"\|Xw-y\|^2", "X: m d", "X: m d, w: d, y: m"),
        (r"\sum_i (y_i - w^\top x_i)^2", "X: m n", "X: m n, y: m, w: n"),
        (r"\operatorname{tr}(z^\top y)", "z: m n", "z: m n, y: m n"),
        (r"\|X w - y\|_F^2", "w: n 2", "X: m n, w: n 2, y: m 2"),
        (r"\frac1m \|A x - b\|^2, A \in \mathbb{R}^{m \times n}", "", "A: m n, x: n, b: m"),
    ):
        assert latex_formula(written, where).readings[0] == reading, written
    declared = latex_formula(
        r"\|A x - b\|_2, \quad A \in \mathbb{R}^{m\times n}, x \in \mathbb{R}^n, b \in \mathbb R^m"
    )
    assert [each.name for each in declared.variables] == ["A", "x", "b"]
    facts = latex_formula(r"x^\top S x, \; S \in \mathbb{S}^n_{++}, \; x \in \{-1, 1\}^n").variables
    assert [sorted(each.facts_by_kind) for each in facts] == [["positive definite", "symmetric"], ["signs"]]


# ---------------------------------------------------------------- what our printers write


def test_every_question_of_the_score_and_its_form_is_read_back() -> None:
    count = 0
    for case in (case for file in ACCEPTED for case in json.loads(file.read_text(encoding="utf-8"))):
        for text in dict.fromkeys((case["formula"], case.get("accepted") or case["formula"])):
            try:
                meant = symprop.formula(text, case["where"]).whole
            except symprop.FormulaError:
                continue  # a form in names that the question defines
            again = read_latex(meant.node.latex(), meant.variables, meant.shape)
            assert alike(again, meant.node, meant.variables), meant.node.latex()
            count += 1
    assert count >= 150


NOTATIONS = (
    Notation(),
    Notation(
        symbols=(("delta", r"\varepsilon"), ("W", r"\Theta"), ("L", r"\mathcal{J}")),
        bold="arrays",
        transpose="prime",
        gradient="nabla",
    ),
    Notation(bold="vectors", transpose="T", layer_index="super"),
    Notation(layer_index="sub"),
)
LEAVES = [each for leaves in random_formulas.LEAVES.values() for each in leaves if isinstance(each, Variable)]


@settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(random_formulas.formulas((2, 3)))
def test_random_formulas_are_read_back(node: Node) -> None:
    """In one of four notations each; sizes that nothing tells are written."""
    notation = NOTATIONS[node.weight % len(NOTATIONS)]
    text = latex(node, notation)
    names = names_of(LEAVES, dict(notation.symbols))
    assert alike(node_of(text, Parser(tokens(text), text).whole(), names, node.shape), node, LEAVES), text


def pages(networks: Sequence[str], layouts: Sequence[str], notation: Notation, steps: bool = False) -> int:
    """Read back what the pages of networks write, equations with their left sides too; return how much that is."""
    count = 0
    for network, layout in itertools.product(networks, layouts):
        derivation = symprop.derive(network, layout=layout)
        written = page_equations(derivation, notation)
        if steps:
            after = [step.after for each in derivation.equations for step in each.steps]
            written += [(latex(each, notation), each, None) for each in dict.fromkeys(after)]
        formulas = [formula for _, formula, _ in written]
        known = [*known_variables(derivation).values(), *named_numbers(formulas)]
        arrays = [part for each in formulas for part in walk(each) if isinstance(part, Variable)]
        names = names_in(derivation, [*known, *arrays], dict(notation.symbols))
        for text, formula, target in written:
            found, _ = statements(tokens(text), text)
            again = node_of(text, found[-1].right, names, target or formula.shape, (), found[-1].target)
            assert (
                again == formula or tidy(again) == tidy(formula) or near(again, formula, {derivation.system.batch: 3})
            ), text
            count += 1
    return count


def page_equations(derivation: symprop.Derivation, notation: Notation) -> list[tuple[str, Node, Variable | None]]:
    """What a page says each array is: the formula alone, and as an equation, whose left side may be at a place."""
    writer = PageWriter(derivation, notation)
    found: list[tuple[str, Node, Variable | None]] = []
    for each in derivation.equations:
        left, right = map(writer.formula, sides(each))
        for text in dict.fromkeys((writer.formula(each.expression), f"{left} = {right}")):
            found.append((text, each.expression, each.target))
    return found


def near(one: Node, other: Node, sizes: dict) -> bool:
    """Whether two formulas of a page have the same value at random numbers."""
    draw = np.random.default_rng(0)
    values = {}
    for each in (part for node in (one, other) for part in walk(node) if isinstance(part, Variable)):
        shape = tuple(int(size.subs({k: v for k, v in sizes.items() if k is not None})) for size in each.shape)
        top = int(each.facts_by_kind.get("index", 0))
        values.setdefault(each.name, draw.integers(0, top, shape) if top else draw.uniform(0.1, 0.9, shape))
    unfinished = any(isinstance(part, n.Pullback) for part in walk(other))
    value = precise_value if unfinished else complex_value
    found = [np.squeeze(np.asarray(value(each, values, sizes), complex)) for each in (one, other)]
    return found[0].shape == found[1].shape and np.allclose(*found, rtol=LIMIT, atol=LIMIT)


GALLERY = [each.network for each in EXAMPLES]
CHOSEN = (("delta", r"\varepsilon"), ("W", r"\Theta"), ("L", r"\mathcal{J}"))
SOFTMAX = " >> Dense(3) >> SoftmaxCrossEntropy()"
LAYERS = (
    'Input(6, 6, 2) >> Conv2D(3, 3, padding="same", bias=False) >> ReLU() >> MaxPool2D(3, 2, 1) >> Flatten()',
    "Input(6, 6, 3) >> Conv2D(3, 3, depthwise=True) >> LayerNorm() >> AveragePool2D(2) >> GlobalAveragePool()",
    "Input(3, 3, 2) >> ConvTranspose2D(2, 3, stride=2) >> UpSample2D(2) >> Conv2D(2, 1) >> GlobalAveragePool()",
    "Input(9, 2) >> Conv1D(4, 3, padding='causal', dilation=2) >> Softplus() >> MaxPool1D(2)",
    "Input(4, 8) >> Positions() >> Residual(Attention(4, kv_heads=2, rope=True)) >> RMSNorm()",
    'Input(4) >> Dense(3) >> Activation("t * sigmoid(t)", name="swish") >> Activation("log(1 + u**2)")',
)
"""Networks whose pages have selections, matrices of pixels, heads in groups, norms, functions of one's own."""


def test_pages_are_read_back() -> None:
    assert pages(GALLERY[::4], ("rows",), Notation()) >= 100
    notation = Notation(symbols=CHOSEN, bold="arrays", transpose="prime", gradient="nabla")
    assert pages(GALLERY[1::5], ("example",), notation) >= 60
    assert pages([f"{each.replace(chr(39), chr(34))}{SOFTMAX}" for each in LAYERS], ("rows",), Notation()) >= 150
    general = "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> Dense(k) >> SoftmaxCrossEntropy() + L2(0.1)"
    assert general_pages(general, Notation(layer_index="super", transpose="T", bold="vectors")) >= 20


def general_pages(network: str, notation: Notation) -> int:
    """Read back a page with a general number of layers, whose arrays have the index l, at one layer."""
    derivation = symprop.derive(network)
    written = page_equations(derivation, notation)
    known = [*known_variables(derivation).values(), *named_numbers(formula for _, formula, _ in written)]
    names = names_in(derivation, known, dict(notation.symbols))
    for text, formula, target in written:
        found, _ = statements(tokens(text), text)
        again = node_of(text, found[-1].right, names, target, (), found[-1].target)
        assert again == formula or tidy(again) == tidy(formula), text
    return len(written)


@pytest.mark.slow
def test_all_steps_of_the_gallery_are_read_back() -> None:
    assert pages(GALLERY, ("example", "columns"), Notation(layer_index="super"), steps=True) >= 1200
    assert pages(GALLERY, ("rows",), Notation()) >= 300


# ---------------------------------------------------------------- what is refused

REFUSED: tuple[tuple[str, str, str, int], ...] = (
    (r"a/b c", "a:, b:, c:", r"two readings: \frac{a}{b} c or \frac{a}{b c}", 0),
    (r"1/2m", "m:", "two readings", 0),
    (r"f(x)", "x: n", "two readings: a function f of (x)", 0),
    (r"2 X^\top (x)", "x: n, Z: n n", "'X' is not among the names that are declared: x, Z, n", 2),
    (r"X^{-\mathsf{T}}(x)", "x: n, Z: n n", "'X' is not among the names", 0),
    (r"\log x y", "x:, y:", "two readings: log(x) y or log(x y)", 5),
    (r"\|A\|^2", "A: m n", r"two readings: \|A\|_F", 0),
    (r"2 |A|", "A: n n", r"two readings: \det(A)", 2),
    (r"\sqrt{A}", "A: n n", r"two readings: A^{1/2}", 0),
    (r"x y", "x: n, y: n", "two columns side by side", 0),
    (r"A \odot x y^\top \otimes B", "A: n n, x: n, y: n, B: n n", "put brackets around", 0),
    (r"A + B x", "A: m n, B: m k, x: k", "shapes do not fit in a sum", 0),
    (r"A B", "A: m n, B: m k", "shapes do not fit side by side", 0),
    (r"x + q", "x: n, r: n", "'q' is not among the names that are declared: x, r, n", 4),
    (r"\foo{x}", "x: n", r"\foo is not among the commands", 0),
    (r"\sum_i x_j", "x: n", "the index j stands under no sum", 7),
    (r"x \pm y", "x: n, y: n", "two formulas", 2),
    (r"(x + y", "x: n, y: n", "'(' is never closed", 0),
    (r"a = b = c", "b:, c:", "a second '='", 6),
    (r"I", "x: n", "told by nothing", 0),
    (r"A x = b", "A: m n, x: n, b: m", "the left side of '=' is a name", 0),
    (r"x^\top \mathbf{e}_1", "x: n", "counted from 1 in mathematics", 7),
    (r"\frac{\partial L}{\partial x}", "x: n", "a derivative is asked for", 0),
    (r"\min_x x^\top x", "x: n", "is no formula; leave it away", 0),
)


@pytest.mark.parametrize("written, where, told, column", REFUSED)
def test_what_cannot_be_read_is_said_with_its_place(written: str, where: str, told: str, column: int) -> None:
    with pytest.raises(symprop.SympropError) as caught:
        latex_formula(written, where)
    message = str(caught.value)
    assert told in message
    assert len(message.split("\n")) <= 3
    assert caught.value.column == column


PIECES = (
    *(
        [
            r"\left(",
            r"\right)",
            r"{",
            r"}",
            r"^",
            r"_",
            r"\frac",
            r"\sum_i",
            r"\|",
            r"|",
            r"'",
            r"&",
            r"\\",
            r"\begin{cases}",
            r"\end{cases}",
            r"=",
            r",",
            r"\top",
            r"T",
            r"-",
            r"+",
            r"\odot",
            r"\sqrt",
            r"[",
            r"]",
        ]
    ),
    *(
        [
            r"(",
            r")",
            r"1",
            r"2.5",
            r"x",
            r"A",
            r"\log",
            r"\operatorname{tr}",
            r"\mathbf",
            r"\hat",
            r"é",
            r"$",
            r"\input{/etc/passwd}",
            r"\def\x{y}",
            r"^^5c",
            r"%",
            r"\in",
            r"\max_i",
            r"/",
            r"\{",
        ]
    ),
    *(
        [
            r"\nabla",
            r"\partial",
            r":",
            r";",
            r"..",
            r"__",
            r"\left",
            r"\prod_{i=1}^{n}",
            r"\text{axis",
            r"}",
            r"\sigma(",
            r"e^",
            r"\mathbf{1}",
            r"\mathbf{0}",
            r"I",
            r"\x00",
        ]
    ),
)


def test_nonsense_ends_in_an_error_of_the_family() -> None:
    draw = random.Random(3)
    read = 0
    for _ in range(3000):
        written, where, _ = draw.choice(BY_PEOPLE)
        if draw.random() < 0.3:
            written = "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 25)))
        for _ in range(draw.randint(1, 2)):
            at = draw.randrange(len(written) + 1)
            behind = written[at + draw.randint(0, 4) :]
            written = written[:at] + (draw.choice(PIECES) if draw.random() < 0.5 else "") + behind
        try:
            latex_formula(written, where)
            read += 1
        except symprop.SympropError as problem:
            assert len(str(problem).split("\n")) <= 3, written
    assert 0 < read < 1500
    for deep in ("(" * 4000, "{" * 4000, r"\sum_i " * 1600 + "x_i", r"\hat" * 900 + "x", "9^{9^{9^{9}}}", "1" * 4999,
                 "A" * 4000, "x'" * 2400, r"\sqrt{" * 60 + "x" + "}" * 60, "x_{" * 900, "|" * 4999):  # fmt: skip
        with pytest.raises(symprop.SympropError):
            latex_formula(deep, "x: n, A: n n")


# ---------------------------------------------------------------- papers and the command line

PAPER = r"""
% \begin{equation} not this one \end{equation}
\begin{equation}\label{eq:loss}
  L(w) = \frac{1}{2} \|X w - y\|_2^2 + \frac{\lambda}{2} w^\top w .
\end{equation}
\begin{align}
  \nabla_w L &= X^\top (X w - y) + \lambda w, \label{eq:grad} \\
  \nabla_w^2 L &= X^\top X \nonumber \\
   &\quad + \lambda I, \\
  d &= 3 \notag
\end{align}
\[ e = 1 \]
\begin{equation*} e = 2 \end{equation*}
\begin{verbatim}\begin{equation} a \end{equation}\end{verbatim}
\begin{subequations}\begin{gather} a = \begin{aligned} b \\ c \end{aligned} \\ a = b \tag{B} \\ c = d \end{gather}
\end{subequations}
\begin{equation} last = 5 \end{equation}
"""


def test_equations_of_a_paper_are_counted_as_latex_counts_them() -> None:
    assert [each.number for each in equations(PAPER)] == ["1", "2", "", "3", "", "", "", "4a", "B", "4b", "5"]
    assert equation(PAPER, "eq:grad").number == "2"
    assert equation_sides(equation(PAPER, "(3)").latex)[-1].startswith("X^\\top X")
    with pytest.raises(symprop.FormulaError, match="no equation is called '9'"):
        equation(PAPER, "9")


def test_the_command_line_takes_latex(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper, plain = tmp_path / "paper.tex", "X: m n, w: n, y: m"
    where = f"{plain}, lambda_:"
    paper.write_text(PAPER, encoding="utf-8")
    assert (
        main(["compare", str(paper), "--equation", "2", "--with", "X.T @ (X @ w - y) + lambda_*w", "--where", where])
        == 0
    )
    assert main(["compare", str(paper), "--equation", "eq:loss", "--with", r"\|X w - y\|^2", "--where", where]) == 1
    assert (
        main(["gradient", "--latex", r"\tfrac12\|Xw-y\|_2^2", "--where", plain, "--wrt", "w", "--format", "text"]) == 0
    )
    shown = capsys.readouterr().out
    assert "X.T @ (X @ w - y)" in shown.splitlines()[-1]
    found = symprop.formula(latex=r"\lambda\, x^\top x", where=r"x \in \mathbb{R}^n, \lambda \in \mathbb{R}")
    assert found.text() == "lambda_ * x @ x"
    assert symprop.compare(r"\|x\|^2", "x @ x", x="n")
