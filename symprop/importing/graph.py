"""The graph of a model as `torch.export` writes it, without the framework: calls of operators with where they stand.

Nothing here imports PyTorch: what it gives is asked by the names of its attributes, and weights are tensors that can
make NumPy arrays of themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from symprop.errors import SpecError, shown


@dataclass(frozen=True)
class Reference:
    """What an earlier call returned, or an input, by its name."""

    name: str


@dataclass(frozen=True, eq=False)
class Call:
    """A call of an operator: its name, its arguments (`Reference`s among them), shape and type of what it returns."""

    name: str
    operator: str
    run: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    shape: tuple[int, ...]
    dtype: str
    place: str

    @property
    def references(self) -> Iterator[Reference]:
        """The references among its arguments."""
        yield from _references((self.arguments, self.keywords))


@dataclass(frozen=True, eq=False)
class Graph:
    """A model: its calls in order, its inputs (name, shape, type), its tensors by name, and what it returns.

    `tensors` hold parameters, buffers and constants as the framework has them, `names` their names in the model and
    whether each is a parameter.
    """

    calls: tuple[Call, ...]
    inputs: tuple[tuple[str, tuple[int, ...], str], ...]
    tensors: dict[str, Any]
    names: dict[str, tuple[str, bool]]
    outputs: tuple[Any, ...]


def _references(value: Any) -> Iterator[Reference]:
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, dict):
        yield from _references(tuple(value.values()))
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _references(each)


SHARING = frozenset(
    [
        "view",
        "reshape",
        "flatten",
        "unflatten",
        "squeeze",
        "unsqueeze",
        "permute",
        "movedim",
        "transpose",
        "swapaxes",
        "swapdims",
        "t",
        "numpy_T",
        "mT",
        "adjoint",
        "expand",
        "expand_as",
        "contiguous",
        "alias",
        "detach",
        "to",
        "select",
        "slice",
        "narrow",
        "split",
        "split_with_sizes",
        "chunk",
        "unbind",
        "getitem",
        "dropout",
        "feature_dropout",
        "alpha_dropout",
        "view_as",
        "diagonal",
        "unfold",
        "real",
        "imag",
    ]
)
"""Operators whose result may share its memory with what they read."""


def operator_name(target: Any) -> str:
    """Return the name of an operator without its library and overload: `aten.add.Tensor` is "add".

    >>> operator_name("aten.add.Tensor"), operator_name("aten._softmax.default")
    ('add', '_softmax')
    """
    parts = str(target).split(".")
    if len(parts) > 2 and parts[0] == "aten":
        return parts[1]
    return str(target.__name__) if callable(target) and parts[0].startswith("<") else str(target)


def is_in_place(operator: str) -> bool:
    """Whether an operator changes its first argument, as `add_` and `relu_` do.

    >>> is_in_place("add_"), is_in_place("__and__"), is_in_place("add")
    (True, False, False)
    """
    return operator.endswith("_") and not operator.endswith("__")


def graph_of(program: Any) -> Graph:
    """Return the graph of an exported program, with what changes its arguments written as what returns new ones.

    Raises:
        SpecError: a graph that calls graphs of its own, as control flow that depends on data does.
    """
    made = _without_changes(_calls(program))
    if made is None:  # PyTorch works it out, in more time
        program = program.run_decompositions({})
        made = _calls(program), {}
    (calls, latest), signature = made, program.graph_signature
    tensors, names, given = {}, {}, []
    nodes = {node.name: node for node in program.graph.nodes}
    same: dict[Any, str] = {}  # a tensor that has several names has the first
    for name, tensor in program.state_dict.items():
        same.setdefault((tensor.data_ptr(), tuple(tensor.shape)), str(name))
    for spec in signature.input_specs:
        kind, name = spec.kind.name, spec.arg.name
        if kind == "USER_INPUT":
            if name in nodes and _is_tensor(nodes[name]):
                given.append((name, *_meta(nodes[name])))
        elif spec.target in program.state_dict:
            tensors[name] = program.state_dict[spec.target]
            names[name] = same[tensors[name].data_ptr(), tuple(tensors[name].shape)], kind == "PARAMETER"
        else:
            tensors[name], names[name] = program.constants[spec.target], (str(spec.target), False)
    wanted = tuple(Reference(latest.get(name, name)) for name in signature.user_outputs if isinstance(name, str))
    return Graph(_live(calls, wanted), tuple(given), tensors, names, wanted)


def _calls(program: Any) -> tuple[Call, ...]:
    return tuple(_call(node) for node in program.graph.nodes if node.op == "call_function")


def _without_changes(calls: tuple[Call, ...]) -> tuple[tuple[Call, ...], dict[str, str]] | None:
    """The calls with operators that return something new for those that change their argument, and what stands for it.

    Whoever reads the argument afterwards reads the result. None where the argument shares its memory with another
    tensor, which changes too.
    """
    latest: dict[str, str] = {}
    sharing: set[str] = set()
    found = []
    for call in calls:
        read = _renamed((call.arguments, call.keywords), latest)
        if call.operator in SHARING:
            sharing |= {call.name, *(reference.name for reference in call.references)}
        operator = call.operator
        if is_in_place(operator):
            target = call.arguments[0].name
            group = {target, *(name for name, now in latest.items() if now == latest.get(target, target))}
            if group & sharing:
                return None
            latest |= dict.fromkeys((*group, call.name), call.name)
            operator = operator.removesuffix("_")
        found.append(replace(call, operator=operator, arguments=read[0], keywords=read[1]))
    return tuple(found), latest


def _renamed(value: Any, latest: dict[str, str]) -> Any:
    if isinstance(value, Reference):
        return Reference(latest.get(value.name, value.name))
    if isinstance(value, dict):
        return {key: _renamed(each, latest) for key, each in value.items()}
    return type(value)(_renamed(each, latest) for each in value) if type(value) in (tuple, list) else value


def _live(calls: tuple[Call, ...], wanted: tuple[Reference, ...]) -> tuple[Call, ...]:
    """The calls on which what is returned depends."""
    needed = {reference.name for reference in wanted}
    kept = []
    for call in reversed(calls):
        if call.name in needed:
            kept.append(call)
            needed |= {reference.name for reference in call.references}
    return tuple(reversed(kept))


def _is_tensor(node: Any) -> bool:
    return "shape" in dir(node.meta.get("val"))


def _meta(node: Any) -> tuple[tuple[int, ...], str]:
    """The shape of what a node returns, numbers for sizes that are symbols, and its type."""
    value = node.meta.get("val")
    if isinstance(value, (tuple, list)) and value:
        value = value[0]  # of what an operator returns beside it, as the places of maxima, nothing is asked
    if "shape" not in dir(value):
        return (), ""
    return tuple(_number(size) for size in value.shape), str(value.dtype).removeprefix("torch.")


def _number(size: Any) -> int:
    """A size of the example from which the graph was made; of one that is a symbol what it stood for."""
    return size if isinstance(size, int) else int(size.node.hint)


def _call(node: Any) -> Call:
    operator = operator_name(node.target)
    if "higher_order" in type(node.target).__module__ or type(node.target).__name__ == "CondOp":
        raise SpecError(
            f"{shown(operator)} at {_place(node)} is a graph inside the graph, as of a choice that depends on data\n"
            "allowed: a model that runs the same operators for every input"
        )
    shape, dtype = _meta(node)
    return Call(
        node.name,
        operator,
        node.target,
        tuple(_plain(each) for each in node.args),
        {key: _plain(value) for key, value in node.kwargs.items()},
        shape,
        dtype,
        _place(node),
    )


def _plain(value: Any) -> Any:
    """An argument with references in the place of nodes, and numbers in that of sizes."""
    if isinstance(value, (tuple, list)):
        return type(value)(_plain(each) for each in value) if type(value) in (tuple, list) else [*map(_plain, value)]
    if "meta" in dir(value) and "op" in dir(value):
        found = value.meta.get("val")
        return _number(found) if type(found).__name__ == "SymInt" else Reference(str(value.name))
    return value


def _place(node: Any) -> str:
    """Where a call stands: the module in the model, its class, and the line that made the call."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    path, kind = (str(part) for part in stack[-1]) if stack else ("", "")
    module = f"{shown(path)} ({kind.rpartition('.')[2]})" if path else kind.rpartition(".")[2] or "the model"
    lines = re.findall(r'File "([^"]+)", line (\d+)', str(node.meta.get("stack_trace") or ""))
    own = [(file, line) for file, line in lines if "/torch/nn/" not in file and file[:1] != "<"]
    return module + (f", {Path(own[-1][0]).name}:{own[-1][1]}" if own else "")
