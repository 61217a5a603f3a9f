"""Eigenvalues, trace and condition: of matrices that are known, and of networks against differences of gradients."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symprop
from symprop import eigenvalues
from symprop import spectrum as spectra
from symprop.cli import main
from symprop.spectrum import Spectrum, described, model_on, spectrum

NETWORK = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table of two features and two classes."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    rows = [f"{a:.4f},{b:.4f},{'high' if a * b > 0 else 'low'}" for a, b in random.normal(size=(30, 2))]
    Path("data.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    return "data.csv"


def test_the_largest_eigenvalues_of_a_matrix_are_those_of_lapack_and_repeated_ones_do_not_stop_it() -> None:
    random = np.random.default_rng(1)
    turned, _ = np.linalg.qr(random.normal(size=(60, 60)))
    for spread in (np.linspace(-3, 2, 60), np.r_[5.0, -7.0, np.zeros(58)], np.full(60, 2.0)):
        matrix = (turned * spread) @ turned.T
        found = eigenvalues.largest(lambda v, matrix=matrix: matrix @ v, 60, 2, random)
        wanted = spread[np.argsort(-np.abs(spread))][:2]
        assert np.abs(found.values - wanted).max() < 1e-8
        assert np.abs(eigenvalues.whole(lambda v, matrix=matrix: matrix @ v, 60) - np.sort(spread)[::-1]).max() < 1e-12


def test_the_trace_comes_with_an_error_that_covers_it() -> None:
    random = np.random.default_rng(2)
    matrix = random.normal(size=(40, 40))
    matrix += matrix.T
    found, error = eigenvalues.trace(lambda v: matrix @ v, 40, 400, random)
    scale = np.sqrt(2 * (np.sum(matrix**2) - np.sum(np.diag(matrix) ** 2)) / 400)  # Hutchinson's variance
    assert abs(found - np.trace(matrix)) < 4 * scale
    assert 0.7 < error / scale < 1.4


def hessian_by_differences(model: Any, x: Any, y: Any) -> Any:
    """Return the Hessian as central differences of the gradient."""
    names = list(model.params)

    def gradient(flat: Any) -> Any:
        parts = np.split(flat, np.cumsum([model.params[name].size for name in names])[:-1])
        given = {name: part.reshape(model.params[name].shape) for name, part in zip(names, parts, strict=True)}
        found = model.module.loss_and_grads(given, x, y)[1]
        return np.concatenate([np.array(found[name]).ravel() for name in names])

    at = np.concatenate([model.params[name].ravel() for name in names])
    return np.stack([(gradient(at + unit) - gradient(at - unit)) / 2e-5 for unit in 1e-5 * np.eye(len(at))])


def test_the_spectrum_of_a_network_is_that_of_its_hessian(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x, y = model_on(symprop.parse_network(NETWORK), data, "y")
    wanted = np.linalg.eigvalsh(hessian_by_differences(model, x, y))
    found = spectrum(model, x, y, top=3)
    assert np.abs(np.sort(found.every) - wanted).max() < 1e-8
    assert found.negative == np.sum(wanted < -1e-8) and found.rank == np.sum(np.abs(wanted) > 1e-8)
    assert abs(found.trace - wanted.sum()) < 5 * found.trace_error
    monkeypatch.setattr(spectra, "WHOLE", 0)
    by_products = spectrum(model, x, y, top=3)
    assert by_products.condition is None and np.allclose(by_products.largest, found.largest, rtol=0, atol=1e-9)


def test_the_command_knows_the_columns_and_classes_of_weights(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", NETWORK, "--data", data, "--target", "y", "--epochs", "3", "-o", "w.npz"]) == 0
    lines = Path(data).read_text().splitlines()
    Path("turned.csv").write_text("\n".join(",".join(line.split(",")[::-1]) for line in lines if "low" not in line))
    capsys.readouterr()
    results = []
    for name in (data, "turned.csv"):
        assert main(["curvature", "w.npz", "--data", name, "--matrix", "gauss-newton", "--json"]) == 0
        results.append(json.loads(capsys.readouterr().out)["result"])
    model = symprop.load_weights("w.npz")
    rows = [line.split(",") for line in lines[1:] if "low" not in line]
    x = model.scaled([[float(a), float(b)] for a, b, _ in rows])
    alone = spectrum(model, x, np.zeros(len(rows), dtype=int), "gauss-newton")  # "high" is the first class
    assert results[1]["exact_trace"] == pytest.approx(sum(alone.every), rel=1e-9)
    assert results[0]["examples"] == 30 and results[0]["negative"] == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([NETWORK, "--data", "data.csv"], "--target"),
        ([NETWORK, "--data", "data.csv", "--target", "y", "--draws", "1"], "draws is at least 2"),
        ([NETWORK, "--data", "data.csv", "--target", "y", "--draws", "9" * 14], "draws is at most 100,000"),
        ([NETWORK, "--data", "data.csv", "--target", "z"], "no column 'z'"),
        ([NETWORK.replace(" >> Tanh()", " >> Dropout(0.5)"), "--data", "data.csv", "--target", "y"], "no Dropout"),
        (
            ["Input(2) >> Dense(1) >> Hinge()", "--data", "data.csv", "--target", "y", "--matrix", "fisher"],
            "--matrix empirical-fisher, or --matrix gauss-newton",
        ),
    ],
)
def test_what_has_no_spectrum_is_refused(
    given: list[str], told: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curvature", *given]) == 2
    assert told in capsys.readouterr().err


def test_what_is_0_but_for_rounding_is_printed_as_0_and_the_scaling_is_told() -> None:
    found = Spectrum("gauss-newton", 3, 4, (2.0, 1.0, -8.8e-17), (0.0, 0.0, 0.0), 3.0, 0.1, (2.0, 1.0, -8.8e-17))
    told = described(found, "at the start of training", scaled=True)
    assert "2, 1, 0\n" in told and "by absolute value" not in told and "scaled to mean 0" in told
    assert "(by absolute value)" in described(replace(found, largest=(2.0, -1.0)), "")
    assert "each within 3e-12 of" in described(replace(found, every=(), bounds=(0.0, 3e-12)), "")
