"""Inputs of any rank, and further inputs: what is read, derived and run; layers of `toy_layers` take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from toy_layers import Gate, Masked, toys

import symprop
from symprop.codegen import compile_network, generate
from symprop.columns import columns_of
from symprop.commands.train_run import run
from symprop.errors import DataError, LimitError, SpecError
from symprop.networks.layers import Dense, Input
from symprop.networks.network import Network
from symprop.networks.regression import MeanSquaredError
from symprop.training import train
from symprop.weights import save_weights

__all__ = ["toys"]
pytestmark = pytest.mark.usefixtures("toys")

GATED = 'Input(3) >> Dense(4) >> Tanh() >> Gate(Input(4, name="gate")) >> Dense(2) >> SoftmaxCrossEntropy()'
MASKED = 'Input(5, 3) >> Dense(4) >> Tanh() >> Masked(Input(5, 1, name="mask")) >> Dense(2) >> MeanSquaredError()'
ALL = (
    'Input(5, 3) >> Dense(4) >> Tagged(Input(5, name="tags"), 6) >> Gate(Input(4, name="memory")) >> '
    'Masked(Input(5, 1, name="mask")) >> Dense(2) >> SoftmaxCrossEntropy()'
)
IMAGE = "Input(4, 3, 2) >> Dense(4) >> ReLU() >> MeanSquaredError()"
SEQUENCE = "Input(6, 3) >> Dense(5) >> SoftmaxCrossEntropy()"

Arrays = Mapping[str, Any]


# ---------------------------------------------------------------- a second reading, without any code of symprop


def _sigmoid(t: Any) -> Any:
    return 1 / (1 + np.exp(-t))


def _dense(w: Arrays, number: int, x: Any) -> Any:
    return np.einsum("...i,ki->...k", x, w[f"W{number}"]) + w[f"b{number}"]


def _entropy(y: Any, z: Any) -> Any:
    return -np.sum(y * (z - np.log(np.sum(np.exp(z), axis=-1, keepdims=True)))) / np.prod(y.shape[:-1])


def _half_square(y: Any, z: Any) -> Any:
    return np.sum((z - y) ** 2) / 2 / np.prod(y.shape[:-1])


def _all(w: Arrays, x: Arrays, y: Any) -> Any:
    a = (_dense(w, 1, x["x"]) + w["E1"][x["tags"]]) * _sigmoid(x["memory"])[:, None, :] * x["mask"]
    return _entropy(y, _dense(w, 2, a))


LOSSES: dict[str, Callable[[Arrays, Arrays, Any], Any]] = {
    GATED: lambda w, x, y: _entropy(y, _dense(w, 2, np.tanh(_dense(w, 1, x["x"])) * _sigmoid(x["gate"]))),
    MASKED: lambda w, x, y: _half_square(y, _dense(w, 2, np.tanh(_dense(w, 1, x["x"])) * x["mask"])),
    ALL: _all,
    IMAGE: lambda w, x, y: _half_square(y, (z := _dense(w, 1, x["x"])) * (np.real(z) > 0)),
    SEQUENCE: lambda w, x, y: _entropy(y, _dense(w, 1, x["x"])),
}


def _batch(network: Network, m: int = 3) -> tuple[dict[str, Any], Any]:
    """Random inputs and targets for a batch."""
    random, system = np.random.default_rng(5), network.system()
    x: dict[str, Any] = {}
    for each in system.inputs:
        ids, shape = each.facts_by_kind.get("index"), (m, *map(int, each.shape))
        x[each.name] = random.uniform(size=shape) if ids is None else random.integers(0, int(ids), shape)
    y = random.uniform(size=(m, *map(int, system.targets[0].shape)))
    return x, y / y.sum(axis=-1, keepdims=True)


def _taken(x: dict[str, Any]) -> Any:
    return x if len(x) > 1 else x["x"]


def _params(module: ModuleType) -> dict[str, Any]:
    random = np.random.default_rng(6)
    return {name: random.normal(size=shape) for name, shape in module.PARAMETERS.items()}


@pytest.mark.parametrize("target", ["numpy", "numba"])
@pytest.mark.parametrize("text", LOSSES)
def test_gradients_of_modules_are_those_of_a_complex_step(text: str, target: str) -> None:
    if target == "numba":
        pytest.importorskip("numba", reason="numba is optional")
    network = symprop.parse_network(text)
    module = compile_network(network, target=target, optimizer="sgd")
    (x, y), params = _batch(network), _params(module)
    work = module.make_workspace(3)
    value, grads = module.loss_and_grads(params, _taken(x), y, work)
    # sums of at most 60 products of numbers of size 1 to 10, each rounded to 1e-16 of its size
    assert value == pytest.approx(LOSSES[text](params, x, y), rel=1e-12)
    assert module.loss(params, _taken(x), y) == pytest.approx(value, rel=1e-12)
    for name, gradient in grads.items():
        for index in np.ndindex(gradient.shape):
            moved = params[name].astype(complex)
            moved[index] += 1e-30j
            slope = np.imag(LOSSES[text]({**params, name: moved}, x, y)) / 1e-30
            assert gradient[index] == pytest.approx(slope, rel=1e-10, abs=1e-12), (name, index)
    state = module.init_state(params)
    assert module.train_step(state, _taken(x), y, lr=0.1) == pytest.approx(value, rel=1e-12)
    for name, gradient in module.loss_and_grads(params, _taken(x), y)[1].items():
        assert np.allclose(state["params"][name], params[name] - 0.1 * gradient, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
@pytest.mark.parametrize("text", LOSSES)
def test_every_layout_is_derived_printed_and_drawn(text: str, layout: str) -> None:
    derivation = symprop.derive(text, layout=layout)
    page = str(derivation)
    for each in derivation.system.inputs:
        assert each.name in page
    assert derivation.latex()
    assert derivation._repr_html_()
    for form in ("svg", "tikz"):
        assert symprop.diagram(derivation, form)


@pytest.mark.parametrize("text", [GATED, ALL, SEQUENCE])
def test_certificate_and_report_take_all_inputs(text: str) -> None:
    report = symprop.report(text)
    assert report.certificate.ok, str(report.certificate)
    for each in symprop.parse_network(text).inputs:
        assert each.name in report.html()
        assert each.name in report.latex()


def test_a_derivative_by_inputs_is_by_those_alone_to_which_a_gradient_may_flow() -> None:
    text = 'Input(3) >> Gate(Input(3, name="gate")) >> Masked(Input(3, name="mask")) >> MeanSquaredError()'
    names = [equation.name for equation in symprop.derive(text).backward]
    assert {"dx", "dgate"} <= set(names)
    assert "dmask" not in names


def test_the_page_says_which_inputs_are_given() -> None:
    rows = [line.split() for line in str(symprop.derive(MASKED)).splitlines()]
    assert ["mask", "(5,", "1)", "given", "between", "0", "and", "1"] in rows
    assert ["x", "(5,", "3)", "input"] in rows


def test_a_general_block_reads_the_same_further_input_in_every_block() -> None:
    text = 'Input(n) >> Repeat(Dense(n) >> Gate(Input(n, name="gate")), L) >> MeanSquaredError()'
    general = symprop.parse_network(text)
    assert [each.name for each in general.inputs] == ["x", "gate"]
    assert str(symprop.derive(general).equation("a[l]").expression.text()) == "z[l] * sigmoid(gate)"
    assert symprop.check(general, sizes={"n": 3, "L": 2}).ok


def test_a_further_input_is_read_back_and_resized() -> None:
    general = symprop.parse_network('Input(T, n) >> Dense(k) >> Gate(Input(T, k, name="gate")) >> MeanSquaredError()')
    assert general.sizes == ("T", "n", "k")
    numbered = general.with_sizes({"T": 5, "n": 3, "k": 4})
    assert numbered.text == 'Input(5, 3) >> Dense(4) >> Gate(Input(5, 4, name="gate")) >> MeanSquaredError()'
    assert symprop.parse_network(numbered.text) == numbered
    assert numbered.resized({4: 2}).text.count("4") == 0
    python = Input(5, 3) >> Dense(4) >> Gate(Input(5, 4, name="gate")) >> MeanSquaredError()
    assert python.text == numbered.text
    assert Input(28, 28, 1).text == "Input(28, 28, 1)"


def test_one_name_is_one_input() -> None:
    network = symprop.parse_network(
        'Input(3) >> Gate(Input(3, name="gate")) >> Dense(3) >> Gate(Input(3, name="gate")) >> MeanSquaredError()'
    )
    assert [each.name for each in network.inputs] == ["x", "gate"]
    assert [each.name for each in (Input(3) >> Gate(Input(3)) >> Dense(2)).inputs] == ["x"]


def test_an_input_of_another_name_is_the_argument_x() -> None:
    network = symprop.parse_network('Input(3, name="pixels") >> Dense(2) >> MeanSquaredError()')
    module = compile_network(network)
    params, x = _params(module), np.random.default_rng(0).normal(size=(4, 3))
    assert np.allclose(module.forward(params, x=x), x @ params["W1"].T + params["b1"], rtol=1e-14, atol=1e-14)
    assert module.loss_and_grads(params, x, np.ones((4, 2)))[0] > 0


def test_embeddings_of_images_and_of_further_ids_have_a_row_for_each_id() -> None:
    image = symprop.parse_network("Input(2, 3) >> Embedding(7, 4, flatten=False)")
    assert image.system().output.shape == (2, 3, 4)
    assert symprop.parse_network("Input(2, 3) >> Embedding(7, 4)").system().output.shape == (24,)
    tags = symprop.parse_network(ALL).inputs[1]
    assert tags.facts_by_kind["index"] == 6


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Input()", "0 sizes"),
        ("Input(0)", "no size"),
        ("Input(2.5)", "no size"),
        ("Input(True)", "no size"),
        ("Input(-3, 2)", "no size"),
        ("Input(1, 2, 3, 4, 5, 6, 7, 8, 9)", "9 sizes"),
        ("Input(3, m)", "batch size"),
        ('Input(3, name="W1")', "name of a variable"),
        ('Input(3, name="y")', "name of a variable"),
        ('Input(3, name="delta2")', "name of a variable"),
        ('Input(3, name="3a")', "cannot be a name"),
        ('Input(3, name="a b")', "cannot be a name"),
        ('Input(3, name="")', "cannot be a name"),
        ("Input(3, name=3)", "a name is text"),
        ('Input(3, name="lambda")', "reserved"),
        ('Input(3, name="params")', "reserved"),
        ('Input(3, name="tanh")', "a meaning of its own"),
        ('Input(3, name="float")', "a meaning of its own"),
        ('Input(3, name="work")', "a meaning of its own"),
        ('Input(n, name="n")', "name of a size"),
        ('Input(3) >> Gate(Input(4, name="p"))', "name of a variable"),
        ('Input(3) >> Gate(Input(3, name="gate")) >> Gate(Input(1, name="gate"))', "used in two ways"),
        ("Input(3) >> Gate(Input(4))", "used in two ways"),
        ('Input(3) >> Tagged(Input(2, name="t"), 6) >> Tagged(Input(2, name="t"), 7)', "t"),
        ("Input(3) >> Gate(3)", "is an input, such as"),
        ('Input(3) >> Gate(Input(3, name="g") >> Dense(3))', "is an input, such as"),
        ('Input(3) >> Activation("t*t", name="swish") >> Gate(Input(3, name="swish"))', "name of an activation"),
        ('Input(n0) >> Repeat(Dense(n_l) >> Gate(Input(n_l, name="g")), L)', "varies"),
    ],
)
def test_what_is_no_input_is_refused_with_words(written: str, words: str) -> None:
    with pytest.raises((SpecError, LimitError), match=words):
        symprop.parse_network(f"{written} >> Dense(2) >> MeanSquaredError()")


X = {"x": np.ones((2, 3)), "gate": np.ones((2, 4))}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.ones((2, 3)), "x is a ndarray; it must be a dict"),
        (None, "x is a NoneType; it must be a dict"),
        ({}, r"x differs in \['x', 'gate'\]; it must be a dict of x, gate"),
        ({"x": X["x"]}, r"x differs in \['gate'\]"),
        ({**X, "mask": X["gate"]}, r"x differs in \['mask'\]"),
        ({**X, 1: X["gate"]}, r"x differs in \[1\]"),
        ({**X, "gate": np.ones((2, 3))}, r"gate has shape \(2, 3\)"),
        ({**X, "gate": np.ones((3, 4))}, "gate has 3 rows, but x has 2"),
        ({**X, "gate": np.full((2, 4), np.nan)}, r"gate\[0, 0\] is nan"),
        ({**X, "gate": "no"}, "gate must hold real numbers"),
        ({"x": np.ones((0, 3)), "gate": np.ones((0, 4))}, "m at least 1"),
    ],
)
def test_a_module_of_several_inputs_refuses_others(given: Any, words: str) -> None:
    module = compile_network(GATED, optimizer="sgd")
    params = module.init_params()
    state = module.init_state(params)
    for call in (
        lambda: module.forward(params, given),
        lambda: module.predict(params, given),
        lambda: module.loss(params, given, [0, 1]),
        lambda: module.loss_and_grads(params, given, [0, 1]),
        lambda: module.train_step(state, given, [0, 1]),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_a_module_checks_ids_and_facts_of_further_inputs_and_refuses_a_dict_for_one() -> None:
    network = symprop.parse_network(ALL)
    module, (x, y) = compile_network(network), _batch(network)
    params = module.init_params()
    for name, value, words in (
        ("tags", np.full((3, 5), 6), "tags.* is 6; it must be an integer from 0 to 5"),
        ("mask", np.full((3, 5, 1), 2.0), "mask.* is 2.0; it must be between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=words):
            module.loss_and_grads(params, {**x, name: value}, y)
    with pytest.raises(ValueError, match="x must hold real numbers"):
        compile_network(SEQUENCE).predict(compile_network(SEQUENCE).init_params(), {"x": np.ones((2, 6, 3))})


def test_work_that_a_view_holds_twice_is_done_once() -> None:
    assert generate(ALL, fast=True).count("np.abs(memory") == 1


# ---------------------------------------------------------------- tables


def _written(path: Path, columns: list[str], rows: Any) -> Path:
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_train_and_predict_by_the_names_of_inputs(tmp_path: Path) -> None:
    text = (
        'Input(2) >> Dense(4) >> Tanh() >> Gate(Input(4, name="gate")) >> Masked(Input(1, name="mask")) >> '
        "Dense(2) >> SoftmaxCrossEntropy()"
    )
    random = np.random.default_rng(2)
    x, gate, mask = random.normal(size=(40, 2)), 50 * random.normal(size=(40, 4)), random.integers(0, 2, (40, 1))
    columns = ["mask", "left", "gate_1", "kind", "gate.2", "gate_3", "right", "gate_4"]
    rows = [
        [*mask[i], x[i, 0], gate[i, 0], "ab"[int(x[i, 0] > 0)], *gate[i, 1:3], x[i, 1], gate[i, 3]] for i in range(40)
    ]
    data, weights = _written(tmp_path / "t.csv", columns, rows), str(tmp_path / "w.npz")
    assert run(symprop.parse_network(text), data, "kind", epochs=2, output=weights).code == 0
    model = symprop.load_weights(weights)
    assert model.features == tuple(name for name in columns if name != "kind")
    assert model.scaling.scale[0] == 1  # a mask is not scaled
    by_rows = model.predict([[value for value in row if value not in ("a", "b")] for row in rows])
    by_names = model.predict({"x": x, "gate": gate, "mask": mask})
    assert by_rows.tolist() == by_names.tolist()
    scaled = model.scaled({"x": x, "gate": gate, "mask": mask})
    assert isinstance(scaled, dict)
    assert scaled["gate"].shape == (40, 4)
    assert np.array_equal(scaled["mask"], mask)
    for bad, words in (
        ({"x": x}, "the input gate is missing"),
        ({"x": x, "gate": gate, "mask": mask, "z": x}, "no input 'z'"),
        ({"x": x, "gate": gate[:3], "mask": mask}, "gate has shape"),
        (x, "rows of 7 numbers"),
    ):
        with pytest.raises(DataError, match=words):
            model.predict(bad)
    short = _written(tmp_path / "s.csv", columns[:-1], [row[:-1] for row in rows])
    with pytest.raises(DataError, match=r"the input gate takes 4 columns gate_1, .*the table has 3"):
        run(symprop.parse_network(text), short, "kind", epochs=1)


def test_columns_of_an_array_are_in_row_major_order() -> None:
    columns = columns_of(symprop.parse_network("Input(2, 3) >> Dense(1)"), list("abcdef"))
    rows = np.arange(12.0).reshape(2, 6)
    found = columns.arrays(rows, "float64")
    assert isinstance(found, np.ndarray)
    assert np.array_equal(found, rows.reshape(2, 2, 3))
    assert np.array_equal(columns.rows(found), rows)


def test_training_takes_a_dict_and_says_where_rows_lack() -> None:
    network = symprop.parse_network(GATED)
    module, (x, y) = compile_network(network, optimizer="sgd"), _batch(network, 8)
    trained = train(module, x, y, epochs=3, batch=3, rate=0.5)
    assert trained.epochs[-1].loss < trained.epochs[0].loss
    with pytest.raises(DataError, match="different numbers of rows"):
        train(module, {**x, "gate": x["gate"][:4]}, y)


def test_weights_of_an_image_are_saved_and_predict_images(tmp_path: Path) -> None:
    network = symprop.parse_network("Input(2, 3, 1) >> Dense(2) >> ReLU() >> MeanSquaredError()")
    module = compile_network(network)
    save_weights(tmp_path / "w.npz", _params(module), {"network": network.text})
    model = symprop.load_weights(tmp_path / "w.npz")
    images = np.random.default_rng(1).normal(size=(5, 2, 3, 1))
    assert np.array_equal(model.predict(images), module.forward(model.params, images))
    assert np.array_equal(model.predict(images.reshape(5, 6)), model.predict(images))


def test_differences_pair_further_inputs_by_their_names() -> None:
    without = str(symprop.diff(GATED, GATED.replace('Gate(Input(4, name="gate")) >> ', "")))
    assert 'Gate(Input(4, name="gate")) is removed' in without
    renamed = str(symprop.diff(MASKED, MASKED.replace('"mask"', '"other"')))
    assert "mask" in renamed
    assert "other" in renamed
    assert "looks as in A, but  stands" not in str(symprop.diff(SEQUENCE, SEQUENCE.replace("6, 3", "3")))


def test_masked_rejects_what_is_no_input() -> None:
    with pytest.raises(SpecError, match="Masked: mask is an input"):
        Masked(4)  # type: ignore[arg-type]


def test_the_inputs_of_a_module_to_read_have_the_same_rows() -> None:
    module = compile_network(GATED, fast=False)
    params, given = module.init_params(0), {"x": np.ones((5, 3)), "gate": np.ones((1, 4))}
    with pytest.raises(ValueError, match=r"gate has shape \(1, 4\)"):
        module.forward(params, given)
