"""Mathematics in Unicode, as people paste it and as our own pages for eyes print it, is read as LaTeX."""

import pytest

import symprop
from symprop.algebra.declarations import read_declarations
from symprop.algebra.formula import formula
from symprop.algebra.latex.formulas import latex_formula
from symprop.algebra.latex.reading import read_latex
from symprop.algebra.latex.tokens import is_latex
from symprop.cli import main
from symprop.errors import FormulaError, ReadingError, SympropError
from symprop.notation.pretty import pretty

READ = [
    ("xᵀ A x", "A: n n, x: n", "x @ A @ x"),
    ("‖A x − b‖² + λ ‖x‖²", "A: m n, x: n, b: m, lambda_:", "sum((A @ x - b)**2) + lambda_ * sum(x**2)"),
    ("½ ‖A x − b‖²", "A: m n, x: n, b: m", "sum((A @ x - b)**2) / 2"),
    ("σ(W₁ x + b₁)", "W1: m n, x: n, b1: m", "sigmoid(W1 @ x + b1)"),
    ("Σᵢ xᵢ yᵢ²", "x: n, y: n", "sum(x * y**2)"),
    ("∑ᵢ₌₁ⁿ xᵢ", "x: n", "sum(x)"),
    ("vᵀ Σ⁻¹ v + log det(Σ)", "v: n, Sigma: n n", "v @ inv(Sigma) @ v + logdet(Sigma)"),
    ("Σ₁ v", "Sigma1: n n, v: n", "Sigma1 @ v"),
    ("√(xᵀ x + 1) · y", "x: n, y:", "sqrt(x @ x + 1) * y"),
    ("x̂ᵀ ŷ + ȳᵀ x̂", "x_hat: n, y_hat: n, y_bar: n", "x_hat @ y_hat + y_bar @ x_hat"),
    ("α x ⊙ y", "alpha:, x: n, y: n", "alpha * x * y"),
    ("A⊙² x", "A: m n, x: n", "(A**2) @ x"),
    ("𝐱ᵀ 𝐀 𝐱 + 𝟏ᵀ 𝐱", "A: n n, x: n", "x @ A @ x + sum(x)"),
    ("⟨x, y⟩ x × 2", "x: n, y: n", "2 * (x @ y) * x"),
    ("‖W‖_F²", "W: m n", "sum(W**2)"),
    ("(A ⊗ B) vec(X)", "A: m m, B: n n, X: n m", "kron(A, B) @ vec(X)"),
    ("e⁻ˣ", "x:", "exp(-x)"),
    ("X⊤X", "X: m n", "X.T @ X"),
    ("x ∈ ℝⁿ, A ∈ ℝⁿˣⁿ, xᵀ A x", "", "x @ A @ x"),
    ("−yᵀ log p, where p = softmax(z) and z = W x", "W: m n, x: n, y: m", "-y @ log(softmax(W @ x))"),
    ("KL = Σᵢ pᵢ log(pᵢ/qᵢ)", "p: n, q: n", "sum(p * log(p / q))"),
    ("Tr[Aᵀ B] + min(x)", "A: m n, B: m n, x: k", "trace(A.T @ B) + min(x)"),
    ("xᵀ Σₖ⁻¹ x", "x: n, Sigma_k: n n", "x @ inv(Sigma_k) @ x"),
    ("e⁻ˣ²", "x:", "exp(-x**2)"),
    ("x^ᵀ A⁻⊤ x", "x: n, A: n n", "x @ inv(A).T @ x"),
    ("√12 x + √3.5 + √d₁", "x:, d1:", "2 * sqrt(3) * x + sqrt(14)/2 + sqrt(d1)"),
    ("log det X + tr X²", "X: n n", "logdet(X) + trace(X @ X)"),
    ("ln x²", "x:", "log(x**2)"),
    ("ŷᵀ\N{THIN SPACE}δ₁", "ŷ: n, δ₁: n", "y_hat @ delta1"),
    ("µ ℓ + θ₁₂", "mu:, ell:, theta12:", "mu * ell + theta12"),
]


@pytest.mark.parametrize(("written", "where", "meant"), READ)
def test_signs_letters_and_scripts_mean_what_they_mean_on_paper(written: str, where: str, meant: str) -> None:
    assert is_latex(written)
    f = latex_formula(written, where)
    plain = where.replace("ŷ", "y_hat").replace("δ₁", "delta1") or "x: n, A: n n"
    assert symprop.compare(f, formula(meant, plain)).equal


@pytest.mark.parametrize("text", ["λ * sum(x**2)", "x @ A @ x", "modèle", "données/α.npz", "x[0] + α", "W.T @ σ"])
def test_numpy_notation_and_names_of_files_are_no_mathematics(text: str) -> None:
    assert not is_latex(text)


@pytest.mark.parametrize(
    ("written", "told", "column"),
    [
        ("xᵀ é x", "'é' (U+00E9) is no part of a formula in LaTeX", 3),
        ("xᵀ ∫ x", "an integral is not part of the language", 3),
        ("yᵀ 𝔼[x]", "an expectation is not part of the language", 3),
        ("1ᵀ x", r"a number has no transpose; ones are \mathbf{1}", 0),
        ("λ x^10", "two readings; braces tell what is a script", 3),
        ("2½ xᵀy", "two readings; a mixed number", 0),
        ("x + √xᵀy", "two readings; brackets tell what a root is of", 4),
        ("f = λ KL + x, KL = xᵀy", "KL is a product of letters where it is read", 14),
        ("MSE = yᵀx, √(MSE)", r"MSE is a product of letters where it is read; write \mathrm{MSE}", 0),
        ("x² + … + y²", "dots leave open what is meant", 5),
        ("x ± y²", "is two formulas", 2),
        ("xᵀ y̆", "(U+0306) is no part of a formula", 4),
    ],
)
def test_what_is_not_read_is_refused_at_its_place(written: str, told: str, column: int) -> None:
    with pytest.raises(SympropError) as caught:
        latex_formula(written, "x: n, y: n")
    message = str(caught.value)
    assert told in message
    assert message.splitlines()[2].index("^") - 2 == column


