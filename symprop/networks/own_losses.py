"""Losses of one's own: a formula in the output `a` and the target `y`, with numbers by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol, Tuple

from symprop.algebra.declarations import DECLARED, declared
from symprop.algebra.defined import stable
from symprop.algebra.lifting import lift
from symprop.algebra.names import validated, variable
from symprop.algebra.nodes import Fact, Node, Scalar, Sum, Take, Variable
from symprop.algebra.reader import least_size, names_in, read_formula
from symprop.algebra.reading.ids import check_ids
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import replace, variables, walk
from symprop.errors import FormulaError, SpecError, shown
from symprop.hints import closest
from symprop.networks.builder import Builder
from symprop.networks.losses import LossLayer
from symprop.networks.needs import Need, valued
from symprop.networks.own import check_numbers, check_used, hyperparameters_of, keywords_text
from symprop.networks.parts import argument_text

CLASS = "class"
"""What `y` is declared as where it is the number of a class."""


@dataclass(frozen=True, init=False)
class Loss(LossLayer):
    """A loss of one's own: a formula in `a`, the output of the network, and `y`, the target, for one example.

    In NumPy notation the formula says its sum itself. A SymPy expression in the symbols `a` and `y` says the loss of
    one output: it is taken elementwise and summed over the outputs. Other names are hyperparameters, `d=1.5`.

    `y` declares the target as formulas declare their arrays, `y="k sums-to-1 positive"`; the names of its sizes are
    those of the output, and the formula may use them. With `y="class"` it is the number of a class, an integer.

    >>> Loss("sum((a - y)**4) / 4", name="quartic").text
    'Loss("sum((a - y)**4) / 4", name="quartic")'
    >>> a, y = sympy.symbols("a y")
    >>> Loss((a - y)**4 / 4).text
    'Loss("sum((a - y)**4 / 4)")'
    >>> import symprop
    >>> network = symprop.Input(3) >> symprop.Dense(2) >> Loss("logsumexp(a) - a[y]", y="class")
    >>> symprop.derive(network).equation("delta1").text()
    'delta1 = softmax(z1) - one_hot(y, 2)'

    Raises:
        SpecError: names other than `a`, `y` and those of numbers and sizes, or a formula that is not one number.
        FormulaError: a formula outside the grammar, or an expression that no array can have done to it.
    """

    body: Any
    name: str
    y: str
    hyperparameters: tuple[tuple[str, Any], ...]

    def __init__(self, body: Any, name: str = "loss", *, y: str = "", **hyperparameters: Any) -> None:
        validated(name)
        numbers = hyperparameters_of(hyperparameters, "Loss")
        formula, names = _named(body)
        target = _declared(y)
        known = ("a", "y", *dict(numbers), *(symbol.name for symbol in _names_of(target)))
        for each in names:
            if each not in known:
                raise SpecError(
                    f"Loss: unknown name {shown(each)}\n"
                    "allowed: a (the output), y (the target), and numbers that are given by name, such as d=1.5"
                )
        if "a" not in names:
            raise SpecError(f"Loss: {shown(body)} does not depend on a, the output of the network")
        check_used(dict(numbers), names, str(formula), "Loss")
        for field, value in (("body", formula), ("name", name), ("y", y), ("hyperparameters", numbers)):
            object.__setattr__(self, field, value)

    @property
    def text(self) -> str:
        name = [] if self.name == "loss" else [f"name={argument_text(self.name)}"]
        declared_as = [f"y={argument_text(self.y)}"] if self.y else []
        parts = [argument_text(self.body), *name, *declared_as, *keywords_text(self.hyperparameters)]
        return f"Loss({', '.join(parts)})"

    def needs(self, shape: tuple[Expr, ...]) -> Iterable[Need]:
        """What the formula names: a size of its own, `ones(6)`, or places of its arrays, `a[2]`."""
        least = least_size(self.body) if isinstance(self.body, str) else 1
        numbered = any(word.isdecimal() for word in self.y.split())
        for size in shape:
            known = valued(size)  # places of padded arrays may lie behind those of `a`: then the size stays
            short = least is None or (known.is_Integer and known < least)
            stays = short or numbered or isinstance(self.body, Node)
            yield Need(size, stays=True) if stays else Need(size, least=least or 1)
        if self.y == CLASS:
            one = "Loss: a class of one is always the same\nallowed: an output of two numbers or more"
            yield Need(shape[-1], least=2, otherwise=one)

    def target(self, output: Variable) -> Variable:
        """Return the target as it is declared, its sizes those of the output."""
        return self._target(output)[0]

    def _target(self, output: Variable) -> tuple[Variable, dict[str, Expr]]:
        """Return the target, and what the names of its sizes stand for.

        Raises:
            SpecError: its sizes are not those of the output.
        """
        given = _declared(self.y, output.rank)
        pattern = _sizes_of(given)
        sizes: dict[Expr, Expr] = {}
        fits = len(pattern) == output.rank
        for size, actual in zip(pattern, output.shape, strict=False):
            fits = fits and (sizes.setdefault(size, actual) == actual if size.is_Symbol else size == actual)
        if not fits:
            raise SpecError(
                f"Loss: y is declared as {shown(self.y)}, and the output has shape {shape_text(output.shape)}\n"
                'allowed: sizes of the output, such as y="k positive"; for the number of a class y="class"'
            )
        facts = tuple(Fact(fact.kind, fact.value.xreplace(sizes)) for fact in given.facts)
        shape = Tuple(*(size.xreplace(sizes) for size in given.shape))
        return given.change(shape=shape, facts=Tuple(*facts)), {str(size): each for size, each in sizes.items()}

    def value(self, builder: Builder, output: Variable, target: Variable) -> Node:
        numbers = {name: builder.hyperparameter(name, value) for name, value in self.hyperparameters}
        sizes = self._target(output)[1]
        if isinstance(self.body, str):
            free = {name: size for name, size in sizes.items() if not name.startswith("_")}
            result = read_formula(self.body, {"a": output, "y": target}, free, numbers=numbers)
        else:
            arrays: dict[str, Node] = {
                "a": output,
                "y": target,
                **{name: Scalar(each) for name, each in numbers.items()},
            }
            given = {part: arrays[part.name] for part in variables(self.body)}
            for part, new in given.items():
                if part.shape != new.shape:
                    raise SpecError(
                        f"Loss: {part.name} has shape {part.shape}, the network's {part.name} has shape {new.shape}"
                    )
            result = replace(self.body, dict(given))
        check_ids(result)
        check_numbers(result, "Loss")
        if any(part.operands[1] != target for part in walk(result) if isinstance(part, Take)):
            raise SpecError("Loss: an output is selected by y itself, as in a[y]")
        if result.rank:
            raise SpecError(
                f"Loss: {shown(self.body)} has shape {shape_text(result.shape)}\n"
                "allowed: one number for an example, such as a sum"
            )
        return result


def _declared(text: Any, rank: int = 1) -> Variable:
    """Return the target of a declaration; one that says no sizes has those of an output of this rank."""
    if not isinstance(text, str):
        raise SpecError(f'Loss: y is a declaration, such as y="k positive" or y="class", not {shown(text)}')
    axes = [f"_{axis}" for axis in range(rank)]
    words = text.split()
    for word in words:
        if word not in (CLASS, *DECLARED) and len(word) > 3 and (hint := closest(word, (CLASS,))):
            raise SpecError(f"Loss: y is declared as {shown(text)}{hint}")
    if words == [CLASS]:
        return Variable("y", (), tuple(map(_size, axes[:-1])), (Fact("index", _size(axes[-1])),))
    if words and words[0] not in DECLARED:
        return declared("y", text)
    plain = Variable("y", (), tuple(map(_size, axes)))
    names = {f"axis{axis}": _size(f"_{axis}") for axis in range(rank)}
    if not words:
        return plain
    found = declared("y", " ".join([*names, *words]))
    return plain.change(facts=found.args[3])


def _size(name: str) -> Symbol:
    return Symbol(name, integer=True, positive=True)


def _sizes_of(target: Variable) -> tuple[Expr, ...]:
    """The sizes of the output that a declared target speaks of: its own, and the number of classes."""
    index = target.facts_by_kind.get("index")
    return target.shape if index is None else (*target.shape, index)


def _names_of(target: Variable) -> list[Symbol]:
    """The sizes that a declaration names."""
    return [size for size in _sizes_of(target) if isinstance(size, Symbol) and not size.name.startswith("_")]


def _named(body: Any) -> tuple[str | Node, tuple[str, ...]]:
    """Return a formula as text or a node, and the names in it."""
    if isinstance(body, str):
        return body, names_in(body)
    if isinstance(body, Node):
        return body, tuple(part.name for part in variables(body))
    if not isinstance(body, Expr):
        raise SpecError(f"Loss: the body is a formula in NumPy notation or a SymPy expression, not {shown(body)}")
    return _summed(body), tuple(sorted(map(str, body.free_symbols)))


def _summed(body: Expr) -> str:
    """Return the sum over all outputs of an expression in the symbols `a`, `y` and those of numbers, as text."""
    if not all(isinstance(symbol, Symbol) for symbol in body.free_symbols):
        raise FormulaError(f"Loss: {shown(body)} holds arrays\nallowed: the symbols a and y, one output and its target")
    if body.has(sympy.I, sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
        raise FormulaError(f"Loss: {shown(body)} holds a constant that is not a real number")
    real = {symbol: Symbol(symbol.name, real=True) for symbol in body.free_symbols}
    shapes = {"a": ("n",), "y": ("n",)}
    arrays: dict[Expr, Node] = {each: variable(each.name, shapes.get(each.name, ())) for each in real.values()}
    return Sum(lift(stable(body.xreplace(real)), arrays)).text()
