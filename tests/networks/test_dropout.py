"""Dropout: its masks in formula, code and certificate, seeds, and evaluation without it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from network_reference import Network
from random_networks import CLOSE

import symprop
from symprop.algebra.roles import MASK
from symprop.algebra.trees import factors_of, numbers_apart
from symprop.algebra.unrolling import unrolled
from symprop.codegen.targets import is_installed
from symprop.errors import SpecError
from symprop.saved import load_weights
from symprop.training import accuracy, mean_loss, predicted, train
from symprop.weights import save_weights

Array = np.ndarray[Any, Any]

PLAIN = "Input(4) >> Dense(6) >> Tanh() >> Dropout(0.25) >> Dense(3) >> SoftmaxCrossEntropy()"
FIRST = "Input(4) >> Dropout(0.2) >> Dense(3) >> Dropout(0.5) >> ReLU() >> Dense(2) >> MeanSquaredError()"
BLOCKS = "Input(3) >> Repeat(Residual(Dense(3) >> Tanh() >> Dropout(0.1)), 2) >> MeanSquaredError()"
TIED = BLOCKS.replace(", 2)", ", 2, tied=True)")
SYMBOLIC = BLOCKS.replace(", 2)", ", N)")
SEQUENCE = "Input(5, 3) >> Dense(4) >> Tanh() >> Dropout(0.3) >> Dense(2) >> MeanSquaredError()"
IMAGE = "Input(2, 3, 2) >> Dropout(0.3) >> Dense(3) >> ReLU() >> MeanSquaredError()"
LINEAR = "Input(4) >> Dropout(0.3) >> Dense(3) >> Dropout(0.5) >> Dense(2) >> MeanSquaredError()"

TARGETS: tuple[dict[str, Any], ...] = ({}, {"fast": True}, {"target": "numba"}, {"target": "jax"}, {"target": "torch"})


def module_of(text: str, optimizer: str | None = None, **options: Any) -> Any:
    """Return the module of a target, or skip where its library is not installed."""
    target = options.get("target", "fast" if options else "numpy")
    if not is_installed(target):
        pytest.skip(f"{target} is not installed")
    return symprop.compile(text, target=target, optimizer=None if target == "torch" else optimizer)


def example(text: str, m: int, seed: int = 0) -> tuple[dict[str, Array], Array, Array]:
    """Return parameters, and a batch of inputs and targets."""
    random, network = np.random.default_rng(seed), symprop.parse_network(text)
    system = network.system()
    params = {each.name: random.standard_normal(tuple(map(int, each.variable.shape))) for each in network.parameters}
    x = random.standard_normal((m, *map(int, system.inputs[0].shape)))
    y = random.standard_normal((m, *map(int, system.output.shape)))
    return params, x, random.integers(0, 3, m) if "Softmax" in text else y


def flat(grads: Mapping[str, Any]) -> Array:
    """Return all gradients, one after the other; a function under `jit` sorts their names."""
    return np.concatenate([np.ravel(np.asarray(grads[name])) for name in sorted(grads)])


def test_a_mask_is_a_variable_of_its_own() -> None:
    found = symprop.derive(PLAIN)
    assert found.equation("a1_2").pretty() == "a₁′ = (4/3) a₁ ⊙ m₁"
    assert found.equation("delta1").pretty() == "δ₁ = (4/3) (W₂ᵀ δ₂) ⊙ m₁ ⊙ (1 − a₁ ⊙ a₁)"
    (mask,) = found.system.masks
    assert mask.variable.role == MASK and mask.variable.shape == (6,) and mask.drop == sympy.Rational(1, 4)
    assert [each.name for each in found.system.inputs] == ["x"] and "dm1" not in {each.name for each in found.equations}
    page = " ".join(found.text().replace("#", "").split())
    assert "m1 (6,) mask 0 with probability 0.25, else 1" in page
    assert "Each element of m1 is 0 with probability 0.25, else 1, drawn for each example and each step." in page
    assert "In evaluation a1_2 is a1." in page
    assert r"\frac{4}{3} a_1 \odot m_1" in found.latex()


def test_the_number_is_exact() -> None:
    for typed, scale in (("0.1", "10/9"), ("0.9", "10"), ("1e-3", "1000/999"), ("0.123456", "15625/13696")):
        system = symprop.parse_network(f"Input(3) >> Dropout({typed})").system()
        number, _ = numbers_apart(factors_of(next(iter(system.equations)).expression))
        assert number == sympy.Rational(scale), typed
    page = symprop.derive(
        "Input(3) >> Dropout(0.5) >> Dense(2) >> Dropout(0.1) >> Dropout(0.5) >> MeanSquaredError()"
    ).text()
    said = "m1 and m3 is 0 with probability 0.5, of m2 with probability 0.1, else 1"
    assert said in " ".join(page.replace("#", "").split())
    third = symprop.Dropout(sympy.Rational(1, 3))
    assert (
        "0 with probability 1/3, else 1"
        in symprop.derive(symprop.Input(3) >> symprop.Dense(2) >> third >> symprop.MeanSquaredError()).text()
    )


def test_dropout_of_nothing_is_the_identity() -> None:
    for typed in ("0", "0.0"):
        found = symprop.parse_network(f"Input(3) >> Dense(2) >> Dropout({typed}) >> MeanSquaredError()").system()
        assert [each.name for each in found.equations] == ["z1", "L"] and not found.masks
    assert symprop.diff(PLAIN, PLAIN.replace("0.25", "0")).text()  # what writes no equation is stepped over
    source = symprop.generate(PLAIN.replace("0.25", "0"), optimizer="sgd")
    assert source.count("Dropout") == 1 and not any(
        word in source for word in ("MASKS", "masks", "training=", "seed=None")
    )


@pytest.mark.parametrize("p", [1, 1.0, -0.1, 1.5, float("nan"), True, "0.5", None, [0.5]])
def test_other_probabilities_are_refused(p: Any) -> None:
    with pytest.raises(SpecError, match="Dropout: p is"):
        symprop.Dropout(p)


def test_weights_start_as_what_follows_the_dropout_wants() -> None:
    for text, wanted in (
        ("Dropout(0.5) >> ReLU()", "he_normal"),
        ("Tanh() >> Dropout(0.5) >> ReLU()", "xavier_uniform"),
    ):
        network = symprop.parse_network(f"Input(3) >> Dense(2) >> {text} >> Dense(2) >> MeanSquaredError()")
        assert network.parameters[0].initialiser == wanted
    assert "f1 = 2 * a1 * m1" in [
        equation.text()
        for equation in symprop.parse_network("Input(2) >> Residual(Dense(2) >> Tanh() >> Dropout(0.5))")
        .system()
        .equations
    ]


def test_each_use_has_a_mask_of_its_own() -> None:
    for text in (BLOCKS, TIED):
        assert [each.variable.name for each in symprop.parse_network(text).system().masks] == ["m1", "m2"]
    system = symprop.parse_network(SYMBOLIC).system()
    assert [each.variable.name for each in system.masks] == ["m[l]"]
    written = unrolled(system, {system.loops[0].count: 3})
    assert [(each.variable.name, each.output.name, each.value.name) for each in written.masks] == [
        (f"m{number}", f"f{number}", f"a{number}") for number in (1, 2, 3)
    ]
    assert "masks and W" in symprop.derive(SYMBOLIC.replace("(3)", "(n)"), layout="rows").text().replace(",", " and")


@pytest.mark.parametrize("text", [PLAIN, FIRST, BLOCKS, TIED, SEQUENCE, IMAGE])
@pytest.mark.parametrize("options", TARGETS, ids=str)
def test_every_target_is_what_another_reader_says(text: str, options: dict[str, Any]) -> None:
    """Loss and gradients with given masks, and evaluation; the reference shares no code with any of them."""
    module, reference = module_of(text, **options), Network(text)
    params, x, y = example(text, 4)
    random = np.random.default_rng(1)
    masks = {name: random.integers(0, 2, (4, *shape)).astype(float) for name, shape in reference.masks.items()}
    rows = np.eye(3)[y] if "Softmax" in text else y
    loss, grads = module.loss_and_grads(params, x, y, masks=masks)
    assert float(loss) == pytest.approx(reference.loss(params, {"x": x}, rows, masks), abs=CLOSE, rel=CLOSE)
    along = {name: random.standard_normal(value.shape) for name, value in params.items()}
    slope = reference.derivative(params, {"x": x}, rows, along, masks)
    assert flat(grads) @ flat(along) == pytest.approx(slope, abs=CLOSE, rel=CLOSE)
    evaluated = float(module.loss(params, x, y, training=False))
    assert evaluated == pytest.approx(reference.loss(params, {"x": x}, rows), abs=CLOSE, rel=CLOSE)
    outputs = reference.output(params, x)
    np.testing.assert_allclose(np.asarray(module.forward(params, x, training=False)), outputs, rtol=CLOSE, atol=CLOSE)
    if "Softmax" not in text:
        np.testing.assert_allclose(np.asarray(module.predict(params, x)), outputs, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize("options", TARGETS, ids=str)
def test_the_same_seed_is_the_same_step(options: dict[str, Any]) -> None:
    module = module_of(PLAIN, **options)
    params, x, y = example(PLAIN, 8)
    each = {seed: flat(module.loss_and_grads(params, x, y, seed=seed)[1]).copy() for seed in (0, 1, 2)}
    np.testing.assert_array_equal(flat(module.loss_and_grads(params, x, y)[1]), each[0])
    np.testing.assert_array_equal(flat(module.loss_and_grads(params, x, y, seed=2)[1]), each[2])
    assert not np.array_equal(each[0], each[1]) and not np.array_equal(each[1], each[2])
    rows = np.asarray(x) if options.get("target") != "torch" else __import__("torch").as_tensor(x)
    drawn = module.draw_masks(rows if options.get("target") == "torch" else 8, 2)
    given = {name: np.asarray(mask) for name, mask in drawn.items()}
    np.testing.assert_array_equal(flat(module.loss_and_grads(params, x, y, masks=given)[1]), each[2])
    for name in ("forward", "loss"):
        arguments = (params, x) if name == "forward" else (params, x, y)
        function = getattr(module, name)
        np.testing.assert_array_equal(np.asarray(function(*arguments, seed=2)), function(*arguments, masks=given))


@pytest.mark.parametrize("options", TARGETS, ids=str)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_zeros_are_as_frequent_as_said(options: dict[str, Any], p: float) -> None:
    """The number of zeros of n draws has mean n p and variance n p (1 - p).

    By Hoeffding's inequality it is off by more than sqrt(n log(2 / q) / 2) with a probability below q = 1e-9.
    """
    module = module_of(f"Input(50, 20) >> Dropout({p}) >> Dense(1) >> MeanSquaredError()", **options)
    rows, n = 100, 100_000
    given = rows if options.get("target") != "torch" else __import__("torch").zeros(rows)
    mask = np.asarray(module.draw_masks(given, 3)["m1"])
    assert mask.shape == (rows, 50, 20) and set(np.unique(mask)) == {0, 1}
    assert abs((mask == 0).sum() - n * p) <= np.sqrt(n * np.log(2 / 1e-9) / 2)


def test_both_numpy_modules_draw_the_same_masks() -> None:
    read, fast = symprop.compile(BLOCKS, target="numpy"), symprop.compile(BLOCKS)
    for name, mask in read.draw_masks(5, 7).items():
        np.testing.assert_array_equal(fast.draw_masks(5, 7)[name], mask)


def test_evaluation_is_the_mean_over_masks_of_a_linear_network() -> None:
    """The mean over all masks, each weighed by its probability, of a network that is linear in each mask."""
    module = symprop.compile(LINEAR)
    params, x, _ = example(LINEAR, 1)
    total = np.zeros((1, 2))
    for number in range(2**7):
        bits = np.array([number >> place & 1 for place in range(7)], float)
        masks = {"m1": bits[None, :4], "m2": bits[None, 4:]}
        weight = np.prod(np.where(bits[:4], 0.7, 0.3)) * 0.5**3
        total += weight * module.forward(params, x, masks=masks)
    # 128 terms of a few units, each off by some roundings of 1e-16
    np.testing.assert_allclose(total, module.predict(params, x), rtol=0, atol=1e-12)


def test_a_workspace_and_a_step_take_seeds_and_masks() -> None:
    module = symprop.compile(PLAIN)
    params, x, y = example(PLAIN, 6)
    step, work = module.make_step(params, 6), module.make_workspace(6)
    for options in ({}, {"seed": 5}, {"masks": {"m1": np.ones((6, 6))}}):
        true = flat(module.loss_and_grads(params, x, y, **options)[1]).copy()
        np.testing.assert_array_equal(flat(step(x, y, **options)[1]), true)
        np.testing.assert_array_equal(flat(module.loss_and_grads(params, x, y, work, **options)[1]), true)
    given = np.ones((6, 6))
    step(x, y, masks={"m1": given})
    step(x, y, seed=1)
    np.testing.assert_array_equal(given, 1)  # a later step does not draw into what was given


HOSTILE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"seed": -1}, "seed is -1"),
    ({"seed": 1.5}, "seed is 1.5"),
    ({"seed": "a"}, "seed is 'a'"),
    ({"seed": True}, "seed is True"),
    ({"seed": None}, "seed is None"),
    ({"masks": {}}, r"masks differs in \['m1'\]"),
    ({"masks": {"m1": np.ones((3, 6))}}, r"m1 has shape \(3, 6\)"),
    ({"masks": {"m1": np.ones(6)}}, "m1 has shape"),
    ({"masks": {"m1": np.full((2, 6), 0.5)}}, r"m1\[0, 0\] is 0.5; it must be 0 or 1"),
    ({"masks": {"m1": np.full((2, 6), np.nan)}}, r"m1\[0, 0\] is nan"),
    ({"masks": {"m1": "text"}}, "m1"),
    ({"masks": {"m1": np.ones((2, 6)), "m2": np.ones((2, 6))}}, r"masks differs in \['m2'\]"),
    ({"masks": np.ones((2, 6))}, "masks is a ndarray"),
)


@pytest.mark.parametrize(("options", "said"), HOSTILE, ids=lambda value: str(value)[:40])
def test_what_is_no_seed_and_no_mask_is_refused(options: dict[str, Any], said: str) -> None:
    module = symprop.compile(PLAIN, optimizer="sgd")
    params, x, y = example(PLAIN, 2)
    step, state = module.make_step(params, 2), module.init_state(params)
    calls = [lambda: module.forward(params, x, **options), lambda: module.loss(params, x, y, **options)]
    calls += [lambda: module.loss_and_grads(params, x, y, **options), lambda: step(x, y, **options)]
    if options != {"seed": None}:  # there the state counts
        calls.append(lambda: module.train_step(state, x, y, **options))
    for call in calls:
        with pytest.raises(ValueError, match=said):
            call()


@pytest.mark.parametrize("options", [{}, {"target": "torch"}], ids=str)
def test_modules_to_read_refuse_masks_that_do_not_fit(options: dict[str, Any]) -> None:
    module = module_of(PLAIN, **options)
    params, x, y = example(PLAIN, 2)
    for mask, said in ((np.ones((3, 6)), "must be"), (np.full((2, 6), 0.5), "must be 0 or 1")):
        with pytest.raises(ValueError, match=said):
            module.loss_and_grads(params, x, y, masks={"m1": mask})


@pytest.mark.parametrize("options", TARGETS[:4], ids=str)
def test_the_state_of_training_counts_the_seeds(options: dict[str, Any]) -> None:
    module = module_of(FIRST, "sgd", **options)
    params, x, y = example(FIRST, 5)
    counted, told = module.init_state(params, seed=40), module.init_state(params)
    pure = options.get("target") == "jax"
    for seed in (40, 41, 42):
        found, right = module.train_step(counted, x, y, lr=0.1), module.train_step(told, x, y, lr=0.1, seed=seed)
        if pure:
            (counted, found), (told, right) = found, right
        assert float(found) == float(right) and int(counted["seed"]) == seed + 1
    np.testing.assert_array_equal(flat(counted["params"]), flat(told["params"]))


def test_a_run_is_reproducible_and_evaluates_without_dropout(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    x, y = random.standard_normal((40, 4)), random.integers(0, 3, 40)
    module = symprop.compile(PLAIN, optimizer="adam")
    runs = [train(module, x, y, epochs=2, batch=8, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(flat(runs[0].params), flat(runs[1].params))
    assert not np.array_equal(flat(runs[0].params), flat(runs[2].params))
    params = runs[0].params
    assert mean_loss(module, params, x, y) == module.loss(params, x, y, training=False)
    assert mean_loss(module, params, x, y) != module.loss(params, x, y)
    path = tmp_path / "weights.npz"
    save_weights(path, params, {"network": PLAIN})
    np.testing.assert_array_equal(load_weights(path).predict(x), predicted(module, params, x))
    assert 0 <= accuracy(module, params, x, y) <= 1


def test_a_pytorch_network_follows_train_and_eval() -> None:
    torch = pytest.importorskip("torch")
    module = symprop.compile(PLAIN, target="torch")
    params, x, y = example(PLAIN, 16)
    network = module.Network(params)
    torch.manual_seed(0)
    first, second = network(x).detach(), network(x).detach()
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(network(x), first)  # PyTorch's own generator draws
    loss = network(x, y, seed=3)
    loss.backward()
    right, grads = module.loss_and_grads(params, x, y, seed=3)
    assert loss.item() == right.item()
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter.grad, grads[name]), name
    with pytest.raises(ValueError, match="must be 0 or 1"):
        network(x, y, masks={"m1": np.full((16, 6), 0.5)})
    network.eval()
    assert torch.equal(network(x), module.forward(params, x, training=False))
    assert torch.equal(network(x, y), module.loss(params, x, y, training=False))


def test_pytorch_compiles_what_its_own_generator_drops() -> None:
    """Without a break in the graph: traced alone, as a compiler of machine code is not everywhere."""
    torch = pytest.importorskip("torch")
    module = symprop.compile(PLAIN, target="torch")
    params, x, y = example(PLAIN, 8)
    network = module.Network(params)
    traced = torch.compile(network, backend="eager", fullgraph=True)
    found = []
    for each in (network, traced):
        torch.manual_seed(1)
        network.zero_grad()
        loss = each(torch.as_tensor(x), torch.as_tensor(y))
        loss.backward()
        found.append([loss.item(), *(parameter.grad.clone() for parameter in network.parameters())])
    assert found[0][0] == found[1][0] and all(map(torch.equal, found[0][1:], found[1][1:]))


def test_jax_takes_a_key_and_compiles() -> None:
    jax = pytest.importorskip("jax")
    module = symprop.compile(PLAIN, target="jax")
    params, x, y = example(PLAIN, 4)
    grads = jax.jit(module.loss_and_grads)(params, x, y, seed=5)[1]
    for seed in (5, jax.random.key(5)):
        # fused or not, a sum of up to a hundred products rounds in another order
        found = flat(module.loss_and_grads(params, x, y, seed=seed)[1])
        np.testing.assert_allclose(found, flat(grads), rtol=0, atol=1e-12)
    bad = module.loss_and_grads(params, x, y, masks={"m1": np.full((4, 6), 0.5)})[0]
    assert np.isnan(bad)


@pytest.mark.parametrize("text", [PLAIN, TIED, SYMBOLIC, SYMBOLIC.replace(", N)", ", N, tied=True)"), SEQUENCE])
def test_it_is_certified(text: str) -> None:
    certificate = symprop.check(text)
    assert certificate.ok, certificate.table()
    assert {"forward", "L"} <= {row.name for row in certificate.rows if row.oracle.startswith("evaluation")}


def test_a_wrong_module_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that drops in evaluation, and one whose backward pass takes another mask."""
    from symprop.codegen.case import case_of
    from symprop.verify import module_checks
    from symprop.verify.points import points_of

    case = case_of(PLAIN)
    points, module = points_of(case, 0, 3), case.module
    dropping = type(module)("dropping")
    vars(dropping).update(vars(module))
    dropping.forward = lambda params, x, training=True, seed=0, masks=None: module.forward(params, x, seed=seed)
    monkeypatch.setattr(type(case), "module", property(lambda self: dropping))
    assert not all(row.ok for row in module_checks.evaluation_rows(case, points))