QUESTIONS = [
    ("∇ₓ xᵀ A x", "(A + Aᵀ) x", ""),
    ("∂(xᵀ A x)/∂x", "(A + A.T) @ x", ""),
    ("∂ tr(A B) / ∂A + A", "Bᵀ + A", "A: n n, B: n n"),
    (r"\partial \|x\|^2 / \partial x + x", "3x", ""),
    ("½ ∂‖x‖²/∂x ⊙ y", "x ⊙ y", "x: n, y: n"),
    ("f(x) = ‖x‖², f(x) + ∇f(x)ᵀ d", "xᵀx + 2 xᵀ d", ""),
]


@pytest.mark.parametrize(("line", "answer", "where"), QUESTIONS)
def test_derivatives_are_asked_for_in_unicode_too(line: str, answer: str, where: str) -> None:
    assert symprop.compare(line, answer, where).equal


def test_a_slash_between_two_signs_of_a_derivative_is_a_fraction() -> None:
    assert latex_formula(r"w - \eta\, \partial L / \partial w", "w: n, dw: n, eta:").text() == "w - eta * dw"
    chain = latex_formula(r"\partial L / \partial z \cdot \partial L / \partial w", "w: n, dw: n, z: n, dz: n")
    assert chain.text() == "dz @ dw"
    assert latex_formula(r"\partial L / \partial w\, a", "w: n, dw: n, a:").text() in ("dw * a", "a * dw")
    with pytest.raises(FormulaError, match="asked for, not typed"):
        latex_formula("∂f/∂x y", "x: n, y: n")


def test_a_gradient_is_named_where_its_array_is_not_read() -> None:
    """`dx` was inferred, and then not found."""
    found = latex_formula(r"\nabla_x L + v")
    assert (found.source, found.readings) == ("dx + v", ("dx:, v:",))


def test_functions_without_brackets_are_no_products_of_letters() -> None:
    """`log det(X)` was l times o times g."""
    assert latex_formula("log det(X) + tanh 2 x", "X: n n, x:").source == "logdet(X) + tanh(2 * x)"
    assert latex_formula("t r + d g", "t:, r:, d:, g:").source == "t * r + d * g"


INFERRED = [
    (r"\|X \theta - y\|^2", "X: m n, theta: n, y: m"),
    ("½ ‖X β − y‖² + λ ‖β‖²", "X: m n, beta: n, y: m, lambda_:"),
    ("(x − μ)ᵀ Σ⁻¹ (x − μ)", "Sigma: n n, x: n, mu: n"),
    ("‖x − c‖", "x: n, c: n"),
    ("‖x − 1‖²", "x: n"),
    ("(x − μ) / σ", "x:, mu:, sigma:"),
    (r"x^\top A y, A \in \mathbb{R}^{2n x m}", "A: 2*n m, x: 2*n, y: m"),
]


@pytest.mark.parametrize(("written", "shapes"), INFERRED)
def test_what_stands_in_a_norm_or_is_transposed_is_a_sum_of_vectors(written: str, shapes: str) -> None:
    """The first was refused as a norm of a matrix, of which there are two; in the third mu was a number."""
    found = {each.name: each.shape for each in latex_formula(written).variables}
    assert found == {each.name: each.shape for each in read_declarations(shapes)}


def test_a_norm_of_a_matrix_is_still_two_readings() -> None:
    for written in (r"\lambda \|W\|^2", r"\|X \theta\|", "‖A‖"):
        with pytest.raises(ReadingError, match="two readings"):
            latex_formula(written)


PRINTED = [
    "x @ A @ x",
    "sum((A @ x - b)**2) / 2",
    "log(det(X))",
    "trace(A.T @ B @ A)",
    "sum(tanh(A @ x) * b)",
    "norm(x)",
]


@pytest.mark.parametrize("text", PRINTED)
def test_gradients_are_read_back_as_they_are_printed_for_eyes(text: str) -> None:
    f = formula(text)
    for each in f.variables:
        node = symprop.gradient(f, each.name).result.whole.node
        again = read_latex(pretty(node), f.variables, target=node.shape)
        assert symprop.compare(node, again).equal, pretty(node)


OF_NETWORK = [
    ("delta1", "δ₁ = W₂ᵀ δ₂ ⊙ (1 − a₁ ⊙ a₁)"),
    ("delta2", "δ₂ = z₂ − y"),
    ("dW1", "∂L/∂W₁ = δ₁ xᵀ"),
    ("db2", "∂L/∂b₂ = δ₂"),
]


@pytest.mark.parametrize(("of", "line"), OF_NETWORK)
def test_lines_of_a_page_are_compared_with_their_network(of: str, line: str) -> None:
    d = symprop.derive("Input(2) >> Dense(3) >> Tanh() >> Dense(1) >> MeanSquaredError()")
    assert line.split(" = ")[0] in d.pretty()
    assert d.compare(of, line).equal


def test_the_command_line_takes_mathematics_in_unicode(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradient", "xᵀ A x", "--wrt", "x"]) == 0
    assert "∂f/∂x = (A + Aᵀ) x" in capsys.readouterr().out
    assert main(["compare", "∇ₓ xᵀ A x = (A + Aᵀ) x"]) == 0
