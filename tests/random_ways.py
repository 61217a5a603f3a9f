"""The ways in which gradients of a network are asked for: one is drawn for each random network.

A module of a target, or the equations as they are printed, in rows or in columns, worked out one by one; numbers in
float64 or float32; a batch of one or of several; equations whose sizes have names; training or evaluation.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import against_torch
import numpy as np
from random_networks import SIZES, taken
from sympy import solve

import symprop
from symprop.networks.recurrent import written_out_in_time
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked

MODULES: Mapping[str, dict[str, Any]] = {
    "fast": {},
    "read": {"fast": False},
    **{target: {"target": target} for target in ("numba", "jax", "torch")},
}
"""Forms that are modules, with the options of `symprop.compile`."""
CURVATURE: Mapping[str, str] = {"fast": "fast", "read": "numpy"}
"""Forms of which second derivatives are asked, with the target of a case."""
EQUATIONS: Mapping[str, str] = {"equations in rows": "rows", "equations in columns": "columns"}
"""Forms that are printed equations, with their layout."""
SHARES = {"fast": 6, "read": 4, "numba": 1, "jax": 1, "torch": 2, "equations in rows": 2, "equations in columns": 2}
"""How often each form is drawn: those of other packages take long to compile."""
WIDE = ("Input", "Dense", "Embedding", "RNN", "LSTM", "GRU", "Conv1D", "Conv2D", "GLU", "SwiGLU")
"""Layers whose first numbers are sizes."""
Values = Mapping[str, Any]
Found = tuple[float, Values]
Derived = tuple[symprop.Derivation, Mapping[str, int]]


@dataclass(frozen=True)
class Way:
    """One way; `form` is one of `MODULES` or `EQUATIONS`."""

    form: str = "fast"
    dtype: str = "float64"
    batch: int = 3
    named: bool = False
    evaluation: bool = False

    def told(self) -> Iterator[str]:
        """Yield what is counted of it."""
        yield from (self.form, self.dtype, "a batch of one" if self.batch == 1 else "a larger batch")
        yield from ["sizes as names"] * self.named
        yield from ["evaluation"] * self.evaluation


def drawn_way(random: np.random.Generator, text: str) -> Way:
    """Return a way that there is for a network, with the packages that are installed."""
    able = [form for form in SHARES if form not in ("numba", "jax", "torch") or importlib.util.find_spec(form)]
    if "BatchNorm" in text:
        able.remove("equations in columns")
    shares = np.array([SHARES[form] for form in able], dtype=float)
    form = str(random.choice(able, p=shares / shares.sum()))
    dtype = "float32" if form in MODULES and random.random() < 0.25 else "float64"
    batch, named, evaluation = int(random.choice([1, 2, 3, 3, 5])), random.random() < 0.3, random.random() < 0.3
    named = named and with_names(text) is not None
    return Way(form, dtype, batch, named, evaluation and "BatchNorm" not in text)  # which has other statistics then


def with_names(text: str) -> tuple[str, dict[str, int]] | None:
    """Return a network whose sizes have names, the same for the same number, and these; none where it needs numbers."""

    class Naming(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.Call:
            self.generic_visit(node)
            count = len(node.args) if ast.unparse(node.func) in ("Input", "Embedding") else 1
            if ast.unparse(node.func) in WIDE:
                node.args[:count] = map(named, node.args[:count])
            return node

    def named(node: ast.expr) -> ast.expr:
        if not isinstance(node, ast.Constant) or node.value == 1:
            return node
        sizes[f"s{node.value}"] = node.value
        return ast.Name(f"s{node.value}")

    sizes: dict[str, int] = {}
    found = ast.unparse(Naming().visit(ast.parse(text, mode="eval")))
    try:
        symprop.parse_network(found)
    except symprop.SympropError:
        return None
    return (found, sizes) if sizes else None


def with_numbers(text: str) -> symprop.Network:
    """Return a network with numbers for the names of its sizes; a count may bring names of its own."""
    network = symprop.parse_network(text)
    for _ in range(2):
        network = network.with_sizes({name: SIZES[name] for name in network.sizes if name in SIZES})
    return network


def derived(text: str, named: bool, evaluation: bool) -> Derived:
    """Return the equations of a network in rows, its sizes with or without names, and numbers for these."""
    names = with_names(text) if named else None
    network, sizes = (with_numbers(names[0]), names[1]) if names else (with_numbers(text), {})
    return symprop.derive(network, "rows", evaluation=evaluation), sizes


def asked(way: Way, text: str, params: Values, x: Values, y: Any, masks: Values, made: Derived | None = None) -> Found:
    """Return loss and gradients as they are found in a way, at a point; `made` are its equations, if they are known."""
    if way.form in EQUATIONS:
        return _of_equations(way, text, {**params, **x, **({} if way.evaluation else masks)}, y)
    derivation, sizes = made or derived(text, way.named, way.evaluation)
    module = symprop.compile(derivation, dtype=way.dtype, sizes=sizes, **MODULES[way.form])
    given: Any = against_torch.tensors(dict(params)) if way.form == "torch" else params
    options = {"masks": masks} if masks and not way.evaluation else {}
    loss, grads = module.loss_and_grads(given, taken(dict(x)), y, **options)
    return float(loss), {name: np.array(each) for name, each in grads.items()}


def _of_equations(way: Way, text: str, given: Values, y: Any) -> Found:
    """Work the printed equations out one by one, loops over time written out."""
    names = with_names(text) if way.named else None
    network, sizes = (with_numbers(names[0]), names[1]) if names else (with_numbers(text), {})
    if network.system().loops:  # over moments, whose number is then one
        network, sizes = written_out_in_time(with_numbers(text)), {}
    derivation = symprop.derive(network, EQUATIONS[way.form], evaluation=way.evaluation)
    system, arithmetic = derivation.system, Complex()
    values = dict(given)
    values[system.targets[0].name] = y
    for variable in system.data:
        axis = next((axis for axis, size in enumerate(variable.shape) if size == system.batch), 0)
        values[variable.name] = np.moveaxis(values[variable.name], 0, axis)
    numbers = {system.batch: way.batch}
    for variable in (*system.data, *system.parameters):
        for size, number in zip(variable.shape, values[variable.name].shape, strict=True):
            for symbol in size.free_symbols - {*numbers}:  # a share, as the width of a head, has no number of its own
                told = size.subs(numbers) - number
                (numbers[symbol],) = [sizes[symbol.name]] if symbol.name in sizes else solve(told, symbol)
    evaluator = Evaluator(arithmetic, stacked(values, arithmetic), numbers)
    evaluator.run(derivation.equations)
    found = {name: np.real(unstacked(value)) for name, value in evaluator.values.items()}
    assert system.loss is not None
    return float(found[system.loss.name]), {each.name: found[f"d{each.name}"] for each in system.parameters}
