"""What a page shows is what symprop derives: the same formulas, LaTeX, code and verdicts; mistakes at their place."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import Any

import pytest

import symprop
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.operators import OPERATORS
from symprop.networks.spec import LAYERS
from symprop.reports.pdf import is_installed
from symprop.server import worker
from symprop.server.asked import STAGES
from symprop.server.examples import EXAMPLES
from symprop.server.printing import printed
from symprop.server.vocabulary import VOCABULARY
from symprop.server.worker import answered

NETWORK = "Input(4) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> ReLU()) >> Dense(2) >> SoftmaxCrossEntropy()"
BLOCKS = "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> MeanSquaredError()"
LOGISTIC = {"text": "sum(log(1 + exp(-y * (X @ w))))", "where": "X: m n, w: n, y: m", "by": "w"}


def ask(stage: str, text: str, **state: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answered(json.dumps({"stage": stage, "text": text, **state}).encode()))
    return found


def copied(fragment: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r'data-copy="([^"]*)"', fragment)]


@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
def test_a_network_shows_every_equation_with_its_latex(layout: str) -> None:
    found = ask("derivation", NETWORK, layout=layout)
    derivation = symprop.derive(NETWORK, layout=layout)
    by_number = sorted(derivation.equations, key=lambda equation: derivation.numbers[equation.name])
    written = [f"{equation.target.latex()} = {equation.expression.latex()}" for equation in by_number]
    assert found["kind"] == "network" and found["sizes"] == []
    for shown in (found["given"] + found["answer"], found["latex"]):
        assert [text.replace(" ", "") for text in copied(shown)] == [each.replace(" ", "") for each in written]
    assert found["latex_all"].count(r"\tag{") == len(written)
    numbers = re.findall(r'class="number">\((\d+)\)', found["given"] + found["answer"])
    assert list(map(int, numbers)) == list(range(1, len(written) + 1))
    assert "<math" in found["shapes"] and "parameter" in found["shapes"] and "(3, 4)" in found["shapes"]


def test_the_steps_of_an_equation_have_rule_reason_and_formula() -> None:
    found = ask("steps", NETWORK, name="delta3")["steps"]["delta3"]
    rules = [step.rule for step in symprop.derive(NETWORK).steps("delta3")]
    assert "sums to one" in found and "cancel" in found and "because" in found and "<math" in found
    assert all(rule in rules for rule in re.findall(r'class="rule">([^<]*)<', found))


def test_all_steps_come_at_once_where_none_is_named() -> None:
    derivation = symprop.derive(NETWORK)
    assert list(ask("steps", NETWORK)["steps"]) == [each.name for each in derivation.equations if each.steps]
    assert list(ask("steps", "x @ A @ x")["steps"]) == ["gradient_A", "gradient_x"]


def test_equations_boxes_and_lines_of_code_have_the_same_names() -> None:
    def names(fragment: str) -> set[str]:
        return {name for found in re.findall(r'data-names="([^"]*)"', fragment) for name in found.split()}

    found = ask("derivation", NETWORK)
    equations = {each.name for each in symprop.derive(NETWORK).equations}
    assert names(found["answer"]) | names(found["given"]) == names(ask("code", NETWORK)["code"]) == equations
    assert equations <= names(ask("diagram", NETWORK)["diagram"]) | {"p"}  # the loss stands for the prediction too
    formula = {"text": "K = exp(-D)\nlogdet(K) + sum(softmax(K @ x)**2)"}
    answers = names(ask("derivation", **formula)["answer"])
    assert {"K", "f", "gradient_D", "gradient_x"} <= answers
    assert {"K", "gradient_D", "gradient_x"} <= names(ask("code", **formula)["code"]) <= answers
    assert {"K", "f", "gradient_D", "gradient_x"} <= names(ask("diagram", **formula)["diagram"])
    assert ask("diagram", "A @ x", question="jacobian")["diagram"] == ""  # no scalar


def test_every_line_of_code_is_shown() -> None:
    for text in (NETWORK, "x @ A @ x"):
        found = ask("code", text)
        assert html.unescape(re.sub("<[^>]*>", "", found["code"])).rstrip("\n") == found["source"].rstrip("\n")


def test_a_report_is_what_symprop_writes() -> None:
    small = "Input(2) >> Dense(1) >> MeanSquaredError()"
    assert ask("report", small, ending="tex")["text"] == symprop.report(small).latex()
    for text in (small, "x @ A @ x", "softmax(A @ x)"):
        question = "jacobian" if "softmax" in text else "gradient"
        assert ask("report", text, question=question)["text"].startswith("<!DOCTYPE html>")
        assert "\n## Certificate\n" in ask("report", text, question=question, ending="md")["text"]
        written = ask("report", text, question=question, ending="pdf")
        assert written["file"] == "report.pdf" and written["text"].isascii() and r"\end{document}" in written["text"]


@pytest.mark.skipif(not is_installed(), reason="TeX is not installed")
def test_a_report_is_printed() -> None:
    question = {"stage": "report", "text": "x @ A @ x", "ending": "pdf"}
    found = json.loads(printed(answered(json.dumps(question).encode())))
    assert base64.b64decode(found["base64"]).startswith(b"%PDF") and "text" not in found


def test_every_question_is_answered_for_all_variables_where_none_is_named() -> None:
    for question in symprop.formulas.ask.QUESTIONS:
        for where in ("", "A: n n, x: n"):
            assert ask("derivation", "x @ A @ x", where=where, question=question)["by"] == "A, x"


def test_a_formula_may_be_pasted_in_latex_and_asked_for_some_variables() -> None:
    found = ask("derivation", r"\tfrac12 \|A x - b\|_2^2", by="x, A")
    assert found["text"].splitlines() == ["A.T @ (A @ x - b)", "outer(A @ x - b, x)"] and found["by"] == "x, A"
    declared = r"A \in \mathbb{R}^{n \times n}, x \in \mathbb{R}^n"
    assert ask("derivation", r"x^\top A x", where=declared, by="x")["text"] == "(A + A.T) @ x"
    assert ask("mine", r"x^\top A x", mine=r"\partial f / \partial x = (A + A^\top) x")["verdict"] == "ok"


def test_what_one_can_type_is_complete() -> None:
    listed = {word.name for word in VOCABULARY}
    assert listed == {*LAYERS, *FUNCTIONS, *OPERATORS}
    assert all(word.call.startswith(f"{word.name}(") for word in VOCABULARY)


def test_code_is_what_the_generator_writes() -> None:
    found = ask("code", NETWORK, dtype="float32", optimizer="adam")
    assert found["source"] == symprop.generate(NETWORK, dtype="float32", optimizer="adam")
    assert found["file"] == "network.py"


def test_a_certificate_says_how_it_went() -> None:
    found = ask("certificate", "Input(2) >> Dense(1) >> MeanSquaredError()")
    rows = symprop.check("Input(2) >> Dense(1) >> MeanSquaredError()").rows
    assert found["verdict"] == "ok" and found["summary"] == f"{len(rows)} checks, all agree"
    assert found["certificate"].count('<tr class="ok">') == len(rows)


def test_a_disagreement_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        symprop.verify.Row("dW1", "complex step", "3", 1e-16, 1e-12, True),
        symprop.verify.Row("db1", "complex <step>", "3", 0.5, 1e-12, False, "off by 2"),
    )
    monkeypatch.setattr("symprop.server.of_networks.check", lambda *unused, **more: symprop.Certificate("n", rows))
    found = ask("certificate", "Input(2) >> Dense(1) >> MeanSquaredError()")
    assert found["verdict"] == "failed" and found["summary"] == "1 of 2 checks FAILED"
    assert "<strong>db1</strong>: complex &lt;step&gt; disagrees (off by 2)" in found["certificate"]
    part = symprop.Certificate("n", rows[:1], unreached=("elements",))
    monkeypatch.setattr("symprop.server.of_networks.check", lambda *unused, **more: part)
    found = ask("certificate", "Input(2) >> Dense(1) >> MeanSquaredError()")
    assert found["verdict"] == "open" and "not reached" in found["summary"]


def test_sizes_that_are_names_stay_names_and_numbers_make_code() -> None:
    assert ask("derivation", BLOCKS)["sizes"] == ["N", "n"]
    assert "l=1" in re.sub(r"<[^>]*>|\s", "", html.unescape(ask("derivation", BLOCKS)["given"]))
    refused = ask("code", BLOCKS)
    assert not refused["ok"] and "numbers for the sizes" in refused["problem"]["message"]
    numbers = symprop.parse_network(BLOCKS).with_sizes({"N": 2, "n": 3})
    assert ask("code", BLOCKS, sizes={"N": 2, "n": 3, "unused": 5})["source"] == symprop.generate(numbers)
    heads = "Input(T, d) >> Attention(2) >> MeanSquaredError()"  # the size of a head follows from d
    assert ask("derivation", heads)["sizes"] == ["T", "d"] and ask("code", heads, sizes={"T": 3, "d": 4})["ok"]
    assert ask("certificate", NETWORK, sizes={"n": 3})["verdict"] == "ok"


@pytest.mark.parametrize("question", ["gradient", "hessian", "hvp"])
def test_a_formula_shows_the_answer_and_its_parts(question: str) -> None:
    found = ask("derivation", **LOGISTIC, question=question)
    formula = symprop.formula(LOGISTIC["text"], LOGISTIC["where"])
    answer = {"gradient": symprop.gradient, "hessian": symprop.hessian, "hvp": symprop.hvp}[question](formula, "w")
    assert found["kind"] == "formula" and found["text"] == answer.text()
    assert found["names"] == ["X", "w", "y"] and found["by"] == "w"
    assert ask("code", **LOGISTIC, question=question)["source"] == answer.numpy()
    assert ask("certificate", **LOGISTIC, question=question)["verdict"] == "ok"
    assert "softplus" in ask("steps", **LOGISTIC, question=question)["steps"][question]


def test_what_is_not_said_is_chosen() -> None:
    found = ask("derivation", "x @ A @ y", where="x: m, A: m n, y: n")
    assert found["by"] == "x, A, y" and found["text"].splitlines() == ["A @ y", "outer(x, y)", "A.T @ x"]
    assert "readings" in found and not found["readings"]
    mixed = ask("derivation", "x @ A @ y", where="x: m, A: m n, y: n", question="hessian", by="x, y")
    assert mixed["by"] == "x, y" and mixed["text"] == "A"
    named = ask("derivation", "A @ x", where="A: m n, x: n", question="vjp", by="x", along="u")
    assert named["text"] == "A.T @ u"


def test_shapes_that_are_not_said_are_inferred_and_shown() -> None:
    found = ask("derivation", "x @ A @ x")
    assert found["readings"] == ["A: n n, x: n"] and found["by"] == "A, x"
    assert "<li>with respect to A: does not depend on A; rank one" in found["answer"]
    assert ask("code", "x @ A @ x")["source"] == symprop.gradient("x @ A @ x").numpy()
    assert ask("certificate", "x @ A @ x")["verdict"] == "ok"
    rules = [step.rule for step in symprop.gradient("x @ A @ x", "x").steps()]
    assert rules[-1] in ask("steps", "x @ A @ x", name="gradient_x")["steps"]["gradient_x"]
    problem = ask("derivation", "sum((X * w)**2)")["problem"]
    assert problem["readings"] == ["X: m n, w: n", "X: m n, w:"] and "readings" in problem["message"]
    assert all(ask("derivation", "sum((X * w)**2)", where=each)["ok"] for each in problem["readings"])


@pytest.mark.parametrize("state", EXAMPLES.values(), ids=EXAMPLES)
def test_every_example_derives_and_is_certified(state: dict[str, str]) -> None:
    derived = ask("derivation", **state)
    assert derived["ok"], derived
    sizes = {"sizes": dict.fromkeys(derived.get("sizes", ()), 3)}
    assert ask("code", **state, **sizes)["ok"]
    assert ask("certificate", **state, **sizes)["verdict"] == "ok"


PLACES = [
    ({"text": "Input(4) >> Dence(3)"}, "text", "Dence"),
    ({"text": "Input(4) >>\n Dence(3)"}, "text", "Dence"),
    ({"text": "Input(4) >> Residual(Dense(3)) >> MeanSquaredError()"}, "text", "Residual"),
    ({"text": "Input(4) >> Dense(4, sise=3)"}, "text", "Dense"),
    ({"text": 'Input(4) >> Activation("x * sigm(x)") >> MeanSquaredError()'}, "text", "sigm"),
    ({"text": 'Input(4) >> Residual(Activation("x +* x"), 3) >> MeanSquaredError()'}, "text", "*"),
    ({"text": 'Input(4) >> Loss("sum((a - y)**2) +* 4")'}, "text", "*"),
    ({"text": 'Input(4) >> Loss("sum((a - q)**2)")'}, "text", "Loss"),
    ({"text": "Input(4) >> Loss("}, "text", "("),
    ({"text": "x + $", "where": "x:"}, "text", "$"),
    ({"text": "sum(exp(x)", "where": "x: n"}, "text", "("),
    ({"text": "sum(x +\n (X @ w))", "where": "X: m n, w: m, x: m"}, "text", "X @ w"),
    ({"text": "sum(é)", "where": "x: n"}, "text", "é"),
    ({"text": "sum(x)", "where": "x: n symetric"}, "where", "x: n symetric"),
    ({"text": "sum(x)", "where": "y: m, x n, z: 3"}, "where", "x n"),
    ({"text": "sum(x)", "where": "x: n; x: m"}, "where", "x: m"),
    ({"text": "sum(x)", "where": " A: m n symmetric, x: n"}, "where", "A: m n symmetric"),
]


@pytest.mark.parametrize(("state", "field", "wrong"), PLACES, ids=[state["text"] for state, _, _ in PLACES])
def test_a_mistake_has_its_field_and_its_place(state: dict[str, str], field: str, wrong: str) -> None:
    problem = ask("derivation", **state)["problem"]
    assert problem["field"] == field
    typed = state[field]
    assert typed[problem["column"] : problem["column"] + problem["width"]] == wrong
    assert "\n  " not in problem["message"] and "^" not in problem["message"]


def test_an_array_that_is_not_declared_beside_others_is_inferred() -> None:
    assert ask("derivation", text="x @ A @ x", where="A: k k")["readings"] == ["A: k k, x: k"]


@pytest.mark.parametrize(
    ("state", "field"),
    [
        ({"text": "sum(x)", "where": "x: n", "by": "q"}, "by"),
        ({"text": "sum(x)", "where": "x: n", "by": "x, x, x"}, "by"),
        ({"text": "sum(x)", "where": "x: n", "by": "x, x"}, "by"),
        ({"text": "x", "where": "x: n", "by": "x"}, "text"),
        ({"text": "3 + 1", "where": ""}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \n "}, "text"),
    ],
)
def test_a_mistake_without_a_place_has_its_field(state: dict[str, str], field: str) -> None:
    found = ask("derivation", **state)
    assert not found["ok"] and found["problem"]["field"] == field


def test_a_mistake_of_symprop_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(asked: object) -> dict[str, Any]:
        raise KeyError("<b>key</b>")

    monkeypatch.setitem(worker.ANSWERS, "code", (broken, broken))
    with pytest.raises(KeyError):
        answered(b'{"stage": "code", "text": "Input(2) >> Tanh()"}')
    try:
        broken(None)
    except KeyError:
        told = json.loads(worker.mistake())["problem"]["message"]
    assert told.startswith("symprop itself failed on this: KeyError") and "test_server_stages.py:" in told


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "text",
    [
        'Input(2) >> Activation("x", name="<script>alert(1)</script>") >> MeanSquaredError()',
        "Input(2) >> <img src=x onerror=alert(1)>",
        "sum(x) # <script>alert(1)</script>",
        "{{7*7}} + {% include 'page.html.j2' %}",
    ],
)
def test_what_is_typed_never_becomes_html(stage: str, text: str) -> None:
    found = ask(stage, text, where="x: n", name="dx")
    names = ("shapes", "answer", "given", "latex", "diagram", "code", "certificate", "text")
    fragments = [*(found.get(name, "") for name in names), *found.get("steps", {}).values()]
    fragments = [re.sub("base64,[A-Za-z0-9+/]*", "", fragment) for fragment in fragments]  # the font of a report
    assert not any("<script>alert" in fragment or "<img" in fragment or "49" in fragment for fragment in fragments)


def test_a_line_of_ones_own_is_compared() -> None:
    network = "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
    for mine, verdict, told in (
        ("delta1 = (W2.T @ delta2) * (1 - a1**2)", "ok", "equal"),
        (r"\delta_1 = \left(W_2^\top \delta_2\right) \odot (1 - a_1^2)", "ok", "equal"),
        (r"\frac{\partial L}{\partial W_2} = 2 \delta_2 a_1^\top", "failed", "2 times"),
        ("delta1 = (W2.T @ delta2) * (1 - a1)", "failed", "a1 * a1"),
    ):
        answer = ask("mine", network, mine=mine)
        assert (
            answer["verdict"] == verdict
            and told in answer["summary"]
            and answer["summary"] in html.unescape(answer["mine"])
        )
    for text, mine, verdict in (
        ("x @ A @ x", "dx = (A + A.T) @ x", "ok"),
        ("x @ A @ x", r"\frac{\partial f}{\partial A} = x x^\top", "ok"),
        ("x @ A @ x", "dx = 2*A @ x", "failed"),
        ("K = exp(-D)\ny @ inv(K) @ y", "dy = inv(K) @ y + inv(K).T @ y", "ok"),
    ):
        assert ask("mine", text, mine=mine)["verdict"] == verdict
    for text, mine, told in (
        (network, "W2.T @ delta2", "which quantity"),
        (network, "delta9 = delta2", "delta9"),
        (network, "delta1 = W2 @ delta2", "do not fit"),
        ("x @ A @ x", "A @ x", "which derivative"),
        ("x @ A @ x", "dx = B @ x", "B"),
    ):
        problem = ask("mine", text, mine=mine)["problem"]
        assert problem["field"] == "mine" and told in problem["message"]
