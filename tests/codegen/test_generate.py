"""What a generated module does: its door, its numbers at the edges, its optimisers, its source."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from symprop import derive, parse_network
from symprop.codegen import compile_network, generate
from symprop.errors import SpecError
from symprop.networks.optimisers import OPTIMISERS
from tests.rounding import FUNCTION, UNIT, assert_off, assert_rounded, differences, exact

CLASSES = compile_network("Input(4) >> Dense(3) >> SoftmaxCrossEntropy()")
BINARY = compile_network("Input(4) >> Dense(1) >> BinaryCrossEntropy()")
IDS = compile_network("Input(2) >> Embedding(5, 3) >> Dense(1) >> MeanSquaredError()", dtype="float32")
X = np.arange(8.0).reshape(2, 4)


def refused(module: Any, x: Any, y: Any, params: Any = None) -> str:
    with pytest.raises(ValueError) as caught:
        module.loss_and_grads(module.init_params() if params is None else params, x, y)
    return str(caught.value)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 3], "y[1] is 3; it must be an integer from 0 to 2"),
        ([0, -1], "y[1] is -1; it must be an integer from 0 to 2"),
        ([0, 2.5], "y[1] is 2.5; it must be an integer from 0 to 2, not a float"),
        ([2.0, 1.0], "y[0] is 2.0; it must be an integer from 0 to 2, not a float"),
        ([0, np.nan], "y[1] is nan; it must be an integer from 0 to 2, not a float"),
        ([[0], [1]], "y has shape (2, 1); it must be (2,) class ids, or (2, 3) rows that sum to 1"),
        ([], "y has shape (0,); it must be (2,) class ids, or (2, 3) rows that sum to 1"),
        ([[0, 1, 0], [0.5, 0.4, 0]], "y[1] sums to 0.9; it must sum to 1"),
        ([[0, 1, 0], [1.5, -0.5, 0]], "y[1, 1] is -0.5; it must be nonnegative"),
        ([[0, 1, 0], [0.5, np.nan, 0]], "y[1, 1] is nan; it must be a finite number"),
        (np.ma.array([0, 1], mask=[0, 1]), "y must hold real numbers, not masked values"),
        (["a", "b"], "y must hold real numbers, not <U1 values"),
    ],
)
def test_targets_of_classes_are_checked(y: Any, message: str) -> None:
    assert refused(CLASSES, X, y) == message


@pytest.mark.parametrize("dtype", ["u1", ">i2", "i8", "?"])
def test_class_ids_of_any_integer_type_are_one_hot_rows(dtype: str) -> None:
    ids = np.array([1, 0], dtype)
    params = CLASSES.init_params()
    assert CLASSES.loss(params, X, ids) == CLASSES.loss(params, X, np.eye(3)[[1, 0]])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.where(X == 5, np.nan, X), "x[1, 1] is nan; it must be a finite number"),
        (np.where(X == 2, -np.inf, X), "x[0, 2] is -inf; it must be a finite number"),
        (X + 1j, "x must hold real numbers, not complex128 values"),
        (X.astype(object), "x must hold real numbers, not object values"),
        (np.ma.array(X), "x must hold real numbers, not masked values"),
        ("abc", "x must hold real numbers, not <U3 values"),
        (X[:0], "x has shape (0, 4); it must be (m, 4) with m at least 1"),
        (X[0], "x has shape (4,); it must be (m, 4) with m at least 1"),
        (X[:, :3], "x has shape (2, 3); it must be (m, 4) with m at least 1"),
    ],
)
def test_inputs_are_checked(x: Any, message: str) -> None:
    assert refused(CLASSES, x, [0, 1]) == message


@pytest.mark.parametrize("dtype", ["i4", ">f8", ">f4", "f2", "g"])
def test_inputs_of_any_real_type_are_converted(dtype: str) -> None:
    params = CLASSES.init_params()
    read_only = X.astype(dtype)
    read_only.flags.writeable = False
    strided = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3].astype(dtype)
    expected = CLASSES.loss(params, X, [0, 1])
    assert CLASSES.loss(params, read_only, [0, 1]) == CLASSES.loss(params, strided, [0, 1]) == expected
    assert CLASSES.loss(params, X.tolist(), [0, 1]) == expected


def test_parameters_are_checked() -> None:
    params = CLASSES.init_params()
    assert refused(CLASSES, X, [0, 1], {"W1": params["W1"]}) == "params differs in ['b1']; it must be a dict of W1, b1"
    assert refused(CLASSES, X, [0, 1], {**params, "q": 1}) == "params differs in ['q']; it must be a dict of W1, b1"
    assert refused(CLASSES, X, [0, 1], {**params, "W1": params["W1"].T}) == "W1 has shape (4, 3); it must be (3, 4)"


def test_targets_between_0_and_1_are_checked() -> None:
    assert refused(BINARY, X, [0, 1.5]) == "y[1, 0] is 1.5; it must be between 0 and 1"
    assert refused(BINARY, X, [0, np.nan]) == "y[1, 0] is nan; it must be a finite number"
    assert refused(BINARY, X, [[1]]) == "y has 1 rows, but x has 2"
    params = BINARY.init_params()
    assert BINARY.loss(params, X, [0, 1]) == BINARY.loss(params, X, [[0], [1]])


@pytest.mark.parametrize(("ids", "index"), [([[0, 5], [1, 1]], "[0, 1] is 5"), ([[0, 1], [-1, 1]], "[1, 0] is -1")])
def test_ids_are_checked(ids: Any, index: str) -> None:
    assert refused(IDS, ids, [1, 2]) == f"x{index}; it must be an integer from 0 to 4"


@pytest.mark.parametrize("scale", [0.0, 1.0, 1000.0])
@pytest.mark.parametrize(
    "text",
    [
        "Input(3) >> Dense(3, bias=False) >> SoftmaxCrossEntropy()",
        "Input(3) >> Dense(3, bias=False) >> BinaryCrossEntropy()",
        "Input(3) >> Dense(3, bias=False) >> Sigmoid() >> BinaryCrossEntropy()",
        "Input(3) >> Dense(3, bias=False) >> ELU() >> MeanSquaredError()",
        "Input(3) >> Dense(3, bias=False) >> Softplus() >> MeanSquaredError()",
        "Input(3) >> Dense(3, bias=False) >> SiLU() >> MeanSquaredError()",
        "Input(3) >> Dense(3, bias=False) >> GELU() >> MeanSquaredError()",
        "Input(3) >> Dense(3, bias=False) >> Softmax() >> MeanSquaredError()",
    ],
)
def test_numbers_are_finite_where_the_truth_is(text: str, scale: float) -> None:
    for dtype in ("float64", "float32"):
        module = compile_network(text, dtype)
        x = np.array([[1.0, -1.0, 0.5], [-1.0, 1.0, -1.0]])
        y = [0, 1] if "SoftmaxCross" in text else np.array([[0, 1, 0.5], [1, 0, 1]])
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            loss, grads = module.loss_and_grads({"W1": scale * np.eye(3)}, x, y)
        assert np.isfinite(loss) and np.isfinite(grads["W1"]).all()
        assert grads["W1"].dtype == dtype


def test_saturated_cross_entropies_have_their_exact_value() -> None:
    x = np.array([[1000.0, -1000.0]])
    classes = compile_network("Input(2) >> Dense(2, bias=False) >> SoftmaxCrossEntropy()")
    assert classes.loss({"W1": np.eye(2)}, x, [1]) == 2000
    binary = compile_network("Input(2) >> Dense(2, bias=False) >> Sigmoid() >> BinaryCrossEntropy()")
    assert binary.loss({"W1": np.eye(2)}, x, [[0, 1]]) == 2000


def softness(t: Any) -> Any:
    return mpmath.log1p(mpmath.exp(t))


HOSTILE: dict[str, Any] = {
    "log(1 - sigmoid(x))": lambda t: -softness(t),
    "log(sigmoid(x))": lambda t: -softness(-t),
    "log(cosh(x))": lambda t: mpmath.log(mpmath.cosh(t)),
    "log(2 + 3 * exp(x))": lambda t: mpmath.log(2 + 3 * mpmath.exp(t)),
    "exp(x) / (2 + exp(x))": lambda t: 1 / (2 * mpmath.exp(-t) + 1),
    "1 / (2 + exp(-x))": lambda t: 1 / (2 + mpmath.exp(-t)),
    "exp(x) / (1 + exp(x))": lambda t: 1 / (1 + mpmath.exp(-t)),
    "1 / (1 + exp(x))**2": lambda t: (1 + mpmath.exp(t)) ** -2,
    "sinh(x) / cosh(x)": mpmath.tanh,
    "1 / cosh(x)": mpmath.sech,
    "x / cosh(x)**2": lambda t: t * mpmath.sech(t) ** 2,
    "exp(-x) / (1 + exp(-x))**2": lambda t: mpmath.exp(-t) / (1 + mpmath.exp(-t)) ** 2,
    "(exp(x) - exp(-x)) / (exp(x) + exp(-x))": mpmath.tanh,
    "log(exp(x) + exp(-x))": lambda t: mpmath.log(2 * mpmath.cosh(t)),
    "2 / (exp(x) + exp(-x))": mpmath.sech,
    "(1 - exp(-x)) / (1 + exp(-x))": lambda t: mpmath.tanh(t / 2),
    "x * tanh(log(1 + exp(x)))": lambda t: t * mpmath.tanh(softness(t)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("place", ["layer", "loss"])
@pytest.mark.parametrize("body", HOSTILE)
def test_own_functions_are_finite_where_the_truth_is(body: str, place: str, dtype: str) -> None:
    """In a hidden layer (a scalar body), and written out in a loss (a formula of arrays)."""
    layers = {
        "layer": f'Activation("{body}") >> Loss("sum(a)")',
        "loss": f'Loss("sum({re.sub("x(?!p)", "a", body)})")',
    }
    module = compile_network(f"Input(1) >> Dense(1, bias=False) >> {layers[place]}", dtype)
    for z in (0.0, 0.3, -2.0, 19.0, -19.0, 90.0, -90.0, 1000.0, -1000.0):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            loss, grads = module.loss_and_grads({"W1": np.array([[z]], dtype)}, [[1.0]], [[0.0]])
        with mpmath.workdps(1000):
            at = mpmath.mpf(float(np.array(z, dtype)))
            value, slope = HOSTILE[body](at), mpmath.diff(HOSTILE[body], at)
        for found, true in ((loss, float(value)), (grads["W1"][0, 0], float(slope))):
            # ten operations at most, each of numbers of up to 1 or of the size of the result
            assert_off(found, true, 10 * FUNCTION * UNIT[dtype] * max(1, abs(true)), (z, dtype))


def reference_step(name: str, w: Any, grads: list[Any], v: Any = 0, s: Any = 0, first: int = 1, decays: Any = 1) -> Any:
    """The updates of the papers, written out once more by hand; `decays` is 1 for weights and 0 for all else."""
    lr = 0.01
    for step, g in enumerate(grads, start=first):
        if name == "sgd":
            w = w - lr * g
        elif name == "momentum":
            v = 0.9 * v + g
            w = w - lr * v
        else:
            v, s = 0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g * g
            decay = 0.01 * w * decays if name == "adamw" else 0
            w = w - lr * (v / (1 - 0.9**step) / (np.sqrt(s / (1 - 0.999**step)) + 1e-8) + decay)
    return w


@pytest.mark.parametrize("name", list(OPTIMISERS))
def test_optimisers(name: str) -> None:
    module = compile_network("Input(4) >> Dense(3) >> SoftmaxCrossEntropy()", optimizer=name)
    rng = np.random.default_rng(5)
    params = module.init_params(seed=1)
    start = {key: value.copy() for key, value in params.items()}
    steps = [{key: rng.standard_normal(value.shape) for key, value in params.items()} for _ in range(3)]
    state, held = module.init_state(params), dict(params)
    for grads in steps:
        module.update(params, grads, state, lr=0.01)
    for key in params:
        assert params[key] is held[key], "in place"
        expected = reference_step(name, exact(start[key]), [exact(g[key]) for g in steps], decays=key[0] == "W")
        assert_rounded(params[key], expected, name=key)


def by_hand(params: Any, x: Any, y: Any) -> tuple[Any, list[Any]]:
    """Loss and gradients of two layers with tanh between them, and a softmax, in numbers that know their bounds."""
    W1, b1, W2, b2 = map(exact, params.values())
    x, m = exact(x), exact(len(x))
    a1 = np.tanh(x @ W1.T + b1)
    powers = np.exp(a1 @ W2.T + b2)
    p = powers / powers.sum(axis=1, keepdims=True)
    delta2 = (p - np.eye(p.shape[1])[y]) / m
    delta1 = (delta2 @ W2) * (1 - a1 * a1)
    loss = -sum(np.log(p[row, label]) for row, label in enumerate(y)) / m
    return loss, [delta1.T @ x, delta1.sum(axis=0), delta2.T @ a1, delta2.sum(axis=0)]


@pytest.mark.parametrize("name", list(OPTIMISERS))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_training_step_is_loss_and_gradients_then_an_update(name: str, dtype: str) -> None:
    """Each part of a step is compared with what the part before it gave, so that no error is divided by another."""
    module = compile_network("Input(4) >> Dense(5) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()", dtype, name)
    module.BLOCK = 16  # of 43 parameters
    rng = np.random.default_rng(5)
    state = module.init_state(module.init_params(seed=1))
    for step, (m, norm) in enumerate(((8, None), (8, 0.01), (5, None)), start=1):
        x, y = rng.standard_normal((m, 4)).astype(dtype), rng.integers(0, 3, m)
        before = {key: np.array(state[key]) for key in ("w", "v", "s") if key in state}
        loss, grads = by_hand({key: value.copy() for key, value in state["params"].items()}, x, y)
        assert_rounded(module.train_step(state, x, y, lr=0.01, max_norm=norm), loss, dtype)
        expected = np.concatenate([np.ravel(each) for each in grads])
        if norm is not None:
            length = np.sqrt(np.sum(expected**2))
            assert length > norm
            expected = expected * norm / length
        gradient = state["work"].gradient
        assert_rounded(gradient, expected, dtype)
        moments = [exact(before[key]) if key in before else 0 for key in ("v", "s")]
        weights = np.concatenate([np.full(value.size, key[0] == "W") for key, value in state["params"].items()])
        w = reference_step(name, exact(before["w"]), [exact(gradient)], *moments, step, weights)
        assert_rounded(state["w"], w, dtype)
        assert np.all(state["w"] != before["w"])
    for value in state["params"].values():
        assert value.base is state["w"] and value.dtype == dtype
    with pytest.raises(ValueError, match="x has shape"):
        module.train_step(state, 3.0, [0])


def test_a_workspace_is_for_its_module_and_its_number_of_rows() -> None:
    module = compile_network("Input(4) >> Dense(3) >> SoftmaxCrossEntropy()")
    params, x = module.init_params(), np.ones((2, 4))
    with pytest.raises(ValueError, match="work is for batches of 3 rows, but x has 2"):
        module.loss_and_grads(params, x, [0, 1], module.make_workspace(3))
    with pytest.raises(ValueError, match="work is a dict, not from make_workspace"):
        module.loss_and_grads(params, x, [0, 1], {})
    for batch in (0, -1, 2.0, True, "2"):
        with pytest.raises(ValueError, match="it must be an integer from 1"):
            module.make_workspace(batch)
    work = module.make_workspace(np.int32(2))
    _, grads = module.loss_and_grads(params, x, [0, 1], work)
    assert all(np.shares_memory(gradient, work.gradient) for gradient in grads.values())
    assert not any(
        np.shares_memory(gradient, work.gradient) for gradient in module.loss_and_grads(params, x, [0, 1])[1].values()
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gradients_are_clipped_to_a_common_norm(dtype: str) -> None:
    module = compile_network("Input(4) >> Dense(3) >> SoftmaxCrossEntropy()", dtype)
    grads = {"a": np.full(4, 3.0, dtype), "b": np.full((2, 2), -4.0, dtype)}
    assert module.clip_gradients(grads, 1.0) == 10  # the root of 4 * 9 + 4 * 16
    for name, value in (("a", 3), ("b", -4)):
        assert_rounded(grads[name], exact(np.full(grads[name].shape, value)) / exact(10), dtype)
    assert grads["a"].dtype == dtype
    kept = {name: value.copy() for name, value in grads.items()}
    norm = np.sqrt(sum(np.sum(exact(value) ** 2) for value in kept.values()))
    assert_rounded(module.clip_gradients(grads, 5.0), norm, dtype)
    assert all(np.array_equal(value, kept[name]) for name, value in grads.items())
    zero = {"a": np.zeros(2, dtype)}
    assert module.clip_gradients(zero, 1.0) == 0 and not zero["a"].any()
    with pytest.raises(ValueError, match="above 0"):
        module.clip_gradients(grads, 0)


def test_the_start_depends_on_the_seed_alone() -> None:
    text = "Input(50) >> Dense(40) >> ReLU() >> Dense(30) >> Tanh() >> MeanSquaredError()"
    double, single = compile_network(text), compile_network(text, "float32")
    params = double.init_params(seed=3)
    for name, value in single.init_params(seed=3).items():
        np.testing.assert_array_equal(value, params[name].astype("float32"))
    assert (params["W1"] != double.init_params(seed=4)["W1"]).any()
    assert params["W1"].std() == pytest.approx(np.sqrt(2 / 50), rel=0.05)  # He; of 2,000 draws, three deviations
    assert params["W2"].std() == pytest.approx(np.sqrt(2 / 70), rel=0.06)  # Xavier; of 1,200
    assert not params["b1"].any()


def test_a_traceback_shows_the_generated_source() -> None:
    try:
        CLASSES.loss(CLASSES.init_params(), X[0], [0])
    except ValueError as error:
        text = "".join(traceback.format_exception(error))
    assert 'raise ValueError(f"{name} has shape' in text


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("Input(n0) >> Dense(n1) >> MeanSquaredError()", {}, "sizes n0, n1\ngive them.*--sizes n0=32,n1=32"),
        ("Input(2) >> Repeat(Dense(2) >> Tanh(), L) >> MeanSquaredError()", {}, "sizes L"),
        (
            "Input(2) >> Dense(1) >> MeanSquaredError()",
            {"dtype": "float16"},
            "dtype 'float16'\nallowed: float64, float32",
        ),
        (
            "Input(2) >> Dense(1) >> MeanSquaredError()",
            {"optimizer": "adm"},
            "optimizer 'adm'.*did you mean.*\nallowed: sgd",
        ),
        ("Input(2) >> Dense(1)", {}, "without a loss"),
    ],
)
def test_what_cannot_be_code_is_refused(text: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        generate(parse_network(text), **options)
    assert str(caught.value).count("\n") < 3


def test_a_derivation_in_rows_may_stand_for_its_network() -> None:
    text = "Input(2) >> Dense(1) >> MeanSquaredError()"
    for fast in (False, True):
        written = generate(text, fast=fast)
        assert generate(derive(text, layout="rows"), fast=fast) == written == generate(parse_network(text), fast=fast)
    with pytest.raises(SpecError, match="rows"):
        generate(derive(text))


def test_numbers_in_comments_are_those_of_the_derivation() -> None:
    derivation = derive("Input(3) >> Dense(2) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()", layout="rows")
    sources = generate(derivation), generate(derivation, fast=True)
    for (name, number), source in itertools.product(derivation.numbers.items(), sources):
        assert f"({number}) {derivation.equation(name).pretty()}" in source


WIDE = (
    "Input(3) >> Dense(4) >> Activation('sin(x) * exp(-x**2) + tanh(3 * x) * cos(x) + log(1 + x**2) * arctan(x)"
    " - x / (2 + sin(x))', name='wild') >> Residual(Dense(4) >> GELU('tanh'), projection=True)"
    " >> Dense(2) >> MeanSquaredError() + L2(0.1)"
).replace("'", '"')
DEEP = "Input(3) >> Repeat(Dense(3) >> ELU(0.3), 12) >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.25)"


@pytest.mark.parametrize("text", [WIDE, DEEP], ids=["wide", "deep"])
@pytest.mark.parametrize("optimizer", [None, "sgd", "adamw"])
@pytest.mark.parametrize("fast", [False, True], ids=["to read", "fast"])
def test_source_is_as_ruff_would_have_it(text: str, optimizer: str | None, fast: bool, tmp_path: Path) -> None:
    source = generate(text, "float32", optimizer, fast=fast)
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    constants = ["import math"] if "math.sqrt(" in source else []  # a module to read has them as what they are
    assert [ast.unparse(node) for node in imports] == [*constants, "import numpy as np"]
    assert not constants or not fast
    code = [line for line in source.splitlines() if not line.lstrip().startswith(("#", '"""'))]
    assert max(map(len, code)) <= 88


