"""Lines that ask for a derivative in LaTeX: what is compared is the answer, and what is no question is left alone."""

import pytest

import symprop

RIGHT = [
    (r"\nabla_x x^\top A x", r"(A + A^\top) x", ""),
    (r"\nabla_x \left(x^\top A x\right)", "(A + A.T) @ x", ""),
    (r"\nabla_x x^\top A x", "2 A x", "A: n n symmetric, x: n"),
    (r"\frac{\partial x^\top A x}{\partial x}", r"(A + A^\top) x", "A: n n, x: n"),
    (r"\frac{\partial}{\partial x} \left(x^\top A x + b^\top x\right)", r"(A + A^\top) x + b", ""),
    (r"\frac{\partial}{\partial X} \log\det(X)", r"X^{-\top}", ""),
    (r"\frac{\partial}{\partial X^\top} \log\det(X)", r"X^{-1}", ""),
    (r"\frac{\partial \mathrm{tr}(\Theta B)}{\partial \Theta^\top}", "B", "B: n m, Theta: m n"),
    (r"\frac{\partial \mathrm{tr}(A B)}{\partial A}", r"B^\top", ""),
    (r"\nabla_w \tfrac12 \|X w - y\|^2", r"X^\top (X w - y)", ""),
    (r"\nabla_x \log \sum_i e^{x_i}", r"\mathrm{softmax}(x)", ""),
    (r"\nabla_{W_1} \|W_1 x + b_1\|^2", r"2 (W_1 x + b_1) x^\top", ""),
    (r"\frac{\partial}{\partial \hat y} \|\hat y - y\|^2", r"2(\hat y - y)", ""),
    (r"\frac{\mathrm{d}\, \|x\|^2}{\mathrm{d}x}", "2x", ""),
    (r"\frac{d}{dx} \log(1 + e^x)", r"\sigma(x)", "x:"),
    (r"\frac{d^2 x^3}{dx^2}", "6x", "x:"),
    (r"\frac{\partial A x}{\partial x}", "A", ""),
    (
        r"\frac{\partial \operatorname{softmax}(z)}{\partial z^\top}",
        r"\operatorname{diag}(p) - p p^\top, p = \operatorname{softmax}(z)",
        "",
    ),
    (r"\nabla^2_w \tfrac12 \|X w - y\|^2", r"X^\top X", ""),
    (r"\frac{\partial^2}{\partial w \partial w^\top} \|X w - y\|^2", r"2 X^\top X", ""),
    (r"f = x^\top A x, \frac{\partial f}{\partial x}", r"(A + A^\top) x", ""),
    (r"r = X w - y, \nabla_w r^\top r", r"2 X^\top (X w - y)", ""),
    (r"\frac{\partial f(x)}{\partial x}, f(x) = x^\top x", "2x", ""),
    (r"f(x) = x^\top A x, \nabla f(x)", r"(A + A^\top) x", ""),
    (r"f(x) = x^\top A x, \nabla^2 f(x)", r"A + A^\top", ""),
    (r"\nabla_x f(x), \text{ where } f(x) = \|x\|^2", "2x", ""),
    (r"\frac{\partial \sigma(x)}{\partial x}", r"\sigma(x)(1 - \sigma(x))", "x:"),
    (r"\frac{\partial\, a(x + b)}{\partial x}", "a I", "x: n, b: n, a:"),
    (r"-\nabla_x x^\top x", "-2 x", ""),
    (r"\tfrac12 \nabla_x x^\top x", "x", ""),
    (r"x - \eta \nabla_x x^\top x", r"(1 - 2\eta) x", ""),
    (r"(\nabla_x x^\top A x)^\top v", r"v^\top (A + A^\top) x", ""),
    (r"(\nabla_x^2\, x^\top A x) v", r"(A + A^\top) v", ""),
    (r"\frac{\partial A x}{\partial x}^\top r", r"A^\top r", ""),
    (r"\left(\frac{\partial A x}{\partial x}\right)^\top r", r"A^\top r", ""),
    (r"\| \nabla_x x^\top A x \|^2", r"\| (A + A^\top) x \|^2", ""),
    (r"\| \nabla_x \|x - b\|^2 - b \|^2", r"\| 2x - 3b \|^2", ""),
    (r"\frac{\nabla_x \|x\|^2}{2} + b", "x + b", ""),
    (r"\nabla_x a^\top x + \frac{\partial}{\partial x} \|x\|^2", "a + 2x", ""),
    (r"w - \eta (\nabla_w \|X w - y\|^2 + 2 \lambda w)", r"w - 2 \eta (X^\top (X w - y) + \lambda w)", ""),
    (r"\frac{\partial \operatorname{tr}(X^\top A X)}{\partial X} \odot X", r"((A + A^\top) X) \odot X", ""),
    (r"(\nabla_x^2\, x^\top A x)^{-1} \nabla_x (x^\top A x)", "x", ""),
    (r"f(x) = x^\top A x, f(x) + \nabla f(x)^\top (y - x)", r"x^\top A x + x^\top (A + A^\top) (y - x)", ""),
    (r"\nabla f(x)^\top d + f(x), \text{ where } f(x) = \|x\|^2", r"2 x^\top d + x^\top x", ""),
    (r"L = x^\top A x, \nabla_x L^\top v + 1", r"v^\top (A + A^\top) x + 1", ""),
    (r"f(x) = x^\top A x, \nabla f", r"(A + A^\top) x", ""),
    (r"f_1(x) = \|x\|^2, f_1(x) + \nabla f_1^\top d", r"\|x\|^2 + 2 x^\top d", ""),
    (r"f(x) = \|x\|^2, \|\nabla f\|^2 + \operatorname{tr}(\nabla^2 f)", r"4\|x\|^2 + 2n", "x: n"),
    (r"\nabla_x s (x^\top x)^2", r"4 s (x^\top x) x", "x: n, s:"),
    (r"\frac{d}{dz} s (z + 1)^2", r"2 s (z + 1)", "z:, s:"),
    (r"\nabla_z s (z + 1) z", "s(2z + 1)", "z:, s:"),
    (r"f(z) = z^2, \frac{d}{dz} f(z) z", "3 z^2", "z:"),
    (r"f(z) = z^2, \frac{d}{dz} f(z)^2", "4 z^3", "z:"),
    (r"\nabla_x (x^\top A x)^\top y", r"y^\top (A + A^\top) x", "x: n, A: n n, y: n"),
    (r"f = x^\top x, \nabla_x f(x)", "2x", "x: n"),
    (r"f(w) = \|w\|^2, w \leftarrow w - \eta \nabla f(w)", r"(1 - 2\eta) w", ""),
    (r"f(x) = x^2 - a, x - \frac{f(x)}{f'(x)}", r"x - \frac{x^2 - a}{2 x}", "x:, a:"),
    (r"f(x) = x^3,\, f''(x) + f(x)", "6x + x^3", "x:"),
    (r"\phi(z) = \tanh(z), 1 - \phi'(z)", r"\tanh(z)^2", "z:"),
    (r"\nabla_x x' A x", r"A x + A' x", "x: n, A: n n"),
    (r"g = \nabla_x \|x\|^2, x - \eta g", r"(1 - 2\eta) x", ""),
    (r"f(x) = \|x\|^2, g = \nabla f(x), \nabla_x (g^\top g + f(x))", "10x", ""),
    (r"f(x) = b^\top x, g(x) = \|x\|^2, \nabla_x (f(x) - g(x)) + x", "b - x", ""),
    (r"r = X w - y, \nabla_w r^\top r + w", r"2 X^\top (X w - y) + w", ""),
]
WRONG = [
    (r"\nabla_x x^\top A x", "2 A x", "equal if A is symmetric"),
    (r"\frac{\partial \mathrm{tr}(A B)}{\partial A}", "B.T + B.T", "the first is 1/2 times the second"),
    (r"\frac{\partial A x}{\partial x}", r"A^\top", "the second is the transpose of the first"),
    (r"\nabla_w \tfrac12 \|X w - y\|^2", r"X^\top (y - X w)", "the first is minus the second"),
    (r"x - \eta \nabla_x x^\top A x", r"x - 2 \eta A x", "equal if A is symmetric"),
    (r"f(x) = \|x\|^2, f(x) + \nabla f(x)^\top d", r"\|x\|^2 + x^\top d", "would have to be 'x @ d'"),
]
REFUSED = [
    (r"\nabla_x \log(x) + x", "x: n", "two readings: put brackets around"),
    (r"\nabla_x \|x - a\|^2 + \lambda \|x\|^2", "x: n, a: n, lambda_:", "two readings: put brackets around"),
    (r"\frac{d}{dx} x^2 + 3 x", "x:", "two readings: put brackets around"),
    (r"x + \frac{\partial}{\partial x} \|x\|^2 + x^\top x", "x: n", "two readings: put brackets around"),
    (r"L = x^\top x, \nabla_x L v", "x: n, v: n", "two readings: put brackets around"),
    (r"L = x^\top x, \nabla_x L^2", "x: n", "two readings: put brackets around"),
    (r"f(x) = x^\top x, \nabla f(x) + f(y) x", "x: n, y: n", "f is defined with other arguments: f(x)"),
    (r"f(x) = x^\top x, \nabla f(y)", "x: n, y: n", "f is defined with other arguments: f(x)"),
    (r"f(x, y) = x^\top y, \nabla_x f(y, x)", "x: n, y: n", "f is defined with other arguments: f(x, y)"),
    (r"f(x) = x^\top x, f'(x)", "x: n", "a prime is the derivative of a number with respect to a number"),
    (r"f(x) = x^2,\, f'(y)", "x:, y:", "a derivative or an inverse of what is called is not read"),
    (r"f(x) = x^\top x, \nabla_x f(x)^2", "x: n", "two readings: put brackets around"),
    (r"f(x) = x^\top x, \nabla_x f(x) y", "x: n, y: n", "two readings: put brackets around"),
    (r"\nabla_x x^\top x \odot x", "x: n", "brackets say what is differentiated"),
    (r"\frac{\partial x^\top A x + x}{\partial x}", "x: n, A: n n", "asked for, not typed"),
    (r"\nabla_x^3 x^\top x", "x: n", "a gradient is"),
    (r"\frac{\partial x^\top x}{\partial x y}", "x: n", "asked for, not typed"),
    (
        r"\frac{\partial X a}{\partial X^\top}",
        "X: m n, a: n, x: n",
        "with respect to a transposed matrix only a scalar",
    ),
    (r"\nabla_z x^\top x", "x: n", "the formula has no variable 'z'\nallowed: x"),
    (r"\nabla^2_x A x", "A: n n, x: n", "a Hessian is of a scalar"),
]


