"""A formula that stands alone: NumPy notation with the shapes of its arrays, and the graph of its operations.

It may give names to parts of itself, `K = exp(-D / l); y @ inv(K) @ y`; derivatives are then written in these names.
The graph of a formula without names has a name for every operation (`v1 = x + y`, `v2 = y - 1`, `L = v1 * v2`), so
that backpropagation through it shows what flows along each edge and where the flows into a shared node are added up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from typing import Any

from symprop.algebra.declarations import check_declared, declared, read_declarations, shapes_of
from symprop.algebra.definitions import needed_for, written_out
from symprop.algebra.equations import Equation, System
from symprop.algebra.hints import IDENTITY
from symprop.algebra.inference.infer import LIKELY_SCALAR, inferred
from symprop.algebra.names import variable
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.algebra.numbered_sizes import numbered, numbered_text, numbers_for, sizes_given, sizes_of
from symprop.algebra.printable import Printable
from symprop.algebra.reader import names_in
from symprop.algebra.reading.mentions import tree_of
from symprop.algebra.reading.statements import names_read, statements
from symprop.algebra.roles import LOSS
from symprop.algebra.shapes import Shape, shape_text
from symprop.algebra.sizes import size_text
from symprop.algebra.statement_reader import check_length, defined, exponents, on_one_line, read_statement
from symprop.algebra.symmetry import is_symmetric
from symprop.algebra.trees import variables
from symprop.errors import FormulaError, ShapeError, located, shown
from symprop.keywords import public

STEM_LETTERS = ("v", "u", "t", "s", "q")
RESULT_LETTERS = ("L", "f", "g", "h", "r")
VALUE_LETTERS = ("f", "L", "g", "h", "r", "J")


@public
@dataclass(frozen=True, repr=False)
class Formula(Printable):
    """A formula read from NumPy notation, as typed (`source`) and as a tree (`node`), over `variables`.

    `definitions` are the names that it gives to parts of itself, in order; `node` is written in them. `called` is the
    name that it gives to its value ("" where it has none).

    Where nothing was declared, `readings` are the shapes that were inferred, as declarations are typed, then others
    that fit nearly as well.

    >>> import symprop
    >>> f = symprop.formula("r = X @ w - y; r @ r", X="m n", w="n", y="m")
    >>> f.text(), f.shape, f.variables
    ('r = X @ w - y; r @ r', (), (X, w, y))
    >>> f.whole.text()
    '(X @ w - y) @ (X @ w - y)'
    """

    source: str
    node: Node
    variables: tuple[Variable, ...] = ()
    definitions: tuple[Equation, ...] = ()
    called: str = ""
    readings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the value is called: as the formula says, else the first of `f`, `L`, `g`, ... that is free."""
        taken = {each.name for each in (*self.variables, *(named.target for named in self.definitions))}
        return self.called or next((letter for letter in VALUE_LETTERS if letter not in taken), "f_")

    @property
    def shape(self) -> Shape:
        """The shape of the value."""
        return self.node.shape

    @property
    def whole(self) -> Formula:
        """The formula without names of its own: what they stand for is in their place."""
        if not self.definitions:
            return self
        return replace_fields(self, node=written_out(self.node, self.definitions), definitions=())

    def with_sizes(self, sizes: Mapping[str, int] | None) -> Formula:
        """Return the formula with numbers for names of sizes, such as `{"m": 5}`.

        Raises:
            FormulaError: a name that is none of its sizes, or no whole number from 1.
            ShapeError: arrays that do not fit at these sizes.
        """
        change = numbers_for(sizes_of(self.variables, self.whole.node), sizes_given(sizes))
        named = (Equation(numbered(x.target, change), numbered(x.expression, change)) for x in self.definitions)
        node, given = numbered(self.node, change), tuple(numbered(each, change) for each in self.variables)
        readings = tuple(numbered_text(each, change) for each in self.readings)
        return replace_fields(self, node=node, variables=given, definitions=tuple(named), readings=readings)

    def pretty(self) -> str:
        return "\n".join((*(each.pretty() for each in self.definitions), self.node.pretty()))

    def text(self) -> str:
        value = f"{self.called} = {self.node.text()}" if self.called else self.node.text()
        return "; ".join((*(each.text() for each in self.definitions), value))

    def latex(self) -> str:
        return r", \quad ".join((*(each.latex() for each in self.definitions), self.node.latex()))

    def system(self, layout: str = "example") -> System:
        """Return the operations as equations, each named once, the last of them the result.

        A formula that has names of its own keeps them, and has no others.

        >>> [equation.text() for equation in formula("(x + y) * (y - 1)", x="", y="").system().equations]
        ['v1 = x + y', 'v2 = y - 1', 'L = v1 * v2']
        >>> [equation.text() for equation in formula("z = A @ x; z @ z", A="m n", x="n").system().equations]
        ['z = A @ x', 'L = z @ z']

        Raises:
            FormulaError: the value is no scalar, or a layout for batches is asked for.
        """
        if layout != "example":
            raise FormulaError(f"a formula has no batch of examples, so no layout {shown(layout)}\nallowed: example")
        if self.node.rank:
            problem = f"{shown(self.source)} has shape {shape_text(self.shape)}, and only a scalar has gradients"
            raise FormulaError(f"{problem}\nallowed: a scalar, such as the sum of its elements")
        given = variables(self.node)
        if self.definitions:
            read = {*given, *(each for named in self.definitions for each in variables(named.expression))}
            given = tuple(each for each in self.variables if each in read)
        if not given or not (self.node.operands or self.definitions):
            raise FormulaError(f"{shown(self.source)} has nothing to differentiate\nallowed: operations on variables")
        taken = {each.letter for each in (*given, *(named.target for named in self.definitions))}
        stem, result = (
            next((letter for letter in letters if letter not in taken), letters[0] + "_")
            for letters in (STEM_LETTERS, RESULT_LETTERS)
        )
        if self.definitions:
            loss = Equation(variable(self.called or result).change(role=LOSS), self.node)
            return System((*self.definitions, loss), given, (), (), loss.target, loss.target)
        names: dict[Node, Variable] = {}
        equations: list[Equation] = []

        def named(node: Node) -> Node:
            if not node.operands or not variables(node):
                return node
            if node not in names:
                expression = node.with_operands([named(operand) for operand in node.operands])
                last = node == self.node
                name = (result, (), node.shape, (), 1, LOSS) if last else (stem, (len(names) + 1,), node.shape)
                target = Variable(*name)
                names[node] = target
                equations.append(Equation(target, expression))
            return names[node]

        named(self.node)
        return System(tuple(equations), given, (), (), names[self.node], names[self.node])


