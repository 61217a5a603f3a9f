"""A formula that stands alone: NumPy notation with the shapes of its arrays, and the graph of its operations.

The graph names every operation once (`v1 = x + y`, `v2 = y - 1`, `L = v1 * v2`), so that backpropagation through it
shows what flows along each edge and where the flows into a shared node are added up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from symprop.algebra import nodes as n
from symprop.algebra.declarations import declarations_text, declared, read_declarations
from symprop.algebra.equations import Equation, System
from symprop.algebra.inference.infer import LIKELY_SCALAR, inferred
from symprop.algebra.names import closest
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.printable import Printable
from symprop.algebra.reader import names_in, read_formula, sizes_in
from symprop.algebra.reading.mentions import LIMITS
from symprop.algebra.roles import LOSS
from symprop.algebra.shapes import Shape, shape_text
from symprop.algebra.sizes import whole
from symprop.algebra.tokens import scan, syntax_tree
from symprop.algebra.trees import is_whole, variables, walk
from symprop.errors import FormulaError, ReadingError, ShapeError, located, shown

STEM_LETTERS = ("v", "u", "t", "s", "q")
RESULT_LETTERS = ("L", "f", "g", "h", "r")


@dataclass(frozen=True, repr=False)
class Formula(Printable):
    """A formula read from NumPy notation, as typed (`source`) and as a tree (`node`), over `variables`.

    Where nothing was declared, `readings` are the shapes that were inferred, as declarations are typed, then others
    that fit nearly as well.

    >>> import symprop
    >>> f = symprop.formula("X @ w - y", X="m n", w="n", y="m")
    >>> f.text(), f.shape, f.variables
    ('X @ w - y', (m,), (X, w, y))
    """

    source: str
    node: Node
    variables: tuple[Variable, ...] = ()
    readings: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """The shape of the value."""
        return self.node.shape

    def pretty(self) -> str:
        return self.node.pretty()

    def text(self) -> str:
        return self.node.text()

    def latex(self) -> str:
        return self.node.latex()

    def system(self, layout: str = "example") -> System:
        """Return the operations as equations, each named once, the last of them the result.

        >>> [equation.text() for equation in formula("(x + y) * (y - 1)", x="", y="").system().equations]
        ['v1 = x + y', 'v2 = y - 1', 'L = v1 * v2']

        Raises:
            FormulaError: the value is no scalar, or a layout for batches is asked for.
        """
        if layout != "example":
            raise FormulaError(f"a formula has no batch of examples, so no layout {shown(layout)}\nallowed: example")
        if self.node.rank:
            problem = f"{shown(self.source)} has shape {shape_text(self.shape)}, and only a scalar has gradients"
            raise FormulaError(f"{problem}\nallowed: a scalar, such as the sum of its elements")
        given = variables(self.node)
        if not self.node.operands or not given:
            raise FormulaError(f"{shown(self.source)} has nothing to differentiate\nallowed: operations on variables")
        taken = {variable.letter for variable in given}
        stem, result = (
            next((letter for letter in letters if letter not in taken), letters[0] + "_")
            for letters in (STEM_LETTERS, RESULT_LETTERS)
        )
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
    Where nothing is declared, shapes are inferred: capitals are matrices, small letters vectors, Greek names numbers.

    >>> formula("sum((X @ w - y)**2) / m", X="m n", w="n", y="m").shape
    ()
    >>> formula("x @ A @ x", "A: n n symmetric, x: n").variables[0].facts_by_kind
    {'symmetric': 0}
    >>> formula("x @ A @ x").readings
    ('A: n n, x: n',)

    Raises:
        FormulaError: outside the grammar, or a name without a shape; a caret shows the place.
        ReadingError: nothing is declared, and several shapes fit as well.
        ShapeError: arrays that do not fit.
        LimitError: too long or too deep.
    """
    given = {each.name: each for each in read_declarations(declarations)}
    for name, what in shapes.items():
        if name in given:
            raise FormulaError(f"{shown(name)} is declared twice")
        given[name] = declared(name, what)
    return formula_of(source, tuple(given.values())) if given else inferred_formula(source)


