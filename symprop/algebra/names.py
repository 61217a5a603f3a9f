"""Names of sizes and arrays: validated before they exist, because a name is printed as code."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import sympy
from sympy import Expr

from symprop.algebra import hints
from symprop.algebra.nodes import Fact, Variable
from symprop.algebra.sizes import whole
from symprop.errors import FormulaError, SymbolNameError, listed, shown
from symprop.hints import closest

LONGEST_NAME = 32
RESERVED = frozenset({"np", "numpy", "math", "True", "False", "None", "self", "params", "grads", "range"})


def validated(name: str) -> str:
    """Return `name` if it may stand in generated code, else raise.

    >>> validated("W1")
    'W1'

    Raises:
        SymbolNameError: not a string, not an ASCII identifier of at most 32 characters, or reserved.
    """
    allowed = f"allowed: an ASCII letter, then letters, digits or _, at most {LONGEST_NAME} characters"
    if not isinstance(name, str):
        raise SymbolNameError(f"a name is text, not {type(name).__name__}")
    if len(name) > LONGEST_NAME or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        spelled = "".join(each if each.isascii() else hints.for_character(each) for each in name[: LONGEST_NAME + 1])
        told = f"; type {spelled}" if spelled != name and spelled.isidentifier() else ""
        raise SymbolNameError(f"{shown(name)} cannot be a name{told}\n{allowed}")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in RESERVED:
        told = f"; type {name}_" if keyword.iskeyword(name) else ""
        raise SymbolNameError(f"{shown(name)} is reserved and cannot be a name{told}\n{allowed}")
    return name


def size_symbol(name: str) -> sympy.Symbol:
    """Return the positive integer symbol for a size.

    >>> size_symbol("n0").is_positive
    True
    """
    return sympy.Symbol(validated(name), integer=True, positive=True)


def variable(name: str, shape: tuple[Any, ...] = (), facts: tuple[Fact, ...] = ()) -> Variable:
    """Return a variable; trailing digits of the name become its index (`W1` is letter `W`, index 1).

    >>> variable("W1", (3, 4)).shape
    (3, 4)

    Raises:
        SymbolNameError: the name cannot stand in code.
    """
    validated(name)
    match = re.fullmatch(r"([A-Za-z_]*[A-Za-z])([1-9][0-9]{0,8}|0)", name)
    letter, index = (match[1], (int(match[2]),)) if match else (name, ())
    return Variable(letter, index, tuple(size_expression(size) for size in shape), facts)


def size_expression(size: Any) -> Expr:
    """Return a size given as an integer, a name or a SymPy expression.

    Raises:
        SymbolNameError: a name that cannot stand in code.
        FormulaError: no positive integer, or anything else.
    """
    if isinstance(size, str):
        return size_symbol(size)
    return whole(size, "a size", positive=True)


def gradient_of(by: Variable) -> Variable:
    """Return the variable that holds the derivative of the loss with respect to `by` (`dW1` for `W1`)."""
    return by.gradient


def adjoint_of(variable: Variable) -> Variable:
    """Return what the derivative of the loss with respect to `variable` is called: `delta1` for a pre-activation.

    There is one pre-activation for each index; the adjoints of all other variables are called after them (`da1`).

    >>> z = variable("z1", (3,)).change(role="pre-activation")
    >>> adjoint_of(z).name, adjoint_of(variable("a1", (3,))).name
    ('delta1', 'da1')
    """
    return variable.adjoint


Found = TypeVar("Found")


def looked_up(name: Any, known: Mapping[str, Found], problem: str, offered: Iterable[str] = ()) -> Found:
    """Return what `known` has under `name`.

    Raises:
        FormulaError: nothing has this name; the names that there are (those in `offered`) are listed.
    """
    if isinstance(name, str) and name in known:
        return known[name]
    names = list(offered or known)
    hint = closest(name, names) if isinstance(name, str) else ", which is no text"
    allowed = f"\nallowed: {listed(names)}" if names else "; there is none"
    raise FormulaError(f"{problem} {shown(name)}{hint}{allowed}")


def spaced(name: Any) -> Any:
    """Return the name of a variable with its signs as names have them; what is no text stays.

    >>> spaced("a[l-1]"), spaced("h[l,t]")
    ('a[l - 1]', 'h[l, t]')
    """
    if not isinstance(name, str):
        return name
    return re.sub(r"\s*([-+*,])\s*", lambda sign: {"*": "*", ",": ", "}.get(sign[1], f" {sign[1]} "), name)