@pytest.mark.parametrize(("line", "answer", "declared"), RIGHT)
def test_the_answer_of_a_line_is_compared(line: str, answer: str, declared: str) -> None:
    found = symprop.compare(line, answer, declared)
    assert found.equal, found
    assert symprop.compare(answer, line, declared).equal


@pytest.mark.parametrize(("line", "answer", "reason"), WRONG)
def test_a_wrong_answer_is_found_with_its_reason(line: str, answer: str, reason: str) -> None:
    found = symprop.compare(line, answer)
    assert found.equal is False
    assert reason in str(found)


@pytest.mark.parametrize(("line", "declared", "told"), REFUSED)
def test_what_asks_for_nothing_that_there_is_is_refused(line: str, declared: str, told: str) -> None:
    with pytest.raises(symprop.SympropError) as caught:
        symprop.compare(line, "x", declared)
    assert told in str(caught.value)


def test_a_derivative_with_a_name_is_that_array() -> None:
    assert symprop.compare(r"\nabla_x L^\top x", "dx @ x", "dx: n, x: n").equal
    assert symprop.compare(r"\frac{\partial L}{\partial x} + x", "x + dx", "dx: n, x: n").equal
    assert symprop.compare(r"w - \eta \nabla_w L", "w - eta * dw", "w: n, dw: n, eta:").equal


@pytest.mark.parametrize(
    "latex",
    [
        r"\nabla_x x^\top A x",
        r"\nabla_x a^\top x",
        r"x + \nabla_x a^\top x",
        r"\frac{d}{dx} x^2",
        r"\frac{d^2 x^3}{dx^2}",
    ],
)
def test_a_formula_drops_nothing_of_what_is_differentiated(latex: str) -> None:
    """`dx` was inferred before, and what stood behind the sign was dropped."""
    with pytest.raises(symprop.FormulaError, match="asked for, not typed"):
        symprop.formula(latex=latex)


def test_an_array_behind_the_sign_is_no_loss() -> None:
    with pytest.raises(symprop.FormulaError, match="asked for, not typed"):
        symprop.formula(latex=r"\nabla_x a^\top x", where="a: n, x: n, dx: n")
    assert symprop.formula(latex=r"\nabla_x L^\top x", where="x: n, dx: n").text() == "dx @ x"
