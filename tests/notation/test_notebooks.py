"""What notebooks show: HTML that is well formed and escapes, LaTeX that MathJax and KaTeX can set."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.lib.pretty import pretty  # comes with ipykernel

import symprop
from symprop.algebra.equations import Equation, Step
from symprop.algebra.formula import Formula
from symprop.algebra.steps import Steps
from symprop.analysis.paths import Expansion
from symprop.formulas.answer import Answer
from symprop.notation.blocks import Bullets, Grid, GridRow, Paragraph, Typed
from symprop.notation.notebook_blocks import Folded, Heading, Verdict, html, latex, worded
from symprop.notation.notebooks import MOST_EQUATIONS, MOST_PATHS
from symprop.notation.words import Code, Math
from symprop.saved import Model
from symprop.verify.certificate import Certificate

NETWORK = "Input(4) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> LeakyReLU(0.3)) >> Dense(2) >> SoftmaxCrossEntropy()"
OWN = 'Input(2) >> Dense(3) >> Activation("x * sigmoid(x)", name="my_own_swish") >> MeanSquaredError()'
LOOP = "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), L) >> MeanSquaredError()"
SIZES = "Input(n0) >> Dense(n1) >> ReLU() >> Dense(n2) >> MeanSquaredError()"
BLOCKS = "Input(3) >> Repeat(Residual(Dense(3) >> Sigmoid()), {}) >> MeanSquaredError()"
FORMULA = ("-sum(y * log(softmax(A @ x)))", {"x": "n", "A": "m n", "y": "m sums-to-1"})

COMMANDS = {
    r"\\", r"\,", r"\_", r"\|", r"\Bigl", r"\Bigr", r"\bar", r"\begin", r"\cdots", r"\delta", r"\displaystyle",
    r"\dot", r"\dots", r"\end", r"\frac", r"\hline", r"\left", r"\log", r"\mathbf", r"\mathcal", r"\ne", r"\odot",
    r"\operatorname", r"\oslash", r"\partial", r"\qquad", r"\quad", r"\right", r"\sigma", r"\sum", r"\tanh", r"\text",
    r"\top",
}  # fmt: skip
"""What occurs below. MathJax 2.7, MathJax 3.2 (base and ams) and KaTeX (strict) set each of them."""
ENVIRONMENTS = {"aligned", "array", "cases"}

VOID = {"br", "hr", "meta"}


def subjects() -> Iterator[tuple[str, Any]]:
    """Yield all that shows itself, by name."""
    for name, network in (("network", NETWORK), ("own", OWN), ("loop", LOOP), ("sizes", SIZES)):
        for layout in ("example", "rows", "columns"):
            derivation = symprop.derive(network, layout=layout)
            yield f"{name} {layout}", derivation
            for equation in derivation.equations:
                yield f"{name} {layout} {equation.name}", equation
                if equation.steps:
                    yield f"{name} {layout} steps of {equation.name}", derivation.steps(equation.name)
    yield "cost", symprop.derive(SIZES).cost()
    yield "modes", symprop.derive(SIZES).modes("z2", "x")
    yield "paths", symprop.derive(BLOCKS.format(4)).paths()
    yield "vanishing", symprop.derive(BLOCKS.format(3)).vanishing()
    formula = symprop.formula(FORMULA[0], **FORMULA[1])
    yield "formula", formula
    for question in (symprop.gradient, symprop.hessian):
        answer = question(formula, "x")
        yield question.__name__, answer
        yield f"steps of {question.__name__}", answer.steps()
    yield "comparison", symprop.compare("2 * x", "x", x="n")
    yield "certificate", symprop.check("Input(2) >> Dense(1) >> MeanSquaredError()")
    yield "model", model()


def model(**notes: Any) -> Model:
    network = symprop.parse_network(NETWORK)
    return Model(network, symprop.compile(network).init_params(seed=0), notes)


SUBJECTS = dict(subjects())
SINGLE = (Equation, Formula, Answer, Expansion)
LONGER = [name for name, each in SUBJECTS.items() if not isinstance(each, SINGLE)]
TEX = [name for name, each in SUBJECTS.items() if not isinstance(each, (Certificate, Model))]


class Reader(HTMLParser):
    """Reads HTML strictly: every element is closed, in order, and texts are kept by their element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))


def formulas(tex: str) -> list[str]:
    """Return what stands between dollar signs."""
    return re.findall(r"(?<!\\)\$((?:[^$\\]|\\.)+)\$", tex, flags=re.DOTALL)


@pytest.mark.parametrize("name", LONGER)
def test_html_is_well_formed_and_needs_nothing_from_elsewhere(name: str) -> None:
    shown = SUBJECTS[name]._repr_html_()
    page = Reader(shown)
    assert not {"script", "link", "img", "iframe", "h1", "h2", "h3"} & set(page.tags)
    assert {key for key, _ in page.attributes} <= {
        "class", "xmlns", "display", "displaystyle", "stretchy", "fence", "form", "separator", "minsize", "maxsize",
        "mathvariant", "width", "columnalign", "scriptlevel", "accent", "movablelimits", "lspace", "rspace", "alttext",
    }  # fmt: skip
    assert "\n\n" not in shown  # a blank line would end HTML inside Markdown


