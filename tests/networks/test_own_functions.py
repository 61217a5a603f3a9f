"""Own functions of a whole vector, own losses with numbers, facts and classes, PReLU: oracles, modules, refusals."""

from __future__ import annotations

import types

import numpy as np
import pytest
import sympy
from network_reference import Network as Reference

from symprop import Activation, Dense, Input, Loss, MeanSquaredError, PReLU, check, derive, generate, parse_network
from symprop.errors import FormulaError, SpecError, SympropError

RMS = 'Activation("g * z / sqrt(mean(z**2) + eps)", eps=1e-05, learned={"g": "n"})'
CENTRED = (
    'Activation("g * (z - mean(z)) / sqrt(mean((z - mean(z))**2) + eps) + c", eps=0.1,'
    ' learned={"g": "n", "c": "n 0.5"})'
)
HUBER = 'Loss("sum(where(abs(a - y) < d, (a - y)**2 / 2, d * (abs(a - y) - d / 2)))", d=1.5)'
CLASS = 'Loss("logsumexp(a) - a[y]", y="class")'


def texts(text: str) -> list[str]:
    """Return the equations of a network."""
    return [equation.text() for equation in parse_network(text).system().equations]


@pytest.mark.parametrize(
    "text",
    [
        f"Input(4) >> Dense(3) >> {RMS} >> Dense(2) >> {HUBER}",
        f"Input(2, 4) >> Dense(3) >> {CENTRED} >> Dense(2) >> PReLU(each=True) >> MeanSquaredError()",
        f"Input(2, 2, 3) >> Dense(2) >> {RMS} >> PReLU() >> MeanSquaredError()",
        f"Input(4) >> Dense(3) >> PReLU() >> Dense(3) >> PReLU() >> {CLASS}",
        f"Input(3) >> Repeat(Dense(3) >> {RMS} >> PReLU(), 2, tied=True) >> MeanSquaredError()",
        'Input(4) >> Dense(3) >> Activation("A @ tanh(z) + exp(-temp) * z", temp=2, learned={"A": "n n"}) >> Dense(2)'
        " >> SoftmaxCrossEntropy()",
        'Input(4) >> Dense(3) >> Activation("where(z > theta, z, theta)", theta=0.5) >> Dense(2) >> MeanSquaredError()',
        'Input(4) >> Dense(3) >> Activation("abs(z)**r", name="power_of", r=1.5) >> MeanSquaredError()',
        'Input(4) >> Dense(3) >> Softmax() >> Loss("sum(y * (log(y) - log(a))) / k", y="k sums-to-1 positive")',
        'Input(2, 4) >> Dense(3) >> Loss("sum(logsumexp(a, axis=1)) - sum(a * one_hot(y, k))", y="T index k")',
        'Input(4) >> Dense(3) >> Loss("sum(maximum(0, margin - y * a))", y="signs", margin=1)',
    ],
)
def test_the_text_reads_back_and_the_certificate_holds(text: str) -> None:
    network = parse_network(text)
    assert parse_network(network.text).text == network.text
    certificate = check(network)
    assert certificate.ok, certificate.failures


@pytest.mark.parametrize("tied", ["", ", tied=True"])
def test_a_symbolic_repeat_is_certified(tied: str) -> None:
    text = f"Input(n) >> Repeat(Dense(n) >> {RMS} >> PReLU(each=True), L{tied}) >> {HUBER}"
    assert check(text, sizes={"n": 3}).ok


@pytest.mark.parametrize("target", ["numpy", "numba", "jax", "torch"])
def test_every_target_has_it(target: str) -> None:
    if target != "numpy":
        pytest.importorskip(target)
    text = f"Input(4) >> Dense(3) >> {CENTRED} >> PReLU() >> Dense(3) >> PReLU(each=True) >> {CLASS}"
    certificate = check(text, target=target)
    assert certificate.ok, certificate.failures


