"""K-FAC's factors of convolutions in groups and of tables, diagonals of what has none, and what a step holds.

Groups and tables are compared with the same network written with a plain weight: a kernel with zeros between groups,
and one-hot rows.
"""

from __future__ import annotations

import numpy as np
import pytest

import symprop

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("layer", "groups", "option", "shape", "question"),
    [
        ("Conv2D(4, 2, {})", 2, "groups=2", (3, 3, 4), "kfac"),
        ("Conv1D(4, 3, {})", 4, "depthwise=True", (5, 4), "kfac_reduce"),
        ("ConvTranspose2D(4, 2, {}, bias=False)", 2, "groups=2", (2, 2, 4), "kfac"),
    ],
)
def test_each_group_has_its_parts_of_the_factors_of_a_kernel_with_zeros(
    layer: str, groups: int, option: str, shape: tuple[int, ...], question: str
) -> None:
    network = f"Input{shape} >> {{}} >> Tanh() >> GlobalAveragePool() >> Dense(2) >> BinaryCrossEntropy()"
    module, plain = (symprop.compile(network.format(layer.format(each))) for each in (option, "groups=1"))
    params, whole = module.init_params(seed=0), plain.init_params(seed=0)
    kernel, places = params["W1"], np.arange(whole["W1"][0].size).reshape(whole["W1"][0].shape)
    whole |= params | {"W1": np.zeros_like(whole["W1"])}
    channels, width = len(kernel) // groups, kernel.shape[-1]
    for g in range(groups):
        rows, columns = (slice(g * size, (g + 1) * size) for size in (channels, width))
        whole["W1"][rows, ..., columns] = kernel[rows]
    x, y = RANDOM.normal(size=(3, *shape)), np.zeros((3, 2))
    found, wanted = getattr(module, question)(params, x, y), getattr(plain, question)(whole, x, y)
    for g in range(groups):
        inside = np.append(places[..., g * width : (g + 1) * width].ravel(), places.size)  # with the bias
        if "Transpose" in layer:  # what a pixel has is multiplied, and behind it are windows
            inside = np.arange(g * width, (g + 1) * width)
        behind = np.arange(len(wanted["W1"][1])).reshape(groups, -1)[g]
        for factor, all_groups, own in zip(found["W1"], wanted["W1"], (inside, behind), strict=True):
            part = all_groups[np.ix_(own, own)]
            assert np.abs(factor[g] - part).max() <= 1e-13 * (1 + np.abs(part).max())


def test_a_table_is_a_weight_of_one_hot_rows() -> None:
    behind = "Tanh() >> Flatten() >> Dense(2) >> SoftmaxCrossEntropy()"
    module = symprop.compile(f"Input(3) >> Embedding(4, 2, flatten=False) >> {behind}")
    plain = symprop.compile(f"Input(3, 4) >> Dense(2, bias=False) >> {behind}")
    params, ids, y = module.init_params(seed=0), RANDOM.integers(4, size=(5, 3)), RANDOM.integers(2, size=5)
    same = {"W1": params["E1"].T, "W2": params["W1"], "b2": params["b1"]}
    (outputs, inputs), (a, g) = module.kfac(params, ids, y)["E1"], plain.kfac(same, np.eye(4)[ids], y)["W1"]
    assert np.abs(np.diag(inputs) - a).max() <= 1e-15 and np.abs(outputs - g).max() <= 1e-15


def test_statistics_of_a_batch_are_held() -> None:
    """The same factors and diagonals as where the norm has numbers in their place."""
    norm = 'Activation("g * (z - m) * r + s", learned={"g": "n", "m": "n", "r": "n", "s": "n"})'
    module, plain = (
        symprop.compile(f"Input(2) >> Dense(3) >> {each} >> Tanh() >> Dense(2) >> BinaryCrossEntropy()")
        for each in ("BatchNorm()", norm)
    )
    params = {name: value + 0.1 for name, value in module.init_params(seed=0).items()}
    x, y = RANDOM.normal(size=(600, 2)), np.zeros((600, 2))
    z = x @ params["W1"].T + params["b1"]
    numbers = {"m1": z.mean(axis=0), "r1": (z.var(axis=0) + 1e-5) ** -0.5}
    same = {**params, "g1": params["gamma1"], "s1": params["beta1"], **numbers}
    wanted = plain.kfac({name: same[name] for name in plain.PARAMETERS}, x, y)
    for name, other in (("W1", "W1"), ("W2", "W2"), ("gamma1", "g1"), ("beta1", "s1")):
        for factor, true in zip(module.kfac(params, x, y)[name], wanted[other], strict=True):
            assert np.abs(factor - true).max() <= 1e-13 * (1 + np.abs(true).max())


def test_masks_are_those_of_the_step_and_diagonals_those_of_every_choice() -> None:
    """Diagonals by the gradients for each class, example by example; many rows are taken in parts with their masks."""
    text = "Input(2) >> Dense(3) >> Dropout(0.5) >> PReLU(each=True) >> Dense(3) >> SoftmaxCrossEntropy()"
    module, m = symprop.compile(text), 520
    params, x, y = module.init_params(seed=0), RANDOM.normal(size=(m, 2)), np.zeros(m, int)
    masks = {"m1": RANDOM.integers(2, size=(m, 3)).astype(float)}
    found, wanted = module.kfac(params, x, y, masks=masks), np.zeros(3)
    halves = (slice(0, 200), slice(200, m))
    parts = [module.kfac(params, x[half], y[half], masks={"m1": masks["m1"][half]}) for half in halves]
    for name, factors in found.items():
        for place, factor in enumerate(factors):
            mean = (200 * parts[0][name][place] + (m - 200) * parts[1][name][place]) / m
            assert np.abs(factor - mean).max() <= 1e-13 * (1 + np.abs(mean).max())
    for k in range(4):
        own = {"m1": masks["m1"][k : k + 1]}
        z = module.forward(params, x[k : k + 1], masks=own)[0]
        for chance, label in zip(np.exp(z) / np.exp(z).sum(), range(3), strict=True):
            wanted += (
                chance * module.loss_and_grads(params, x[k : k + 1], np.array([label]), masks=own)[1]["alpha1"] ** 2 / 4
            )
    (diagonal,) = module.kfac(params, x[:4], y[:4], masks={"m1": masks["m1"][:4]})["alpha1"]
    assert np.abs(diagonal - wanted).max() <= 1e-14