def formula(source: str, declarations: str = "", /, **shapes: Any) -> Formula:
    """Read a formula in NumPy notation; each name is given its sizes, and what is known of it, as text or a tuple.

    `X="m n"`, `A="n n symmetric"`, `alpha=""` for a scalar; or all in one text, `"X: m n, A: n n symmetric, alpha:"`.
    The names of sizes may stand in the formula as numbers. What may be declared is in `declarations.DECLARED`.
    Statements before the last, apart by `;` or line breaks, give names to parts: `"K = X @ X.T; trace(inv(K))"`.
    Shapes that are not declared are inferred: capitals are matrices, small letters vectors, Greek names numbers.

    >>> formula("sum((X @ w - y)**2) / m", X="m n", w="n", y="m").shape
    ()
    >>> formula("sum((X @ w - y)**2) / m", X="m n").readings
    ('X: m n, w: n, y: m',)
    >>> formula("x @ A @ x", "A: n n symmetric, x: n").variables[0].facts_by_kind
    {'symmetric': 0}
    >>> formula("x @ A @ x").readings
    ('A: n n, x: n',)

    Raises:
        FormulaError: outside the grammar, or a declared name that is not read beside one that is not declared; a caret
            shows the place.
        ReadingError: several shapes fit as well.
        ShapeError: arrays that do not fit.
        LimitError: too long or too deep.
    """
    return formula_with(source, declarations, shapes, strict=False)


