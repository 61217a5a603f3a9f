"""The table of operators, and the reading of a whole graph with it.

A row says what becomes of one operator, by its name in PyTorch's `aten`. An operator that is not here is refused with
its place. What depends on no input and no weight, such as a causal mask, is computed by the framework itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from symprop.errors import SpecError, SympropError, shown
from symprop.hints import closest
from symprop.importing.arithmetic import ARITHMETIC
from symprop.importing.carried import Carried
from symprop.importing.formulas import ELEMENTWISE, elementwise
from symprop.importing.graph import Call, Graph, Reference, is_in_place, operator_name
from symprop.importing.layers import LAYERS
from symprop.importing.losses import LOSSES
from symprop.importing.masks import MASKS
from symprop.importing.moves import MOVES, Part
from symprop.importing.pools import POOLS
from symprop.importing.reading import Reading
from symprop.importing.recurrent import RECURRENT
from symprop.importing.views import Seen, whole
from symprop.networks.layers import Input

ROWS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **MOVES,
    **LAYERS,
    **POOLS,
    **ARITHMETIC,
    **LOSSES,
    **MASKS,
    **RECURRENT,
}
"""All operators that a model may have, by name."""
CHANNELS_IN_FRONT = (
    "conv",
    "max_pool",
    "avg_pool",
    "adaptive",
    "batch_norm",
    "group_norm",
    "instance_norm",
    "upsample",
)
ANYWHERE = ("dropout", "clone", "contiguous", "to", "pad", "constant_pad_nd")
"""Operators before the first layer that do not say where the channels stand."""
_RANDOM = ("rand", "normal", "bernoulli", "multinomial", "poisson")


def read(graph: Graph, batch: int) -> tuple[Reading, dict[str, Seen], Seen]:
    """Return the reading of a graph, the inputs by their names there, and what it returns.

    Raises:
        SpecError: an operator without a row, or one that is used as no layer is; its place is named.
    """
    examples = _examples(graph, batch)
    reading = Reading(examples)
    known: dict[str, Any] = {}
    inputs: dict[str, Seen] = {}
    for number, (name, shape, dtype) in enumerate(graph.inputs):
        known[name] = _input(reading, graph, name, shape, dtype, batch, first=number == 0)
        inputs[name] = known[name]
    for name, tensor in graph.tensors.items():
        model_name, is_parameter = graph.names[name]
        known[name] = Carried(model_name, tensor, tuple(tensor.shape)) if is_parameter else tensor
    for call in _once(graph.calls, known):
        known[call.name] = _result(reading, call, known)
    outputs = [known[each.name] for each in graph.outputs]
    if len(outputs) != 1 or not isinstance(outputs[0], Seen):
        raise SpecError(
            f"the model returns {len(outputs)} tensors\n"
            "allowed: one tensor that depends on its input; a module around the model can choose it"
        )
    return reading, {name: each for name, each in inputs.items() if each.value not in reading.targets}, outputs[0]


def _once(calls: Iterable[Call], known: dict[str, Any]) -> Iterator[Call]:
    """Yield calls that are not the same as an earlier one, whose value is theirs; each dropout draws for itself."""
    called: dict[tuple[Any, ...], str] = {}
    same: dict[Any, Reference] = {}
    for call in calls:
        given = _filled((call.arguments, call.keywords), _Renamed(same))
        key = (str(call.run), call.shape, repr(given))
        if key in called and "dropout" not in call.operator:
            same[call.name] = Reference(called[key])
            known[call.name] = known[called[key]]
            continue
        called[key] = call.name
        yield call


class _Renamed(dict[str, Any]):
    """References by the names that they refer to, those of what was computed before by its name."""

    def __missing__(self, name: str) -> Reference:
        return Reference(name)


def _examples(graph: Graph, batch: int) -> int:
    if not graph.inputs:
        raise SpecError("the model has no input that is a tensor\nallowed: example=(tensor,)")
    counts = {shape[batch] if batch < len(shape) else 1 for _, shape, _ in graph.inputs}
    if len(counts) != 1:
        raise SpecError(
            f"the inputs have {sorted(counts)} examples along axis {batch}\nallowed: one batch axis for all, batch=..."
        )
    return counts.pop()


def _input(
    reading: Reading, graph: Graph, name: str, shape: tuple[int, ...], dtype: str, batch: int, first: bool
) -> Seen:
    """An input: its sizes for one example, channels last where a layer of images reads it."""
    sizes = [size for place, size in enumerate(shape) if place != batch]
    order = list(range(len(sizes)))
    if len(sizes) > 1 and _has_channels_in_front(graph, name):
        order = [*order[1:], 0]
    ours = [sizes[place] for place in order] or [1]
    layer = Input(*ours) if first else _further(ours, name, len(reading.values) + 1)
    value = reading.value(tuple(ours), layer, (), "the input", of=None if "float" in dtype else "ids")
    places = [whole(order.index(place) - len(order), size) for place, size in enumerate(sizes)]
    places.insert(batch, reading.batch)
    return Seen(value, tuple(places))


def _further(sizes: list[int], name: str, number: int) -> Input:
    """A further input, under its name in the model where it may have that here."""
    try:
        return Input(*sizes, name=name)
    except SympropError:
        return Input(*sizes, name=f"input{number}")


def _has_channels_in_front(graph: Graph, name: str) -> bool:
    """Whether the first layer that is not elementwise reads the channels behind the batch."""
    followed = {name}
    for call in graph.calls:
        if followed & {reference.name for reference in call.references}:
            if call.operator not in ELEMENTWISE and call.operator not in ANYWHERE:
                number_beside = call.operator in ("add", "sub", "mul", "div") and len(list(call.references)) == 1
                if not number_beside:
                    return call.operator.lstrip("_").removeprefix("native_").startswith(CHANNELS_IN_FRONT)
            followed.add(call.name)
    return False


def _result(reading: Reading, call: Call, known: dict[str, Any]) -> Any:
    arguments, keywords = _filled(call.arguments, known), _filled(call.keywords, known)
    if not any(isinstance(each, (Seen, Carried, Part)) for each in _leaves((arguments, keywords))):
        if call.operator.startswith(_RANDOM):
            reading.refuse(call, "random numbers", "Dropout, or model.eval()")
        if is_in_place(operator_name(call.run)):  # of a buffer of the model, which stays as it is
            arguments = (arguments[0].clone(), *arguments[1:])
        return call.run(*arguments, **keywords)  # a mask, a table of positions: of no input and no weight
    row = ROWS.get(call.operator)
    if row is None:
        near = closest(call.operator, ROWS)
        reading.refuse(
            call,
            f"symprop has no layer for it{near}",
            "what docs/import_torch.md names; a part of the model can be imported by itself",
        )
    try:
        inspect.signature(row).bind(reading, call, *arguments, **keywords)
    except TypeError as problem:
        reading.refuse(call, f"{problem}", f"{call.operator}{inspect.signature(row)}")
    try:
        found = row(reading, call, *arguments, **keywords)
    except SympropError as problem:  # what a layer refuses gets the place in the model
        if call.place in str(problem):
            raise
        first, *rest = str(problem).splitlines()
        raise type(problem)("\n".join([f"{shown(call.operator)} at {call.place}: {first}", *rest][:3])) from None
    if isinstance(found, Seen) and found.sizes != call.shape:
        reading.refuse(call, f"it gives shape {call.shape}, and here {found.sizes}", "sizes that symprop's layer gives")
    return found


def _filled(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, Reference):
        return known[value.name]
    if isinstance(value, dict):
        return {key: _filled(each, known) for key, each in value.items()}
    return type(value)(_filled(each, known) for each in value) if type(value) in (tuple, list) else value


def _leaves(value: Any) -> Any:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from _leaves(each)
    else:
        yield value
