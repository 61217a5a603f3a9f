"""The module to read: it reads as the page does, ruff has no wish, and it computes what the fast module computes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_networks import EXAMPLES
from random_networks import SIZES, network
from toy_layers import toys

import symprop
from symprop.algebra.shapes import shape_text
from symprop.codegen.case import Case
from symprop.codegen.gallery import FOLDER, Example
from symprop.networks.optimisers import OPTIMISERS
from symprop.verify import module_checks, target_checks
from symprop.verify.points import called, points_of
from tests.codegen.test_generate import reference_step
from tests.rounding import assert_rounded, exact

__all__ = ["toys"]
pytestmark = pytest.mark.usefixtures("toys")

GATED = 'Input(3) >> Dense(4) >> Tanh() >> Gate(Input(4, name="gate")) >> Dense(2) >> SoftmaxCrossEntropy()'
MASKED = 'Input(5, 3) >> Dense(4) >> Tanh() >> Masked(Input(5, 1, name="mask")) >> Dense(2) >> MeanSquaredError()'
TAGGED = 'Input(5, 3) >> Dense(4) >> Tagged(Input(5, name="tags"), 6) >> Dense(2) >> SoftmaxCrossEntropy()'
MANY = (
    'Input(3) >> Dense(4) >> Gate(Input(4, name="a_gate_with_a_long_name")) >> '
    'Gate(Input(4, name="another_gate_with_a_long_name")) >> Masked(Input(4, name="mask")) >> '
    'Gate(Input(4, name="yet_another_gate")) >> Dense(2) >> MeanSquaredError()'
)
NORMED = "Input(3) >> Norm() >> Dense(3) >> Tanh() >> Norm() >> MeanSquaredError()"
NORMED_IDS = "Input(4) >> Embedding(7, 3, flatten=False) >> Norm() >> MeanSquaredError()"
BIASED = "Input(3) >> Norm(unbiased=False) >> Dense(3) >> SoftmaxCrossEntropy()"
NAMED_IDS = (
    'Input(5, 3) >> Dense(4) >> Tagged(Input(5, name="places_of_the_words"), 6) >> Dense(2) >> MeanSquaredError()'
)
DTYPES = ("float64", "float32", "float64", "float32")
"""Of the modules with an optimiser each, whose lines do not differ by type."""
TOYS = (NAMED_IDS, GATED, MASKED, TAGGED, MANY, NORMED, NORMED_IDS, BIASED)
RANDOM = [network(np.random.default_rng([12, number])) for number in range(60)]

DIGITS_LINES = 205
"""What one reads in one sitting, forward pass, backward pass and how it starts."""


def case_of(text: str) -> Case:
    """Return the case of a module to read; sizes that have names get numbers."""
    net = symprop.parse_network(text)
    counted = net.with_sizes({name: SIZES[name] for name in net.sizes if name in SIZES})
    return Case(counted.with_sizes({name: SIZES[name] for name in counted.sizes}), target="numpy")


# ---------------------------------------------------------------- how it reads


PASSES = ("forward", "loss", "backward")
GUARD = re.compile(r"(safe|near|far|base)\d*(_\d+)?")
"""Arguments that are kept from a pole, or from where a function has its limit and a power overflows."""


def functions(source: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def numbered(source: str, function: ast.FunctionDef) -> Iterator[tuple[int, str, list[ast.stmt]]]:
    """Yield each numbered comment inside a function, with its text and the statements up to the next one."""
    lines = source.splitlines()[function.lineno : function.end_lineno]
    starts = [place for place, line in enumerate(lines) if re.match(r" *# \(\d+\) ", line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        stop = next((place for place in range(start, end) if not lines[place]), end)
        continued = start + 1
        while lines[continued].startswith("    #     "):
            continued += 1
        text = " ".join([lines[start].strip(), *(line.strip("# ") for line in lines[start + 1 : continued])])
        number, equation = text.removeprefix("# (").split(") ", 1)
        code = "\n".join(line.removeprefix("    ") for line in lines[continued:stop])
        body = ast.parse(code if "return " not in code else code.rpartition("return ")[0]).body
        yield int(number), equation, body


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_statement_stands_under_its_equation_in_the_order_of_the_page(example: Example) -> None:
    derivation = symprop.derive(example.network, layout="rows")
    equations = {derivation.numbers[equation.name]: equation for equation in derivation.equations}
    source = symprop.generate(derivation, example.dtype)
    found = functions(source)
    order: list[int] = []
    for name in PASSES:
        for number, text, body in numbered(source, found[name]):
            equation = equations[number]
            assert text.split() == [*equation.pretty().split(), *shape_text(equation.target.shape).split()]
            assert all(isinstance(each, ast.Assign) for each in body)
            *before, last = [ast.unparse(each).partition(" = ")[0] for each in body]
            assert last == equation.name and all(map(GUARD.fullmatch, before)), f"{name}: one statement for {text}"
            order.append(number)
    assert order == sorted(equations), "each equation once, in the order of the page"


@pytest.mark.parametrize("text", [*(example.text for example in EXAMPLES), *TOYS, *RANDOM[:20]])
def test_names_are_those_of_the_page_and_no_memory_is_reused(text: str) -> None:
    case = case_of(text)
    derivation, source = case.rows.derivation, case.source
    assert "out=" not in source and "workspace" not in source.lower()
    named = {equation.name for equation in derivation.equations}
    named |= {variable.name for variable in derivation.system.data}
    named |= {parameter.name for parameter in derivation.parameters}
    for name in (*PASSES, "predict"):
        function = functions(source)[name]
        assigned = [
            node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ]
        extra = {node.id for node in assigned} - named - {"params", "values", "masks", "state", "m", "name", "_"}
        assert all(map(GUARD.fullmatch, extra)), f"{name} makes {extra}"
        assert not [node for node in ast.walk(function) if isinstance(node, ast.AugAssign)]


def test_digits_is_read_in_one_sitting() -> None:
    assert len((FOLDER / "digits" / "digits.py").read_text(encoding="utf-8").splitlines()) <= DIGITS_LINES


def test_constants_are_what_they_are() -> None:
    source = symprop.generate("Input(64) >> Dense(128) >> GELU() >> Dense(10) >> SoftmaxCrossEntropy()")
    assert "rng.uniform(-1, 1, (10, 128)) * np.sqrt(6 / (128 + 10))" in source
    assert "math.sqrt(2)" in source and "0.707" not in source


@pytest.mark.parametrize(
    ("dtype", "optimizer"), [("float64", None), ("float32", None), *zip(DTYPES, OPTIMISERS, strict=True)]
)
def test_ruff_has_no_wish(dtype: str, optimizer: str | None, tmp_path: Path) -> None:
    whole = (dtype, optimizer) == ("float64", None)
    texts = [*(example.text for example in EXAMPLES), *TOYS, *RANDOM[:20]] if whole else [EXAMPLES[0].text, MANY]
    for number, text in enumerate(texts):
        source = case_of(text).at(dtype=dtype, optimizer=optimizer).source
        (tmp_path / f"module_{number}.py").write_text(source, encoding="utf-8")
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


# ---------------------------------------------------------------- what it computes


def assert_certified(rows: Any) -> None:
    found = list(rows)
    assert found and all(row.ok for row in found), [row.cells for row in found if not row.ok]


SEEN = [*RANDOM[:20], *(pytest.param(text, marks=pytest.mark.slow) for text in RANDOM[20:])]


@pytest.mark.parametrize("text", [*(example.text for example in EXAMPLES), *TOYS, *SEEN])
def test_it_computes_what_the_fast_module_computes(text: str) -> None:
    """Loss, prediction and all gradients, for every kind of targets, as far as rounding in both allows."""
    case = case_of(text).at(target="fast")
    points = points_of(case, 3, 4)
    assert points
    assert_certified(target_checks.rows(case, ["numpy"], points))


WIDE = pytest.mark.slow  # the embedding of a narrower network has the same statements
"""For the network of names: twelve thousand coordinates."""


@pytest.mark.parametrize(
    "text",
    [
        *(pytest.param(each.text, marks=[WIDE] if each.name == "names" else []) for each in EXAMPLES),
        "Input(3) >> Embedding(7, 2) >> Dense(5) >> Tanh() >> Dense(4) >> SoftmaxCrossEntropy()",
        *TOYS,
    ],
)
def test_it_is_right_by_the_complex_step(text: str) -> None:
    """Gradients, forward pass, prediction, loss, running statistics: with no other module between."""
    case = case_of(text)
    points = points_of(case, 4, 3)
    assert_certified(module_checks.gradient_rows(case, points[:1], chosen=40))
    assert_certified(module_checks.value_rows(case, points))
    running = module_checks.evaluation_rows(case, points)  # what moves them is compared with the fast module below
    assert all(row.ok for row in running if row.oracle.startswith("evaluation"))
    single = points_of(case, 5, 3, [points[0].kind], single=True)
    assert_certified(module_checks.float32_rows(case, single))


@pytest.mark.parametrize("text", [EXAMPLES[0].text, GATED, NORMED, NORMED_IDS, BIASED])
@pytest.mark.parametrize("name", list(OPTIMISERS))
def test_training_steps_are_loss_and_gradients_clipped_then_an_update(text: str, name: str) -> None:
    """Each part of a step by its own oracle: the update of the papers, and the same functions called one by one."""
    case = case_of(text).at(optimizer=name)
    module, (point, *_) = case.module, points_of(case, 6, 5)
    x = dict(point.inputs) if len(point.inputs) > 1 else next(iter(point.inputs.values()))
    (y,) = point.given.values()
    state = module.init_state(point.parameters)
    assert all(np.array_equal(state["params"][key], value) for key, value in point.parameters.items())
    first, moments = dict(state["params"]), {}
    for step in (1, 2, 3):
        before = {key: value.copy() for key, value in state["params"].items()}
        kept = {key: dict(state[key]) for key in ("v", "s", "velocity") if key in state}
        loss, grads = module.loss_and_grads(before, x, y)
        norm = np.sqrt(sum(np.sum(grad**2) for grad in grads.values()))
        limit = None if step == 1 else float(norm) / 2
        assert module.train_step(state, x, y, lr=0.01, max_norm=limit) == loss
        for key, grad in grads.items():
            clipped = exact(grad) if limit is None else exact(grad) * (exact(limit) / exact(norm))
            v, s = (exact(kept[each][key]) if each in kept else 0 for each in ("v", "s"))
            weight = key in [each.name for each in case.network.parameters if each.kind == "weight"]
            expected = reference_step(name, exact(before[key]), [clipped], v, s, first=step, decays=weight)
            if limit is None:
                assert_rounded(state["params"][key], expected, name=key)
            moments[key] = expected
    assert all(np.array_equal(value, point.parameters[key]) for key, value in first.items()), "given, and not changed"
    assert set(moments) == set(point.parameters)


@pytest.mark.parametrize("text", [NORMED, NORMED_IDS, BIASED])
def test_running_statistics_move_as_those_of_the_fast_module(text: str) -> None:
    case = case_of(text).at(optimizer="sgd")
    read, fast = case.module, case.at(target="fast").module
    assert {key: value.tolist() for key, value in read.init_running().items()} == {
        key: value.tolist() for key, value in fast.init_running().items()
    }
    assert read.STATISTICS == fast.STATISTICS
    (point, *_) = points_of(case, 7, 6)
    (x,), (y,) = point.inputs.values(), point.given.values()
    states = [
        module.init_state({key: value.copy() for key, value in point.parameters.items()}) for module in (read, fast)
    ]
    for rows in (slice(0, 6), slice(2, 5), slice(1, 2)):  # the last: one example alone
        for module, state in zip((read, fast), states, strict=True):
            module.train_step(state, x[rows], y[rows], lr=0.01)
        for key in read.STATISTICS:
            # three batches of six numbers of about 1, whose means are squared and summed: a hundred roundings
            np.testing.assert_allclose(
                states[0][key], states[1][key], rtol=0, atol=100 * 2.0**-53 * (1 + np.abs(states[1][key]).max())
            )
    predictions = [module.predict(point.parameters, x, states[1]) for module in (read, fast)]
    np.testing.assert_allclose(*predictions, rtol=1e-12, atol=1e-12)
    losses = [module.loss(point.parameters, x, y, training=False, state=states[1]) for module in (read, fast)]
    np.testing.assert_allclose(*losses, rtol=1e-12)


def test_an_example_alone_stands_in_a_batch_of_one() -> None:
    case = case_of(EXAMPLES[1].text)
    (point, *_) = points_of(case, 8, 3)
    one = point.only(1)
    whole, single = (called(case.module.predict, each, targets=False) for each in (point, one))
    np.testing.assert_allclose(whole[1:2], single, rtol=0, atol=1e-14)


def test_descending_its_gradients_lowers_its_loss() -> None:
    module = symprop.compile("Input(2) >> Dense(8) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()", fast=False)
    rng = np.random.default_rng(0)
    params, x = module.init_params(1), rng.normal(size=(200, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    before = module.loss(params, x, y)
    for _ in range(300):
        _, grads = module.loss_and_grads(params, x, y)
        params = {key: value - grads[key] for key, value in params.items()}
    assert module.loss(params, x, y) < before / 3


@pytest.mark.parametrize("name", ["backward", "values", "float", "len", "loss", "dict", "given", "rng", "zip"])
def test_an_own_function_never_takes_the_name_of_something_else(name: str) -> None:
    text = f'Input(3) >> Dense(3) >> Activation("t*t*t + t", name="{name}") >> Dense(3) >> SoftmaxCrossEntropy()'
    case = case_of(text).at(target="fast")
    assert_certified(target_checks.rows(case, ["numpy"], points_of(case, 3, 4)))


@pytest.mark.parametrize("name", ["values", "backward"])
def test_an_input_never_takes_the_name_of_something_else(name: str) -> None:
    with pytest.raises(symprop.SpecError, match="has a meaning of its own in formulas or in code"):
        case_of(GATED.replace('"gate"', f'"{name}"'))


# ---------------------------------------------------------------- what bad input gets


CLASSES = symprop.compile("Input(4) >> Dense(3) >> SoftmaxCrossEntropy()", fast=False)
BINARY = symprop.compile("Input(4) >> Dense(1) >> BinaryCrossEntropy()", fast=False)
IDS = symprop.compile("Input(2) >> Embedding(5, 3) >> Dense(1) >> MeanSquaredError()", fast=False)
X = np.arange(8.0).reshape(2, 4)
ROWS = "y must hold class ids from 0 to 2, or (2, 3) rows that sum to 1"
IDS_HELD = "x must hold integers from 0 to 4"


@pytest.mark.parametrize(
    ("module", "x", "y", "message"),
    [
        (CLASSES, X[0], [0], "x has shape (4,); it must be (m, 4)"),
        (CLASSES, X[:, :3], [0, 1], "x has shape (2, 3); it must be (m, 4)"),
        (CLASSES, X[None], [0, 1], "x has shape (1, 2, 4); it must be (m, 4)"),
        (CLASSES, X, [0, 3], ROWS),
        (CLASSES, X, [0, -1], ROWS),
        (CLASSES, X, [0, 1.5], ROWS),
        (CLASSES, X, [0, np.nan], ROWS),
        (CLASSES, X, [0, 1, 2], ROWS),
        (CLASSES, X, [[0], [1]], ROWS),
        (CLASSES, X, [[0, 1, 0], [0.5, 0.4, 0]], ROWS),
        (CLASSES, X, [[0, 1, 0], [1.5, -0.5, 0]], ROWS),
        (CLASSES, X, [[0, 1, 0], [0.5, np.nan, 0.5]], ROWS),
        (BINARY, X, [0, 1.5], "y must be from 0 to 1"),
        (BINARY, X, [0, np.nan], "y must be from 0 to 1"),
        (BINARY, X, [[1]], "y has shape (1, 1); it must be (2, 1)"),
        (IDS, [[0, 5], [1, 1]], [1, 2], IDS_HELD),
        (IDS, [[0, -1], [1, 1]], [1, 2], IDS_HELD),
        (IDS, [[0, 1.0], [1, 1]], [1, 2], IDS_HELD),
        (IDS, [0, 1], [1, 2], "x has shape (2,); it must be (m, 2)"),
    ],
)
def test_bad_data_are_refused(module: Any, x: Any, y: Any, message: str) -> None:
    params = module.init_params()
    for function in (module.loss, module.loss_and_grads):
        with pytest.raises(ValueError) as caught:
            function(params, x, y)
        assert str(caught.value) == message


@pytest.mark.parametrize("wrong", ["missing", "further", "misspelt", "turned"])
def test_parameters_of_another_network_are_refused(wrong: str) -> None:
    params = CLASSES.init_params()
    given = {
        "missing": {"W1": params["W1"]},
        "further": {**params, "W2": params["W1"]},
        "misspelt": {"w1": params["W1"], "b1": params["b1"]},
        "turned": {**params, "W1": params["W1"].T},
    }[wrong]
    for call in (lambda: CLASSES.forward(given, X), lambda: CLASSES.loss_and_grads(given, X, [0, 1])):
        with pytest.raises(ValueError, match=r"params has shapes .* they must be \{'W1': \(3, 4\), 'b1': \(3,\)\}"):
            call()


def test_several_inputs_are_checked_by_their_names() -> None:
    module = case_of(TAGGED).module
    params, x, tags = module.init_params(), np.ones((2, 5, 3)), np.zeros((2, 5), int)
    y = np.zeros((2, 5), int)
    assert np.isfinite(module.loss(params, {"x": x, "tags": tags}, y))
    for given in (x, {"x": x}, {"x": x, "tag": tags}, {"x": x, "tags": tags, "memory": x}, [x, tags]):
        with pytest.raises(ValueError, match=r"x must be a dict of \['x', 'tags'\], not (ndarray|list|\['x'.*\])"):
            module.loss(params, given, y)
    with pytest.raises(ValueError, match="tags must hold integers from 0 to 5"):
        module.loss(params, {"x": x, "tags": tags + 6}, y)
    with pytest.raises(ValueError, match=r"tags has shape \(2, 4\); it must be \(2, 5\)"):
        module.loss(params, {"x": x, "tags": tags[:, :4]}, y)
    with pytest.raises(ValueError, match=r"tags has shape \(1, 5\); it must be \(2, 5\)"):
        module.loss(params, {"x": x, "tags": tags[:1]}, y)


@pytest.mark.parametrize("limit", [0, -1.0, np.nan])
def test_a_norm_that_is_no_limit_is_refused(limit: float) -> None:
    module = symprop.compile("Input(4) >> Dense(3) >> SoftmaxCrossEntropy()", optimizer="sgd", fast=False)
    with pytest.raises(ValueError, match=r"max_norm is .*; it must be"):
        module.clip_gradients({"W1": np.ones((3, 4))}, limit)


def test_a_module_says_what_its_equations_mean_by_windows() -> None:
    head, _, _ = symprop.generate("Input(6, 3) >> Conv1D(2, 3) >> MeanSquaredError()").partition("import numpy")
    said = " ".join(head.split())
    assert "S₁,ₖ selects a position for each window i, the one at offset k: row i of S₁,ₖ A is A[i + k − 1]" in said
    assert "W₁,ₖ is W₁[:, k]." in said


def test_chains_of_calls_are_broken_as_ruff_breaks_them() -> None:
    pytest.importorskip("ruff", reason="ruff is not installed, which lays out what is printed")
    source = symprop.generate(
        'Input(8, 8, 1) >> Conv2D(4, 3, padding="same") >> BatchNorm() >> ReLU() >> MaxPool2D(2) >> Conv2D(4, 3)'
        " >> Flatten() >> Dense(3) >> SoftmaxCrossEntropy()"
    )
    assert "\n        .transpose(0, 1, 2, 4, 5, 3)\n        .reshape(" in source
    command = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--stdin-filename", "module.py", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
