"""Training on all rows at once: the minimum where it is known in closed form, passes counted, and what is refused."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symprop
import symprop.checkpoints
from symprop.cli import main
from symprop.data import fit_scaling
from symprop.training import train
from symprop.whole_batch import METHODS, train_whole

pytest.importorskip("scipy", reason="SciPy does the steps")

NETWORK = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
DIGITS = Path(__file__).parents[1] / "examples" / "data" / "digits.csv"


@pytest.mark.parametrize("method", METHODS)
def test_ridge_regression_ends_where_its_normal_equations_say(method: str) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 3)), random.normal(size=(40, 1))
    module = symprop.compile("Input(3) >> Dense(1, bias=False) >> MeanSquaredError() + L2(0.5)")
    found = train_whole(module, x, y, method=method, epochs=200)
    wanted = np.linalg.solve(x.T @ x / 40 + 0.5 * np.eye(3), x.T @ y / 40)
    assert np.abs(found.params["W1"].T - wanted).max() < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_no_more_passes_are_made_than_are_allowed_and_each_is_counted(method: str) -> None:
    module, calls = symprop.compile(NETWORK), []

    def counted(name: str) -> Any:
        def call(*given: Any) -> Any:
            calls.append(name)
            return getattr(module, name)(*given)

        return call

    watched: Any = types.ModuleType("watched")
    watched.loss_and_grads, watched.gnvp = counted("loss_and_grads"), counted("gnvp")
    random = np.random.default_rng(0)
    x, y, start = random.normal(size=(30, 2)), random.integers(2, size=30), module.init_params(seed=0)
    found = train_whole(watched, x, y, method=method, epochs=25, params=start)
    assert len(calls) <= 25 and ("gnvp" in calls) == (method == "newton-cg")
    numbers = [each.number for each in found.epochs]
    assert numbers == sorted(set(numbers)) and numbers[-1] <= len(calls)
    losses = [float(module.loss(start, x, y)), *(each.loss for each in found.epochs)]
    assert losses == sorted(losses, reverse=True)
    assert module.loss(found.params, x, y) == pytest.approx(losses[-1], rel=1e-12)


def test_the_parameters_are_those_that_are_best_on_rows_held_out() -> None:
    module, random = symprop.compile(NETWORK), np.random.default_rng(0)
    x, y = random.normal(size=(30, 2)), random.integers(2, size=30)  # noise, which is soon learnt by heart
    held_out = random.normal(size=(30, 2)), random.integers(2, size=30)
    found = train_whole(module, x, y, method="lbfgs", epochs=200, held_out=held_out, patience=5)
    assert found.epochs[-1].number < 200 and len(found.epochs) - 1 - found.epochs.index(found.best) == 5
    assert module.loss(found.params, *held_out) == pytest.approx(found.best.held_out, rel=1e-12)


def test_the_digits_take_fewer_passes_than_with_adam() -> None:
    table = np.loadtxt(DIGITS, delimiter=",", skiprows=1)
    x, y = fit_scaling(table[:, 1:])(table[:, 1:]), table[:, 0].astype(int)
    text = "Input(64) >> Dense(16) >> Tanh() >> Dense(10) >> SoftmaxCrossEntropy()"
    module = symprop.compile(text, optimizer="adam")
    losses = [train(module, x, y, epochs=20).epochs[-1].loss]
    losses += [train_whole(module, x, y, method=method, epochs=20).epochs[-1].loss for method in METHODS]
    adam, newton, lbfgs = losses
    assert newton < adam / 2 and lbfgs < adam / 2


@pytest.mark.parametrize(("method", "anew"), [("newton-cg", False), ("lbfgs", False), ("lbfgs", True)])
def test_a_run_that_is_interrupted_ends_with_the_same_numbers(
    method: str, anew: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where SciPy begins anew now and then, since what passes gave would be too much to keep."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("symprop.checkpoints.SECONDS", 0)
    if anew:
        monkeypatch.setattr("symprop.whole_batch.MOST_BYTES", 1)
        monkeypatch.setattr("symprop.whole_batch.LEAST_PASSES", 8)
    rows = np.random.default_rng(0).normal(size=(60, 2))
    Path("data.csv").write_text("a,b,y\n" + "".join(f"{a:.3f},{b:.3f},{int(a * b > 0)}\n" for a, b in rows))
    command = ["train", NETWORK, "--data", "data.csv", "--target", "y", "--optimizer", method, "--epochs", "40"]
    command += ["--validation", "0.2"]
    assert main([*command, "-o", "whole.npz"]) == 0

    made: list[int] = []
    write = symprop.checkpoints.Checkpoint.write

    def interrupting(self: Any) -> int:
        made.append(write(self))
        if len(made) == 5:
            raise KeyboardInterrupt
        return made[-1]

    with monkeypatch.context() as patched:
        patched.setattr("symprop.checkpoints.Checkpoint.write", interrupting)
        assert main([*command, "-o", "w.npz"]) == 130
    kept = symprop.load_weights("w.unfinished.npz")
    assert {name: value.shape for name, value in kept.params.items()} == {
        "W1": (3, 2),
        "b1": (3,),
        "W2": (2, 3),
        "b2": (2,),
    }
    assert main([*command, "-o", "w.npz", "--resume"]) == 0 and not Path("w.unfinished.npz").exists()
    one, other = (symprop.load_weights(name).params for name in ("whole.npz", "w.npz"))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--lr", "0.1"], "--lr is of steps on batches, and lbfgs takes all rows at once"),
        (["--batch", "8"], "--batch"),
        (["--dtype", "float32"], "--dtype"),
        (["--resume"], "--resume goes on with a run that stands beside its weights"),
        (["--plot", "loss.pdf"], "--plot FILE.svg"),
        (["--epochs", "1"], "needs more than 1 passes"),
    ],
)
def test_options_of_steps_are_refused(
    given: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("a,b,y\n" + "".join(f"{k % 5},{k % 3},{k % 2}\n" for k in range(40)))
    command = ["train", NETWORK, "--data", "data.csv", "--target", "y", "--optimizer", "lbfgs"]
    assert main([*command, *given]) == 2
    assert told in capsys.readouterr().err
    assert main([*command, "--plot", "loss.svg", "-o", "w.npz"]) == 0 and Path("loss.svg").exists()


@pytest.mark.parametrize(
    ("layers", "told"), [("Dropout(0.5)", "dropout"), ("BatchNorm()", "running statistics"), ("Tanh()", "needs SciPy")]
)
def test_networks_that_change_from_step_to_step_and_a_missing_scipy_are_refused(
    layers: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    module = symprop.compile(f"Input(2) >> Dense(3) >> {layers} >> Dense(1) >> MeanSquaredError()")
    with pytest.raises(symprop.SpecError, match=told):
        train_whole(module, np.ones((4, 2)), np.ones((4, 1)), method="newton-cg")
