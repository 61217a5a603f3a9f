"""The formula of a Python function: it is called with names in place of arrays, which note what is done to them.

No array is computed. What a name is asked to do (`Q @ K.T`, `torch.softmax(s, -1)`, `x.mean(0)`) becomes a part of the
formula. Shapes are inferred from the parts unless they are declared; a function that reads a shape is traced again with
numbers for the sizes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from typing import Any, NoReturn

from sympy import Integer

from symprop.algebra.declarations import declarations_text, read_declarations
from symprop.algebra.formula import Formula, formula_of, inferred_formula
from symprop.algebra.inference.infer import ANYTHING
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.reader import read_formula
from symprop.algebra.trees import replace, walk
from symprop.certify.asking import called
from symprop.certify.operations import OPERATIONS, Refused
from symprop.certify.own_derivatives import has_context_apart, is_torch_function
from symprop.certify.running import Caught
from symprop.errors import SpecError, SympropError, shown
from symprop.formulas.checks.points import numbered, size_symbols


@dataclass
class Trace:
    """What was done, in order: a text for each part; with `variables` also what each part is.

    `asked` is whether a shape was read, which without `variables` was a guess.
    """

    names: tuple[str, ...]
    variables: dict[str, Variable] = field(default_factory=dict)
    parts: list[tuple[str, str]] = field(default_factory=list)
    asked: bool = False

    def made(self, text: str) -> Traced:
        """Return the name of a new part."""
        name = f"v{len(self.parts) + 1}"
        while name in self.names:
            name += "_"
        self.parts.append((name, text))
        if self.variables:
            self.variables[name] = variable(name, read_formula(text, self.variables, ()).shape)
        return Traced(self, name)

    def shape_of(self, name: str) -> Any:
        """Return a shape in numbers; a guess where it is not known."""
        self.asked = True
        known = self.variables.get(name)
        return Guess() if known is None else tuple(map(int, known.shape))


class Guess:
    """The shape of an array whose shape is not known: 2 wherever it is asked along one axis."""

    def __getitem__(self, axis: int) -> int:
        return 2

    def __iter__(self) -> NoReturn:
        raise Refused("how many axes an array has, which is not known")

    __len__ = __iter__


class Traced:
    """A name in place of an array."""

    def __init__(self, trace: Trace, name: str) -> None:
        self.trace, self.name = trace, name

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    @property
    def shape(self) -> Any:
        """The shape, in numbers."""
        return self.trace.shape_of(self.name)

    def size(self, axis: int | None = None) -> Any:
        """Return the shape or a size, as PyTorch's method does."""
        return self.shape if axis is None else self.shape[axis]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def dim(self) -> int:
        """Return the number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Traced:
        """The transpose."""
        return self.trace.made(f"{self.name}.T")

    @property
    def mT(self) -> Traced:
        """The transpose of each matrix."""
        return self.trace.made(f"swapaxes({self.name}, -1, -2)")

    def __getitem__(self, place: Any) -> Traced:
        places = place if isinstance(place, tuple) else (place,)
        return self.trace.made(f"{self.name}[{', '.join(map(_place, places))}]")

    def __getattr__(self, name: str) -> Callable[..., Traced]:
        if name not in OPERATIONS:
            raise AttributeError(f"{name!r} is no operation that a formula has")
        return lambda *given, **options: self.done(name, (self, *given), options)

    def done(self, name: str, given: Sequence[Any], options: dict[str, Any]) -> Traced:
        """Return what an operation makes of names and numbers."""
        if name not in OPERATIONS:
            raise Refused(f"{name}, which no formula has")
        named = {key: _plain(each) for key, each in options.items() if key not in IGNORED}
        return self.trace.made(OPERATIONS[name](*map(_plain, given), **named))

    def __array_ufunc__(self, function: Any, method: str, *given: Any, **options: Any) -> Traced:
        return self.done(function.__name__ if method == "__call__" else f"{function.__name__}.{method}", given, options)

    def __array_function__(self, function: Any, types: Any, given: Any, options: Any) -> Traced:
        return self.done(function.__name__, given, options)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, given: Any = (), options: Any = None) -> Traced:
        first = next(each for each in _flat((*given, *(options or {}).values())) if isinstance(each, Traced))
        return first.done(function.__name__.strip("_").removeprefix("linalg_"), given, options or {})

    def signed(self, sign: str, other: Any) -> Traced:
        """Return what a sign makes of this and another."""
        return self.trace.made(f"({self}) {sign} ({_plain(other)})")

    def __add__(self, other: Any) -> Traced:
        return self.signed("+", other)

    def __radd__(self, other: Any) -> Traced:
        return self.trace.made(f"{_plain(other)} + {self}")

    def __sub__(self, other: Any) -> Traced:
        return self.signed("-", other)

    def __rsub__(self, other: Any) -> Traced:
        return self.trace.made(f"{_plain(other)} - {self}")

    def __mul__(self, other: Any) -> Traced:
        return self.signed("*", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Traced:
        return self.signed("/", other)

    def __rtruediv__(self, other: Any) -> Traced:
        return self.trace.made(f"{_plain(other)} / {self}")

    def __matmul__(self, other: Any) -> Traced:
        return self.signed("@", other)

    def __pow__(self, other: Any) -> Traced:
        return self.signed("**", other)

    def __rpow__(self, other: Any) -> Traced:
        return self.trace.made(f"({_plain(other)}) ** {self}")

    def __gt__(self, other: Any) -> Traced:
        return self.signed(">", other)

    def __lt__(self, other: Any) -> Traced:
        return self.signed("<", other)

    def __ge__(self, other: Any) -> Traced:
        return self.signed(">=", other)

    def __le__(self, other: Any) -> Traced:
        return self.signed("<=", other)

    def __neg__(self) -> Traced:
        return self.trace.made(f"-{self}")

    def __abs__(self) -> Traced:
        return self.trace.made(f"abs({self})")

    def __bool__(self) -> NoReturn:
        raise Refused("a branch that depends on values")

    def __iter__(self) -> NoReturn:
        raise Refused("a loop over an array")


IGNORED = ("out", "dtype", "_stacklevel", "inplace", "device", "memory_format")
"""Options that change no value."""


def _flat(given: Sequence[Any]) -> Iterator[Any]:
    for each in given:
        yield from each if isinstance(each, (tuple, list)) else (each,)


def _plain(value: Any) -> Any:
    """Return a part or a number as it stands in a formula; axes and options stay what they are."""
    match value:
        case tuple() | list():
            return type(value)(map(_plain, value))
        case Traced() | bool() | int() | str() | None:
            return value
        case float():
            return _number(value)
        case object(ndim=0, item=item):
            return _number(float(item()))
        case object(ndim=_):
            raise Refused("an array that is no parameter of the function")
        case _:
            return value


def _number(value: float) -> str:
    """Return a number as a formula has it, a root of a whole number, such as of a size, as one.

    >>> _number(0.5), _number(3**0.5), _number(8**-0.5)
    ('0.5', 'sqrt(3)', '(1 / sqrt(8))')
    """
    for power, text in ((2, "sqrt({})"), (-2, "(1 / sqrt({}))")):
        whole = round(abs(value) ** power) if 1e-3 < abs(value) < 1e3 else 0
        exact = 0.0 if whole < 2 else whole**0.5 if power == 2 else 1 / whole**0.5
        if abs(exact - value) <= 2.0**-52 * value and not value.is_integer():
            return text.format(whole)
    return repr(value)


def _place(place: Any) -> str:
    """Return an index as it is typed."""
    if isinstance(place, slice):
        ends = ["" if each is None else str(each) for each in (place.start, place.stop, place.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return "..." if place is ... else str(place)


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
        SpecError: it does what no formula says, raises an error, or reads a shape that is not known.
    """
    names = _names(function)
    declared = read_declarations(declarations)
    trace = Trace(names)
    result, problem = _called(function, trace)
    if problem and not (trace.asked and declared):
        told = 'its formula, or the shapes of its arrays, such as declarations="Q: m d"'
        raise SpecError(f"the forward pass of {called(function)} cannot be traced: {problem}\nallowed: {told}")
    if not problem and not trace.asked:
        return _tidied(_read(trace, result, declared))
    variables = declared or _read(trace, result, ()).variables
    sizes = numbered(size_symbols(variables))
    known = {symbol: Integer(size) for symbol, size in sizes.items()}
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
        return "", caught.line.removeprefix(f"{Refused.__module__}.Refused: ")
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