def test_single_formulas_are_latex_alone() -> None:
    for name in SUBJECTS.keys() - LONGER:
        assert SUBJECTS[name]._repr_html_() is None
    node = symprop.variable("a1", (2,)) + 1
    assert node._repr_html_() is None and node._repr_latex_() == r"$\displaystyle a_1 + 1$"


@pytest.mark.parametrize("name", TEX)
def test_latex_keeps_to_what_mathjax_and_katex_set(name: str) -> None:
    tex = SUBJECTS[name]._repr_latex_()
    found = formulas(tex)
    assert found
    for formula in found:
        commands = set(re.findall(r"\\(?:[A-Za-z]+|.)", formula, flags=re.DOTALL))
        assert commands <= COMMANDS
        assert set(re.findall(r"\\(?:begin|end)\{(\w+)\}", formula)) <= ENVIRONMENTS
        balanced(formula)


def balanced(formula: str) -> None:
    """Check that braces, environments and `\\left ... \\right` close, each pair within one cell of its table."""
    opened: list[str] = []
    closing = {"}": "{", r"\right": r"\left", r"\end": r"\begin"}
    for token in re.findall(r"\\\\|\\(?:left|right)(?![a-z])|\\(?:begin|end)\b|\\.|[{}&]", formula, flags=re.DOTALL):
        if token in ("{", r"\left", r"\begin"):
            opened.append(token)
        elif token in closing:
            assert opened.pop() == closing[token], formula
        elif token in ("&", r"\\"):
            assert opened[-1:] == [r"\begin"], formula
    assert opened == [], formula


def test_a_pair_of_brackets_across_an_alignment_is_seen() -> None:
    balanced(r"\begin{aligned} & \Bigl(a \\ & + b\Bigr) \end{aligned}")
    for wrong in (r"\begin{aligned} & \left(a \\ & + b\right) \end{aligned}", r"{a", r"\left(a", r"\frac{a & b}{c}"):
        with pytest.raises(AssertionError):
            balanced(wrong)


@pytest.mark.parametrize("name", ["network example", "loop rows"])
def test_a_derivation_has_every_equation_once_with_its_number(name: str) -> None:
    derivation = SUBJECTS[name]
    numbers = list(range(1, len(derivation.numbers) + 1))
    page = Reader(derivation._repr_html_())
    assert [int(text[1:-1]) for tag, text in page.texts if tag == "td" and re.fullmatch(r"\(\d+\)", text)] == numbers
    tex = derivation._repr_latex_()
    assert [int(number) for number in re.findall(r"\\qquad \((\d+)\)", tex)] == numbers
    titles = [text for tag, text in page.texts if tag == "p" and text in ("Forward pass", "Backward pass", "Gradients")]
    assert titles == ["Forward pass", "Backward pass", "Gradients"]


def test_a_long_derivation_says_how_many_equations_it_leaves_out() -> None:
    derivation = symprop.derive("Input(2) >> Repeat(Dense(2) >> Tanh(), 100) >> MeanSquaredError()")
    shown = derivation._repr_html_()
    assert f"and {200 - MOST_EQUATIONS} more, which print shows" in shown  # z and a of each layer
    assert shown.count("(120)") == 1 and "(121)" not in shown.partition("Loss")[0]
    assert len(formulas(derivation._repr_latex_())) > 6  # so that a document can break pages


def test_steps_are_a_numbered_list_of_rule_reasons_and_formula() -> None:
    derivation = SUBJECTS["network example"]
    steps = derivation.steps("delta3")
    assert isinstance(steps, tuple) and all(isinstance(step, Step) for step in steps)
    assert steps == derivation.equation("delta3").steps
    page = Reader(steps._repr_html_())
    rules = [text for tag, text in page.texts if tag == "em"]
    assert rules[-3:] == ["sums to one", "distribute", "cancel"]
    assert page.tags.count("li") == len(rules) and "because the targets sum to 1" in steps._repr_html_()
    assert page.tags.count("math") >= len(rules) + 2  # the equation, the start, and one for each step
    assert steps.pretty() == str(steps) == symprop.notation.steps(derivation, "delta3")
    assert steps.text() == symprop.notation.steps(derivation, "delta3", "text")
    assert steps.latex() == symprop.notation.steps(derivation, "delta3", "latex")


def test_what_has_no_steps_says_what_it_is() -> None:
    steps = SUBJECTS["network example"].steps("z1")
    assert steps == () and "<p>pre-activation</p>" in steps._repr_html_()
    assert r"z_1 &= W_1 x + b_1 \qquad (1)" in steps._repr_latex_()


def test_steps_can_be_copied() -> None:
    steps = SUBJECTS["steps of gradient"]
    for again in (copy.copy(steps), pickle.loads(pickle.dumps(Steps((), None, "z1")))):
        assert type(again) is Steps
    assert copy.copy(steps).origin is steps.origin and str(copy.copy(steps)) == str(steps)


