"""Activations of one's own: a formula in NumPy notation of one variable, elementwise or of a whole vector."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import sympy
from sympy import Expr

from symprop.algebra.batching import batched
from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction, from_body
from symprop.algebra.lifting import lift
from symprop.algebra.named_numbers import NamedNumber
from symprop.algebra.names import size_symbol, validated, variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reader import least_size, names_in, read_formula
from symprop.algebra.scalar import is_elementwise, scalar_body
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import replace
from symprop.errors import FormulaError, ShapeError, SpecError, shown
from symprop.networks.arguments_typed import argument_text
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.needs import Need, valued
from symprop.networks.own import (
    WIDTH,
    Learned,
    check_numbers,
    check_used,
    hyperparameters_of,
    keywords_text,
    learned_of,
)
from symprop.networks.sizes import Size, size_node

_TAKEN_NAME = re.compile(r"(x|y|p|L|m|g|(d?(W|b|E|x)|[zafe]|delta|d[afe])[0-9]*)(_[0-9]+)?")


@dataclass(frozen=True, init=False)
class Activation(Layer):
    """A function of one's own: NumPy notation or a SymPy expression, in one variable, with numbers by their names.

    The variable is the array elementwise, or, where the formula takes sums and the like, a vector along the last axis:
    each row of a sequence, each pixel of an image. `learned` declares parameters by their sizes, `n` being the width.

    >>> Activation("x * sigmoid(x)", name="swish").function.body
    t*sigmoid(t)
    >>> from symprop import Dense, Input
    >>> norm = Activation("g * z / sqrt(mean(z**2) + eps)", eps=1e-5, learned={"g": "n"})
    >>> [each.text() for each in (Input(3) >> Dense(2) >> norm).system().equations]
    ['z1 = W1 @ x + b1', 'a1 = g1 * z1 / sqrt(sum(z1 * z1) / 2 + eps)']

    Raises:
        SpecError: a name that is taken, a hyperparameter that is no number or is not used, a shape that changes.
        FormulaError: not exactly one variable, or something that is no formula.
    """

    is_activation: ClassVar[bool] = True

    body: str
    name: str
    learned: tuple[Learned, ...]
    hyperparameters: tuple[tuple[str, Any], ...]

    def __init__(self, body: Any, name: str = "phi", *, learned: Any = None, **hyperparameters: Any) -> None:
        validated(name)
        self._set("name", name)
        self._set("learned", learned_of(learned, "Activation"))
        self._set("hyperparameters", hyperparameters_of(hyperparameters, "Activation"))
        self._set("body", _text_of(body))
        twice = next((each.letter for each in self.learned if each.letter in dict(self.hyperparameters)), None)
        if twice is not None:
            raise SpecError(f"Activation: {shown(twice)} is a hyperparameter and learned\nallowed: two names")
        check_used(self._given, names_in(self.body), self.body, "Activation")
        function = self.function
        known = FUNCTIONS.get(name)
        if name in OPERATORS or _TAKEN_NAME.fullmatch(name) or (known is not None and known != function):
            raise SpecError(f"Activation: the name {shown(name)} already means something else")

    def _set(self, field: str, value: Any) -> None:
        object.__setattr__(self, field, value)

    @property
    def caption(self) -> str:
        return self.name

    @property
    def _given(self) -> tuple[str, ...]:
        """The names that are numbers or learned."""
        return (*dict(self.hyperparameters), *(each.letter for each in self.learned))

    @cached_property
    def variable(self) -> str:
        """The name of the variable in the formula.

        Raises:
            FormulaError: there is none, or there are more.
        """
        names = [name for name in names_in(self.body) if name not in self._given]
        if len(names) != 1:
            listed = f": {', '.join(names[:5])}" if names else ""
            raise FormulaError(
                f"Activation: {shown(self.body)} has {len(names)} variables{listed}\n"
                "allowed: one, such as x; numbers are given by name, eps=1e-5, and parameters by learned={...}"
            )
        return names[0]

    @cached_property
    def function(self) -> ElementwiseFunction | None:
        """The function of one element; None where the formula is one of a whole vector, or holds parameters.

        Raises:
            FormulaError: a constant that is not a real number, or an operation that arrays do not have.
        """
        numbers = {name: NamedNumber(name, sympy.Rational(repr(value))) for name, value in self.hyperparameters}
        n = size_symbol(WIDTH)
        learned = {each.letter: variable(each.letter, each.shape(n, size_node)) for each in self.learned}
        try:
            node = self._read(variable(self.variable, (n,)), numbers, learned)
        except ShapeError:  # it may fit one width
            return None
        if learned or not is_elementwise(node):
            return None
        scalar = scalar_body(read_formula(self.body, {self.variable: ()}, numbers=numbers))
        function = from_body(self.name, scalar)
        lift(function.body, {function.parameters[0]: variable("x")})  # refuses what no array can have done to it
        return function

    def _read(self, vector: Variable, numbers: dict[str, NamedNumber], learned: dict[str, Variable]) -> Node:
        node = read_formula(self.body, {self.variable: vector, **learned}, numbers=numbers)
        check_numbers(node, "Activation")
        if node.shape != vector.shape:
            raise SpecError(
                f"Activation: {shown(self.body)} makes shape {shape_text(node.shape)} of {shape_text(vector.shape)}\n"
                "allowed: a formula that keeps the shape"
            )
        return node

    @property
    def text(self) -> str:
        name = [] if self.name == "phi" else [f"name={argument_text(self.name)}"]
        rest = keywords_text(self.hyperparameters, self.learned)
        return f"Activation({', '.join([argument_text(self.body), *name, *rest])})"

    @property
    def own_sizes(self) -> tuple[Size, ...]:
        return tuple(size for each in self.learned for size in each.sizes if size != WIDTH)

    def with_sizes(self, change: dict[Size, Size]) -> Activation:
        learned = {each.letter: each.with_sizes(change).text for each in self.learned}
        return Activation(self.body, self.name, learned=learned, **dict(self.hyperparameters))

    def needs(self, shape: tuple[Expr, ...]) -> tuple[Need, ...]:
        """What the formula names of a whole vector: a size of its own, `ones(6)`, or places, `z[2]`."""
        if self.function is not None:
            return ()
        least = least_size(self.body)
        known = valued(shape[-1])
        stays = least is None or (known.is_Integer and known < least)
        return (Need(shape[-1], stays=True) if stays else Need(shape[-1], least=least or 1),)

    def build(self, builder: Builder, value: Variable) -> Variable:
        numbers = {name: builder.hyperparameter(name, number) for name, number in self.hyperparameters}
        if self.function is not None:
            function = _with_numbers(self.function, numbers)
            builder.use(function)
            return builder.activation(function(value), "activation")
        width = value.shape[-1]
        learned = {each.letter: each.enter(builder, width) for each in self.learned}
        vector = Variable(self.variable, (), (width,), role="argument")
        result = self._read(vector, numbers, learned)
        return builder.activation(_along_rows(result, vector, value), "activation")


def _along_rows(result: Node, vector: Variable, value: Variable) -> Node:
    """Return a formula of a vector for an array of which each row along the last axis is one."""
    if value.rank == 1:
        return replace(result, {vector: value})
    for place in reversed(range(value.rank - 1)):
        rows = value if place == 0 else vector.change(shape=sympy.Tuple(*value.shape[place:]))
        result = batched(result, {vector: rows}, value.shape[place], "rows")
        vector = rows
    return result


def _with_numbers(function: ElementwiseFunction, numbers: dict[str, NamedNumber]) -> ElementwiseFunction:
    """Return a function with the numbers as the network calls them."""
    named = {each: numbers[each.name] for each in function.body.atoms(NamedNumber)}
    return ElementwiseFunction(function.name, function.parameters, function.body.xreplace(named))


def _text_of(body: Any) -> str:
    """Return a formula as text."""
    if isinstance(body, str):
        return body
    if not isinstance(body, Expr):
        raise SpecError(f"Activation: the body is NumPy notation or a SymPy expression, not {shown(body)}")
    if body.has(sympy.I, sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
        raise FormulaError(f"Activation: {shown(body)} holds a constant that is not a real number")
    symbols = sorted(body.free_symbols, key=str)
    real = {symbol: sympy.Symbol(str(symbol), real=True) for symbol in symbols}
    return lift(body.xreplace(real), {symbol: variable(str(symbol)) for symbol in real.values()}).text()