@pytest.mark.parametrize("text", [WIDE, DEEP], ids=["wide", "deep"])
@pytest.mark.parametrize("fast", [False, True], ids=["to read", "fast"])
def test_long_formulas_have_the_right_gradients(text: str, fast: bool) -> None:
    module = compile_network(text, fast=fast)
    rng = np.random.default_rng(0)
    params = module.init_params(seed=1)
    for value in params.values():
        value += 0.3 * rng.standard_normal(value.shape)  # away from kinks
    x, y = rng.standard_normal((3, 3)), [0, 1, 1] if "Softmax" in text else rng.standard_normal((3, 2))
    _, grads = module.loss_and_grads(params, x, y)
    for name, value in params.items():
        place = tuple(rng.integers(value.shape))
        slope, off = differences(lambda: module.loss(params, x, y), value, place, terms=500)
        assert_off(grads[name][place], slope, off, name)


@pytest.mark.parametrize("fast", [False, True], ids=["to read", "fast"])
def test_an_activation_of_the_input_does_not_shadow_its_helper(fast: bool) -> None:
    module = compile_network("Input(3) >> SiLU() >> Dense(2) >> MeanSquaredError()", fast=fast)
    x = np.array([[1.0, -2.0, 0.0]])
    module.loss_and_grads(module.init_params(), x, [[0, 0]])
    shared = compile_network("Input(3) >> Dense(3) >> SiLU() >> MeanSquaredError()", fast=fast)
    assert np.isfinite(shared.loss(shared.init_params(), x, x))