def test_the_norm_is_bounded_by_the_scale() -> None:
    found = symprop.derive(BLOCKS)
    bound = found.bound("a2_2", "x")
    params, x, _ = example(BLOCKS, 1)
    norms = {f"||{name}||": np.linalg.norm(params[name], 2) for name in ("W1", "W2")}
    limit = float(bound.subs({symbol: norms[symbol.name] for symbol in bound.free_symbols}))
    random, module = np.random.default_rng(2), symprop.compile(BLOCKS)
    for _ in range(20):
        masks = {name: random.integers(0, 2, (1, 3)) for name in ("m1", "m2")}
        moved = x + 1e-3 * random.standard_normal(x.shape)
        far = np.linalg.norm(module.forward(params, moved, masks=masks) - module.forward(params, x, masks=masks))
        assert far <= limit * np.linalg.norm(moved - x)


def test_pages_and_differences_know_dropout() -> None:
    report = symprop.report(symprop.parse_network(BLOCKS))
    assert "0 with probability 0.1, else 1" in report.html() and report.latex()
    found = symprop.diff(BLOCKS, BLOCKS.replace("0.1", "0.5"))
    assert "Dropout(0.1) becomes Dropout(0.5)" in found.text() and "another array" not in found.text()
    removed = symprop.diff(PLAIN, PLAIN.replace("Dropout(0.25) >> ", ""))
    assert "Dropout(0.25) is removed" in removed.text()