@pytest.mark.parametrize("options", [{}, {"fast": True}, {"target": "numba"}])
def test_parameters_of_one_number_are_trained(options: dict[str, object]) -> None:
    """Each module takes the steps of the first: the gradient of one number lies in the vector of all."""
    pytest.importorskip(str(options.get("target", "numpy")))
    own = 'Activation("s * z + r", learned={"s": "", "r": "n zeros"})'
    text = f"Input(4) >> Dense(3) >> PReLU() >> {own} >> MeanSquaredError()"
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 4)), random.normal(size=(8, 3))
    states = []
    for each in ({}, options):
        module = types.ModuleType("generated")
        exec(generate(text, optimizer="adam", **each), vars(module))
        state = module.init_state(module.init_params(0))
        for _ in range(5):
            module.train_step(state, x, y, max_norm=0.5)
        states.append(state["params"])
    first, other = states
    assert first["alpha1"] != 0.25 and first["s1"] != 1
    for name, value in first.items():  # five steps of some hundred roundings each, which Adam's division keeps
        assert np.all(np.abs(value - other[name]) <= 1e5 * np.finfo(float).eps), name


def test_the_class_is_an_integer_and_its_gradient_is_derived() -> None:
    derivation = derive(f"Input(4) >> Dense(3) >> {CLASS}")
    assert derivation.equation("delta1").text() == "delta1 = softmax(z1) - one_hot(y, 3)"
    (target,) = derivation.system.targets
    assert target.shape == () and target.facts_by_kind == {"index": 3}


def test_the_row_of_a_sequence_is_the_vector() -> None:
    text = f"Input(2, 4) >> Dense(3) >> {CENTRED} >> MeanSquaredError()"
    reference = Reference(text)
    random = np.random.default_rng(1)
    params = {name: random.normal(size=shape) for name, shape in reference.parameters.items()}
    x = random.normal(size=(3, 2, 4))
    found = reference.output(params, x)
    row = Reference(text.replace("Input(2, 4)", "Input(4)"))
    assert np.allclose(found[1, 0], row.output(params, x[1, :1])[0], rtol=1e-12)


def test_names_and_counts() -> None:
    assert texts(f"Input(3) >> {RMS} >> Dense(2) >> {RMS} >> PReLU() >> PReLU(each=True)") == [
        "a0 = g1 * x / sqrt(sum(x * x) / 3 + eps)",
        "z1 = W1 @ a0 + b1",
        "a1 = g2 * z1 / sqrt(sum(z1 * z1) / 2 + eps)",
        "a1_2 = where(a1 > 0, a1, alpha1 * a1)",
        "a1_3 = where(a1_2 > 0, a1_2, alpha2 * a1_2)",
    ]


def test_starts_and_shapes() -> None:
    learned = {"A": ("n", "n"), "s": "", "g": ("n", "zeros"), "c": "n 0.5"}
    parameters = (Input(3) >> Dense(2) >> Activation("A @ z * s + g + c", learned=learned)).parameters[2:]
    found = {each.name: (each.variable.shape, each.initialiser) for each in parameters}
    assert found == {
        "A1": ((2, 2), "xavier_uniform"),
        "s1": ((), "ones"),
        "g1": ((2,), "zeros"),
        "c1": ((2,), "0.5"),
    }


def test_python_and_sympy_say_the_same() -> None:
    z, eps = sympy.symbols("z eps")
    assert Activation(z / (1 + eps), eps=0.5).text == Activation("z / (eps + 1)", eps=0.5).text
    a, y, d = sympy.symbols("a y d")
    network = Input(3) >> Loss(d * (a - y) ** 2, d=2)
    assert network.system().hyperparameters[0].name == "d"
    assert (Input(3) >> PReLU(each=True) >> MeanSquaredError()).text.startswith("Input(3) >> PReLU(each=True)")


