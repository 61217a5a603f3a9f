"""What a step of a loop over time computes without what is carried is computed for all moments at once, before it.

So the products with the input are one product, and factors of the way back that the forward pass knows are arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.batching import batched
from symprop.algebra.nodes import Node, Variable
from symprop.codegen.passes import is_cheap
from symprop.codegen.program import Names, Program, Statement
from symprop.codegen.scans import Body, Scan, has_scans


def hoisted(program: Program) -> Program:
    """Compute before each loop what its steps compute of rows and of what is the same in all of them."""
    names = Names(program.names)

    def part(statements: tuple[Statement, ...]) -> Iterator[Statement]:
        for statement in statements:
            if isinstance(statement.expression, Scan):
                hoist = _Hoist(statement.expression, names)
                found = hoist.scan(statement)
                yield from hoist.before
                yield found
            else:
                yield statement

    if not has_scans(program):
        return program
    return replace(program, forward=tuple(part(program.forward)), backward=tuple(part(program.backward)))


class _Hoist:
    """The rows of a scan, the statements that stand before it, and what of its step is a row of these."""

    def __init__(self, scan: Scan, names: Names) -> None:
        self.old, self.names = scan, names
        self.rows: dict[Variable, Node] = dict(zip(scan.steps.rows, scan.arrays, strict=True))
        self.same = frozenset(scan.steps.whole)
        self.before: list[Statement] = []
        self.found: dict[Node, Variable] = {}

    def scan(self, statement: Statement) -> Statement:
        """Return the scan with a shorter step."""
        steps = self.old.steps
        made = [each.with_expression(self.visit(each.expression)) for each in steps.program.forward]
        if not self.found:
            return statement
        read = {variable for each in made for variable in each.reads}
        rows = {row: array for row, array in self.rows.items() if row in read}
        whole = tuple(each for each in steps.whole if each in read)
        inputs = (*rows, *steps.before, *whole)
        program = replace(steps.program, forward=tuple(made), inputs=inputs)
        changed = replace(steps, program=program, rows=tuple(rows), whole=whole)
        return statement.with_expression(Scan(*rows.values(), *self.old.starts, *whole, Body(changed)))

    def visit(self, node: Node) -> Node:
        """Return a formula of a step with its largest parts that are rows read as such."""
        if self.is_free(node):
            return node if is_cheap(node) or not node.rank else self.row(node)
        operands = node.operands
        if isinstance(node, (n.Multiply, n.Add)):
            free = [each for each in operands if self.is_free(each) and each.rank == node.rank]
            if isinstance(node, n.Add) and any(not is_cheap(each) for each in free):
                free += [each for each in operands if self.is_same(each)]
            if len(free) > 1:
                rest = [each for each in operands if each not in free]
                return node.func(*map(self.visit, rest), self.row(node.func(*free)))
        changed = [self.visit(each) for each in operands]
        return node if all(a is b for a, b in zip(changed, operands, strict=True)) else node.with_operands(changed)

    def is_free(self, node: Node) -> bool:
        """Whether a formula reads a row, and nothing that is carried."""
        read = trees.variables(node)
        return any(each in self.rows for each in read) and all(each in self.rows or each in self.same for each in read)

    def is_same(self, node: Node) -> bool:
        """Whether a formula is the same in every step."""
        return all(each in self.same for each in trees.variables(node))

    def row(self, node: Node) -> Variable:
        """Return the row of an array that holds a formula for all moments."""
        if node not in self.found:
            whole = self.for_all(node)
            array = self.names.new("known", whole, ())
            self.before.append(Statement(array, whole))
            row = array.change(letter="known_t", shape=node.shape)
            self.found[node] = row
            self.rows[row] = array
        return self.found[node]

    def for_all(self, node: Node) -> Node:
        """Return a formula of a step for all moments."""
        product = node.operands[0] if isinstance(node, n.Add) else node
        is_of_rows = isinstance(product, n.MatMul) and product.operands[1].rank == 2
        if is_of_rows and (array := self._by_rows(product.operands[0])) is not None:
            axes = (1, 0, 2)
            whole: Node = n.MatMul(n.Transpose(array, axes), product.operands[1])
            if isinstance(node, n.Add):
                whole = n.Add(whole, *node.operands[1:])
            return n.Transpose(whole, axes)
        read = [each for each in trees.variables(node) if each in self.rows]
        names = {each: each.change(shape=self.rows[each].shape) for each in read}
        whole = batched(node, names, Integer(self.old.steps.count), "rows")
        return trees.replace(whole, {names[each]: self.rows[each] for each in read})

    def _by_rows(self, node: Node) -> Node | None:
        """Return the array of a row that lies example by example, where its product is one of rows of examples."""
        array = self.rows.get(node) if isinstance(node, Variable) else None
        return array if isinstance(array, n.Transpose) and array.rank == 3 else None


__all__ = ["hoisted"]
