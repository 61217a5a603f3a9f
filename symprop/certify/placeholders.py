"""A name in place of an array, which notes what is done to it as parts of a formula.

It is an operand for Python's operators, and for the functions of PyTorch and NumPy, which ask it what they mean of it
(`__torch_function__`, `__array_ufunc__`). Nothing is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from symprop.algebra.names import variable
from symprop.algebra.nodes import Variable
from symprop.algebra.reader import read_formula
from symprop.certify.operations import OPERATIONS, Refused


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
        root = whole**0.5
        exact = 0.0 if root.is_integer() else root ** (power // 2)
        if exact and abs(exact - value) <= 2.0**-52 * value:
            return text.format(whole)
    return repr(value)


def _place(place: Any) -> str:
    """Return an index as it is typed."""
    if isinstance(place, slice):
        ends = ["" if each is None else str(each) for each in (place.start, place.stop, place.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return "..." if place is ... else str(place)