def test_sizes_of_learned_parameters_change_with_the_network() -> None:
    own = 'Activation("B @ tanh(C @ z)", learned={"B": "n q", "C": "q n"})'
    network = parse_network(f"Input(4) >> Dense(k) >> {own} >> MeanSquaredError()")
    assert network.sizes == ("k", "q")
    numeric = network.with_sizes({"k": 3, "q": 5})
    assert [tuple(map(int, each.variable.shape)) for each in numeric.parameters[2:]] == [(3, 5), (5, 3)]
    assert check(numeric).ok


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Activation("z * eps", eps=float("nan")), "eps is 'nan'"),
        (lambda: Activation("z * eps", eps=10**400), "numbers up to"),
        (lambda: Activation("z * eps", eps=1j), "eps is '1j'"),
        (lambda: Activation("z", eps=1), "does not name 'eps'"),
        (lambda: Activation("z * g"), "has 2 variables: z, g"),
        (lambda: Activation("z * t", t=1), "'t' has a meaning of its own"),
        (lambda: Activation("z * params", params=1), "is reserved"),
        (lambda: Activation("z * g", learned=["g"]), "learned is a dict"),
        (lambda: Activation("z * g", learned={"g": "n onez"}), "did you mean 'ones'"),
        (lambda: Activation("z * exp", learned={"exp": "n"}), "has a name that networks or their code have"),
        (lambda: Activation("z * g", g=1, learned={"g": "n"}), "is a hyperparameter and learned"),
        (lambda: Activation("sum(z)"), "makes shape"),
        (lambda: Input(3) >> Dense("g1") >> Activation("z * g", learned={"g": "n"}), "has the name of a size"),
        (lambda: Input(3) >> Activation("z*g*dg", learned={"g": "n", "dg": "n"}), "has the name of a gradient"),
        (lambda: Input(3) >> Activation("z * g", learned={"g": "5"}), "do not broadcast"),
        (lambda: PReLU(each=1), "each is True or False"),
        (lambda: Loss("a[y]", y="klass"), "did you mean 'class'"),
        (lambda: Input(3) >> Loss("sum(a - y)", y="5"), "y is declared as '5'"),
        (lambda: Input(3) >> Loss("a[y + 1]", y="class"), "selected by y itself"),
        (lambda: Input(1) >> Loss("logsumexp(a) - a[y]", y="class"), "two numbers or more"),
        (lambda: Input(3) >> Loss("a[y]"), "is not declared as an index"),
    ],
)
def test_what_is_wrong_is_said(make: object, said: str) -> None:
    with pytest.raises((SpecError, FormulaError, SympropError)) as caught:
        make()  # type: ignore[operator]
    assert said in str(caught.value), str(caught.value)
    assert str(caught.value).count("\n") <= 2 or "^" in str(caught.value)


@pytest.mark.parametrize(
    "body", ["abs(z)**r", "where(z > d, d * z**2, abs(z)**r)", "where(z > d, z, d + abs(z - d)**r)"]
)
def test_the_slope_of_a_power_has_a_value_where_its_base_is_0(body: str) -> None:
    """`t**r / t` would be 0 / 0 there."""
    at = 0.5 if "z - d" in body else 0.0
    numbers = ", r=1.5, d=0.5" if "d" in body else ", r=1.5"
    text = f'Input(1) >> Dense(1) >> Activation("{body}", name="powers"{numbers}) >> MeanSquaredError()'
    for fast in (False, True):
        module = types.ModuleType("powers")
        exec(generate(text, fast=fast), vars(module))
        params = {"W1": np.ones((1, 1)), "b1": np.zeros(1)}
        _, gradients = module.loss_and_grads(params, np.full((1, 1), at), np.ones((1, 1)))
        assert gradients["W1"] == 0 and gradients["b1"] == 0


@pytest.mark.parametrize("fast", [False, True])
def test_one_choice_may_stand_in_the_condition_of_another(fast: bool) -> None:
    """The slope of each piece by hand, at points on both sides of each change of pieces."""
    z = np.array([-4.0, -2.5, -1.25, -0.5, 0.25, 0.75, 1.5, 2.5, 4.0, 7.0])
    one, none = np.ones_like(z), np.zeros_like(z)
    bodies = {
        "clip(z, 0, 6)": np.where((z > 0) & (z < 6), one, none),
        "z*clip(z + 3, 0, 6)/6": np.select([z < -3, z > 3], [none, one], (2 * z + 3) / 6),
        "maximum(z, 2*minimum(z, 0))": np.where(z > 0, one, np.where(z > 2 * z, one, 2)),
        "maximum(minimum(z, 1), maximum(-z, -2))": np.select([z < 0, z < 1], [-one, one], none),
        "where(where(z > 0, z, 1) > 2, z**2, z)": np.where(z > 2, 2 * z, 1),
    }
    for body, slope in bodies.items():
        module = types.ModuleType("choices")
        text = f'Input(1) >> Dense(1) >> Activation("{body}") >> Loss("sum(a * y)", y="k")'
        exec(generate(text, fast=fast), vars(module))
        params = {"W1": np.ones((1, 1)), "b1": np.zeros(1)}
        found = [module.loss_and_grads(params, at.reshape(1, 1), np.ones((1, 1)))[1]["b1"][0] for at in z]
        np.testing.assert_allclose(found, slope, rtol=1e-14, err_msg=body)
