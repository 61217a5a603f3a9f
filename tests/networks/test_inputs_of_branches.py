"""Further inputs as users write them: branches that start with an Input, in every module, and in tables."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network_reference import Network
from random_networks import directions, point, problems
from toy_layers import Masked, toys

import symprop
from symprop.codegen import generate
from symprop.columns import columns_of
from symprop.commands.train_run import run
from symprop.errors import DataError, SpecError
from symprop.networks import Concatenate, Dense, Input, MeanSquaredError, Multiply, Sum
from symprop.networks import Network as Layers
from symprop.networks.further_inputs import further_inputs

__all__ = ["toys"]

SIDE = (
    'Input(4) >> Concatenate(Dense(3) >> Tanh(), Input(3, name="side") >> Dense(2) >> Tanh(), '
    'Input(2, name="ids") >> Embedding(5, 2)) >> Dense(2) >> SoftmaxCrossEntropy()'
)
TEXTS = (
    SIDE,
    "Input(3) >> Concatenate(Embedding(5, 2), Embedding(5, 1), Concatenate(Embedding(5, 1), Embedding(5, 1)))"
    " >> Dense(2) >> MeanSquaredError()",
    'Input(3) >> Sum(Embedding(5, 2) >> Dense(3), Input(2, name="ids") >> Embedding(6, 3) >> Dense(3)) >> Tanh()'
    " >> MeanSquaredError()",
    'Input(3) >> Multiply(Dense(2), Input(2, name="gate") >> Sigmoid(), Input(2, name="gate")) >> MeanSquaredError()',
    'Input(3) >> Residual(Sum(Dense(3), Input(2, name="s") >> Dense(3)) >> Tanh()) >> Dense(2) >> MeanSquaredError()',
    'Input(3) >> Repeat(Sum(Dense(3), Input(2, name="s") >> Embedding(4, 2) >> Dense(3)) >> Tanh(), 2, tied=True)'
    ' >> Concatenate((), Input(2, name="s") >> Embedding(4, 1)) >> Dense(2) >> MeanSquaredError()',
    'Input(5, 3) >> Multiply(Dense(2), Input(5, 1, name="mask")) >> SoftmaxCrossEntropy()',
    'Input(3, name="left") >> Sum(Dense(2), Input(3) >> Dense(2)) >> MeanSquaredError()',
)
TARGETS = ("numpy", "fast", "numba", "jax", "torch")


@pytest.mark.parametrize("text", TEXTS)
def test_the_second_reader_reads_them(text: str) -> None:
    assert problems(text, {}) == []


@pytest.mark.parametrize("text", TEXTS[1:6])
def test_they_are_certified(text: str) -> None:
    certificate = symprop.check(text)
    assert certificate.ok, str(certificate)


@pytest.mark.parametrize(
    "text",
    [
        'Input(n) >> Repeat(Sum(Dense(n), Input(k, name="s") >> Embedding(5, 3) >> Dense(n)) >> Tanh(), N)',
        'Input(n) >> Repeat(Concatenate((), Input(k, name="s") >> Dense(2)) >> Dense(n), N, tied=True)',
        'Input(n) >> Sum(Dense(n), Input(n, name="s") >> Repeat(Dense(n) >> Tanh(), N))',
    ],
)
def test_a_general_block_and_its_printed_recurrence_read_them(text: str) -> None:
    network = symprop.parse_network(f"{text} >> MeanSquaredError()")
    assert [each.name for each in network.inputs] == ["x", "s"]
    certificate = symprop.check(network, sizes={name: {"n": 3, "k": 2, "N": 2}[name] for name in network.sizes})
    assert certificate.ok, str(certificate)


# ---------------------------------------------------------------- every module


def _module(target: str, text: str, folder: Path) -> Any:
    """The module of a target, written to a file and imported, as users have it; JAX and PyTorch in float64."""
    if target not in ("numpy", "fast"):
        library = pytest.importorskip(target, reason=f"{target} is not installed")
        if target == "jax":
            library.config.update("jax_enable_x64", True)
    options: dict[str, Any] = {"fast": target == "fast"} if target in ("numpy", "fast") else {"target": target}
    path = folder / f"{target}_module.py"
    path.write_text(generate(text, dtype="float64", **options), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("target", TARGETS)
def test_each_module_takes_a_dict_and_refuses_others(target: str, tmp_path: Path) -> None:
    module, reference, random = _module(target, SIDE, tmp_path), Network(SIDE), np.random.default_rng(3)
    assert list(reference.inputs) == ["x", "side", "ids"]
    params, x, y = point(reference, random)
    given: Any = params
    if target == "torch":
        torch = importlib.import_module("torch")
        given = {name: torch.as_tensor(value, dtype=torch.float64) for name, value in params.items()}
    loss, found = module.loss_and_grads(given, x, y)
    # sums of at most 20 products of numbers of size 1, each rounded to 1e-16 of its size
    assert float(loss) == pytest.approx(reference.loss(params, x, y), rel=1e-12)
    grads = {name: np.asarray(gradient) for name, gradient in found.items()}
    for what, along in directions(reference.parameters, random):
        slope = sum(np.sum(grads[name] * along[name]) for name in along)
        assert slope == pytest.approx(reference.derivative(params, x, y, along), rel=1e-10, abs=1e-12), what
    for wrong, words in (
        (x["x"], "dict of"),
        ([x["x"], x["side"], x["ids"]], "dict of"),
        (None, "dict of"),
        ({"x": x["x"], "ids": x["ids"]}, "side"),
        ({**x, "memory": x["x"]}, "memory"),
        ({**x, "side": x["side"][:, :2]}, r"side has shape \(3, 2\)"),
        ({**x, "side": x["side"][:1]}, r"side has (shape \(1, 3\)|1 rows)"),
        ({**x, "ids": x["ids"][:1]}, r"ids has (shape \(1, 2\)|1 rows)"),
        ({**x, "ids": x["ids"] + 0.5}, "ids.*integer"),
    ):
        for call in (module.forward, module.predict, lambda *both: module.loss_and_grads(*both, y)):
            with pytest.raises(ValueError, match=words):
                call(given, wrong)


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", ["5", "5, 1"])
def test_lengths_stand_for_masks(target: str, shape: str, tmp_path: Path) -> None:
    mask = f'Input({shape}, name="mask")'
    text = f"Input(5, 1) >> Dense(5) >> Masked({mask}) >> Dense(2) >> MeanSquaredError()"
    module, random = _module(target, text, tmp_path), np.random.default_rng(4)
    x, y = random.normal(size=(4, 5, 1)), random.normal(size=(4, 5, 2))
    lengths = np.array([5, 2, 0, 3])
    masks = (np.arange(5) < lengths[:, None]).reshape(4, *map(int, shape.split(", ")))
    params = module.init_params(0)
    losses = [float(module.loss(params, {"x": x, "mask": each}, y)) for each in (masks, masks * 1.0, lengths)]
    assert losses[0] == losses[1] == losses[2]
    if target in ("numpy", "fast", "numba"):
        with pytest.raises(ValueError, match=r"mask.* must be .*0 (to|and) 1"):
            module.loss(params, {"x": x, "mask": masks * 2}, y)
    if target in ("fast", "numba"):
        with pytest.raises(ValueError, match=r"mask\[0\] is 6; it must be an integer from 0 to 5"):
            module.loss(params, {"x": x, "mask": lengths + 1}, y)


# ---------------------------------------------------------------- masks of losses

MASKS = (
    'Input(5, 3) >> Dense(4) >> SoftmaxCrossEntropy(mask=Input(5, name="lengths"))',
    "Input(5, 3) >> Dense(4) >> SoftmaxCrossEntropy(smoothing=0.1, ignore=1, weights=(1, 2, 3, 4), mask=Input(5, 1, "
    'name="lengths")) + L2(0.1)',
    'Input(5, 3) >> Multiply(Dense(4), Input(5, 1, name="lengths")) >> MeanSquaredError(mask=Input(5, 1, '
    'name="lengths"))',
    'Input(5, 3) >> Dense(4) >> Huber(0.5, mask=Input(5, name="lengths"), positions="sum")',
    'Input(3) >> Dense(4) >> BinaryCrossEntropy(mask=Input(1, name="weight"))',
)


@pytest.mark.parametrize("text", MASKS)
def test_losses_with_masks_are_those_of_the_second_reader_and_certified(text: str) -> None:
    assert problems(text, {}) == []
    certificate = symprop.check(text)
    assert certificate.ok, str(certificate)
    network = symprop.parse_network(text)
    assert symprop.parse_network(network.text) == network


@pytest.mark.parametrize("fast", [True, False])
def test_what_is_padded_counts_nothing(fast: bool) -> None:
    masked = symprop.compile(MASKS[0], fast=fast)
    plain = symprop.compile("Input(3) >> Dense(4) >> SoftmaxCrossEntropy()", fast=fast)
    params, random = plain.init_params(seed=1), np.random.default_rng(5)
    x, y, lengths = random.normal(size=(3, 5, 3)), random.integers(0, 4, (3, 5)), np.array([5, 2, 3])
    loss, grads = masked.loss_and_grads(params, {"x": x, "lengths": lengths}, y)
    counted = np.arange(5) < lengths[:, None]
    expected, slopes = plain.loss_and_grads(params, x[counted], y[counted])  # ten positions, as examples
    # sums of ten terms of size 1 in another order
    assert loss == pytest.approx(expected, rel=1e-13)
    for name, slope in slopes.items():
        assert np.allclose(grads[name], slope, rtol=1e-12, atol=1e-14)
    x[~counted] = 1e6
    assert masked.loss(params, {"x": x, "lengths": lengths}, y) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('MeanSquaredError(mask=Input(4, name="s"))', r"the mask 's' has shape \(4,\), the output \(5, 4\)"),
        ("MeanSquaredError(mask=3)", "mask is an input"),
        ("MeanSquaredError(mask=Input(5))", "used in two ways"),
    ],
)
def test_what_is_no_mask_is_refused_with_words(written: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        symprop.parse_network(f"Input(5, 3) >> Dense(4) >> {written}")


# ---------------------------------------------------------------- what is said of them


@pytest.mark.usefixtures("toys")
def test_what_is_a_mask_of_one_layer_is_given_for_all() -> None:
    first = Input(5, 3) >> Multiply(Dense(4), Input(5, 1, name="mask"))
    both: Layers = first >> Masked(Input(5, 1, name="mask"))
    assert [each.role for each in first.inputs] == ["input", "input"]
    assert [each.role for each in both.inputs] == ["input", "given"]
    assert "dmask" not in [equation.name for equation in symprop.derive(both >> MeanSquaredError()).equations]


def test_gradients_to_inputs_where_there_are_no_parameters() -> None:
    text = 'Input(3) >> Multiply((), Input(3, name="gate") >> Sigmoid()) >> MeanSquaredError()'
    names = [equation.name for equation in symprop.derive(text).backward]
    assert {"dx", "dgate"} <= set(names)


def test_a_side_input_is_told_in_a_difference_a_report_and_a_cost() -> None:
    plain = "Input(4) >> Dense(3) >> Tanh() >> Dense(2) >> MeanSquaredError()"
    side = plain.replace("Dense(3)", 'Sum(Dense(3), Input(2, name="side") >> Dense(3))')
    found = symprop.diff(plain, side)
    assert "side" in str(found)
    report = symprop.report(side)
    assert "side" in report.html()
    assert symprop.derive(side).cost().parameters == symprop.derive(plain).cost().parameters + 9


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('Sum(Input(2, name="s") >> Dense(3), Input(3, name="t"))', "every branch starts with an Input"),
        ("Sum(Dense(3), Input(3))", "under the name of the network's first input"),
        ('Residual(Input(3, name="s") >> Dense(3))', "first in a branch of Sum, Multiply or Concatenate"),
        ('Sum(Dense(3), Dense(2) >> Input(3, name="s"))', "cannot stand inside a block"),
        ('Sum(Dense(3), Input(3, name="y"))', "name of a variable"),
        ('Sum(Dense(3), Input(4, name="s"))', r"shapes \(3,\) and \(4,\)"),
        ('Sum(Dense(3), Input(3, name="s"), Input(1, name="s") >> Dense(3))', r"of shape \(3,\) here, of shape \(1,\)"),
        ("Concatenate(Embedding(5, 2), Dense(3))", "reads ids from 0 to 4, 'Dense.3.' numbers"),
        ("Concatenate(Embedding(5, 2), Embedding(6, 2))", "reads ids from 0 to 4, 'Embedding.6, 2.' ids from 0 to 5"),
        ("Residual(Embedding(5, 3, flatten=False))", "does not stand right after Input"),
        ('Concatenate((), Input(2, name="s") >> Dense(2), Input(2, name="s") >> Embedding(5, 2))', "as numbers here"),
    ],
)
def test_what_is_no_input_of_a_branch_is_refused_with_words(written: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        symprop.parse_network(f"Input(3) >> {written} >> Dense(2) >> MeanSquaredError()")


# ---------------------------------------------------------------- tables


def _table(path: Path, columns: list[str], rows: int = 40) -> Path:
    """A table whose class is the sign of `x0 + side0 / 100`."""
    random, lines = np.random.default_rng(1), [",".join(columns)]
    for _ in range(rows):
        values = {name: str(random.normal() * (100 if name.startswith("side") else 1)) for name in columns}
        values |= {name: str(random.integers(0, 5)) for name in columns if name.startswith(("ids", "lengths"))}
        values["kind"] = "ab"[float(values["left"]) + float(values["side_0"]) / 100 > 0]
        lines.append(",".join(values[name] for name in columns))
    path.write_text("\n".join(lines) + "\n")
    return path


COLUMNS = ["side_2", "left", "kind", "side_0", "x1", "ids1", "side_1", "x2", "ids0", "x3"]


def test_a_table_of_two_inputs_trains_and_predicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, weights = _table(tmp_path / "t.csv", COLUMNS), str(tmp_path / "w.npz")
    assert run(symprop.parse_network(SIDE), data, "kind", epochs=40, rate=0.03, output=weights).code == 0
    told = capsys.readouterr().out
    assert "32 rows to train on, 8 held out" in told
    model = symprop.load_weights(weights)
    rows = np.array([line.split(",") for line in data.read_text().splitlines()[1:]])
    kinds, numbers = rows[:, 2], np.delete(rows, 2, axis=1).astype(float)
    assert np.mean(model.predict(numbers) == kinds) >= 0.8
    at = {name: numbers[:, place] for place, name in enumerate(name for name in COLUMNS if name != "kind")}
    by_names = model.predict(
        {
            "x": np.stack([at["left"], at["x1"], at["x2"], at["x3"]], axis=1),
            "side": np.stack([at["side_0"], at["side_1"], at["side_2"]], axis=1),  # in the order of their numbers
            "ids": np.stack([at["ids0"], at["ids1"]], axis=1),
        }
    )
    assert by_names.tolist() == model.predict(numbers).tolist()
    numbers[3, 7] = 9
    with pytest.raises(DataError, match="row 4, column 'ids0': 9 is no id from 0 to 4"):
        model.predict(numbers)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("side_1", "the input side takes 3 columns side_1, side_2, ..., the table has 2: side_0, side_2"),
        ("x3", "the input x takes 4 columns that are no other input's, the table has 3: left, x1, x2"),
        ("ids", "the input ids takes 2 columns ids_1, ids_2, ..., the table has none"),
    ],
)
def test_columns_that_are_missing_are_named(missing: str, words: str) -> None:
    names = [name for name in COLUMNS if name != "kind" and not name.startswith(missing)]
    with pytest.raises(DataError) as caught:
        columns_of(symprop.parse_network(SIDE), names)
    assert str(caught.value) == words


@pytest.mark.usefixtures("toys")
def test_a_column_of_lengths_stands_for_a_mask(tmp_path: Path) -> None:
    text = 'Input(4) >> Masked(Input(4, name="lengths")) >> Dense(2) >> SoftmaxCrossEntropy()'
    columns = ["side_0", "left", "kind", "x1", "lengths", "x2"]
    network, data = symprop.parse_network(text), _table(tmp_path / "t.csv", columns)
    weights = str(tmp_path / "w.npz")
    assert run(network, data, "kind", epochs=1, output=weights).code == 0
    model = symprop.load_weights(weights)
    assert model.scaling.scale[3] == 1  # lengths are not scaled
    scaled = model.scaled({"x": np.ones((2, 4)), "lengths": [4, 1]})
    assert isinstance(scaled, dict)
    assert scaled["lengths"].tolist() == [4, 1]
    whole = columns_of(network)
    assert whole.rows({"x": np.ones((1, 4)), "lengths": [3]}).tolist() == [[1, 1, 1, 1, 1, 1, 1, 0]]
    with pytest.raises(DataError, match="row 1, column 'lengths': 5 is no length from 0 to 4"):
        model.predict([[0, 0, 0, 5, 0]])


def test_two_inputs_of_the_same_shape_are_not_taken_for_each_other() -> None:
    network = Input(3) >> Concatenate(Dense(2), Sum((), Input(3, name="other"))) >> Dense(1)
    assert columns_of(network, ["other2", "a", "other.0", "b", "other_1", "c"]).places == ((1, 3, 5), (2, 4, 0))


def test_the_table_of_layers_names_the_inputs_of_nested_branches_in_their_order() -> None:
    inner = 'Sum(Dense(3), Input(4, name="first") >> Dense(3))'
    network = symprop.parse_network(
        f'Input(2) >> Sum({inner}, Input(5, name="second") >> Dense(3)) >> '
        'MeanSquaredError(mask=Input(1, name="counts"))'
    )
    names = [each.name for each in network.inputs]
    assert names == ["x", "first", "second", "counts"]
    assert [each.name for each in further_inputs(network.layers)] == names[1:]
