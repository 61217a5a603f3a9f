"""Losses and penalties: what they mean, how their derivatives read, what counts, and what is refused or warned of.

That module and derivative are right for random networks is the task of `random_networks.py`; PyTorch is asked here,
where it is installed.
"""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.cli import main
from symprop.networks import Dense, Input, KLDivergence, Softmax, SoftmaxCrossEntropy
from symprop.training import accuracy, train

Array = np.ndarray[Any, Any]
ROUNDING = 1e-12
"""The losses and gradients here are sums of at most 200 products of numbers of size 1, each off by 2**-53: 2e-14."""


def said(text: str, *names: str, layout: str | None = None) -> list[str]:
    derivation = symprop.derive(text, layout=layout)
    return [derivation.equation(name).pretty() for name in names]


@pytest.mark.parametrize(
    ("loss", "names", "pages"),
    [
        ("Hinge()", ("L", "delta1"), ["L = Σᵢ ReLU(1 − yᵢ z₁,ᵢ)", "δ₁ = −y ⊙ 1[1 − y ⊙ z₁ > 0]"]),
        ("SquaredHinge()", ("L", "delta1"), ["L = ‖ReLU(1 − y ⊙ z₁)‖²", "δ₁ = −2 ReLU(1 − y ⊙ z₁) ⊙ y"]),
        ("MeanAbsoluteError()", ("L", "delta1"), ["L = Σᵢ |z₁,ᵢ − yᵢ|", "δ₁ = sign(z₁ − y)"]),
        (
            "Huber(0.5)",
            ("L", "delta1"),
            ["L = Σᵢ (½ eᵢ² if |eᵢ| ≤ δ, else δ (|eᵢ| − δ/2))", "δ₁ = e if |e| ≤ δ, else δ sign(e)"],
        ),
        ("KLDivergence()", ("delta1",), ["δ₁ = p − y"]),
        ("SoftmaxCrossEntropy(smoothing=0.1)", ("y_2", "delta1"), ["y′ = 0.9 y + 1/30", "δ₁ = p − y′"]),
        (
            "SoftmaxCrossEntropy(ignore=0)",
            ("kappa", "Omega", "L", "delta1"),
            ["κ = y ω", "Ω = 𝟏ᵀ κ", "L = −(Σᵢⱼ κᵢ yᵢⱼ log(pᵢⱼ)) / Ω", "δ₁ = (1/Ω) (κ 𝟏ᵀ) ⊙ (p − y)"],
        ),
        (
            'MeanSquaredError() + L1(0.3) + L2(0.1, on="b1")',
            ("L", "dW1", "db1"),
            [
                "L = ½ ‖z₁ − y‖² + 0.3 Σᵢⱼ |W₁,ᵢⱼ| + 0.05 ‖b₁‖²",
                "∂L/∂W₁ = δ₁ xᵀ + 0.3 sign(W₁)",
                "∂L/∂b₁ = δ₁ + 0.1 b₁",
            ],
        ),
    ],
)
def test_derivatives_read_as_in_a_textbook(loss: str, names: tuple[str, ...], pages: list[str]) -> None:
    assert said(f"Input(4) >> Dense(3) >> {loss}", *names) == pages


def test_smoothed_targets_sum_to_one_for_any_number_of_classes() -> None:
    assert said("Input(n) >> Dense(k) >> SoftmaxCrossEntropy(smoothing=0.2)", "delta1") == ["δ₁ = p − y′"]
    steps = symprop.derive("Input(n) >> Dense(k) >> SoftmaxCrossEntropy(smoothing=0.2)").steps("delta1")
    assert "y_2 sums to 1, since the targets sum to 1" in [fact for step in steps for fact in step.facts]


@pytest.mark.parametrize("loss", ["MeanSquaredError", "Huber", "Hinge", "SoftmaxCrossEntropy", "BinaryCrossEntropy"])
def test_the_loss_of_a_sequence_is_the_mean_over_its_positions(loss: str) -> None:
    random = np.random.default_rng(0)
    options = ("", 'positions="sum"')
    mean, whole = (symprop.compile(f"Input(5, 2, 4) >> Dense(3) >> {loss}({more})") for more in options)
    params, x = mean.init_params(seed=1), random.normal(size=(6, 5, 2, 4))
    y = {
        "Hinge": 2.0 * random.integers(0, 2, (6, 5, 2, 3)) - 1,
        "SoftmaxCrossEntropy": random.integers(0, 3, (6, 5, 2)),
    }
    y_given = y.get(loss, random.uniform(size=(6, 5, 2, 3)))
    (one, gradients), (ten, others) = (module.loss_and_grads(params, x, y_given) for module in (mean, whole))
    assert ten == pytest.approx(10 * one, rel=ROUNDING)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(others[name], 10 * gradient, rtol=0, atol=10 * ROUNDING)