def inferred_formula(source: str, value: Sequence[float] = LIKELY_SCALAR, asked: Sequence[str] = ()) -> Formula:
    """Read a formula whose arrays have no declarations; `asked` are names that it is asked about, so that they are none
    of sizes, and `value` says what its value is likely to be (`inference.infer`).

    >>> inferred_formula("X @ w - y").readings
    ('X: m n, w: n, y: m',)

    Raises:
        FormulaError, ShapeError, LimitError: as `formula_of`.
        ReadingError: several shapes fit as well; all are listed.
    """
    found = inferred([("", syntax_tree(scan(source, LIMITS)))], value, asked)
    texts = (found.text, *map(declarations_text, found.others))
    if not found.decided:
        listed = '" or "'.join(texts)
        raise ReadingError(f'{shown(source)} has {len(texts)} readings\nallowed: one of "{listed}"', texts)
    try:
        read = formula_of(source, found.variables)
    except ShapeError as problem:
        raise located(ShapeError(f"with {found.text}: {problem}"), problem.column or 0, problem.width) from None
    return replace(read, readings=texts) if found.variables else read


def formula_of(source: str, given: tuple[Variable, ...]) -> Formula:
    """Read a formula over variables that are there already.

    Raises:
        FormulaError, ShapeError, LimitError: as `formula`; ids that are not declared as an index, or reach too far.
    """
    names = {each.name: each for each in given}
    sizes = _sizes_of(given)
    if "(" in source:
        sizes = tuple(dict.fromkeys((*sizes, *(name for name in sizes_in(source) if name not in names))))
    clash = next((name for name in names if name in sizes), None)
    if clash is not None:
        raise FormulaError(f"{shown(clash)} is the name of a size and of an array\nallowed: two names")
    missing = next((name for name in names_in(source) if name not in names and name not in sizes), None)
    if missing is not None:
        allowed = (
            f'its declaration, "{missing}: m n" with sizes, "{missing}:" for a scalar; in Python {missing}="m n" too'
        )
        problem = FormulaError(f"{shown(missing)} has no shape{closest(missing, names)}\nallowed: {allowed}")
        place = re.search(rf"\b{re.escape(missing)}\b", source)
        raise problem if place is None else located(problem, place.start(), len(missing))
    node = read_formula(source, names, sizes)
    check_ids(node)
    return Formula(source, node, given)


def check_ids(node: Node) -> None:
    """Refuse a selection by an array that holds no ids, or ids beyond what they select from.

    Raises:
        FormulaError: with what the array is to be declared as.
    """
    for part in walk(node):
        if not isinstance(part, (n.Take, n.ScatterAdd, n.OneHot)):
            continue
        count = part.operands[0].shape[0] if isinstance(part, n.Take) else part.size
        ids = part.operands[0] if isinstance(part, n.OneHot) else part.operands[1]
        if ids.number is not None:
            place = whole(ids.number, "an id")
            if place.is_negative or (place - count).is_nonnegative:
                raise FormulaError(f"no id {place} among {count} entries\nallowed: 0 to {count - 1}")
        for each in variables(ids):
            bound = each.facts_by_kind.get("index")
            sizes = " ".join(str(size).replace(" ", "") for size in each.shape)
            allowed = f'allowed: {each.name}="{sizes}{" " if sizes else ""}index {count}"'
            if bound is None:
                raise FormulaError(f"{shown(each.name)} selects, and is not declared as an index\n{allowed}")
            if not is_whole(ids):
                raise FormulaError(f"ids are whole numbers, and {ids.text()} may be others\n{allowed}")
            if each == ids and (bound - count).is_positive:
                raise FormulaError(f"{shown(each.name)} is an index below {bound}, for {count} entries\n{allowed}")


def _sizes_of(given: tuple[Variable, ...]) -> tuple[str, ...]:
    """The names of the sizes of the variables, each once, in order."""
    expressions = [part for each in given for part in (*each.shape, *(fact.value for fact in each.facts))]
    symbols = [sorted(part.free_symbols, key=str) for part in expressions]
    return tuple(dict.fromkeys(symbol.name for each in symbols for symbol in each))
