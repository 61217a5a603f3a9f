"""The formula of a Python function: it is called with names in place of arrays, which note what is done to them.

No array is computed. What a name is asked to do (`Q @ K.T`, `torch.softmax(s, -1)`, `x.mean(0)`) becomes a part of the
formula. Shapes are inferred from the parts unless they are declared; a function that reads a shape is traced again with
numbers for the sizes.
"""

from __future__ import annotations

import inspect
from dataclasses import replace as replace_fields
from typing import Any

from sympy import Integer

from symprop.algebra.declarations import check_declared, declarations_text, read_declarations, shapes_of
from symprop.algebra.formula import Formula, formula_of, inferred_formula
from symprop.algebra.inference.infer import ANYTHING
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace, walk
from symprop.certify.asking import called
from symprop.certify.operations import Refused
from symprop.certify.own_derivatives import has_context_apart, is_torch_function
from symprop.certify.placeholders import Trace, Traced
from symprop.certify.running import Caught
from symprop.errors import SpecError, SympropError, shown
from symprop.formulas.checks.points import numbered, size_symbols


class Context:
    """The `ctx` of a forward pass: it takes what is saved, and says that every gradient is wanted."""

    needs_input_grad = (True,) * 64

    def save_for_backward(self, *given: Any) -> None:
        """Take what the backward pass is to read."""

    save_for_forward = mark_non_differentiable = save_for_backward

    def set_materialize_grads(self, value: bool) -> None:
        """Take how missing gradients are given."""


def traced(function: Any, declarations: str = "") -> Formula:
    """Return the formula that a Python function computes, or the forward pass of a `torch.autograd.Function`.

    >>> print(traced(lambda W, x, b: (W @ x + b) ** 2).text())
    (W @ x + b)**2

    Raises:
        FormulaError: what is declared is none of its arrays.
        SpecError: it does what no formula says, raises an error, or reads a shape that is not known.
    """
    names = _names(function)
    declared = read_declarations(declarations)
    check_declared(shapes_of(declared), names)
    trace = Trace(names)
    result, problem = _called(function, trace)
    if problem and not (trace.asked and declared):
        told = 'its formula, or the shapes of its arrays, such as declarations="Q: m d"'
        raise SpecError(f"the forward pass of {called(function)} cannot be traced: {problem}\nallowed: {told}")
    if not problem and not trace.asked:
        return _tidied(_read(trace, result, declared))
    variables = declared or _read(trace, result, ()).variables
    sizes = numbered(size_symbols(variables))
    known = {symbol: Integer(size + 1) for symbol, size in sizes.items()}  # n - 1 is not 1
    numeric = tuple(each.xreplace(known) for each in variables)
    again = Trace(names, {each.name: each for each in numeric})
    result, problem = _called(function, again)
    if problem:
        told = "its formula, or other shapes of its arrays"
        raise SpecError(f"the forward pass of {called(function)} cannot be traced: {problem}\nallowed: {told}")
    return replace_fields(_tidied(_read(again, result, numeric)), readings=(declarations_text(numeric),))


def _names(function: Any) -> tuple[str, ...]:
    """Return the names of the arrays that a function takes: of its parameters without a default."""
    forward = function.forward if is_torch_function(function) else function
    parameters = list(inspect.signature(forward).parameters.values())
    if is_torch_function(function) and not has_context_apart(function):
        parameters = parameters[1:]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(each.name for each in parameters if each.kind in kinds and each.default is inspect.Parameter.empty)


def _called(function: Any, trace: Trace) -> tuple[str, str]:
    """Call a function with names; return that of its value, and what went wrong."""
    given: list[Any] = [Traced(trace, name) for name in trace.names]
    call = function
    if is_torch_function(function):
        call = function.forward
        given = given if has_context_apart(function) else [Context(), *given]
    with Caught() as caught:
        result = call(*given)
    if caught.kind:
        return "", caught.line.removeprefix(f"{Refused.__name__}: ")
    if not isinstance(result, Traced):
        return "", f"it returns {shown(type(result).__name__)}, not one array"
    return result.name, ""


def _read(trace: Trace, result: str, variables: tuple[Variable, ...]) -> Formula:
    """Return the formula of a trace.

    Raises:
        SpecError: its shapes do not fit, or several do.
    """
    source = "; ".join((*(f"{name} = {text}" for name, text in trace.parts), result))
    try:
        return formula_of(source, variables) if variables else inferred_formula(source, ANYTHING, trace.names)
    except SympropError as problem:
        raise SpecError(f"the forward pass was traced, but {problem}") from None


def _tidied(formula: Formula) -> Formula:
    """Return a formula with parts in place that are read once."""
    definitions = list(formula.definitions)
    node, kept = formula.node, []
    while definitions:
        first, *definitions = definitions
        later: list[Node] = [*(each.expression for each in definitions), node]
        if sum(part == first.target for each in later for part in walk(each)) > 1:
            kept.append(first)
            continue
        put = {first.target: first.expression}
        definitions = [replace_fields(each, expression=replace(each.expression, put)) for each in definitions]
        node = replace(node, put)
    found = replace_fields(formula, node=node, definitions=tuple(kept))
    return replace_fields(found, source=found.text())
