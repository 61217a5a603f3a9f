"""The target "jax": the same loss and gradients on `jax.numpy`, pure, under jit and vmap."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from example_networks import CONVOLUTIONS, EXAMPLES
from random_networks import SIZES, network
from toy_layers import toys

import symprop
from symprop.algebra.nodes import Node, Power, Scalar, Sum, Variable
from symprop.codegen.case import Case
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.optimisers import OPTIMISERS
from symprop.networks.spec import LAYERS
from symprop.verify.points import Point, called, random_point, target_kinds

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install 'symprop[jax]'")
__all__ = ["toys"]

CLOSE = 1e-12
"""Relative to the largest gradient: a few thousand roundings of 1e-16 in sums of other orders."""

DIGITS = EXAMPLES[1].text
SMALL = "Input(4) >> Dense(5) >> Tanh() >> Residual(Dense(5) >> ReLU()) >> Dense(3) >> SoftmaxCrossEntropy()"
BATCH = "Input(4) >> Dense(5) >> Norm() >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()"
WORDS = "Input(3) >> Embedding(300, 4) >> Dense(3) >> SoftmaxCrossEntropy()"
SEVERAL = (
    'Input(5, 3) >> Dense(4) >> Tagged(Input(5, name="tags"), 6) >> Gate(Input(4, name="memory")) >> '
    'Masked(Input(5, 1, name="mask")) >> Dense(2) >> SoftmaxCrossEntropy()'
)
WINDOWS = (
    'Input(3) >> Dense(6) >> Loss("sum(fold(sliding_window_view(tanh(a), 3), 3, 0, 9, 2, 1)**2) + sum(y * flip(a))")'
)
KINDS = (
    *("Input(4) >> Dense(5) >> Centred() >> Tanh() >> Dense(3) >> MeanSquaredError()", BATCH, SEVERAL),
    "Input(4, 3) >> Norm() >> Dense(2) >> Norm() >> MeanSquaredError()",
    "Input(4) >> Embedding(7, 3, flatten=False) >> Norm() >> MeanSquaredError()",
    'Input(2) >> Dense(3) >> Loss("sum(concatenate((a, y, tanh(a)))**2)")',
    'Input(4) >> Dense(7) >> Tanh() >> Loss("sum(y) * sum(sliding_window_view(pad(a, (1, 2)), 3, axis=0)[::2]**2)")',
    "Input(3) >> Dense(6) >> Loss('sum(y * max(sliding_window_view(pad(a, (1, 1), constant_values=-inf), 3), axis=1))"
    " + sum(flip(a)[1:3] * a[2:4]**2)')",
    WINDOWS,
    'Input(3) >> Dense(6) >> Loss("sum(tanh(pad(tanh(a) * y, (2, 1))[1:8] + pad(sum(outer(a, y), axis=0), (0, 1))))")',
    'Input(3) >> Dense(3) >> GELU("tanh") >> Dense(3) >> Loss("sum(maximum(a, y)**3) + max(a)") + L2(0.1)',
    'Input(2) >> Dense(3) >> Loss("sum(inv(eye(3) * 3 + ones((3, 3))) @ a) + sum(y)")',
)


@dataclass(frozen=True)
class Centred(Layer):
    """Each row less its mean, divided by its deviation: layer normalisation without its parameters."""

    def build(self, builder: Builder, value: Variable) -> Variable:
        def mean(node: Node) -> Node:
            return Scalar(1 / value.shape[-1]) * Sum(node, -1, True)

        number = builder.next_number("centred")
        c = builder.equation("c", number, value - mean(value), "centred")
        return builder.equation("v", number, c * Power(mean(Power(c, 2)) + Scalar(1), -1), "normalised")


@pytest.fixture(autouse=True)
def layers(toys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "Centred", Centred)


def case_of(text: str, **options: Any) -> Case:
    """Return the case of a network with numbers for all sizes."""
    found = symprop.parse_network(text)
    while found.sizes:
        found = found.with_sizes({name: SIZES[name] for name in found.sizes if name in SIZES})
    return Case(found, target="jax", **options)


def point_of(case: Case, count: int = 4, seed: int = 1) -> Point:
    """Return random parameters, and a batch of inputs and targets."""
    system = case.example.system
    return random_point(system, np.random.default_rng(seed), target_kinds(system)[0], count)


def batch_of(point: Point) -> tuple[Any, Any, Any]:
    """Return parameters, x and y of a point as arrays of JAX, as a module is given them."""
    inputs = {name: jax.numpy.asarray(value) for name, value in point.inputs.items()}
    (y,) = (jax.numpy.asarray(value) for value in point.given.values())
    params = {name: jax.numpy.asarray(value) for name, value in point.parameters.items()}
    return params, inputs if len(inputs) > 1 else next(iter(inputs.values())), y


def compiled(function: Any) -> Any:
    """Return a function under jit, with little optimisation: compiling takes most of the time of these tests."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def assert_close(found: Any, true: Any, bound: float = CLOSE) -> None:
    """Compare losses and gradients: those of one dict, relative to the largest of them."""
    (loss, grads), (value, slopes) = found, true
    assert abs(float(loss) - float(value)) <= bound * abs(float(value))
    assert set(grads) == set(slopes)
    largest = max(float(np.abs(slope).max()) for slope in slopes.values())
    for name, slope in slopes.items():
        assert np.abs(np.asarray(grads[name]) - np.asarray(slope)).max() <= bound * largest, name


