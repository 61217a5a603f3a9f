"""Sizes of layers as a user gives them: a number or a name; checked at the door, and the limits of a network.

A name that ends in the loop's index (`n_l` in a symbolic `Repeat`) is a size of its own for each block; it becomes the
function `n(l)`, so that setting `l` to a number gives the size of that block.
"""

from __future__ import annotations

import builtins
import dataclasses
import operator
import re
from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias

import sympy
from sympy import Expr, Integer, Symbol

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.names import size_symbol, validated
from symprop.algebra.operators import OPERATORS
from symprop.errors import LimitError, SpecError, SymbolNameError, shown

Size: TypeAlias = Annotated[int | str | Expr, "Size"]
"""A size that may be any number or a name. A field of a layer that is declared as one, or as several, holds its sizes,
which are named, changed and made small with those of the network. Any other number (a kernel's, a stride) is an `int`.
"""

LARGEST_WIDTH = 10**7
MOST_AXES = 8
"""Of an input."""
MOST_LAYERS = 10_000
MOST_PARAMETERS = 10**9
DEEPEST_NESTING = 50
LOOP_SYMBOLS = tuple(sympy.Symbol(name, integer=True, positive=True) for name in ("l", "k", "j", "i"))
"""The index of the first, second, ... symbolic `Repeat` of a network."""

TIME = sympy.Symbol("t", integer=True, positive=True)
"""The index of a moment of time, which recurrent layers have in common."""
COUNT_NAME = "L"
"""The usual name of a number of blocks; the loss, which has it too, is then printed in another letter."""
OWN_NAME = re.compile(r"(x|y|p|L|z|a|f|e|delta|d?(W|b|E)|d[xafe])[0-9]*(_([0-9]+|[lkji]))?|omega|chi|xi|kappa|Omega")
"""Names that the variables of a network have."""
NUMBERED = ("W", "b", "E")
"""Letters of parameters, which have a number or an index of their own wherever they stand: a size may be called so."""
CODE_NAME = re.compile(
    r"m|work|own|found|given|needed|eps|rows|name|state|update|buffers|numba|len|type|isinstance|[ijkl]|i[0-9]+|"
    r"[A-Z_]+|Workspace|init_\w+|forward|predict|loss|backward|values|make_workspace|make_step|"
    r"loss_and_grads|train_step|clip_gradients|masks|seed|draw_masks|training|params|grads|np|jax|jnp|torch|math|"
    r"functional|itertools|shard|mesh|Network"
)
"""Names that generated modules use themselves."""
_ALLOWED = f"allowed: a whole number from 1 to {LARGEST_WIDTH:,}, or a name such as n1"


def checked_size(size: Any, what: str, is_count: bool = False) -> Size:
    """Return a size as an `int` or a valid name; `what` says whose it is in an error; a count may be called `L`.

    >>> checked_size(32, "Dense")
    32
    >>> checked_size(sympy.Symbol("n1"), "Dense")
    'n1'

    Raises:
        SpecError: not a positive whole number and not a name, or the name of a variable of the network.
        LimitError: larger than `LARGEST_WIDTH`.
    """
    if isinstance(size, Symbol):
        size = size.name
    if isinstance(size, str):
        try:
            size_symbol(size)
        except SymbolNameError:
            raise SpecError(f"{what}: {shown(size)} is no size\n{_ALLOWED}") from None
        if size == BATCH_SIZE.name:
            raise SpecError(f"{what}: the name 'm' is the batch size and cannot be a size of a layer\n{_ALLOWED}")
        if not (is_count and size == COUNT_NAME):
            _refuse_own_name(size, what)
        return size
    if (
        isinstance(size, Expr)
        and size.is_integer
        and size.is_positive
        and size.free_symbols
        and not size.has(BATCH_SIZE)
    ):
        for name in sorted(str(symbol) for symbol in size.free_symbols):
            _refuse_own_name(name, what)
        return size
    if isinstance(size, Expr) and not size.is_Integer:
        raise SpecError(f"{what}: {shown(size)} is no size\n{_ALLOWED}")
    try:
        number = operator.index(size)
    except TypeError:
        raise SpecError(f"{what}: {shown(size)} is no size\n{_ALLOWED}") from None
    if isinstance(size, bool) or number < 1:
        raise SpecError(f"{what}: {number_text(size)} is no size\n{_ALLOWED}")
    if number > LARGEST_WIDTH:
        raise LimitError(f"{what}: size {number_text(number)} is over the limit\n{_ALLOWED}")
    return number


