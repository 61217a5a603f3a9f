"""The target "torch": the gradients of the fast NumPy module on tensors, as a function and as a module of PyTorch."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import random_networks
from example_networks import CONVOLUTIONS
from test_docs import blocks, run_blocks
from toy_layers import toys

import symprop
from symprop.codegen.gallery import GALLERY
from symprop.errors import SpecError
from symprop.networks.network import Network

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
torch.set_num_threads(1)

__all__ = ["toys"]
pytestmark = pytest.mark.usefixtures("toys")

CLASSES = "Input(4) >> Dense(6) >> SiLU() >> Dense(3) >> SoftmaxCrossEntropy()"
IDS = "Input(4) >> Embedding(7, 3) >> Dense(3) >> SoftmaxCrossEntropy()"
NORM = "Input(4) >> Dense(5) >> Norm() >> Tanh() >> Dense(3) >> SoftmaxCrossEntropy()"
SEVERAL = (
    'Input(5, 3) >> Dense(4) >> Tagged(Input(5, name="tags"), 6) >> Gate(Input(4, name="memory")) >> '
    'Masked(Input(5, 1, name="mask")) >> Dense(2) >> SoftmaxCrossEntropy()'
)
KINDS = (
    *CONVOLUTIONS,
    "Input(4, 3) >> Norm() >> Dense(2) >> Norm() >> MeanSquaredError()",
    "Input(4) >> Embedding(7, 3, flatten=False) >> Norm() >> MeanSquaredError()",
    'Input(3) >> Dense(6) >> Loss("sum(maximum(a, y)**3) + max(a) + min(a)") + L2(0.1)',
    "Input(3) >> Dense(6) >> Loss('sum(y * max(sliding_window_view(pad(a, (1, 1), constant_values=-inf), 3), axis=1))"
    " + sum(flip(a)[1:3] * a[2:4]**2)')",
    "Input(3) >> Dense(6) >> Loss('sum(fold(sliding_window_view(tanh(a), 3), 3, 0, 9, 2, 1)**2) + sum(y * flip(a))')",
    'Input(4) >> Dense(7) >> Tanh() >> Loss("sum(y) * sum(sliding_window_view(pad(a, (1, 2)), 3, axis=0)[::2]**2)")',
    'Input(3) >> Dense(6) >> Loss("sum(tanh(pad(tanh(a) * y, (2, 1))[1:8] + pad(sum(outer(a, y), axis=0), (0, 1))))")',
    'Input(2) >> Dense(3) >> Loss("sum(inv(eye(3) * 3 + ones((3, 3))) @ a) + sum(y)")',
    'Input(3) >> Dense(6) >> Loss("prod(a) + sum(y) + logsumexp(a) + trace(diag(a)) + sum(concatenate((a, y))**2)")',
    "Input(8, 3) >> Dense(3) >> MaxPool1D(1, stride=2) >> GlobalAveragePool() >> Dense(3) >> SoftmaxCrossEntropy()",
    "Input(7, 2) >> Conv1D(3, 3) >> MaxPool1D(1) >> Flatten() >> Dense(2) >> MeanSquaredError()",
    "Input(5, 5, 2) >> Conv2D(3, 1) >> MaxPool2D(1, stride=2) >> Flatten() >> Dense(2) >> MeanSquaredError()",
    'Input(3) >> Dense(6) >> Loss("sum(where(a > 0, 1, 0.1) * a * y) + sum(sqrt(1 + a**2))")',
)
"""What no layer has: windows, places, products, constants."""

RANDOM = [random_networks.network(np.random.default_rng([12, number])) for number in range(12)]

CLOSE = 1e-12
"""Of the largest value: sums of at most some hundred products, each rounded to 2**-53, through some ten layers."""


def numeric(text: str) -> Network:
    """Return a network with numbers for all of its names."""
    network, sizes = symprop.parse_network(text), random_networks.SIZES
    network = network.with_sizes({name: sizes[name] for name in network.sizes if name in sizes})
    return network.with_sizes({name: sizes[name] for name in network.sizes})


def point(network: Network, shapes: Any, rows: int = 3) -> tuple[dict[str, Any], Any, Any]:
    """Return random parameters and a batch, in float64."""
    random, system = np.random.default_rng(8), network.system()
    params = {name: random.normal(size=shape) * 0.7 / np.sqrt((1, *shape)[-1]) for name, shape in shapes.items()}
    x: dict[str, Any] = {}
    for each in system.inputs:
        ids, shape = each.facts_by_kind.get("index"), (rows, *map(int, each.shape))
        x[each.name] = random.uniform(size=shape) if ids is None else random.integers(0, int(ids), shape)
    y = random.uniform(0.05, 0.95, (rows, *map(int, system.targets[0].shape)))
    facts = system.targets[0].facts_by_kind
    if "sums to 1" in facts:
        y /= y.sum(axis=-1, keepdims=True)
    if "one-hot" in facts:
        y = np.eye(y.shape[-1])[random.integers(0, y.shape[-1], y.shape[:-1])]
    if "signs" in facts:
        y = np.where(y > 0.5, 1.0, -1.0)
    if "index" in facts:
        y = random.integers(0, int(facts["index"]), y.shape)
    return params, x if len(x) > 1 else next(iter(x.values())), y


def masks_of(network: Network, rows: int = 3) -> dict[str, Any]:
    """Return random masks of dropout as the functions take them, or nothing."""
    random, shapes = (
        np.random.default_rng(9),
        {each.variable.name: each.variable.shape for each in network.system().masks},
    )
    masks = {name: random.integers(0, 2, (rows, *map(int, shape))).astype(float) for name, shape in shapes.items()}
    return {"masks": masks} if masks else {}


def tensors(x: Any) -> Any:
    return {name: torch.tensor(value) for name, value in x.items()} if isinstance(x, dict) else torch.tensor(x)


def example(text: str, rows: int = 3, **options: Any) -> tuple[ModuleType, Any, Any, Any]:
    """Return the module of a network, and a point in tensors."""
    module, network = symprop.compile(text, target="torch", **options), numeric(text)
    params, x, y = point(network, module.PARAMETERS, rows)
    return module, tensors(params), tensors(x), torch.tensor(y)


def off(found: Any, true: Any) -> float:
    """Return the largest difference of gradients, relative to the largest of all."""
    largest = max(1.0, *(float(np.abs(value).max()) for value in true.values()))
    assert list(found) == list(true)
    return max(float(np.abs(found[name].detach().numpy() - value).max()) for name, value in true.items()) / largest


@pytest.mark.parametrize("text", [*(each.text for each in GALLERY), CLASSES, IDS, NORM, SEVERAL, *KINDS, *RANDOM])
def test_gradients_are_those_of_the_fast_module_and_of_pytorch(text: str) -> None:
    network = numeric(text)
    fast, module = symprop.compile(network), symprop.compile(network, target="torch")
    (params, x, y), masks = point(network, fast.PARAMETERS), masks_of(network)
    expected, true = fast.loss_and_grads(params, x, y, **masks)
    loss, grads = module.loss_and_grads(params, x, y, **masks)
    assert float(loss) == pytest.approx(expected, rel=CLOSE, abs=CLOSE) and off(grads, true) < CLOSE
    assert {each.dtype for each in (loss, *grads.values())} == {torch.float64}
    np.testing.assert_allclose(module.predict(params, x, *_running(module)), fast.predict(params, x, *_running(fast)))

    model = module.Network(params)
    value = model(tensors(x), torch.tensor(y), **masks)
    value.backward()
    assert float(value.detach()) == float(loss)
    assert off({name: each.grad for name, each in model.named_parameters()}, true) < CLOSE

    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    own = torch.autograd.grad(module.loss(leaves, x, y, **masks), list(leaves.values()), materialize_grads=True)
    assert off(dict(zip(leaves, own, strict=True)), true) < CLOSE


def _running(module: ModuleType) -> list[Any]:
    return [module.init_running()] if hasattr(module, "init_running") else []


@pytest.mark.parametrize("text", [*(each.text for each in GALLERY), NORM, SEVERAL, *KINDS])
def test_everything_is_made_where_the_parameters_are(text: str) -> None:
    """The device "meta" refuses what is not on it; only a tensor without axes may be elsewhere."""
    module, _, x, y = example(text, dtype="float32")
    model, masks = module.Network().to("meta"), {name: tensors(each) for name, each in masks_of(numeric(text)).items()}
    model(x, y, **masks).backward()
    assert {each.grad.device.type for each in model.parameters()} == {"meta"}
    assert model(x, **masks).device.type == "meta" and model.eval()(x).device.type == "meta"
    loss, grads = module.loss_and_grads(dict(model.named_parameters()), x, y, **masks)
    assert {each.device.type for each in (loss, *grads.values())} == {"meta"}


@pytest.mark.parametrize("text", [CLASSES, IDS, NORM, SEVERAL, CONVOLUTIONS[0]])
def test_gradcheck(text: str) -> None:
    module, params, x, y = example(text)
    model, names = module.Network(params), list(params)

    def loss(*values: Any) -> Any:
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x, y))

    leaves = [each.requires_grad_() for each in params.values()]
    assert torch.autograd.gradcheck(loss, leaves)
    assert torch.autograd.gradcheck(lambda *values: 3 * loss(*values), leaves)


@pytest.mark.parametrize("text", [CLASSES, IDS, NORM, SEVERAL])
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_optimisers_of_pytorch_lower_the_loss(text: str, name: str) -> None:
    module, params, x, y = example(text, rows=8)
    model = module.Network(params)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.05)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = model(x, y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 1e-2


def test_a_module_is_saved_and_loaded(tmp_path: Path) -> None:
    module, params, x, y = example(NORM)
    model, other = module.Network(params), module.Network(module.init_params(seed=1))
    model(x, y)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert list(model.state_dict()) == [*module.PARAMETERS, *module.STATISTICS]
    assert torch.equal(model.eval()(x), other.eval()(x))


def test_running_statistics_are_buffers() -> None:
    module, params, x, y = example(NORM)
    fast = symprop.compile(NORM, optimizer="sgd")
    state = fast.init_state({name: value.numpy() for name, value in params.items()})
    model = module.Network(params)
    for rows in (3, 1):
        model(x[:rows], y[:rows])
        fast.train_step(state, x[:rows].numpy(), y[:rows].numpy(), lr=0)
    for name in module.STATISTICS:
        np.testing.assert_allclose(getattr(model, name), state[name], rtol=CLOSE)
    before = {name: each.clone() for name, each in model.named_buffers()}
    evaluated = model.eval()(x, y)
    np.testing.assert_allclose(
        evaluated.detach(), fast.loss(state["params"], x.numpy(), y.numpy(), training=False, state=state), rtol=CLOSE
    )
    assert all(torch.equal(each, before[name]) for name, each in model.named_buffers())
    model.train()(x)
    assert not any(torch.equal(each, before[name]) for name, each in model.named_buffers())


@pytest.mark.parametrize("text", [CLASSES, IDS, NORM])
def test_it_is_compiled_without_a_break(text: str, tmp_path: Path) -> None:
    """The graphs are run as they are: what `inductor` makes of them needs a compiler of C++."""
    module = written(symprop.generate(text, target="torch"), tmp_path)
    params, x, _ = point(numeric(text), module.PARAMETERS)
    x, y = torch.tensor(x), torch.tensor([0, 2, 1])
    expected, true = module.loss_and_grads(params, x, y)
    model = module.Network(params)
    for backend in ("eager", "aot_eager"):
        torch._dynamo.reset()
        model.zero_grad()
        compiled = torch.compile(model, backend=backend, fullgraph=True)
        compiled(x, y).backward()
        assert off({k: v.grad for k, v in model.named_parameters()}, {k: v.numpy() for k, v in true.items()}) < CLOSE
        assert torch.isnan(compiled(x, torch.tensor([0, 3, 1])))
        assert torch.isnan(compiled(x, torch.tensor([0, -1, 1])))
        plain = torch.compile(module.loss_and_grads, backend=backend, fullgraph=True)
        assert float(plain(tensors(params), x, y)[0]) == pytest.approx(float(expected), rel=CLOSE)
    torch._dynamo.reset()


def written(source: str, folder: Path) -> ModuleType:
    """Return a module from a file of its own, as a user has it: `torch.compile` finds a function by its module."""
    name = f"network_{abs(hash(str(folder)))}"
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([[1.0] * 3], [0], r"x has shape \(1, 3\); it must be \(m, 4\)"),
        ([1.0] * 4, [0], r"x has shape \(4,\)"),
        (1.0, [0], r"x has shape \(\)"),
        ([[1.0] * 4], [0, 1], "y must hold class ids from 0 to 2"),
        ([[1.0] * 4], [0.5], "y must hold class ids from 0 to 2"),
        ([[1.0] * 4], [[0.5, 0.5, 0.5]], "y must be rows that sum to 1"),
        ([[1.0] * 4], [[1.5, -0.5, 0.0]], "y must be nonnegative"),
        ([[1.0] * 4], [[float("nan"), 0.0, 1.0]], "y must be"),
    ],
)
def test_what_is_wrong_is_refused(x: Any, y: Any, words: str) -> None:
    module = symprop.compile(CLASSES, target="torch")
    for run in (lambda: module.loss_and_grads(module.init_params(), x, y), lambda: module.Network()(x, y)):
        with pytest.raises(ValueError, match=words):
            run()


def test_parameters_of_other_shapes_are_refused() -> None:
    module = symprop.compile(CLASSES, target="torch")
    params = module.init_params()
    for wrong in ({**params, "W1": params["W1"].T}, {"W1": params["W1"]}, {**params, "q": params["b1"]}):
        with pytest.raises(ValueError, match="params has shapes"):
            module.forward(wrong, torch.zeros((1, 4)))
        with pytest.raises(ValueError, match="params has shapes"):
            module.Network(wrong)


@pytest.mark.parametrize("wrong", [-1, 7])
def test_an_index_out_of_range_is_refused(wrong: int) -> None:
    module, params, x, _ = example(IDS)
    with pytest.raises(RuntimeError, match="out of bounds"):
        module.loss_and_grads(params, x, torch.tensor([0, wrong, 1]))
    x[1, 2] = wrong
    with pytest.raises(IndexError, match="out of range"):
        module.loss_and_grads(params, x, torch.tensor([0, 1, 1]))
    with pytest.raises(ValueError, match="x must hold integers from 0 to 6"):
        module.forward(params, x.double())


def test_second_derivatives_and_those_of_data_are_refused() -> None:
    module, params, x, y = example(CLASSES)
    model = module.Network(params)
    with pytest.raises(RuntimeError, match="second derivatives"):
        torch.autograd.grad(model(x, y), [model.W1], create_graph=True)
    with pytest.raises(ValueError, match="gradients of its parameters alone"):
        model(x.requires_grad_(), y)
    model(x).sum().backward()  # the output alone is PyTorch's own to differentiate
    assert x.grad is not None and model.W1.grad is not None


def test_the_loss_may_be_asked_for_its_gradients_again() -> None:
    module, params, x, y = example(CLASSES)
    model = module.Network(params)
    loss = model(x, y)
    first = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    again = torch.autograd.grad(loss, list(model.parameters()), 2 * torch.ones(()).double())
    for one, two in zip(first, again, strict=True):
        torch.testing.assert_close(2 * one, two, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(("dtype", "unit"), [("float32", 2**-23), ("bfloat16", 2**-7)])
def test_lower_precisions_round_alone(dtype: str, unit: float) -> None:
    module, params, x, y = example(CLASSES, dtype=dtype)
    true = symprop.compile(CLASSES, target="torch").loss_and_grads(params, x, y)[1]
    grads = module.loss_and_grads(params, x, y)[1]
    assert {each.dtype for each in grads.values()} == {getattr(torch, dtype)}
    found = {name: value.double() for name, value in grads.items()}
    # some ten operations on numbers below 2, each rounded once, some of them sums of six products
    assert off(found, {name: value.numpy() for name, value in true.items()}) < 30 * unit
    assert {each.dtype for each in module.init_params().values()} == {getattr(torch, dtype)}


def test_parameters_start_alike_for_a_seed() -> None:
    module = symprop.compile(IDS, target="torch")
    first, again, other = (module.init_params(seed) for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in module.PARAMETERS)
    assert not torch.equal(first["W1"], other["W1"])
    assert float(first["W1"].abs().max()) <= np.sqrt(6 / (12 + 3))


def test_optimisers_are_those_of_pytorch() -> None:
    with pytest.raises(SpecError, match="has no optimizer"):
        symprop.generate(CLASSES, target="torch", optimizer="adam")


def test_a_module_needs_pytorch_alone() -> None:
    source = symprop.generate(IDS, target="torch")
    assert "numpy" not in source and "symprop" not in source.replace("written by symprop", "")


@pytest.mark.parametrize("text", [*(each.text for each in GALLERY), IDS, SEVERAL])
def test_the_printed_source_is_laid_out_as_ruff_does(text: str, tmp_path: Path) -> None:
    ruff = shutil.which("ruff") or str(Path(sys.executable).with_name("ruff"))
    if not Path(ruff).exists():
        pytest.skip("ruff is not installed")
    path = tmp_path / "network.py"
    path.write_text(symprop.generate(text, target="torch"), encoding="utf-8")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([ruff, *command, "--isolated", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "engines_torch.md").read_text(encoding="utf-8")
    assert run_blocks(blocks("python", page), "docs/engines_torch.md") > 8


def test_torch_func_takes_the_plain_functions() -> None:
    module, params, x, y = example(CLASSES)
    grads = module.loss_and_grads(params, x, y)[1]
    true = {name: value.numpy() for name, value in grads.items()}
    assert off(torch.func.grad(module.loss)(params, x, y), true) < CLOSE
    ids = torch.tensor([0, 2, 1])
    each = torch.func.vmap(lambda row, one: module.loss_and_grads(params, row[None], one[None])[1])(x, ids)
    true = {name: value.numpy() for name, value in module.loss_and_grads(params, x, ids)[1].items()}
    assert off({name: value.mean(0) for name, value in each.items()}, true) < CLOSE
