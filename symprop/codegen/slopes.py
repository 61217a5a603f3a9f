"""Slopes of activations: computed on the way there from what the activation is made of, which then need not be kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Scalar, Variable
from symprop.algebra.trees import added, multiplied, numbers_apart, terms_of, variables, walk
from symprop.calculus.tidy import tidy
from symprop.codegen.kinds import OfPrograms
from symprop.codegen.program import Emit, Names, Program, Statement, Why, rewritten
from symprop.codegen.stable import everywhere


def known_parts_of_sums(program: Program) -> Program:
    """Name a sum that is a factor in one place and, times a number, part of a sum in another.

    `a = z (1 + erf(t)) / 2` has the slope `(1 + erf(t)) / 2 + z exp(-t**2) / sqrt(2 pi)`.
    """
    sums: dict[Node, list[frozenset[Node]]] = {}
    for statement in program.statements:
        for part in walk(statement.expression):
            for terms in _factors(part):
                sums.setdefault(min((each for each in terms if each.rank), key=str), []).append(terms)
    if not sums:
        return program

    def within(node: Node) -> Iterator[frozenset[Node]]:
        """Yield the sums that are part of a sum."""
        for term in terms_of(node):
            yield from (terms for terms in sums.get(term, []) if terms < set(terms_of(node)))

    held = {terms for each in program.statements for part in walk(each.expression) for terms in within(part)}
    names, named = Names(program.names), dict[frozenset[Node], Variable]()

    def change(statement: Statement, emit: Emit) -> Statement:
        def name(terms: frozenset[Node], total: Node) -> Variable:
            named[terms] = names.new("sum", total, statement.target.index)  # equal sums are shared by now
            emit(Statement(named[terms], total))
            return named[terms]

        def rule(node: Node) -> Node | None:
            for terms, factor in _factors(node).items():
                if terms in held:
                    rest = [each for each in numbers_apart(node.operands)[1] if each is not factor]
                    return multiplied([name(terms, tidy(added(sorted(terms, key=str)))), *rest])
            for terms in within(node):
                if terms in named:
                    return added([named[terms], *(each for each in node.operands if each not in terms)])
            return None

        return statement.with_expression(everywhere(statement.expression, rule))

    return rewritten(program, change)


def _factors(node: Node) -> dict[frozenset[Node], Node]:
    """Return the sums of the algebra among the factors of a product, by their terms times the number in front."""
    if not isinstance(node, n.Multiply) or any(isinstance(part, OfPrograms) for part in walk(node)):
        return {}
    number, rest = numbers_apart(node.operands)
    sums = [each for each in rest if isinstance(each, n.Add) and each.rank] if number != 1 and len(rest) > 1 else []
    return {frozenset(tidy(Scalar(number) * term) for term in each.operands): each for each in sums}


WHY = Why("the slope, while what it is made of is there: alone it is kept for the way back")


def slopes_on_the_way(program: Program) -> Program:
    """Compute a factor of the way back in the forward pass, where two arrays or more are then no longer kept for it."""
    made = {each.target: place for place, each in enumerate(program.forward)}
    there = made.keys() | set(program.given)
    readers: dict[Variable, list[Statement]] = {}
    for statement in program.backward:
        for read in statement.reads:
            readers.setdefault(read, []).append(statement)
    last = {read: place for place, each in enumerate(program.forward) for read in (each.target, *each.reads)}
    names, early = Names(program.names), dict[int, list[Statement]]()

    def moved(statement: Statement) -> Statement:
        if not isinstance(statement.expression, n.Multiply):
            return statement
        factors = list(statement.expression.operands)
        for place, factor in enumerate(factors):
            reads = variables(factor)
            if isinstance(factor, Variable) or not there.issuperset(reads):
                continue
            freed = [each for each in reads if each in made and readers[each] == [statement]]
            freed = [each for each in freed if each.shape == factor.shape and each.name not in program.returned]
            if len(freed) < 2:
                continue
            factors[place] = names.new("slope", factor, statement.target.index)
            at = max(*(last[each] for each in freed), *(1 + made[each] for each in reads if each in made))
            early.setdefault(at, []).append(Statement(factors[place], factor, whys=(WHY,)))
        if factors == list(statement.expression.operands):
            return statement
        return statement.with_expression(statement.expression.with_operands(factors))

    backward = tuple(map(moved, program.backward))
    forward: list[Statement] = []
    for place in range(len(program.forward) + 1):
        forward += [*early.get(place, []), *program.forward[place : place + 1]]
    return replace(program, forward=tuple(forward), backward=backward)


__all__ = ["known_parts_of_sums", "slopes_on_the_way"]