def test_calls_have_the_same_parameters_in_every_target() -> None:
    for name in ("forward", "loss", "loss_and_grads"):
        for options in TARGETS:
            target = options.get("target", "numpy")
            if is_installed(target):
                names = inspect.signature(getattr(module_of(PLAIN, **options), name)).parameters
                assert {"seed", "masks"} <= set(names), (name, target)
                assert ("training" in names) == (name != "loss_and_grads")


def test_a_module_of_a_derivation_of_evaluation_draws_nothing_at_any_size() -> None:
    texts = ["Input(n) >> Dropout(0.5) >> Dense(2) >> MeanSquaredError()"]
    texts += ["Input(2, n) >> Dropout(0.5) >> RNN(2, unroll=True) >> MeanSquaredError()"]
    for text in texts:
        module = symprop.compile(symprop.derive(text, "rows", evaluation=True), fast=False, sizes={"n": 2})
        assert not {"seed", "masks"} & set(inspect.signature(module.loss_and_grads).parameters)
    running = symprop.derive("Input(2) >> BatchNorm() >> MeanSquaredError()", evaluation=True)
    with pytest.raises(symprop.SpecError, match=r"R1, V1 stand for them\nallowed: the network itself"):
        symprop.compile(running)


def test_zeros_and_ones_are_their_own_squares() -> None:
    """The fact that a mask has may be declared in any formula."""
    answer = symprop.gradient("sum((w * m)**2 * m) / 2", "w", w="n", m="n bits")
    assert answer.text() == "m * w"
    assert answer.check().ok
    with pytest.raises(ValueError, match=r"m\[1\] is 0.5; it must be 0 or 1"):
        answer(w=np.ones(2), m=np.array([1, 0.5]))
    found = symprop.compare("m * m", "m", m="n bits")
    assert found.equal and found.used == ("the elements of m are 0 or 1",)
    assert symprop.compare("m * m", "m", m="n").equal is False