def test_a_gradient_that_is_zero_says_why() -> None:
    text = 'Input(3) >> Dense(4) >> Loss("sum(softmax(a))")'
    lines = generate(text).splitlines()
    place = lines.index("    dW1 = np.zeros((4, 3), DTYPE)")
    assert lines[place - 1].startswith("    # dW1 is zero: ") and "sums to 1" in lines[place - 1]
    lines = generate(text, fast=True).splitlines()
    place = lines.index("    dW1[...] = 0")
    assert lines[place - 1] == "    dW1 = work.dW1"
    assert lines[place - 2].startswith("    # dW1 is zero: ") and "sums to 1" in lines[place - 2]


def test_a_reason_stands_above_what_it_explains() -> None:
    source = generate("Input(4) >> Dense(5) >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy() + L2(0.001)", fast=True)
    lines = source.partition("def loss_and_grads")[2].splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("    difference2 = "))
    assert lines[place - 1].startswith("    # log(softmax) from the shifted logits")
    assert lines[place + 1].startswith("    L = ") and "np.vdot(y, difference2)" in lines[place + 1]
    for fast in (False, True):
        source = generate("Input(5) >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()", fast=fast)
        lines = source.partition("def loss(")[2].splitlines()
        place = next(place for place, line in enumerate(lines) if line.startswith("    L = "))
        assert lines[place - 1].startswith("    # stays finite: log(sigmoid(t)) = -softplus(-t)")


def test_docstrings_say_what_ids_are_allowed() -> None:
    text = "Input(3) >> Embedding(27, 4) >> Dense(2) >> SoftmaxCrossEntropy()"
    for fast, times in ((False, 1), (True, 2)):
        assert generate(text, fast=fast).count("    x: (m, 3), ids from 0 to 26\n") == times


def test_a_softmax_of_a_formula_is_computed_once_for_loss_and_gradient() -> None:
    source = generate('Input(2) >> Dense(3) >> Loss("-sum(y * log(softmax(2 * a)))")', fast=True)
    body = source.partition("def _step")[2].partition("\ndef ")[0]
    assert body.count("np.exp(") == 1 and body.count(".max(") == 1
