"""A sequence one position at a time: the equations of position t, and what they need of the positions before.

A causal network gives a position what follows from those up to it. So its equations can be read row by row: nearly all
of an equation needs what it reads at position t alone; a product over positions needs some arrays for all of them up to
t, which are *kept* from position to position (the keys and values of attention). That nothing behind t matters is not
taken on trust: what is summed over positions must be weighed by a softmax whose scores are minus infinity there.
A recurrent layer is one step of its loop; its states are *carried* from position to position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Integer, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, Loop, System
from symprop.algebra.index_maps import AXES
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import PARAMETER
from symprop.algebra.trees import added

POSITIONS = Symbol("T_", integer=True, positive=True)
"""How many positions there are, while the equations are read: no size of a network is called so."""
POSITION = Symbol("t", integer=True, nonnegative=True)
"""The position whose equations are written, from 0."""
SEEN = POSITION + 1
ALL = "_all"
"""What the letter of an array is followed by that holds all positions so far."""


class TogetherError(Exception):
    """A formula whose positions cannot be taken one at a time."""


@dataclass(frozen=True)
class Kept:
    """An array that is kept: `new` is its row at position t, `all` all rows up to it, along `axis`."""

    new: Variable
    all: Variable
    axis: int


@dataclass(frozen=True)
class Carried:
    """A state that is carried: `before` is what position t reads, `after` what it makes; `start` is there first."""

    before: Variable
    after: Variable
    start: Variable


@dataclass(frozen=True)
class OnePosition:
    """The equations of one position: `given` is the input there, `output` what comes of it."""

    equations: tuple[Equation, ...]
    kept: tuple[Kept, ...]
    carried: tuple[Carried, ...]
    given: Variable
    output: Variable


def one_position(system: System) -> OnePosition | None:
    """Return the equations of one position of a system in rows, whose sequences have `POSITIONS` positions.

    None where its positions cannot be taken one at a time.

    >>> from symprop import Attention, Input
    >>> found = one_position((Input("T_", 4) >> Attention(2, causal=True)).system("rows"))
    >>> [equation.text() for equation in found.equations][4:6], [each.new.name for each in found.kept]
    (['p1 = softmax(s1, axis=3)', 'o1 = p1 @ v_all1'], ['k1', 'v1'])
    >>> one_position((Input("T_", 4) >> Attention(2)).system("rows")) is None
    True
    """
    system = system.evaluated
    if system.output is None or len(system.inputs) != 1 or system.states:
        return None
    rows = _Rows()
    given = rows.at(system.inputs[0], 1)
    try:
        for item in system.items:
            rows.take(item)
            if system.output in rows.made:
                return rows.result(given, system.output)
    except TogetherError:
        return None
    return None


@dataclass
class _Rows:
    """The walk through the equations in order."""

    equations: list[Equation] = field(default_factory=list)
    made: set[Variable] = field(default_factory=set)
    carried: list[Carried] = field(default_factory=list)
    kept: dict[Variable, Kept] = field(default_factory=dict)
    behind: dict[Variable, Expr] = field(default_factory=dict)
    """What an array holds at the positions behind t along its second axis of positions: minus infinity, or 0."""

    def take(self, item: Item) -> None:
        """Append what stands for an equation, or for a loop over all positions."""
        if isinstance(item, Equation):
            self.define(item)
        else:
            self.step(item)

    def step(self, loop: Loop) -> None:
        """Append the equations of step t of a loop over all positions."""
        if loop.count != POSITIONS or any(each.expression.has(POSITIONS) for each in loop.equations):
            raise TogetherError
        for rows in loop.reads:
            if rows.row not in self.made:  # another layer may read the same rows
                part = self.at(rows.array, rows.axis)
                self.append(rows.row, n.Reshape(part, rows.row.shape), f"position {POSITION}")
        for equation in loop.equations:
            self.append(equation.target, equation.expression, equation.note)
        self.carried += [Carried(each.before, each.after, loop.start(each)) for each in loop.carries]
        for rows in loop.writes:
            row = self.row(rows.array)
            self.append(row, n.Reshape(rows.row, row.shape), f"position {POSITION} of {rows.array.name}")
            self.made.add(rows.array)

    def append(self, target: Variable, expression: Node, note: str) -> None:
        """Append an equation of position t."""
        self.equations.append(Equation(target, expression, note=note))
        self.made.add(target)

    def define(self, equation: Equation) -> None:
        """Append the equation of position t."""
        target, places = equation.target, _places(equation.target)
        if len(places) > 1:
            self.behind.update({target: found} if (found := self._behind(equation.expression)) is not None else {})
        if not places and equation.expression.has(POSITIONS):
            raise TogetherError  # of all positions at once, as a mean over them
        expression = self.at(equation.expression, places[0]) if places else equation.expression
        self.append(self.row(target), expression, equation.note)
        self.made.add(target)

    def row(self, variable: Variable) -> Variable:
        """Return the variable of position t."""
        return variable.change(shape=_sizes(variable.shape, *_places(variable)[:1]))

    def result(self, given: Node, output: Variable) -> OnePosition | None:
        """Return what was found, where the output has a row for each position."""
        if _places(output) != [1] or not isinstance(given, Variable):
            return None
        return OnePosition(
            tuple(self.equations), tuple(self.kept.values()), tuple(self.carried), given, self.row(output)
        )

    def at(self, node: Node, axis: int) -> Node:
        """Return a node at position t along an axis of positions, which stays with length 1."""
        match node:
            case Variable(role=role) if role == PARAMETER:
                return n.Slice(node, axis, POSITION, SEEN)
            case Variable():
                if _places(node)[0] != axis:
                    raise TogetherError
                return self.row(node)
            case n.Known():
                moved = node.rule.xreplace({AXES[axis]: AXES[axis] + POSITION})
                return n.Known(node.name, moved, _sizes(node.shape, axis))
            case n.Take(operands=(table, ids)) if axis < ids.rank:
                return node.with_operands((table, self.at(ids, axis)))
            case n.MatMul(operands=(left, right)):
                return self._product(node, left, right, axis - node.rank)
            case n.Softmax(operands=(operand,)) if node.axis != axis:
                if operand.shape[node.axis] == POSITIONS and self._behind(operand) != -sympy.oo:
                    raise TogetherError
                return node.with_operands((self.at(operand, axis),))
            case n.Reshape(operands=(operand,)):
                return self._reshaped(node, operand, axis)
            case n.Add() if any(isinstance(part, n.Known) and _held(part, -1) == 0 for part in node.operands):
                hiding = [part for part in node.operands if isinstance(part, n.Known) and _held(part, -1) == 0]
                return self.at(added([part for part in node.operands if part not in hiding]), axis)
            case n.Elementwise():
                return node.with_operands(self._aligned(node, operand, axis) for operand in node.operands)
            case n.Concatenate() if node.axis != axis:
                return node.with_operands(self.at(operand, axis) for operand in node.operands)
            case n.Structural(operands=(operand,)):
                found = [k for k, place in enumerate(node.index_map.places) if place == AXES[axis]]
                if len(found) != 1 or operand.shape[found[0]] != POSITIONS or not _moves_whole_axes(node):
                    raise TogetherError
                return node.with_operands((self.at(operand, found[0]),))
            case n.Sum(operands=(operand,)) if all(operand.shape[each] != POSITIONS for each in node.axes):
                before = [k for k in range(operand.rank) if node.keepdims or k not in node.axes]
                return node.with_operands((self.at(operand, before[axis]),))
        raise TogetherError

    def _aligned(self, node: Node, operand: Node, axis: int) -> Node:
        place = axis - node.rank + operand.rank
        if place < 0 or operand.shape[place] != POSITIONS:
            return self.seen(operand)
        return self.at(operand, place)

    def _product(self, node: Node, left: Node, right: Node, axis: int) -> Node:
        """Return the rows at t of a matrix product; `axis` counts from the end."""
        if axis == -1:
            raise TogetherError
        if left.shape[-1] == POSITIONS and self._behind(left) != 0:
            raise TogetherError
        if axis == -2:
            return n.MatMul(self.at(left, left.rank - 2), self.seen(right))
        return n.MatMul(*(self._at_place(operand, operand.rank + axis) for operand in (left, right)))

    def _at_place(self, operand: Node, place: int) -> Node:
        here = place >= 0 and operand.shape[place] == POSITIONS
        return self.at(operand, place) if here else self.seen(operand)

    def _reshaped(self, node: Node, operand: Node, axis: int) -> Node:
        before = sympy.prod(node.shape[:axis])
        for place, size in enumerate(operand.shape):
            if size == POSITIONS and sympy.prod(operand.shape[:place]) == before:
                return n.Reshape(self.at(operand, place), _sizes(node.shape, axis))
        raise TogetherError

    def seen(self, node: Node) -> Node:
        """Return a node with all positions up to t along its axes of positions."""
        if not node.has(POSITIONS):
            return node
        match node:
            case Variable(role=role) if role == PARAMETER:
                for axis in _places(node):
                    node = n.Slice(node, axis, 0, SEEN)
                return node
            case Variable():
                return self._all(node)
            case n.Scalar():
                return node  # a number of positions is that of all of them
            case n.Known():
                return n.Known(node.name, node.rule, _sizes(node.shape))
            case n.Reshape(operands=(operand,)):
                return n.Reshape(self.seen(operand), _sizes(node.shape))
            case n.Elementwise():
                return node.with_operands(map(self.seen, node.operands))
            case n.Structural() if _moves_whole_axes(node):
                return node.with_operands(map(self.seen, node.operands))
        raise TogetherError  # what joins positions, such as a mean over them, is another of those up to t

    def _all(self, variable: Variable) -> Variable:
        """Keep an array, and return all of it so far."""
        if variable not in self.kept:
            places = _places(variable)
            if len(places) != 1:
                raise TogetherError
            known = variable.change(letter=variable.letter + ALL, shape=_sizes(variable.shape))
            self.kept[variable] = Kept(self.row(variable), known, places[0])
        return self.kept[variable].all

    def _behind(self, node: Node) -> Expr | None:
        """What a node holds behind position t along its last axis: minus infinity, 0, or something else (None)."""
        match node:
            case Variable():
                return self.behind.get(node)
            case n.Known():
                return _held(node, 1)
            case n.Add() if any(self._behind(each) == -sympy.oo for each in node.operands):
                return -sympy.oo
            case n.Softmax(operands=(operand,)) if node.axis == node.rank - 1 and self._behind(operand) == -sympy.oo:
                return Integer(0)
        return None


def _moves_whole_axes(node: n.Structural) -> bool:
    """Whether each axis of positions of the operand is one of the result, from its first to its last."""
    places = zip(node.index_map.places, node.operands[0].shape, strict=True)
    return all(place in AXES for place, size in places if size == POSITIONS)


def _held(node: n.Known, behind: int) -> Expr | None:
    """What known data holds at all positions behind that of its row, or with -1 at all up to it, if it is one value."""
    if _places(node)[-2:] != [node.rank - 2, node.rank - 1]:
        return None
    i, j = AXES[node.rank - 2], AXES[node.rank - 1]
    steps = Symbol("steps", integer=True, **({"positive": True} if behind > 0 else {"nonnegative": True}))
    value = node.rule.xreplace({j: i + steps}) if behind > 0 else node.rule.xreplace({i: j + steps})
    return value if not value.free_symbols else None


def _sizes(shape: Sequence[Expr], *at: int) -> list[Expr]:
    """Return the sizes of an array of position t along one axis, and of all up to it along others."""
    return [Integer(1) if axis in at else SEEN if size == POSITIONS else size for axis, size in enumerate(shape)]


def _places(node: Node) -> list[int]:
    """The axes of positions."""
    return [axis for axis, size in enumerate(node.shape) if size == POSITIONS]


__all__ = ["POSITION", "POSITIONS", "Carried", "Kept", "OnePosition", "one_position"]
