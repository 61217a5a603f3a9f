"""Training with K-FAC: a step against the damped matrix written out, a run that goes on to the same bits, refusals."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import symprop
from symprop import natural_gradient
from symprop.checkpoints import Checkpoint
from symprop.cli import main
from symprop.data import fit_scaling
from symprop.natural_gradient import with_kfac
from symprop.runs import Progress
from symprop.training import train

DIGITS = Path(__file__).parents[1] / "examples" / "data" / "digits.csv"
NETWORK = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(30, 2)), RANDOM.integers(2, size=30)


def test_a_step_solves_with_the_damped_kronecker_product() -> None:
    rate, damping = 1e-4, 0.2  # so short a step that no divergence bounds it
    module = with_kfac(symprop.parse_network(NETWORK), rate=rate, damping=damping)
    state = module.init_state(module.init_params(seed=0))
    before = {name: value.copy() for name, value in state["params"].items()}
    _, grads = module.loss_and_grads(before, X, Y)
    wanted = {name: value.copy() for name, value in grads.items()}
    module.train_step(state, X, Y)
    for weight, bias in (("W1", "b1"), ("W2", "b2")):
        a, g = module.kfac(before, X, Y)[weight]
        pi = math.sqrt(np.trace(a) / len(a) * len(g) / np.trace(g))
        more = math.sqrt(damping)
        matrix = np.kron(g + more / pi * np.eye(len(g)), a + more * pi * np.eye(len(a)))
        step = np.linalg.solve(matrix, np.column_stack([wanted[weight], wanted[bias]]).ravel())
        moved = np.column_stack([before[name] - state["params"][name] for name in (weight, bias)]).ravel()
        assert np.abs(moved - rate * step).max() <= 1e-12 * np.abs(step).max()


@pytest.mark.parametrize("hidden", ["Tanh()", "BatchNorm() >> Dropout(0.5) >> PReLU()"])
def test_a_run_goes_on_from_its_file_to_the_same_bits(hidden: str, tmp_path: Path) -> None:
    network = symprop.parse_network(f"Input(2) >> Dense(3) >> {hidden} >> Dense(2) >> SoftmaxCrossEntropy()")
    kept: list[Progress] = []
    whole = train(with_kfac(network), X, Y, epochs=9, batch=7, seed=3, keep=kept.append)
    file = Checkpoint(str(tmp_path / "w.unfinished.npz"), {"network": network.text}, {})
    file.keep(kept[3])  # within the ten steps of the same factors
    assert len({float(each.arrays["damping"][0]) for each in kept}) > 1
    again = with_kfac(network)
    rest = train(again, X, Y, epochs=9, batch=7, seed=3, since=file.read(again))
    assert rest.epochs == whole.epochs and all(
        np.array_equal(rest.running[name], v) for name, v in whole.running.items()
    )
    assert all(np.array_equal(rest.params[name], value) for name, value in whole.params.items())


def test_parameters_without_factors_are_divided_by_the_diagonal_of_their_block() -> None:
    network = "Input(2) >> Dense(3) >> LayerNorm() >> Dropout(0.2) >> PReLU() >> Dense(2) >> SoftmaxCrossEntropy()"
    module = with_kfac(symprop.parse_network(network), rate=1e-4, damping=0.2)
    assert module.DIAGONALS == ("alpha1", "gamma1", "beta1")
    state = module.init_state(module.init_params(seed=0), seed=5)
    before = {name: value.copy() for name, value in state["params"].items()}
    masks = module.draw_masks(len(X), 5)
    _, grads = module.loss_and_grads(before, X, Y, masks=masks)
    factors = module.kfac(before, X, Y, masks=masks)
    module.train_step(state, X, Y)
    for name in module.DIAGONALS:
        moved, (diagonal,) = before[name] - state["params"][name], factors[name]
        assert np.abs(moved - 1e-4 * grads[name] / (diagonal + 0.2)).max() <= 1e-12 * np.abs(grads[name]).max()


def test_lambda_follows_how_much_of_what_the_model_promises_comes_true() -> None:
    """The loss of a linear network is its quadratic model; steps far beyond what the divergence allows break it."""
    linear, y = symprop.parse_network("Input(2) >> Dense(1) >> MeanSquaredError()"), X @ np.array([[1.0], [-2.0]])
    for network, targets, further, wanted in (
        (linear, y, 1, 0.2 * natural_gradient.CHANGE**3),
        (symprop.parse_network(NETWORK), Y, 100, 0.2 / natural_gradient.CHANGE**3),
    ):
        module = with_kfac(network, damping=0.5)
        state = module.init_state(module.init_params(seed=0))
        state["damping"][...] = 0.2
        for _ in range(31):
            module.train_step(state, X, targets)
            state["w"] += (further - 1) * state["velocity"]
            state["velocity"] *= further
        assert state["damping"] == pytest.approx(wanted)
    kept: list[Progress] = []
    train(with_kfac(linear, adapts=False), X, y, epochs=25, batch=30, keep=kept.append)
    assert kept[-1].arrays["damping"] == natural_gradient.DAMPING


def test_the_digits_take_fewer_passes_than_with_adam_and_its_own_rate() -> None:
    table = np.loadtxt(DIGITS, delimiter=",", skiprows=1)
    x, y = fit_scaling(table[:, 1:])(table[:, 1:]), table[:, 0].astype(int)
    network = symprop.parse_network("Input(64) >> Dense(16) >> Tanh() >> Dense(10) >> SoftmaxCrossEntropy()")
    adam = train(symprop.compile(network, optimizer="adam"), x, y, epochs=5).epochs[-1].loss
    assert train(with_kfac(network), x, y, epochs=4).epochs[-1].loss < adam / 2


@pytest.mark.parametrize(
    "network",
    [
        "Input(4, 4, 1) >> Conv2D(2, 3) >> ReLU() >> Flatten() >> Dense(1) >> MeanSquaredError()",
        "Input(4, 4, 2) >> Conv2D(2, 3, groups=2) >> BatchNorm() >> Flatten() >> Dense(1) >> MeanSquaredError()",
        "Input(4, 4) >> GRU(3) >> LayerNorm() >> Dense(1) >> Tanh() >> Huber(0.5)",
    ],
)
def test_kernels_and_recurrent_weights_move_too(network: str) -> None:
    module, random = with_kfac(symprop.parse_network(network), "float32"), np.random.default_rng(0)
    start = module.init_params(seed=0)
    shape = tuple(map(int, symprop.parse_network(network).system().inputs[0].shape))
    x = random.normal(size=(20, *shape)).astype(np.float32)
    y = 0.5 * np.ones(np.shape(module.forward(start, x)), np.float32)
    found = train(module, x, y, epochs=15, batch=10)
    assert found.epochs[-1].loss < 0.7 * found.epochs[0].loss
    assert all(not np.array_equal(found.params[name], value) for name, value in start.items())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--optimizer", "kfac", "--damping", "0"], "damping is a positive number, not 0.0"),
        (["--optimizer", "kfac", "--schedule", "Cosine(9)"], "allowed: no --schedule"),
        (["--optimizer", "kfac", "--weight-decay", "0.1"], "allowed: no --weight-decay"),
        (["--optimizer", "kfac", "--plot", "loss.pdf"], "allowed: --plot FILE.svg"),
        (["--damping", "1"], "allowed: --optimizer kfac"),
        (["--fixed-damping"], "--fixed-damping is of kfac"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    given: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("a,b,y\n" + "".join(f"{k % 5},{k % 3},{k % 2}\n" for k in range(40)))
    assert main(["train", NETWORK, "--data", "data.csv", "--target", "y", *given]) == symprop.SpecError.exit_code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("Input(2) >> LayerNorm() >> MeanSquaredError()", "kfac: no weight has .*\nallowed: adam, sgd"),
        ("Input(2) >> Dense(2) >> SoftmaxCrossEntropy(weights=(1, 2))", "no example has a gradient of its own"),
    ],
)
def test_networks_without_factors_are_refused_with_the_reason(network: str, told: str) -> None:
    with pytest.raises(symprop.SpecError, match=told):
        with_kfac(symprop.parse_network(network))


def test_factors_without_an_inverse_are_told() -> None:
    network = symprop.parse_network("Input(2) >> Dense(1, bias=False) >> MeanSquaredError()")
    module = with_kfac(network, "float32", damping=1e-100)  # 0 in this precision
    state = module.init_state(module.init_params(seed=0))
    with pytest.raises(symprop.DataError, match="try a larger --damping"):
        module.train_step(state, np.zeros((3, 2), np.float32), np.ones((3, 1), np.float32))
