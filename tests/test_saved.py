"""Saved weights: used as they were trained, with their scaling and the labels of classes; damaged ones refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.cli import main
from symprop.errors import DataError, OutputError, SpecError, SympropError
from symprop.weights import load_notes, save_weights

CLASSES = "Input(2) >> Dense(8) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
BINARY = "Input(2) >> Dense(1) >> BinaryCrossEntropy()"
NUMBERS = "Input(2) >> Dense(1) >> MeanSquaredError()"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two features far from 0, one of them large, and a side that they tell."""
    a, b = np.random.default_rng(0).normal(size=(2, 200))
    a, b = 500 + 100 * a, b - 7
    sides = np.where(a - 500 > 100 * (b + 7), "high", "low, or so")
    path = tmp_path / "t.csv"
    path.write_text("a,b,side\n" + "".join(f'{u},{v},"{s}"\n' for u, v, s in zip(a, b, sides, strict=True)))
    return path


def trained(network: str, data: Path, target: str = "side", dtype: str = "float64") -> str:
    path = str(data.parent / "w.npz")
    options = ["--target", target, "--epochs", "60", "--batch", "8", "--dtype", dtype, "--lr", "0.02", "-o", path]
    assert main(["train", network, "--data", str(data), *options]) == 0
    return path


def columns(data: Path) -> tuple[np.ndarray[Any, Any], list[str]]:
    lines = [line.split(",", 2) for line in data.read_text().splitlines()[1:]]
    return np.array([[float(a), float(b)] for a, b, _ in lines]), [side.strip('"') for _, _, side in lines]


@pytest.mark.parametrize("network", [CLASSES, BINARY])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_loaded_weights_predict_labels_from_features_as_they_are(network: str, dtype: str, data: Path) -> None:
    model = symprop.load_weights(trained(network, data, dtype=dtype))
    rows, sides = columns(data)
    assert np.mean(model.predict(rows) == np.array(sides)) > 0.9
    assert (model.network.text, model.features, model.classes) == (network, ("a", "b"), ("high", "low, or so"))
    assert model.module.forward(model.params, model.scaled(rows)).dtype == dtype
    assert abs(model.scaled(rows).mean()) < 0.5


def test_loaded_weights_predict_numbers(data: Path) -> None:
    rows, _ = columns(data)
    data.write_text("a,b,c\n" + "".join(f"{a},{b},{a / 100 - b}\n" for a, b in rows))
    model = symprop.load_weights(trained(NUMBERS, data, "c"))
    assert model.predict(rows).shape == (200,) and model.classes == ()
    assert np.abs(model.predict(rows) - (rows[:, 0] / 100 - rows[:, 1])).max() < 0.5


def test_the_command_line_predicts_in_the_order_of_the_columns(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = trained(CLASSES, data)
    said = capsys.readouterr().out
    assert "symprop predict" in said and "load_weights" in said
    rows, _ = columns(data)
    swapped = tmp_path / "swapped.csv"
    swapped.write_text("note,b,a\n" + "".join(f"some text,{b},{a}\n" for a, b in rows))
    assert main(["predict", path, "--data", str(swapped)]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = symprop.load_weights(path).predict(rows)
    assert lines[0] == "side" and [line.strip('"') for line in lines[1:]] == list(expected)
    assert main(["predict", path, "--data", str(swapped), "-o", str(tmp_path / "p.csv")]) == 0
    assert (tmp_path / "p.csv").read_text().splitlines() == lines
    swapped.write_text("a\n3\n")
    assert main(["predict", path, "--data", str(swapped)]) == 2
    assert "no column 'b'" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [[[1.0]], [1.0, 2.0], [["a", "b"]], [[1.0, np.nan]], None, [[1, 2], [3]]])
def test_features_that_do_not_fit_are_refused(rows: Any, data: Path) -> None:
    with pytest.raises(DataError):
        symprop.load_weights(trained(BINARY, data)).predict(rows)


def test_ids_are_not_scaled(tmp_path: Path) -> None:
    data = tmp_path / "t.csv"
    data.write_text("a,b,y\n" + "".join(f"{k % 5},{k % 3},{'odd' if k % 2 else 'even'}\n" for k in range(40)))
    network = "Input(2) >> Embedding(5, 3) >> Dense(2) >> SoftmaxCrossEntropy()"
    model = symprop.load_weights(trained(network, data, "y"))
    assert set(model.predict([[0, 1], [4, 2]])) <= {"odd", "even"}
    with pytest.raises(DataError, match="no id"):
        model.predict([[0, 5]])


def test_weights_without_notes_need_their_network(tmp_path: Path) -> None:
    module = symprop.compile(NUMBERS)
    path = tmp_path / "w.npz"
    save_weights(path, module.init_params(seed=0))
    with pytest.raises(DataError, match="does not say which network"):
        symprop.load_weights(path)
    rows = np.ones((3, 2))
    model = symprop.load_weights(path, NUMBERS)
    np.testing.assert_array_equal(model.predict(rows), module.forward(model.params, rows)[:, 0])  # the same call
    with pytest.raises(SpecError, match="name"):
        symprop.load_weights(path, "Input(n) >> Dense(1) >> MeanSquaredError()")


@pytest.mark.parametrize(
    "notes",
    [
        {"network": "Input(2) >> __import__('os')"},
        {"network": NUMBERS, "scaling": {"kind": "standard", "offset": [0.0], "scale": [1.0, 1.0]}},
        {"network": NUMBERS, "scaling": {"kind": "standard", "offset": [0.0, 0.0], "scale": [0.0, 1.0]}},
        {"network": NUMBERS, "scaling": {"kind": "standard", "offset": [0.0, 1e999], "scale": [1.0, 1.0]}},
        {"network": NUMBERS, "scaling": {"kind": "standard", "offset": [0, 10**400], "scale": [1.0, 1.0]}},
        {"network": NUMBERS, "scaling": {"kind": "standard", "offset": [0, 1.0], "scale": [5e-324, 1.0]}},
        {"network": NUMBERS, "scaling": [1]},
        {"network": NUMBERS, "features": [1, 2]},
        {"network": NUMBERS, "features": ["a"]},
        {"network": NUMBERS, "classes": "ab"},
    ],
)
def test_notes_that_cannot_be_used_are_refused(notes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    save_weights(path, symprop.compile(NUMBERS).init_params(seed=0), notes)
    assert load_notes(path) == json.loads(json.dumps(notes))
    with pytest.raises(SympropError):
        symprop.load_weights(path).predict([[1.0, 2.0]])


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(OutputError):
            symprop.load_weights(path)
    for content in (b"", b"PK\5\6", b"PK\5\6" + b"\xff" * 40, b"text" * 100):
        (tmp_path / "w.npz").write_bytes(content)
        with pytest.raises(SympropError):
            symprop.load_weights(tmp_path / "w.npz")


@pytest.mark.parametrize("features", [np.ones((3, 2)) + 1j, np.ma.masked_array(np.ones((3, 2)), mask=True)])
def test_features_that_would_lose_something_are_refused(features: Any, tmp_path: Path) -> None:
    save_weights(tmp_path / "w.npz", {"W1": np.ones((1, 2)), "b1": np.zeros(1)})
    with pytest.raises(DataError, match="features are rows of numbers, neither complex nor masked"):
        symprop.load_weights(tmp_path / "w.npz", NUMBERS).predict(features)