def test_an_own_loss_sees_all_positions() -> None:
    assert said('Input(5, 4) >> Dense(3) >> Loss("sum((a - y)**2) / 2")', "L") == ["L = ½ ‖z₁ − y‖²"]


PADDED = "Input(6, 4) >> Dense(3) >> SoftmaxCrossEntropy(ignore=2)"


def test_what_is_ignored_changes_nothing() -> None:
    random = np.random.default_rng(0)
    module = symprop.compile(PADDED)
    params, x, y = module.init_params(seed=0), random.normal(size=(4, 6, 4)), random.integers(0, 2, (4, 6))
    y[1, 3:], y[2] = 2, 2
    loss, gradients = module.loss_and_grads(params, x, y)
    moved = np.where(y[..., None] == 2, 7.0, x)
    again, others = module.loss_and_grads(params, moved, y)
    assert again == loss
    plain = symprop.compile("Input(4) >> Dense(3) >> SoftmaxCrossEntropy()")
    kept, right = plain.loss_and_grads(params, x[y != 2], y[y != 2])
    assert kept == pytest.approx(loss, rel=ROUNDING)
    for name, gradient in right.items():
        np.testing.assert_allclose(gradients[name], gradient, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(others[name], gradient, rtol=0, atol=ROUNDING)


def test_a_weight_of_two_is_an_example_given_twice() -> None:
    random = np.random.default_rng(0)
    weighed = symprop.compile("Input(4) >> Dense(3) >> SoftmaxCrossEntropy(weights=(1, 2, 1))")
    plain = symprop.compile("Input(4) >> Dense(3) >> SoftmaxCrossEntropy()")
    params, x, y = plain.init_params(seed=0), random.normal(size=(9, 4)), random.integers(0, 3, 9)
    twice = np.concatenate([np.arange(9), np.flatnonzero(y == 1)])
    (loss, gradients), (right, others) = (
        weighed.loss_and_grads(params, x, y),
        plain.loss_and_grads(params, x[twice], y[twice]),
    )
    assert loss == pytest.approx(right, rel=ROUNDING)
    for name, gradient in others.items():
        np.testing.assert_allclose(gradients[name], gradient, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("lead", [(7,), (7, 4), (7, 2, 3)])
def test_losses_are_those_of_pytorch(lead: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    function, random = torch.nn.functional, np.random.default_rng(0)
    x, ids, number = random.normal(size=(*lead, 5)), random.integers(0, 4, lead), int(np.prod(lead))
    y, numbers = random.dirichlet(np.ones(4), lead), random.normal(size=(*lead, 4))
    rows, picked = torch.tensor(y).reshape(-1, 4), torch.tensor(ids.ravel())
    cases: list[tuple[str, Array, Any]] = [
        ("KLDivergence()", y, lambda z: function.kl_div(torch.log_softmax(z, -1), rows, reduction="batchmean")),
        ("Huber(0.7)", numbers, lambda z: _sum(function.huber_loss, z, numbers, delta=0.7) / number),
        ("MeanAbsoluteError()", numbers, lambda z: _sum(function.l1_loss, z, numbers) / number),
        (
            "SoftmaxCrossEntropy(smoothing=0.2)",
            y,
            lambda z: function.cross_entropy(z, rows, label_smoothing=0.2),
        ),
    ]
    for smoothing, ignore, weights in itertools.product((0, 0.1), (None, 2), (None, (1, 0.5, 2, 3))):
        options = {"smoothing": smoothing, "ignore": ignore, "weights": weights}
        written = ", ".join(f"{name}={value}" for name, value in options.items() if value)
        given = {"label_smoothing": smoothing, "ignore_index": -100 if ignore is None else ignore}
        weight = None if weights is None else torch.tensor(weights, dtype=torch.float64)

        def loss(z: Any, given: dict[str, Any] = given, weight: Any = weight) -> Any:
            return function.cross_entropy(z, picked, weight=weight, **given)

        cases.append((f"SoftmaxCrossEntropy({written})", ids, loss))
    for text, target, theirs in cases:
        module = symprop.compile(f"Input({', '.join(map(str, (*lead[1:], 5)))}) >> Dense(4) >> {text}")
        params = {name: random.normal(size=shape) for name, shape in module.PARAMETERS.items()}
        own = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
        value = theirs((torch.tensor(x) @ own["W1"].T + own["b1"]).reshape(-1, 4))
        value.backward()
        found, gradients = module.loss_and_grads(params, x, target)
        assert found == pytest.approx(value.item(), rel=ROUNDING), text
        for name, gradient in gradients.items():
            np.testing.assert_allclose(gradient, own[name].grad.numpy(), rtol=0, atol=ROUNDING, err_msg=text)


def _sum(loss: Any, z: Any, y: Array, **options: Any) -> Any:
    return loss(z, z.new_tensor(y).reshape(-1, 4), reduction="sum", **options)


def test_a_target_must_be_what_the_loss_takes() -> None:
    x = np.ones((2, 4))
    for text, wrong, words in (
        ("Dense(1) >> Hinge()", [0, 1], "signs"),
        ("Dense(3) >> SoftmaxCrossEntropy(ignore=0)", [[0.5, 0.5, 0], [1, 0, 0]], "one-hot"),
        ("Dense(3) >> KLDivergence()", [[0.5, 0.4, 0], [1, 0, 0]], "sum"),
        ("Dense(3) >> KLDivergence()", [[1.5, -0.5, 0], [1, 0, 0]], "0"),
    ):
        module = symprop.compile(f"Input(4) >> {text}")
        with pytest.raises(ValueError, match=words):
            module.loss(module.init_params(seed=0), x, np.array(wrong))


def test_what_is_zero_in_a_distribution_adds_nothing_to_a_divergence() -> None:
    divergence, entropy = (
        symprop.compile(f"Input(4) >> Dense(3) >> {loss}()") for loss in ("KLDivergence", "SoftmaxCrossEntropy")
    )
    params, x = entropy.init_params(seed=0), np.ones((3, 4))
    assert divergence.loss(params, x, [0, 1, 2]) == pytest.approx(entropy.loss(params, x, [0, 1, 2]), rel=ROUNDING)


@pytest.mark.parametrize(
    ("on", "kept"),
    [
        (None, ["W1", "W2", "W3"]),
        ("*", ["E1", "W1", "b1", "W2", "b2", "W3", "b3"]),
        ("W1 W3", ["W1", "W3"]),
        ("b* E1 b1", ["E1", "b1", "b2", "b3"]),
    ],
)
def test_penalties_on_named_parameters(on: str | None, kept: list[str]) -> None:
    named = "" if on is None else f', on="{on}"'
    body = "Input(2) >> Embedding(5, 3) >> Dense(3) >> Tanh() >> Dense(3) >> Tanh() >> Dense(2) >> MeanSquaredError()"
    for penalty, slope in (("L1", np.sign), ("L2", lambda w: w)):
        net = symprop.parse_network(f"{body} + {penalty}(0.5{named})")
        assert symprop.parse_network(net.text) == net
        with_it, without = symprop.compile(net), symprop.compile(body)
        params = with_it.init_params(seed=0)
        x, y = np.array([[0, 1], [2, 3]]), np.ones((2, 2))
        gradients, plain = (module.loss_and_grads(params, x, y)[1] for module in (with_it, without))
        for name, value in params.items():
            expected = plain[name] + (0.5 * slope(value) if name in kept else 0)
            np.testing.assert_allclose(gradients[name], expected, rtol=0, atol=ROUNDING)


def test_penalties_of_all_blocks_of_a_general_network() -> None:
    text = 'Input(n) >> Dense(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError() + L1(0.1, on="W* b1")'
    assert said(text, "L") == ["L = ½ ‖a⁽ᴺ⁺¹⁾ − y‖² + 0.1 (Σᵢⱼ |W₁,ᵢⱼ| + Σᵢ |b₁,ᵢ| + Σ[l=1…N] Σᵢⱼ |W⁽ˡ⁺¹⁾ᵢⱼ|)"]


REFUSED = {
    "Huber(0)": "above 0",
    "Huber(-1)": "from 0",
    'Huber("a")': "a number",
    'Hinge(positions="all")': '"mean" or "sum"',
    "SoftmaxCrossEntropy(smoothing=1)": "below 1",
    "SoftmaxCrossEntropy(smoothing=-0.1)": "from 0 to 1",
    "SoftmaxCrossEntropy(ignore=3)": "no class of 3",
    "SoftmaxCrossEntropy(ignore=-100)": "from 0 on",
    "SoftmaxCrossEntropy(ignore=True)": "the number of a class",
    "SoftmaxCrossEntropy(weights=(1, 2))": "2 weights for 3 classes",
    "SoftmaxCrossEntropy(weights=(1, -2, 1))": "that of class 1",
    "SoftmaxCrossEntropy(weights=(0, 0, 0))": "all 0",
    "SoftmaxCrossEntropy(weights=(0, 0, 1), ignore=2)": "all 0",
    "SoftmaxCrossEntropy(weights=3)": "numbers in brackets",
    "SoftmaxCrossEntropy(weights=(True, 1, 1))": "that of class 0",
    "MeanSquaredError() + L1(-1)": "from 0",
    'MeanSquaredError() + L2(1, on="")': "names no parameters",
    'MeanSquaredError() + L2(1, on="W7")': "the network has W1, b1",
    'MeanSquaredError() + L2(1, on="q*")': "no parameter is called 'q*'",
    'MeanSquaredError() + L1(1, on="[W]1")': "names no parameters",
    "MeanSquaredError() + L1(1, on=3)": "names no parameters",
    "L1(1)": "is added to a loss",
}


@pytest.mark.parametrize("loss", REFUSED)
def test_what_is_refused_in_words(loss: str) -> None:
    with pytest.raises(symprop.SpecError) as caught:
        symprop.parse_network(f"Input(4) >> Dense(3) >> {loss}")
    assert REFUSED[loss] in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_weights_need_a_number_of_classes() -> None:
    with pytest.raises(symprop.SpecError, match="3 weights for k classes"):
        symprop.parse_network("Input(4) >> Dense(k) >> SoftmaxCrossEntropy(weights=(1, 2, 3))")


DOUBTED = (
    "Softmax() >> SoftmaxCrossEntropy()",
    "Sigmoid() >> SoftmaxCrossEntropy()",
    "Softmax() >> KLDivergence()",
    "Sigmoid() >> BinaryCrossEntropy(from_logits=True)",
)


@pytest.mark.parametrize("end", DOUBTED)
def test_probabilities_before_a_loss_of_logits_warn(end: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"Input(4) >> Dense(3) >> {end}"
    with pytest.warns(symprop.SympropWarning, match="takes logits") as caught:
        net = symprop.parse_network(text)
    assert [Path(warning.filename).name for warning in caught] == [Path(__file__).name]
    assert net.doubts[0] in symprop.derive(net).remarks
    assert main(["derive", text]) == 0
    told = capsys.readouterr()
    assert told.err == f"symprop: warning: {net.doubts[0]}\n"
    assert net.doubts[0] in told.out


def test_joined_layers_warn_at_the_line_that_joins_them() -> None:
    with pytest.warns(symprop.SympropWarning, match="KLDivergence after Softmax") as caught:
        net = Input(3) >> Dense(2) >> Softmax() >> KLDivergence()
    assert [Path(warning.filename).name for warning in caught] == [Path(__file__).name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        symprop.derive(net)
        _ = Input(3) >> Dense(2) >> SoftmaxCrossEntropy()
        symprop.parse_network("Input(3) >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()")


def test_a_machine_trains_on_a_table_and_predicts_its_labels(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 2))
    labels = np.where(x @ [1.0, -2.0] > 0.2, "yes", "no")
    table, weights = tmp_path / "table.csv", str(tmp_path / "weights.npz")
    lines = [f"{a},{b},{label}" for (a, b), label in zip(x, labels, strict=True)]
    table.write_text("\n".join(["a,b,kind", *lines]) + "\n", encoding="utf-8")
    text = "Input(2) >> Dense(1) >> Hinge() + L2(0.001)"
    options = ["--target", "kind", "--epochs", "80", "--lr", "0.05", "-o", weights]
    assert main(["train", text, "--data", str(table), *options]) == 0
    model = symprop.load_weights(weights)
    assert model.classes == ("no", "yes")
    assert np.mean(model.predict(x) == labels) > 0.95  # the labels are separable; chance gives a half


def test_accuracy_of_margins_looks_at_their_sign() -> None:
    module = symprop.compile("Input(1) >> Dense(1) >> Hinge()", optimizer="sgd")
    x, y = np.array([[-1.0], [0.25], [2.0]]), np.array([[-1.0], [1.0], [1.0]])
    params = train(module, x, y, epochs=1, rate=1e-9, params={"W1": np.ones((1, 1)), "b1": np.zeros(1)}).params
    assert accuracy(module, params, x, y, threshold=0) == 1.0
    assert accuracy(module, params, x, y) == pytest.approx(2 / 3)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("layers", ["Conv1D(3, 2)", "Conv1D(4, 2) >> Tanh() >> Dense(3)", "MaxPool1D(2) >> Dense(3)"])
def test_positions_behind_windows_take_class_ids(layers: str, fast: bool) -> None:
    """They were refused where a layer of windows stood before, whose arrays say how pages write them."""
    network = symprop.parse_network(f"Input(4, 1) >> {layers} >> SoftmaxCrossEntropy()")
    module, random = symprop.compile(network, fast=fast), np.random.default_rng(0)
    places = int(network.system().output.shape[0])
    ids = random.integers(0, 3, (5, places))
    params, x = module.init_params(0), random.standard_normal((5, 4, 1))
    loss, grads = module.loss_and_grads(params, x, ids)
    grads = {name: each.copy() for name, each in grads.items()}
    again, same = module.loss_and_grads(params, x, np.eye(3)[ids])
    assert loss == again and all(np.array_equal(grads[name], same[name]) for name in params)
    assert symprop.check(network, float32=False).ok
