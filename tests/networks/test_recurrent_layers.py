"""Recurrent layers beside PyTorch's own, weights mapped, and relations that no derivative shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symprop

LIMIT = 1e-12
"""Of the largest number; sums of at most some hundred numbers, each rounded at 1e-16."""
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def close(found: Any, true: Any) -> bool:
    found, true = np.asarray(found), np.asarray(true)
    return found.shape == true.shape and bool(np.abs(found - true).max() <= LIMIT * max(1.0, np.abs(true).max()))


def drawn(module: Any, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: 0.4 * random.normal(size=shape) for name, shape in module.PARAMETERS.items()}


@pytest.mark.parametrize(
    ("cell", "stacked", "both"),
    [("LSTM", 2, False), ("LSTM", 1, True), ("GRU", 2, False), ("GRU", 1, True), ("RNN", 2, True)],
)
def test_layers_are_those_of_pytorch(cell: str, stacked: int, both: bool) -> None:
    """All states, and the gradients of all weights and biases; of PyTorch's two biases one is ours, where both add."""
    torch = pytest.importorskip("torch")
    T, n, k = 40, 3, 4
    layer = f"Bidirectional({cell}({k}))" if both else f"{cell}({k})"
    module = symprop.compile(f"Input({T}, {n}) >> {f'{layer} >> ' * stacked}MeanSquaredError()")
    params, random = drawn(module, 1), np.random.default_rng(2)
    x, y = random.normal(size=(2, T, n)), random.normal(size=(2, T, k * (2 if both else 1)))
    theirs = getattr(torch.nn, cell)(n, k, stacked, batch_first=True, bidirectional=both, dtype=torch.float64)
    suffixes = [f"l{level}{side}" for level in range(stacked) for side in ("", "_reverse")[: 1 + both]]
    with torch.no_grad():
        for number, suffix in enumerate(suffixes, start=1):
            second = np.zeros(GATES[cell] * k)
            if cell == "GRU":
                second[2 * k :] = params[f"bh{number}"]
            values = (params[f"W{number}"], params[f"R{number}"], params[f"b{number}"], second)
            for name, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), values, strict=True):
                getattr(theirs, f"{name}_{suffix}").copy_(torch.tensor(value))
    out, _ = theirs(torch.tensor(x))
    assert close(module.forward(params, x), out.detach())
    (((out - torch.tensor(y)) ** 2).sum() / (2 * len(x) * T)).backward()
    _, grads = module.loss_and_grads(params, x, y)
    for number, suffix in enumerate(suffixes, start=1):
        slopes = {name: getattr(theirs, f"{name}_{suffix}").grad for name in ("weight_ih", "weight_hh", "bias_ih")}
        for ours, slope in zip("WRb", slopes.values(), strict=True):
            assert close(grads[f"{ours}{number}"], slope), (ours, suffix)
        if cell == "GRU":
            assert close(grads[f"bh{number}"], getattr(theirs, f"bias_hh_{suffix}").grad[2 * k :])


def test_a_gru_that_resets_before_is_a_cell_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    module = symprop.compile('Input(9, 3) >> GRU(2, reset="before") >> MeanSquaredError()')
    params, random = drawn(module, 3), np.random.default_rng(4)
    x, y = random.normal(size=(2, 9, 3)), random.normal(size=(2, 9, 2))
    W, R, b = (torch.tensor(params[name], requires_grad=True) for name in ("W1", "R1", "b1"))
    h, states = torch.zeros(2, 2, dtype=torch.float64), []
    for t in range(9):
        ours = torch.tensor(x[:, t]) @ W.T + b
        r, z = torch.sigmoid(ours[:, :4] + h @ R[:4].T).chunk(2, dim=1)
        h = (1 - z) * torch.tanh(ours[:, 4:] + (r * h) @ R[4:].T) + z * h
        states.append(h)
    out = torch.stack(states, 1)
    slopes = torch.autograd.grad(((out - torch.tensor(y)) ** 2).sum() / 36, [W, R, b])
    _, grads = module.loss_and_grads(params, x, y)
    assert close(module.forward(params, x), out.detach())
    assert all(close(grads[name], slope) for name, slope in zip(("W1", "R1", "b1"), slopes, strict=True))


def test_a_sequence_turned_round_swaps_the_directions() -> None:
    module = symprop.compile("Input(5, 3) >> Bidirectional(LSTM(2)) >> MeanSquaredError()")
    params, x = drawn(module, 5), np.random.default_rng(6).normal(size=(2, 5, 3))
    swapped = {f"{name[0]}{3 - int(name[1])}": value for name, value in params.items()}
    there, back = module.forward(params, x), module.forward(swapped, x[:, ::-1])
    assert close(back[:, ::-1], np.concatenate([there[:, :, 2:], there[:, :, :2]], axis=2))


def test_one_moment_is_a_dense_layer() -> None:
    one = symprop.compile("Input(1, 3) >> RNN(2) >> MeanSquaredError()")
    dense = symprop.compile("Input(1, 3) >> Dense(2) >> Tanh() >> MeanSquaredError()")
    params, random = drawn(one, 7), np.random.default_rng(8)
    x, y = random.normal(size=(4, 1, 3)), random.normal(size=(4, 1, 2))
    shared = {name: params[name] for name in ("W1", "b1")}
    (loss, grads), (other, others) = one.loss_and_grads(params, x, y), dense.loss_and_grads(shared, x, y)
    assert close(loss, other) and close(grads["W1"], others["W1"]) and close(grads["b1"], others["b1"])
    assert not grads["R1"].any()


def test_two_halves_with_the_state_carried_are_the_whole() -> None:
    """Of an LSTM with both of its states: the cell's is read off the functions that go from moment to moment."""
    text = "Input({}) >> Embedding(4, 3, flatten=False) >> LSTM(2{}) >> Dense(4) >> SoftmaxCrossEntropy()"
    given = ', initial=(Input(2, name="h0"), Input(2, name="c0"))'
    whole, half = symprop.compile(text.format(6, "")), symprop.compile(text.format(3, given))
    params, ids = drawn(whole, 9), np.random.default_rng(10).integers(0, 4, (2, 6))
    cache = whole.init_cache(2)
    first = np.stack([whole.next_logits(params, ids[:, t], t, cache) for t in range(3)], axis=1)
    second = half.forward(params, {"x": ids[:, 3:], "h0": cache["h1_t"], "c0": cache["c1_t"]})
    assert close(np.concatenate([first, second], axis=1), whole.forward(params, ids))


def test_an_open_forget_gate_and_a_closed_input_gate_keep_the_cell() -> None:
    text = 'Input(6, 3) >> LSTM(2, initial=(Input(2, name="h0"), Input(2, name="c0"))) >> MeanSquaredError()'
    module = symprop.compile(text)
    params, random = drawn(module, 11), np.random.default_rng(12)
    params["b1"] = np.array([-1e3, -1e3, 1e3, 1e3, 0, 0, 1e3, 1e3])  # i, f, g, o: what comes out is tanh(c)
    c0 = random.normal(size=(2, 2))
    found = module.forward(params, {"x": random.normal(size=(2, 6, 3)), "h0": random.normal(size=(2, 2)), "c0": c0})
    assert close(found, np.tanh(np.broadcast_to(c0[:, None], (2, 6, 2))))
