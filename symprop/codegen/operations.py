"""The pass that leaves one operation to a statement: one call of NumPy, for whose result memory can be planned.

An operation reads variables, numbers, and views of variables (which cost nothing). A sum or product of several operands
becomes a chain, each link of which can write into the memory of the one before. Numbers and other scalars stay inside
the operation that reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.named_numbers import unnamed
from symprop.algebra.nodes import Node, Scalar, Variable
from symprop.algebra.table import Table, for_kinds
from symprop.algebra.trees import factors_of, multiplied, variables
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest
from symprop.calculus.known_forms import is_map
from symprop.codegen.indicators import is_indicator, opposite
from symprop.codegen.kinds import Copy
from symprop.codegen.passes import role, size_in_a_batch
from symprop.codegen.program import Emit, Names, Program, Statement, Why, rewritten
from symprop.codegen.scans import PART
from symprop.codegen.views import gives_view, is_boolean, is_constant, is_placed, is_view

OPERATION = Table("operation")
"""How a kind becomes one operation. A kind without a row is one call as it stands, over atoms."""


def single_operations(program: Program) -> Program:
    """Leave one operation to a statement; what stands inside is named and computed before."""
    names = Names(program.names)
    booleans: set[Node] = set()
    strided: set[Node] = set()
    constants: dict[Node, Variable] = {}

    def change(statement: Statement, emit: Emit) -> Statement:
        splitter = Splitter(program, names, emit, statement, booleans, strided, constants, list(statement.whys))
        expression = splitter.operation(statement.expression)
        statement = replace(statement, whys=tuple(splitter.whys))
        if statement.name in program.returned and statement.target.rank and is_view(expression):
            expression = Copy(expression)
        if is_boolean(expression, booleans):
            booleans.add(statement.target)
        if is_view(expression) and not splitter.is_whole(expression):
            strided.add(statement.target)
        return statement.with_expression(expression)

    return rewritten(program, change)


@dataclass(frozen=True)
class Splitter:
    """Splits the right side of one statement; operations that must come before are emitted."""

    program: Program
    names: Names
    emit: Emit
    statement: Statement
    booleans: set[Node]
    strided: set[Node]
    """Names of views whose elements do not lie one after the other."""
    constants: dict[Node, Variable]
    whys: list[Why]
    """What is still to be said of the statement, here or where a part of it is computed."""

    def operation(self, node: Node) -> Node:
        """Return `node` as one operation over atoms."""
        if not node.rank:
            return self.scalar(node)
        row: Callable[[Splitter, Node], Node] | None = OPERATION.find(type(node))
        return row(self, node) if row else node.with_operands(map(self.atom, node.operands))

    def is_whole(self, view: Node) -> bool:
        """Whether the elements of a view lie one after the other in memory, so that another shape of it is a view."""
        while isinstance(view, (n.Reshape, n.Expand)) or (isinstance(view, n.Slice) and view.axis == 0):
            view = view.operands[0]
        return not view.rank or (isinstance(view, Variable) and view not in self.strided)

    def scalar(self, node: Node) -> Node:
        """Return an expression without axes; the arrays in it are atoms."""
        operands = tuple(self.number(part) if part.rank else self.scalar(part) for part in node.operands)
        return node if operands == node.operands else node.with_operands(operands)

    def atom(self, node: Node) -> Node:
        """Return what an operation may read: a variable, a scalar, or a view of a variable."""
        if not node.rank:
            return self.scalar(node)
        done = self.operation(node)
        return done if is_view(done) else self.named(done, node)

    def number(self, node: Node) -> Node:
        """Return an atom of numbers: booleans are copied into an array of numbers."""
        atom = self.atom(node)
        return self.named(Copy(atom), node) if is_boolean(atom, self.booleans) or atom in self.booleans else atom

    def named(self, operation: Node, whole: Node | None = None) -> Variable:
        """Emit an operation under a fresh name, and return the name; `whole` is what it computes, written out."""
        if is_constant(operation):
            return self.constant(operation)
        word = role(whole or operation, self.statement, self.program)
        index = self.statement.target.index or (None if self.program.parameters else ())
        name = self.names.new(word, operation, index, PART)
        there = [why for why in self.whys if why.about and whole and set(why.about) <= set(variables(whole))]
        self.emit(Statement(name, operation, whys=tuple(there)))
        self.whys[:] = [why for why in self.whys if why not in there]
        if is_boolean(operation, self.booleans):
            self.booleans.add(name)
        return name

    def constant(self, array: Node) -> Variable:
        """Return the name of an array that depends on sizes alone, the same wherever it stands."""
        if array not in self.constants:
            word = array.name if isinstance(array, n.Known) else "identity" if isinstance(array, n.Identity) else ""
            word = word or ("ones" if array.constant == 1 else "zeros" if array.constant == 0 else "constant")
            self.constants[array] = self.names.new(word, array)
            self.emit(Statement(self.constants[array], array))
        return self.constants[array]

    def chained(self, first: Node, links: Sequence[Callable[[Node], Node]]) -> Node:
        """Return the last of `links`, each applied to the result of the one before, which is emitted."""
        for link in links:
            first = link(first if is_view(first) or not first.rank else self.named(first))
        return first


# ---------------------------------------------------------------- sums and products


@OPERATION.row(n.Add)
def _(split: Splitter, node: Node) -> Node:
    scalars = [split.scalar(term) for term in node.operands if not term.rank]
    terms = [_signed(term) for term in node.operands if term.rank]
    terms.sort(key=lambda term: (term[1].shape != node.shape, term[0] < 0, isinstance(term[1], Variable)))
    terms.sort(key=lambda term: term[0] > 0 and is_placed(term[1]))
    (sign, first), *rest = terms
    links: list[Callable[[Node], Node]] = []
    constant = None if not scalars else (scalars[0] if len(scalars) == 1 else n.Add(*scalars))
    if sign < 0 and constant is not None:  # 1 - a
        links.append(lambda done, c=constant: n.Add(c, n.negative(done)))  # type: ignore[misc]
        constant = None
    elif sign < 0:
        links.append(n.negative)
    for each in rest:
        links.append(lambda done, each=each: _sum(split, done, *each))  # type: ignore[misc]
    if constant is not None:
        links.append(lambda done: n.Add(done, constant))
    return split.chained(split.number(first), links)


def _signed(term: Node) -> tuple[int, Node]:
    """Return the sign of a term, and the term without it."""
    coefficient, rest = coefficient_and_rest(term)
    if not coefficient.could_extract_minus_sign() or rest is None:
        return 1, term
    return -1, n.negative(term)


def _sum(split: Splitter, left: Node, sign: int, right: Node) -> Node:
    if sign > 0 and is_placed(right):
        return n.Add(left, right.with_operands(map(split.atom, right.operands)))
    return n.Add(left, split.number(right) if sign > 0 else n.negative(split.number(right)))


@OPERATION.row(n.Multiply)
def _(split: Splitter, node: Node) -> Node:
    factors = [factor for factor in node.operands if factor.rank]
    scalars = [split.scalar(factor) for factor in node.operands if not factor.rank]
    if not scalars and all(map(is_indicator, factors)):
        return split.chained(
            split.atom(factors[0]),
            [lambda done, f=f: FUNCTIONS["minimum"](done, split.atom(f)) for f in factors[1:]],  # type: ignore[misc]
        )
    scale = multiplied(scalars) if scalars else Scalar(1)
    smallest = min(factors, key=size_in_a_batch)
    # the scale goes where there is least to multiply
    if scale != Scalar(1) and size_in_a_batch(smallest) < size_in_a_batch(node):
        inside = factors_of(smallest)
        factors[factors.index(smallest)] = n.Multiply(scale, *inside)
        scale = Scalar(1)
    above = [factor for factor in factors if not _is_inverse(factor)]
    below = [factor.operands[0] for factor in factors if _is_inverse(factor)]
    above.sort(key=lambda factor: (is_indicator(factor), factor.shape != node.shape, isinstance(factor, Variable)))
    links: list[Callable[[Node], Node]] = []
    for factor in above[1:]:
        links.append(lambda done, factor=factor: n.Multiply(done, split.atom(factor)))  # type: ignore[misc]
    first = split.number(above[0]) if above else n.Power(split.number(below.pop(0)), -1)
    for factor in below:
        links.append(lambda done, f=factor: n.Multiply(done, n.Power(split.number(f), -1)))  # type: ignore[misc]
    if scale != Scalar(1):
        links.append(lambda done: n.Multiply(scale, done))
    return split.chained(first, links)


def _is_inverse(node: Node) -> bool:
    return bool(base_and_exponent(node)[1] == -1)


@OPERATION.row(n.Power)
def _(split: Splitter, node: n.Power) -> Node:
    base, exponent = node.operands[0], node.exponent
    if exponent.is_negative and exponent != -1:
        return split.operation(n.Power(n.Power(base, -exponent), -1))
    if exponent.is_Integer and 2 < exponent <= 16:
        return _whole_power(split, split.number(base), int(exponent))
    return n.Power(split.number(base), exponent)


def _whole_power(split: Splitter, base: Node, exponent: int) -> Node:
    """Return a power as products (D. E. Knuth, The Art of Computer Programming, volume 2, 4.6.3)."""
    if exponent <= 2:
        return n.Power(base, 2) if exponent == 2 else base
    half = split.named(_whole_power(split, base, exponent // 2)) if exponent > 3 else base
    square = n.Power(half, 2)
    return n.Multiply(split.named(square), base) if exponent % 2 else square


# ---------------------------------------------------------------- elementwise functions


@OPERATION.row(n.Map)
def _(split: Splitter, node: n.Map) -> Node:
    for name, written in WRITTEN_OUT.items():
        if is_map(node, name):
            return split.operation(written(split.number(node.operands[0])))
    return node.with_operands(split.number(operand) if operand.rank else operand for operand in node.operands)


def _sigmoid(t: Node) -> Node:
    """1 / (1 + exp(-t)) = exp(min(t, 0)) / (1 + exp(-|t|)): neither exponential can overflow."""
    return FUNCTIONS["exp"](FUNCTIONS["minimum"](t, Scalar(0))) / (1 + FUNCTIONS["exp"](-FUNCTIONS["abs"](t)))


def _softplus(t: Node) -> Node:
    """log(1 + exp(t)) = max(t, 0) + log1p(exp(-|t|))."""
    return FUNCTIONS["log1p"](FUNCTIONS["exp"](-FUNCTIONS["abs"](t))) + FUNCTIONS["maximum"](t, Scalar(0))


WRITTEN_OUT: dict[str, Callable[[Node], Node]] = {"sigmoid": _sigmoid, "softplus": _softplus}
"""Functions of helpers that are a few operations, each of which can write in place."""


# ---------------------------------------------------------------- choices


@OPERATION.row(n.Compare)
def _(split: Splitter, node: n.Compare) -> Node:
    return node.with_operands(split.number(operand) for operand in node.operands)


@OPERATION.row(n.Where)
def _(split: Splitter, node: n.Where) -> Node:
    condition, yes, no = node.operands
    larger = _larger(condition, yes, no)
    if larger is not None:
        return split.operation(larger)
    numbers = [part.value for part in (yes, no) if isinstance(part, Scalar)]
    if len(numbers) == 2 and not any(number.is_infinite for number in numbers):
        return split.operation(n.Multiply(Scalar(yes.value - no.value), _as_indicator(condition)) + no)
    mask = _mask(split, condition)
    return n.Where(mask, split.number(yes), split.number(no))


@for_kinds(n.Compare)
def _larger(condition: n.Compare, yes: Node, no: Node) -> Node | None:
    """Return `where(t > 0, t, c t)` as `max(t, c t)` for c from 0 to 1, else None."""
    if condition.relation not in (">", ">="):
        return None
    coefficient, rest = coefficient_and_rest(no)
    same = no == Scalar(0) or (rest == yes and coefficient.is_number and 0 <= unnamed(coefficient) <= 1)
    return FUNCTIONS["maximum"](yes, no) if same and condition.operands == (yes, Scalar(0)) else None


def _as_indicator(condition: Node) -> Node:
    return condition if is_indicator(condition) else n.Compare("!=", condition, Scalar(0))


def _mask(split: Splitter, condition: Node) -> Node:
    """Return booleans that say where `condition` is not 0."""
    inverse = opposite(condition)
    if inverse is not None and is_indicator(inverse):
        return split.named(n.Compare("==", _mask(split, inverse), Scalar(0)))
    return split.atom(_as_indicator(condition))


@OPERATION.row(n.Variable, n.BlockSum)  # what stands inside a series depends on its index
def _(split: Splitter, node: Node) -> Node:
    return node


__all__ = ["PART", "gives_view", "is_boolean", "is_constant", "is_view", "single_operations"]
