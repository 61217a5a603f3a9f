"""The passes of programs that one reads: every equation stays one statement, in a form that does not overflow."""

from __future__ import annotations

from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.alike import ForAlike
from symprop.algebra.lifting import lift
from symprop.algebra.means import has_statistics, with_means
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import STATISTIC
from symprop.algebra.table import for_kinds
from symprop.analysis.derivation import Derivation
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.calculus.exponentials import argument
from symprop.codegen import passes
from symprop.codegen.guards import bound_saturated, clamp_branches, step_around_poles
from symprop.codegen.kinds import LogSoftmax
from symprop.codegen.large_powers import bound_large_powers
from symprop.codegen.lowering import lower
from symprop.codegen.program import Emit, Pass, Program, Statement, rewritten
from symprop.codegen.scans import Scan
from symprop.codegen.stable import CALLED, by_rule, everywhere, held_roots, stable_exponentials


def log_softmaxes(program: Program) -> Program:
    """Write the logarithm of a softmax as one function of the logits: it is finite where the softmax rounds to 0."""
    definitions = program.definitions()

    def change(statement: Statement, emit: Emit) -> Statement:
        def rule(node: Node) -> Node | None:
            inside = argument(node, "log")
            if isinstance(inside, Variable):
                inside = definitions.get(inside.name, inside)
            if not isinstance(inside, n.Softmax):
                return None
            return LogSoftmax(inside.operands[0], inside.axis)

        return statement.with_expression(everywhere(statement.expression, rule))

    return rewritten(program, change, n.Map)


def short_functions(program: Program) -> Program:
    """Write an elementwise function that is one call of a library as that call: ReLU is `maximum(z, 0)`."""

    @for_kinds(n.Map)
    def rule(node: n.Map) -> Node | None:
        if node.function.name in CALLED:
            return None
        body = lift(node.function.body, dict(zip(node.function.parameters, node.operands, strict=True)))
        rectified = isinstance(body, n.Where) and body == rectifier(body.operands[1])
        called = isinstance(body, n.Map) and all(
            operand.rank == 0 or operand in node.operands for operand in body.operands
        )
        return body if rectified or called else None

    return by_rule(program, rule)


def rectifier(t: Node) -> Node:
    """Return `where(t > 0, t, 0)`."""
    return n.Where(n.Compare(">", t, n.Scalar(0)), t, n.Scalar(0))


def means(program: Program) -> Program:
    """Write the means of norms as a library does, `z.mean(axis=0)`; a sign stands before an axis that is added."""

    @for_kinds(n.Expand)
    def before(node: n.Expand) -> Node | None:
        number, rest = coefficient_and_rest(node.operands[0])
        return scaled(number, n.Expand(rest, node.axis)) if number == -1 and rest is not None else None

    plain = ForAlike(lambda node: everywhere(node, before))
    averaged = ForAlike(lambda node: with_means(everywhere(node, before)))

    def change(statement: Statement, emit: Emit) -> Statement:
        averages = statement.target.role == STATISTIC or has_statistics(statement.expression)
        write = averaged if averages else plain
        return statement.with_expression(write(statement.expression, found=statement.pattern))

    return rewritten(program, change)


def in_the_order_of_the_page(program: Program) -> Program:
    """Put the equations of the backward pass in the order of their numbers; a loop stands where its first does."""
    last = len(program.backward) + max((each.number or 0 for each in program.statements), default=0)
    places: list[int] = []
    for each in program.backward:
        number = each.number
        if isinstance(each.expression, Scan):
            number = _first_number(each.expression)
        elif number is None and not each.whys:  # what is made of a loop
            number = places[-1]
        places.append(number or last)
    order = sorted(range(len(places)), key=places.__getitem__)
    return replace(program, backward=tuple([program.backward[place] for place in order]))


def _first_number(scan: Scan) -> int | None:
    """Return the number of the first equation of a loop; of one over windows, of the last loop inside."""
    statements = scan.steps.program.forward
    inside = [each.expression for each in statements if isinstance(each.expression, Scan)]
    return _first_number(inside[-1]) if inside else statements[0].number


FORMS: tuple[Pass, ...] = (
    short_functions,
    log_softmaxes,
    stable_exponentials,
    clamp_branches,
    step_around_poles,
    bound_saturated,
    bound_large_powers,
    held_roots,
    means,
)
"""In the order in which they run."""


def readable(derivation: Derivation) -> Program:
    """Return the program of a derivation in the layout "rows" with a statement for each equation, as it is printed."""
    return passes.run(lower(derivation), (in_the_order_of_the_page, *FORMS, passes.dead))


__all__ = ["FORMS", "log_softmaxes", "readable"]