def test_an_answer_names_its_repeated_parts() -> None:
    tex = SUBJECTS["hessian"]._repr_latex_()
    assert r"\operatorname{diag}(p) - p p^{\top}" in tex
    assert r"\text{where } p = \operatorname{softmax}(A x)$" in tex


def test_a_certificate_shows_what_failed_first_and_marks_it() -> None:
    good = SUBJECTS["certificate"]
    wrong = dataclasses.replace(good.rows[1], ok=False, error=0.5, note="<b>off</b>")
    shown = Certificate("<i>$x$</i>", (good.rows[0], wrong), ("a <u>remark</u>",))._repr_html_()
    page = Reader(shown)
    verdicts = [text for tag, text in page.texts if tag == "span"]
    assert verdicts == ["✗ 1 of 2 checks FAILED", "✗ FAILED", "✓ ok"]
    assert [value for key, value in page.attributes if key == "class" and value in ("ok", "failed")] == [
        "failed", "failed", "ok",
    ]  # fmt: skip
    assert ("code", "<i>$x$</i>") in page.texts  # in code, which MathJax leaves alone
    assert ("td", "<b>off</b>") in page.texts and ("li", "a <u>remark</u>") in page.texts
    assert not {"b", "i", "u"} & set(page.tags)


def test_colours_are_tints_over_any_theme() -> None:
    template = Path(symprop.__file__).parents[1] / "templates" / "html" / "notebook.html.j2"
    style = re.search(r"<style>(.*?)</style>", template.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert style is not None
    colours = re.findall(r"#[0-9a-f]{3,8}\b|rgba?\([^)]*\)|(?<![\w.-])color:", style[1])
    assert len(colours) == 3
    for colour in colours:  # see-through: neither text nor paper has a colour of its own
        assert float(re.fullmatch(r"rgba\(.*, (\.\d+)\)", colour)[1]) <= 0.5  # type: ignore[index]
    assert all(rule.startswith((".symprop.symprop ", "@media print", "}")) for rule in style[1].split("\n") if rule)


def test_hostile_words_are_escaped_everywhere() -> None:
    words = ("</td><script>x</script>", Math("a < b"), Code("<&>$y$"))
    blocks = (
        Typed(words[0]),
        Heading(words[0]),
        Verdict(False, words[0]),
        Paragraph(words),
        Bullets((words,)),
        Grid((words,), (GridRow((words,), tone="ok"),), ("l",)),
        Folded(words[0], (Paragraph(words),)),
    )
    page = Reader(html(blocks))
    assert "script" not in page.tags and sum("<script>" in text for _, text in page.texts) == 9
    assert sum(text == "<&>$y$" for tag, text in page.texts if tag == "code") == 5
    tex = latex(blocks)
    assert tex.count(r"\$") == 10 and not re.search(r"(?<!\\)\$(?:y|\\text\{y)", tex)
    for formula in formulas(tex):
        balanced(formula)


def test_words_inside_formulas_are_read_by_tex_and_mathjax_alike() -> None:
    assert worded("leaky_relu") == r"\text{leaky}\_\text{relu}"
    text = worded("50% {of} $a^b~c\\d #1 & \n")
    inside = re.findall(r"\\text\{([^{}]*)\}", text)
    assert all(not set(part) & set("\\{}$&#%_^~\n") for part in inside)
    balanced(text)


def test_a_model_says_what_it_was_trained_on() -> None:
    shown = model(target="<digit>", classes=["a", "$b$"], features=["w", "x", "y", "<z>"])._repr_html_()
    page = Reader(shown)
    codes = [text for tag, text in page.texts if tag == "code"]
    assert codes[:3] == [symprop.parse_network(NETWORK).text, "'<digit>'", "'a, $b$'"]
    cells = [text for tag, text in page.texts if tag == "td"]
    assert cells[:3] == ["W1", str(np.shape(np.zeros((3, 4)))), "float64"]


def test_a_comparison_shows_its_message_and_both_formulas() -> None:
    shown = SUBJECTS["comparison"]._repr_html_()
    assert shown.startswith("<pre>not equal: the first is 2 times the second")
    assert SUBJECTS["comparison"]._repr_latex_() == r"$\displaystyle 2 x \ne x$"


def test_more_paths_than_can_be_read_are_counted() -> None:
    tex = symprop.derive(BLOCKS.format(9)).paths()._repr_latex_()
    assert f"and {2**8 - MOST_PATHS} more paths" in tex
    assert "more paths" not in SUBJECTS["paths"]._repr_latex_()


@pytest.mark.parametrize("name", ["cost", "modes", "paths", "vanishing", "comparison", "certificate", "formula"])
def test_the_plain_text_beside_it_is_what_print_shows(name: str) -> None:
    assert pretty(SUBJECTS[name]) == str(SUBJECTS[name])
    assert pretty(SUBJECTS["network example"].steps("delta1")).startswith("(12)  δ₁ = ")
