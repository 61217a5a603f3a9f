"""Models of PyTorch become networks: `from_torch`. PyTorch is the user's; nothing is imported here."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from symprop.errors import SpecError, shown, warned
from symprop.importing.graph import graph_of
from symprop.importing.imported import Imported
from symprop.importing.operators import read
from symprop.importing.structure import layers_of
from symprop.importing.weights import imported

_EXAMPLE = "allowed: from_torch(module, example), example a tensor with a batch in front, or a tuple of tensors"


def from_torch(module: Any, example: Any = None, *, batch: int = 0) -> Imported:
    """Return the network that a PyTorch model is, with its weights: from a module, or from a graph that was exported.

    `example` is an input of the module, or a tuple of several, with the examples along axis `batch`; an
    `nn.Sequential` that begins with a `Linear` needs none, and neither does what `torch.export` made. A module is read
    in the mode in which it is, `eval()` without dropout. Read by `torch.export` (Ansel et al., *PyTorch 2*, 2024).

        net = symprop.from_torch(model, images)
        symprop.compile(net).forward(net.weights, net.taken(images.numpy()))

    Raises:
        SpecError: no model or example, control flow that depends on data, or an operator that symprop lacks, which is
            named with its place.
    """
    program = _exported(module, example, batch)
    reading, inputs, output = read(graph_of(program), batch)
    first, *_ = inputs.values()
    layers, leaves = layers_of(first.value, reading.values, output.value)
    warned(dict.fromkeys(reading.notes))
    return imported(layers, leaves, tuple(inputs.values()), output)


def _exported(module: Any, example: Any, batch: int) -> Any:
    """The exported program of a module; one that is exported already as it is."""
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(module).__mro__}
    if "torch.export.exported_program.ExportedProgram" in kinds:
        return module
    if "torch.nn.modules.module.Module" not in kinds:
        raise SpecError(
            f"{shown(type(module).__name__)} is no model of PyTorch\n"
            "allowed: a torch.nn.Module, or what torch.export.export returns"
        )
    torch = sys.modules["torch"]
    given = _given(torch, module, example)
    for tensor in given:
        if tensor.dim() <= max(batch, int(tensor.is_floating_point())):
            raise SpecError(
                f"the example of shape {tuple(tensor.shape)} is no batch, examples of some numbers each\n{_EXAMPLE}"
            )
    if any(tensor.shape[batch] == 1 for tensor in given):  # a batch of 1 could be any axis of one element
        given = tuple(torch.cat([tensor, tensor], batch) for tensor in given)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.export.export(module, given)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, NotImplementedError) as problem:
        told = next((line.strip() for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
        raise SpecError(
            f"torch.export cannot read {shown(type(module).__name__)}: {shown(told, 160)}\n"
            "allowed: a module that runs on the example, and the same operators for every input"
        ) from None


def _given(torch: Any, module: Any, example: Any) -> tuple[Any, ...]:
    """The example as a tuple of tensors; of a chain that begins with a Linear one that fits."""
    if example is None:
        first = next(iter(module.children()), module) if type(module).__name__ == "Sequential" else module
        if type(first).__name__ != "Linear":
            raise SpecError(f"{shown(type(module).__name__)} does not say what it reads\n{_EXAMPLE}")
        return (torch.zeros(2, first.in_features, dtype=first.weight.dtype),)
    given = tuple(example) if isinstance(example, (tuple, list)) else (example,)
    for each in given:
        if not isinstance(each, torch.Tensor):
            raise SpecError(f"the example holds {shown(type(each).__name__)}, which is no tensor\n{_EXAMPLE}")
    return given
