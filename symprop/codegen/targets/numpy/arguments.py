"""The arguments of a function of arrays: which there are, how their shapes give the sizes, and how they are checked."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol

from symprop.algebra.declarations import DECLARED
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables as variables_of
from symprop.algebra.trees import walk
from symprop.codegen.targets.code import ATOM, number
from symprop.codegen.targets.layout import INDENT, laid_out
from symprop.codegen.targets.numpy.fact_checks import FactCheck, fact_checks


@dataclass(frozen=True)
class Reading:
    """The line that reads sizes from the shape of an array: for each size its name and its axis."""

    array: Variable
    sizes: tuple[tuple[str, int], ...]

    def line(self, wanted: Container[str]) -> str:
        """Return the line for the `wanted` ones among the sizes; nothing where there are none."""
        sizes = [(size, axis) for size, axis in self.sizes if size in wanted]
        name, rank = self.array.name, self.array.rank
        if len(sizes) == rank:
            return (
                f"{sizes[0][0]} = len({name})"
                if rank == 1
                else f"{', '.join(size for size, _ in sizes)} = {name}.shape"
            )
        targets, values = (
            ", ".join(part) for part in ([s for s, _ in sizes], [f"{name}.shape[{a}]" for _, a in sizes])
        )
        return f"{targets} = {values}" if sizes else ""


@dataclass(frozen=True)
class Arguments:
    """What a function is given: the items of its signature, a line on each, and the lines that check them.

    `names` are those of all arguments and sizes: no other name in the function may be one of them. `facts` are the
    checks of declared facts, whose functions the lines name.
    """

    signature: tuple[str, ...]
    meanings: tuple[str, ...]
    checks: tuple[str | Reading, ...]
    names: tuple[str, ...]
    facts: tuple[FactCheck, ...] = ()

    def lines(self, code: str) -> tuple[str, ...]:
        """Return the lines that check the arguments before `code` runs; sizes that nothing names are not read.

        >>> from symprop.algebra.formula import formula
        >>> f = formula("X @ w", X="m n", w="n")
        >>> arguments(f.node, f.variables).lines("y = X @ w")
        ('X = _array("X", X, ("m", "n"))', 'n = X.shape[1]', 'w = _array("w", w, (n,))')
        """
        lines: list[str] = []
        wanted = _names_in(code)
        for check in reversed(self.checks):
            line = check.line(wanted) if isinstance(check, Reading) else check
            wanted |= _names_in(line)
            lines = [line, *lines] if line else lines
        return tuple(lines)


def _names_in(code: str) -> set[str]:
    """The names in code, those in quotes aside; ask only whether a name is in it."""
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", code)))


def arguments(result: Node, declared: tuple[Variable, ...]) -> Arguments:
    """Return the arguments of a function that computes `result`: the arrays that it reads or needs for a size of it.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("X.T @ X", X="m n", y="m")
    >>> found = arguments(f.node, f.variables)
    >>> found.signature, found.lines("X.T @ X")[:2]
    (('X', '*', 'y=None'), ('X = _array("X", X, ("m", "n"))', 'm = X.shape[0]'))
    """
    read = variables_of(result)
    needed = _symbols_of(result)
    used = [each for each in declared if each in read]
    for size in needed:  # an array that is not read may still say how large the result is
        if size not in _fixed(used, ()):
            used.extend([each for each in declared if each not in used and size in each.shape][:1])
    used.sort(key=declared.index)
    unused = [each for each in declared if each not in used]
    given = _given_sizes((*needed, *_symbols(used)), used)

    known: dict[Expr, None] = dict.fromkeys(given)
    checks: list[str | Reading] = [f'{size} = _size("{size}", {size})' for size in given]
    for each in sorted(used, key=_needs_others):
        checks.extend(_checks(each, known))
    for each in unused:
        bound = each.facts_by_kind.get("index")
        if bound is not None and not bound.free_symbols <= set(known):
            continue  # ids that are not read, below a size that nothing gives
        checks.append(f"if {each.name} is not None:")
        checks.extend(f"    {line}" for line in _check(each, known, indent=2 * INDENT))
    optional = (*map(str, given), *(f"{each.name}=None" for each in unused))
    return Arguments(
        (*(each.name for each in used), *(("*",) if optional else ()), *optional),
        tuple(_meanings(used, unused, given, read)),
        tuple(checks),
        (*(each.name for each in declared), *map(str, _symbols(declared))),
        tuple(dict.fromkeys(check for each in declared for check in _facts_of(each))),
    )


# ---------------------------------------------------------------- sizes


def _symbols(declared: Iterable[Variable]) -> tuple[Symbol, ...]:
    """The size symbols of variables and of what is known of them, each once, in order."""
    expressions = [part for each in declared for part in (*each.shape, *(fact.value for fact in each.facts))]
    return _ordered(expressions)


def _ordered(expressions: Iterable[Expr]) -> tuple[Symbol, ...]:
    return tuple(
        dict.fromkeys(symbol for expression in expressions for symbol in sorted(expression.free_symbols, key=str))
    )


def _symbols_of(result: Node) -> tuple[Symbol, ...]:
    """The size symbols that the code of `result` may name, in order."""
    parts = list(dict.fromkeys(walk(result)))
    found = _ordered(
        expression
        for part in parts
        for expression in (*part.shape, *(arg for arg in part.args if isinstance(arg, Expr)))
    )
    return tuple(size for size in found if size in result.free_symbols)


def _solution(axis: Expr, known: Iterable[Expr]) -> tuple[Symbol, Expr, Expr] | None:
    """Return `n`, `a` and `b` where an axis is `a n + b`, all but `n` is known and `a` is no 0, else None."""
    unknown = [symbol for symbol in sorted(axis.free_symbols, key=str) if symbol not in known]
    if len(unknown) != 1:
        return None
    polynomial = sympy.Poly(axis, unknown[0])
    if polynomial.degree() != 1:
        return None
    return unknown[0], polynomial.coeff_monomial(unknown[0]), polynomial.coeff_monomial(1)


def _fixed(used: Iterable[Variable], given: Iterable[Expr]) -> dict[Expr, None]:
    """Return the sizes that the shapes of arrays fix, with those `given`, in the order in which they are found."""
    known = dict.fromkeys(given)
    for each in sorted(used, key=_needs_others):
        for axis in sorted(each.shape, key=lambda axis: not axis.is_Symbol):
            solution = _solution(axis, known)
            if solution is not None:
                known[solution[0]] = None
    return known


def _given_sizes(needed: Sequence[Symbol], used: Iterable[Variable]) -> tuple[Symbol, ...]:
    """Return the sizes that the function must be given, since no array fixes them."""
    given: list[Symbol] = []
    for size in needed:
        if size not in _fixed(used, given):
            given.append(size)
    return tuple(given)


def _needs_others(each: Variable) -> int:
    """How much of an array needs sizes that should be known before: expressions in them, and the bound of ids."""
    bound = each.facts_by_kind.get("index")
    written = sum(not axis.is_Symbol and not axis.is_Integer for axis in each.shape)
    return written + (len(each.shape) + 1) * (bound is not None and not bound.is_Integer)


# ---------------------------------------------------------------- checks


def _checks(each: Variable, known: dict[Expr, None]) -> Iterator[str | Reading]:
    """Yield the lines that check an array and read the sizes that it fixes; `known` grows by them."""
    yield from _check(each, known, f"{each.name} = ")
    new: dict[Expr, int] = {}
    for place, axis in enumerate(each.shape):
        if axis.is_Symbol and axis not in known:
            new.setdefault(axis, place)
    if new:
        yield Reading(each, tuple((str(axis), place) for axis, place in new.items()))
    count = each.facts_by_kind.get("index")
    solved = count is not None and not count.free_symbols <= set(known)  # its own size bounds what it holds
    known.update(dict.fromkeys(new))
    for place, axis in enumerate(each.shape):
        solution = _solution(axis, known)
        if solution is not None:
            size, factor, rest = solution
            length = f"{each.name}.shape[{place}]"
            if rest != 0:
                length = f"{length} - {number(rest).within(ATOM)}"
            if factor != 1:
                length = f"{length if rest == 0 else f'({length})'} // {number(factor).within(ATOM)}"
            yield f"{size} = {length}"
            known[size], solved = None, True
    if solved:
        yield from _check(each, known, facts=False)


def _facts_of(each: Variable) -> tuple[FactCheck, ...]:
    """The checks of what is declared of an array of numbers; ids have a check of their own."""
    return () if "index" in each.facts_by_kind else fact_checks(each)


def _check(
    each: Variable, known: Iterable[Expr], start: str = "", facts: bool = True, indent: int = INDENT
) -> list[str]:
    """Return the call that checks an array, and what is declared of it; a size that is not known stands in quotes."""
    items = [number(axis).text if set(axis.free_symbols) <= set(known) else f'"{axis}"' for axis in each.shape]
    shape = f"({', '.join(items)}{',' if each.rank == 1 else ''})"
    count = each.facts_by_kind.get("index")
    if count is not None:
        most = number(count).text if count.free_symbols <= set(known) else "np.inf"
        return [f'{start}_ids("{each.name}", {each.name}, {shape}, {most})']
    functions = [check.function for check in _facts_of(each)] if facts else []
    return laid_out(f"{start}_array(", [f'"{each.name}"', each.name, shape, *functions], indent=indent)


# ---------------------------------------------------------------- words


def _meanings(
    used: Iterable[Variable], unused: Iterable[Variable], given: Iterable[Symbol], read: Iterable[Variable]
) -> Iterator[str]:
    """Yield a line on each argument: its name, its shape, and what is declared of it."""
    rows = [
        (each.name, shape_text(each.shape), _said(each, "" if each in read else "read for its shape")) for each in used
    ]
    rows += [(str(size), "a size", "no array fixes it") for size in given]
    rows += [(each.name, shape_text(each.shape), _said(each, "not read")) for each in unused]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for name, shape, what in rows:
        yield f"{name + ':':<{widths[0] + 1}} {shape:<{widths[1]}}  {what}".rstrip()


def _said(each: Variable, use: str) -> str:
    """Return what is declared of an array, in the words of declarations, and what use is made of it."""
    found = [(word, set(row.facts(each.shape))) for word, row in DECLARED.items() if row.fits(each.shape)]
    held = [(word, facts) for word, facts in found if facts <= set(each.facts)]
    words = [word for word, facts in held if not any(facts < others for _, others in held)]
    count = each.facts_by_kind.get("index")
    return ", ".join([*words, *([] if count is None else [f"integers from 0 to {count} - 1"]), *([use] if use else [])])


__all__ = ["Arguments", "arguments"]