# ---------------------------------------------------------------- agreement


@pytest.mark.parametrize(
    "text", [*dict.fromkeys(example.text for example in EXAMPLES), *KINDS, *CONVOLUTIONS], ids=lambda text: text[:40]
)
def test_loss_and_gradients_are_those_of_numpy(text: str) -> None:
    case = case_of(text)
    point = point_of(case)
    loss, grads = found = called(compiled(case.module.loss_and_grads), point)
    assert_close(found, called(case.at(target="fast").module.loss_and_grads, point))
    assert {str(value.dtype) for value in (loss, *grads.values())} == {"float64"}


@pytest.mark.parametrize("number", range(36))
def test_loss_and_gradients_of_random_networks_are_those_of_numpy(number: int) -> None:
    case = case_of(network(np.random.default_rng([12, number])))
    point = point_of(case)
    found = called(compiled(case.module.loss_and_grads), point)
    assert_close(found, called(case.at(target="fast").module.loss_and_grads, point))


@pytest.mark.parametrize("text", [DIGITS, KINDS[0], SEVERAL, KINDS[3], KINDS[6], KINDS[7], KINDS[8], WORDS])
def test_gradients_are_those_that_jax_derives_from_the_loss(text: str) -> None:
    module = case_of(text).module
    params, x, y = batch_of(point_of(case_of(text)))
    true = compiled(jax.value_and_grad(module.loss))(params, x, y)
    assert_close(compiled(module.loss_and_grads)(params, x, y), true)


def test_the_certificate_takes_the_target() -> None:
    certificate = symprop.check(SMALL, target="jax")
    assert certificate.ok, certificate.table()
    everything = symprop.check(SMALL, target="all")
    assert everything.ok, everything.table()
    assert any("jax" in row.oracle for row in everything.rows)


# ---------------------------------------------------------------- what JAX does with functions


def test_parameters_may_be_those_of_an_ensemble() -> None:
    module = symprop.compile(SMALL, target="jax")
    _, x, y = batch_of(point_of(case_of(SMALL)))
    each = [module.init_params(seed) for seed in range(3)]
    together = {name: jax.numpy.stack([params[name] for params in each]) for name in module.PARAMETERS}
    losses, grads = jax.jit(jax.vmap(module.loss_and_grads, in_axes=(0, None, None)))(together, x, y)
    for number, params in enumerate(each):
        found = losses[number], {name: grad[number] for name, grad in grads.items()}
        assert_close(found, module.loss_and_grads(params, x, y))