def _refuse_own_name(name: str, what: str) -> None:
    if OWN_NAME.fullmatch(name) and name not in NUMBERED:
        raise SpecError(
            f"{what}: {shown(name)} is the name of a variable of networks and cannot be a size\n{_ALLOWED}, n or k"
        )


def checked_input_name(name: Any) -> str:
    """Return the name of an input: one that a variable of a network may have, and an argument of generated code.

    Raises:
        SpecError: no name, or one that means something else in a network or in its code.
    """
    allowed = 'allowed: another name, such as name="memory"'
    try:
        validated(name)
    except SymbolNameError as problem:
        raise SpecError(f"Input: {problem}") from None
    if name != "x" and OWN_NAME.fullmatch(name):
        raise SpecError(f"Input: {shown(name)} is the name of a variable of networks\n{allowed}")
    if name in FUNCTIONS or name in OPERATORS or name in vars(builtins) or CODE_NAME.fullmatch(name):
        raise SpecError(f"Input: {shown(name)} has a meaning of its own in formulas or in code\n{allowed}")
    return name


def number_text(number: Any) -> str:
    """A number for a message; a long one by its length, since Python refuses to print above 4,300 digits."""
    if isinstance(number, int) and abs(number) >= 10**30:
        return f"of about 10**{int(number.bit_length() * 0.30103)}"
    return shown(number)


def size_node(size: Size, stems: frozenset[str] = frozenset()) -> Expr:
    """Return a size as a SymPy expression; `n_0` is `n(0)` where `n` is a stem, a size that varies from block to block.

    >>> size_node("n_l", frozenset({"n"}))
    n(l)
    """
    if isinstance(size, Expr):
        return size
    if not isinstance(size, str):
        return Integer(size)
    stem, _, index = size.rpartition("_")
    if stem not in stems:
        return size_symbol(size)
    position = Integer(index) if index.isdecimal() else size_symbol(index)
    return sympy.Function(stem, integer=True, positive=True)(position)


def size_fields(layer: Any) -> frozenset[str]:
    """Return the names of the fields of a layer that hold sizes: those that are declared as `Size`."""
    return frozenset(each.name for each in dataclasses.fields(layer) if re.search(r"\bSize\b", str(each.type)))


def sizes_in(value: Any) -> Iterator[Size]:
    """Yield the sizes in a field of sizes: one, several, or none."""
    if isinstance(value, tuple):
        for each in value:
            yield from sizes_in(each)
    elif value is not None:
        yield value


def changed_size(size: Any, change: dict[Size, Size]) -> Any:
    """Return a size, or several, with names or numbers replaced, also inside an expression such as `2*n`."""
    if isinstance(size, tuple):
        return tuple(changed_size(each, change) for each in size)
    if not isinstance(size, Expr):
        return change.get(size, size)
    names = {size_symbol(name): size_node(new) for name, new in change.items() if isinstance(name, str)}
    return checked_size(size.xreplace(names), "size")


def check_number(value: Any, what: str, lowest: int, highest: int) -> None:
    """Raise unless `value` is a number from `lowest` to `highest`; `what` says whose it is.

    Raises:
        SpecError: not a number (nor is NaN one), or outside.
    """
    number = isinstance(value, (int, float, sympy.Rational)) and not isinstance(value, bool)
    if not number or not lowest <= value <= highest:
        raise SpecError(f"{what} is a number from {lowest:,} to {highest:,}, not {number_text(value)}")


def checked_flag(value: Any, what: str) -> None:
    """Raise unless `value` is True or False; `what` says whose it is.

    Raises:
        SpecError: anything else, 1 and 0 too.
    """
    if not isinstance(value, bool):
        raise SpecError(f"{what} is True or False, not {shown(value)}")


def named_as_an_index(what: str, name: str, taken: str = "the index") -> str:
    """Return the words for a name that a Repeat has already."""
    return f"the {what} {shown(name)} has the name of {taken} of a Repeat\nallowed: another name, such as n1"