def formula_with(
    source: str,
    declarations: str,
    shapes: Mapping[str, Any],
    value: Sequence[float] = LIKELY_SCALAR,
    asked: Sequence[str] = (),
    strict: bool = True,
) -> Formula:
    """Read a formula as `formula` does; `value` and `asked` are those of `inferred_formula`.

    What is declared and not read is refused where a name that is read has no declaration, which may have been meant;
    a `strict` reader refuses it always.

    Raises:
        FormulaError, ReadingError, ShapeError, LimitError: as `formula`.
    """
    given = {each.name: each for each in read_declarations(declarations)}
    for name, what in shapes.items():
        if name in given:
            raise FormulaError(f"{shown(name)} is declared twice")
        given[name] = declared(name, what)
    if given and (strict or _undeclared(source, tuple(given.values()))):
        check_declared({**shapes_of(given.values()), **shapes}, names_read(source))
    return inferred_formula(source, value, asked, tuple(given.values()))


def inferred_formula(
    source: str,
    value: Sequence[float] = LIKELY_SCALAR,
    asked: Sequence[str] = (),
    given: tuple[Variable, ...] = (),
) -> Formula:
    """Read a formula whose arrays have no declarations but those that are `given`; `asked` are names that it is asked
    about, so that they are none of sizes, and `value` says what its value is likely to be (`inference.infer`).

    >>> inferred_formula("X @ w - y").readings
    ('X: m n, w: n, y: m',)

    Raises:
        FormulaError, ShapeError, LimitError: as `formula_of`.
        ReadingError: several shapes fit as well; all are listed.
    """
    if given and not _undeclared(source, given):
        return formula_of(source, given)
    trees = [(each.name, each.read(tree_of)) for each in statements(source)]
    found = inferred(trees, value, asked, given)
    identity = next((each for each in found.variables if each.name == IDENTITY not in asked), None)
    if identity is not None:
        source = _IDENTITY.sub(f"eye({size_text(identity.shape[0])})", source)
        found = found.without(IDENTITY)
    texts = found.readings(source)
    try:
        read = formula_of(source, found.variables)
    except ShapeError as problem:
        raise located(ShapeError(f"with {found.text}: {problem}"), problem.column or 0, problem.width) from None
    return replace_fields(read, readings=texts) if found.variables else read


_IDENTITY = re.compile(rf"(?<![\w.]){IDENTITY}\b(?!\s*=[^=])")


def _undeclared(source: str, given: tuple[Variable, ...]) -> list[str]:
    """Return the names in a formula that are neither declared nor defined, and no sizes of what is declared."""
    names = {each.name: each for each in given}
    every = statements(source)
    known = {*names, *(symbol.name for symbol in sizes_of(given)), *(each.name for each in every)}
    for each in every:
        known.update(each.read(lambda text: exponents(text, names)))
    return [name for each in every for name in each.read(names_in) if name not in known]


def formula_of(source: str, given: tuple[Variable, ...], sizes: Iterable[str] = ()) -> Formula:
    """Read a formula over variables that are there already; `sizes` are names of sizes that none of them has.

    Raises:
        FormulaError, ShapeError, LimitError: as `formula`; ids that are not declared as an index, or reach too far.
    """
    names = {each.name: each for each in given}
    *before, last = found = statements(source)
    later = [each.name for each in found]
    sizes = (*(symbol.name for symbol in sizes_of(given)), *sizes)
    for each in found:
        sizes = tuple(dict.fromkeys((*sizes, *each.read(lambda text: exponents(text, names)))))
    clash = next((name for name in names if name in sizes), None)
    if clash is not None:
        raise FormulaError(f"{shown(clash)} is the name of a size and of an array\nallowed: two names")
    definitions: list[Equation] = []
    for statement in before:
        node = statement.read(lambda text: read_statement(text, names, sizes, later))
        target = defined(statement, node, names, sizes)
        if is_symmetric(node):  # which functions of symmetric matrices ask
            target = target.change(facts=(Fact("symmetric"),))
        definitions.append(Equation(target, node))
        names[statement.name] = definitions[-1].target
    node = last.read(lambda text: read_statement(text, names, sizes, later))
    if definitions:
        check_length(definitions, node)
    if last.name:
        defined(last, node, names, sizes)
    return Formula(on_one_line(found), node, given, needed_for(node, definitions), last.name)