def test_gradients_of_each_example_have_the_mean_of_the_batch() -> None:
    module = symprop.compile(SMALL, target="jax")
    params, x, y = batch_of(point_of(case_of(SMALL)))
    one = jax.vmap(module.loss_and_grads, in_axes=(None, 0, 0))
    losses, grads = one(params, x[:, None], y[:, None])
    means = losses.mean(), {name: grad.mean(axis=0) for name, grad in grads.items()}
    assert_close(means, module.loss_and_grads(params, x, y))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_precision_is_kept(dtype: str) -> None:
    """Also where 64 bits are switched on, as they are here by modules in float64."""
    jax.config.update("jax_enable_x64", True)
    module = symprop.compile(SMALL, target="jax", dtype=dtype, optimizer="adam")
    point = point_of(case_of(SMALL))
    params, x, y = batch_of(point)
    params = {name: value.astype(module.DTYPE) for name, value in params.items()}
    loss, grads = jax.jit(module.loss_and_grads)(params, x, y)
    state, _ = jax.jit(module.train_step)(module.init_state(params), x, y)
    values = [*module.init_params().values(), loss, module.predict(params, x), *grads.values()]
    values += [array for part in ("params", "v", "s") for array in state[part].values()]
    assert {str(value.dtype) for value in values} == {dtype}
    # numbers of the size of 1 with 24 or 8 bits, and some tens of roundings one after another
    bound = {"float32": 40 * 2.0**-24, "bfloat16": 40 * 2.0**-8}[dtype]
    true = called(symprop.compile(SMALL).loss_and_grads, point)
    found = float(loss), {name: np.asarray(grad, float) for name, grad in grads.items()}
    assert_close(found, true, bound)


def test_a_module_in_float32_leaves_the_configuration_alone() -> None:
    assert "config" not in symprop.generate(SMALL, target="jax", dtype="float32")
    assert "jax_enable_x64" in symprop.generate(SMALL, target="jax")


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("optimizer", [*OPTIMISERS, "AdamW(schedule=Warmup(1) >> Cosine(3, final=1e-5))"])
def test_steps_are_those_of_numpy_and_change_nothing_that_is_given(optimizer: str) -> None:
    ours, theirs = (symprop.compile(SMALL, target=target, optimizer=optimizer) for target in ("jax", "numpy"))
    point = point_of(case_of(SMALL), 8)
    _, x, y = batch_of(point)
    (y_given,) = point.given.values()
    start = theirs.init_params(2)
    held = {name: value.copy() for name, value in start.items()}
    state, other = ours.init_state(start), theirs.init_state(start)
    step = jax.jit(ours.train_step, static_argnames="max_norm")
    for norm in (None, 0.01, None):
        before = jax.tree.leaves(state)
        copies = [np.array(leaf) for leaf in before]
        new, loss = step(state, x, y, max_norm=norm)
        assert all(np.array_equal(leaf, copy) for leaf, copy in zip(before, copies, strict=True))
        assert jax.tree.structure(new) == jax.tree.structure(state)
        true = theirs.train_step(other, next(iter(point.inputs.values())), y_given, max_norm=norm)
        assert_close((loss, new["params"]), (true, other["params"]))
        state = new
    assert all(np.array_equal(start[name], value) for name, value in held.items())


def test_without_jit_nothing_is_changed_either() -> None:
    module = symprop.compile(BATCH, target="jax", optimizer="momentum")
    params, x, y = batch_of(point_of(case_of(BATCH), 5))
    given = module.init_state(params)
    kept = {name: dict(value) if isinstance(value, dict) else value for name, value in given.items()}
    module.train_step(given, x, y, max_norm=0.1)
    assert list(given) == list(kept)
    for name, value in kept.items():
        parts = given[name].items() if isinstance(value, dict) else [("", given[name])]
        held = value if isinstance(value, dict) else {"": value}
        assert all(array is held[part] for part, array in parts), name


def test_running_statistics_are_those_of_numpy() -> None:
    ours, theirs = (symprop.compile(BATCH, target=target, optimizer="sgd") for target in ("jax", "numpy"))
    params, x, y = batch_of(point_of(case_of(BATCH), 6))
    state, other = ours.init_state(params), theirs.init_state(params)
    step = jax.jit(ours.train_step)
    for count in (6, 3, 1):
        state, _ = step(state, x[:count], y[:count])
        theirs.train_step(other, np.asarray(x[:count]), np.asarray(y[:count]))
    found = ours.predict(state["params"], x, state)
    true = theirs.predict(other["params"], np.asarray(x), other)
    assert np.abs(np.asarray(found) - true).max() <= CLOSE
    for name in ours.STATISTICS:
        assert np.abs(np.asarray(state[name]) - other[name]).max() <= CLOSE * np.abs(other[name]).max()


# ---------------------------------------------------------------- what is given


@pytest.mark.parametrize(
    ("ids", "y", "fine"),
    [
        (np.array([[1, 2, 255]], np.uint8), [2], True),
        ([[1, 2, 299]], [0], True),
        ([[1, 2, 300]], [0], False),
        ([[1, -1, 2]], [0], False),
        ([[1, 2, 3]], [3], False),
        ([[1, 2, 3]], [-1], False),
        ([[1, 2, 3]], [0.5], False),
        ([[1, 2, 3]], [[0.5, 0.25, 0.25]], True),
        ([[1, 2, 3]], [[0.5, 0.25, 0.5]], False),
        ([[1, 2, 3]], [[1.5, -0.5, 0]], False),
    ],
)
def test_ids_that_name_nothing_make_the_loss_nan(ids: Any, y: Any, fine: bool) -> None:
    module = symprop.compile(WORDS, target="jax", dtype="float32")
    loss, grads = jax.jit(module.loss_and_grads)(module.init_params(), np.array(ids), np.array(y))
    assert np.isfinite(loss) == fine
    assert np.isfinite(grads["W1"]).all() == fine


def test_targets_that_break_a_fact_make_the_loss_nan() -> None:
    module = symprop.compile("Input(4) >> Dense(1) >> BinaryCrossEntropy()", target="jax")
    x = np.ones((2, 4))
    assert np.isfinite(module.loss(module.init_params(), x, [0, 1]))
    assert np.isnan(module.loss(module.init_params(), x, [0, 1.5]))


def test_shapes_are_checked() -> None:
    module = symprop.compile(SEVERAL, target="jax")
    params, x, y = batch_of(point_of(case_of(SEVERAL)))
    for where, wrong, said in (
        ("x", x["x"][:, :4], "x has shape"),
        ("memory", x["memory"][:1], r"memory has shape \(1, 4\); it must be \(4, 4\)"),
        ("tags", x["tags"] * 1.0, "tags must hold integers from 0 to 5"),
    ):
        with pytest.raises(ValueError, match=said):
            jax.jit(module.loss_and_grads)(params, {**x, where: wrong}, y)
    with pytest.raises(ValueError, match="y must hold"):
        module.loss(params, x, y[:3])
    with pytest.raises(ValueError, match="params has shapes"):
        module.loss({**params, "W1": params["W1"].T}, x, y)


# ---------------------------------------------------------------- the source


def printed(*texts: str) -> list[str]:
    """Return sources of networks, and of one with each optimiser."""
    sources = [case_of(text).source for text in texts]
    return [*sources, *(case_of(SMALL, optimizer=name, dtype="float32").source for name in OPTIMISERS)]


def test_the_source_imports_jax_alone_and_derives_nothing() -> None:
    for source in printed(*KINDS, WORDS):
        tree = ast.parse(source)
        nodes = list(ast.walk(tree))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        assert imported <= {"jax", "jax.numpy", "math", "itertools"}
        calls = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
        derivatives = ("grad", "vjp", "jvp", "jacfwd", "jacrev", "linearize", "hessian", "custom_vjp")
        assert not any(call.rpartition(".")[2] in derivatives for call in calls)
        assert not any(call.startswith("np.") for call in calls)


def test_the_module_of_the_digits_is_read_in_one_sitting() -> None:
    assert len(symprop.generate(DIGITS, target="jax").splitlines()) <= 255


def test_the_source_is_laid_out_as_ruff_has_it() -> None:
    pytest.importorskip("ruff", reason="ruff is not installed, which lays out what is printed")
    examples = dict.fromkeys(example.text for example in EXAMPLES)
    for source in printed(*examples, *KINDS[:5], WINDOWS, WORDS):
        for command in (["format", "--check"], ["check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--isolated", "--stdin-filename", "module.py", "-"],
                input=source,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr + source
