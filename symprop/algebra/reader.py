"""NumPy notation in: a formula read into nodes by a whitelist over `ast`; nothing that is typed is ever evaluated.

The text first passes the token scan (`tokens.py`), which bounds what Python's parser gets to see. Then each kind of
syntax that a formula may hold has its case here, and everything else is refused with a caret under the place. Numbers
are exact: `0.1` is 1/10. The texts of networks (`Input(4) >> Dense(3)`) have their own small grammar in `calls.py`.

    >>> f = read_formula("sum((a - y)**2) / 2", {"a": (3,), "y": (3,)})
    >>> type(f).__name__, f.shape
    ('Multiply', ())
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

import sympy
from sympy import Expr, Rational

from symprop.algebra import nodes as n
from symprop.algebra.folding import inverse_of, power_of, product_of, sum_of
from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction
from symprop.algebra.names import closest, size_expression, size_symbol, variable
from symprop.algebra.nodes import Node
from symprop.algebra.operators import BY_NAME, OPERATORS
from symprop.algebra.sizes import size_of, whole
from symprop.algebra.tokens import Limits, Scan, refuse, scan, syntax_tree
from symprop.algebra.trees import is_whole
from symprop.algebra.truths import HINT, NUMBERS_ONLY, is_truth
from symprop.errors import FormulaError, LimitError, ShapeError, SymbolNameError, SympropError, shown

LIMITS = Limits(
    what="formula",
    characters=20_000,
    brackets=100,
    chain=1_000,
    operators=frozenset(
        {"+", "-", "*", "/", "**", "@", "(", ")", "[", "]", ",", ".", ":", "=", "<", ">", "<=", ">=", "==", "!="}
    ),
    strings=False,
)
MOST_NODES = 5_000
MOST_TERMS = 1_000
"""The most terms of a series between numbers."""
DEEPEST = 150
CONSTANTS: dict[str, Expr] = {"pi": sympy.pi}
RELATIONS: dict[type, str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}
_SUMS, _PRODUCTS = (ast.Add, ast.Sub), (ast.Mult, ast.Div, ast.MatMult)
_NAMED = {"None", "True", "False", "for", "in", "inf"}
_Result = TypeVar("_Result")


def read_formula(
    text: str,
    shapes: Mapping[str, Any],
    sizes: Mapping[str, Any] | Iterable[str] = (),
    functions: Mapping[str, ElementwiseFunction] | None = None,
) -> Node:
    """Read a formula in NumPy notation.

    Args:
        text: the formula, such as `W1 @ x + b1`.
        shapes: the arrays that it may name, each with its shape or as a ready `Variable`.
        sizes: the sizes that it may use as numbers, by name; with a mapping, the value of each.
        functions: elementwise functions known by name besides `FUNCTIONS`.

    >>> read_formula("W @ x", {"W": ("n1", "n0"), "x": ("n0",)}).shape
    (n1,)
    >>> read_formula("1/3 + 0.1", {}).value
    13/30

    Raises:
        FormulaError: a syntax error, or something outside the grammar, or an unknown name.
        ShapeError: operands that do not fit.
        LimitError: too long, too deep, or a number too large.
    """
    arrays = {
        name: given if isinstance(given, Node) else variable(name, tuple(given)) for name, given in shapes.items()
    }
    listed = sizes.items() if isinstance(sizes, Mapping) else ((name, size_symbol(name)) for name in sizes)
    numbers = {name: size_expression(size) for name, size in listed}
    scanned = scan(text, LIMITS)
    return _Reader(scanned, {**CONSTANTS, **numbers}, arrays, {**FUNCTIONS, **(functions or {})}).read()


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of arrays and sizes in a formula (not functions, not `pi`), in order of appearance.

    The index of a series is a name of the series alone.

    >>> names_in("-sum(y * log(p), axis=1) + y")
    ('y', 'p')
    >>> names_in("sum([matrix_power(A, i) for i in range(k)], axis=0)")
    ('A', 'k')
    """
    tokens = scan(text, LIMITS).tokens
    found: list[str] = []
    bound = {after.text for token, after in pairwise(tokens) if token.text == "for"}
    for before, token, after in zip((None, *tokens[:-1]), tokens, (*tokens[1:], None), strict=True):
        called = after is not None and after.text in {"(", "="}
        attribute = before is not None and before.text == "."
        if token.kind == "name" and not called and not attribute and token.text not in {*_NAMED, *CONSTANTS, *bound}:
            found.append(token.text)
    return tuple(dict.fromkeys(found))


def sizes_in(text: str) -> tuple[str, ...]:
    """Return the names that stand where only a size can: in the exponent of a matrix, or in a range.

    >>> sizes_in("trace(matrix_power(X, k + 1)) * k")
    ('k',)

    Raises:
        FormulaError: a syntax error.
    """
    found: dict[str, None] = {}
    stack: list[ast.AST] = [syntax_tree(scan(text, LIMITS))]
    while stack:
        part = stack.pop()
        stack.extend(ast.iter_child_nodes(part))
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in {"matrix_power", "range"}:
            skipped = part.func.id == "matrix_power"
            exponents = [*part.args[skipped:], *(keyword.value for keyword in part.keywords if keyword.arg == "n")]
            names = (each for exponent in exponents for each in ast.walk(exponent) if isinstance(each, ast.Name))
            found.update(dict.fromkeys(each.id for each in names))
    known = names_in(text)
    return tuple(name for name in known if name in found)


def least_size(text: str) -> int | None:
    """Return how long the arrays of a formula must be at least for its indices; None where it names a size of its own.

    >>> least_size("sum(a * y)"), least_size("a[0] + y[1:3].sum()"), least_size("sum((a - ones(6))**2)")
    (1, 5, None)

    Raises:
        FormulaError: a syntax error.
    """
    least = 1
    for part in ast.walk(syntax_tree(scan(text, LIMITS))):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in _NAMING_SIZES:
            return None
        if isinstance(part, ast.Subscript):
            places = [each.value for each in ast.walk(part.slice) if isinstance(each, ast.Constant)]
            least = max([least, *(2 + place for place in places if isinstance(place, int))])
    return least


_NAMING_SIZES = frozenset(name for name, row in OPERATORS.items() if {"shape", "size", "m"} & set(row.options))


class _Reader:
    """One reading of one formula: the names that it may use, and how many nodes it has made."""

    def __init__(
        self,
        scanned: Scan,
        numbers: dict[str, Expr],
        arrays: dict[str, Node],
        functions: dict[str, ElementwiseFunction],
    ) -> None:
        self.scanned, self.numbers, self.arrays, self.functions = scanned, numbers, arrays, functions
        self.series: dict[Expr, Expr] = {}  # the indices of the series that are open, with the number of terms
        self.condition: ast.expr | None = None  # of a `where`, in which `a + b` of comparisons is "or" in NumPy too
        self.made = self.depth = 0
        self.cases: dict[type, Callable[[Any], Node]] = {
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Call: self._call,
            ast.Compare: self._compare,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
        }

    def read(self) -> Node:
        return self.node(syntax_tree(self.scanned))

    def node(self, tree: ast.expr) -> Node:
        """Read one expression."""
        self.made += 1
        if self.made > MOST_NODES:
            raise LimitError(f"a formula of more than {MOST_NODES:,} parts")
        if type(tree) not in self.cases:
            self.refuse(f"{_plain_name(tree)} is not part of a formula", tree)
        self.depth += 1
        if self.depth > DEEPEST:
            raise LimitError(f"a formula nested deeper than {DEEPEST}")
        result = self.cases[type(tree)](tree)
        self.depth -= 1
        return result

    def refuse(self, message: str, tree: ast.expr, error: type[SympropError] = FormulaError) -> NoReturn:
        refuse(message, self.scanned.typed, self.column(tree), (tree.end_col_offset or 0) - tree.col_offset, error)

    def column(self, tree: ast.expr) -> int:
        return tree.col_offset - 1  # one for the bracket that `syntax_tree` puts in front

    def build(self, tree: ast.expr, make: Callable[..., _Result], *arguments: Any, **keywords: Any) -> _Result:
        """Call `make` and put a caret under `tree` where it refuses."""
        try:
            return make(*arguments, **keywords)
        except (ShapeError, FormulaError, SymbolNameError, LimitError) as problem:
            if "\n" in str(problem):
                raise
            return self.refuse(str(problem), tree, type(problem))

    def _name(self, tree: ast.Name) -> Node:
        if tree.id in self.arrays:
            return self.arrays[tree.id]
        if tree.id in self.numbers:
            return n.Scalar(self.numbers[tree.id])
        if tree.id in self.functions or tree.id in OPERATORS:
            self.refuse(f"function {shown(tree.id)} needs its argument in brackets", tree)
        known = {**self.arrays, **self.numbers}
        return self.refuse(f"unknown name {shown(tree.id)}{closest(tree.id, known)}", tree)

    def _constant(self, tree: ast.Constant) -> Node:
        if type(tree.value) not in {int, float}:
            self.refuse(f"{tree.value!r} is not part of a formula", tree)
        return n.Scalar(Rational(self.scanned.line[self.column(tree) : (tree.end_col_offset or 0) - 1]))

    def _unary(self, tree: ast.UnaryOp) -> Node:
        if not isinstance(tree.op, (ast.USub, ast.UAdd)):
            self.refuse(f"{_plain_name(tree.op)} is not part of a formula", tree)
        if is_truth(tree.operand):
            self.refuse(f"a sign before a comparison {HINT}", tree)
        operand = self.node(tree.operand)
        return n.negative(operand) if isinstance(tree.op, ast.USub) else operand

    def _binary(self, tree: ast.BinOp) -> Node:
        if isinstance(tree.op, ast.Pow):
            return self._power(tree)
        kinds = _SUMS if isinstance(tree.op, _SUMS) else _PRODUCTS
        spine: list[ast.BinOp] = []
        left: ast.expr = tree
        while isinstance(left, ast.BinOp) and isinstance(left.op, kinds):  # a loop: sums may have many terms
            spine.append(left)
            left = left.left
        if not spine:
            self.refuse(f"{_plain_name(tree.op)} is not part of a formula", tree)
        first = next((part for part in reversed(spine) if not isinstance(part.op, ast.Mult)), None)
        if (
            first
            and tree is not self.condition
            and not isinstance(first.op, ast.Div)
            and is_truth(first.right)
            and is_truth(first.left)
        ):
            self.refuse(f"a sum or matrix product of comparisons {HINT}", first)
        result = self.node(left)
        terms: list[Node] = (
            list(result.operands) if isinstance(result, n.Add if kinds is _SUMS else n.Multiply) else [result]
        )
        for part in reversed(spine):
            right = self.node(part.right)
            if isinstance(part.op, ast.MatMult):
                self.depth += 1  # a product of products is a deep tree
                if self.depth > DEEPEST:
                    self.refuse(f"more than {DEEPEST} products in a row", part, LimitError)
                terms = [self.build(part, n.MatMul, self.build(part, product_of, terms), right)]
            elif isinstance(part.op, ast.Sub):
                terms.append(n.negative(right))
            elif isinstance(part.op, ast.Div):
                terms.append(self.build(part.right, inverse_of, right))
            else:
                terms.append(right)
        self.depth -= sum(isinstance(part.op, ast.MatMult) for part in spine)
        return self.build(tree, sum_of if kinds is _SUMS else product_of, terms)

    def _power(self, tree: ast.BinOp) -> Node:
        return self._raised(tree, self.node(tree.left), self.node(tree.right))

    def _raised(self, tree: ast.BinOp | ast.Call, base: Node, exponent: Node) -> Node:
        if isinstance(exponent, n.Scalar):
            below = tree.left if isinstance(tree, ast.BinOp) else tree.args[0]
            if exponent.value.is_negative and base.rank and (is_whole(base) or is_truth(below)):
                self.refuse(
                    "no negative power of whole numbers or comparisons in NumPy; write 1 / x**2 for x**-2", tree
                )
            return self.build(tree, power_of, base, exponent.value)
        return self.build(tree, self.functions["power"], base, exponent)

    def _compare(self, tree: ast.Compare) -> Node:
        if len(tree.ops) != 1 or type(tree.ops[0]) not in RELATIONS:
            self.refuse("a comparison has one of > >= < <= == != between two sides", tree)
        left, right = self.node(tree.left), self.node(tree.comparators[0])
        return self.build(tree, n.Compare, RELATIONS[type(tree.ops[0])], left, right)

    def _attribute(self, tree: ast.Attribute) -> Node:
        if tree.attr != "T":
            self.refuse(f"'.T' is the only attribute of a formula, not {shown('.' + tree.attr)}", tree)
        operand = self.node(tree.value)
        if isinstance(operand, n.Scalar):
            self.refuse("a number has no axes", tree)
        return operand if operand.rank < 2 else n.Transpose(operand)

    def _subscript(self, tree: ast.Subscript) -> Node:
        """`x[:, None]` makes new axes; `E[ids]` takes rows of a table."""
        operand = self.node(tree.value)
        if isinstance(operand, n.Scalar):
            self.refuse("a number has no axes", tree)
        entries = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
        if sum(not _is_new_axis(entry) for entry in entries) > operand.rank:
            self.refuse(f"more indices than the {operand.rank} axes of the array", tree)
        position = 0
        for entry in entries:
            if _is_new_axis(entry):
                operand = self.build(tree, n.Expand, operand, position)
                position += 1
            elif isinstance(entry, ast.Slice):
                operand = self._sliced(entry, operand, position)
                position += 1
            else:
                place = self.node(entry)
                if not isinstance(place, n.Scalar):
                    if len(entries) > 1:
                        self.refuse("an array of ids stands alone in the brackets", entry)
                    return self.build(tree, n.Take, operand, place)
                start = self._place(entry, place.value, operand.shape[position])
                one = self.build(entry, n.Slice, operand, position, start, start + 1)
                operand = n.Sum(one, position)
        return operand

    def _sliced(self, tree: ast.Slice, operand: Node, axis: int) -> Node:
        """Read one `start:stop`; what is not given is the whole axis."""
        if tree.step is not None:
            self.refuse("a slice has a start and a stop, and no step", tree.step)
        if tree.lower is None and tree.upper is None:
            return operand
        size = operand.shape[axis]
        ends = []
        for end, default in ((tree.lower, sympy.Integer(0)), (tree.upper, size)):
            node = n.Scalar(default) if end is None else self.node(end)
            if not isinstance(node, n.Scalar):
                self.refuse("a slice goes from one constant to another", end or tree)
            ends.append(default if end is None else self._place(end, node.value, size))
        at = tree.lower or tree.upper or operand
        return self.build(at, n.Slice, operand, axis, *ends)

    def _place(self, tree: ast.expr, value: Expr, size: Expr) -> Expr:
        """Return a constant index; one below 0 counts from the end, as in NumPy."""
        place = self.build(tree, whole, value, "an index")
        return size + place if place.is_negative else place

    def _call(self, tree: ast.Call) -> Node:
        if not isinstance(tree.func, ast.Name):
            self.refuse("only the listed functions can be called, by their names", tree)
        name = tree.func.id
        known = {**self.functions, **OPERATORS}
        if name not in known:
            self.refuse(f"unknown function {shown(name)}{closest(name, known)}", tree.func)
        for argument in tree.args:
            if isinstance(argument, ast.Starred):
                self.refuse("'*' cannot stand before an argument", argument)
        if name in NUMBERS_ONLY and any(map(is_truth, tree.args)):
            self.refuse(f"{name} of a comparison {HINT}", tree)
        keywords = self._keywords(tree)
        if name in OPERATORS:
            return self._operator(tree, name, keywords)
        if keywords:
            self.refuse(f"{name} takes no keyword", tree)
        arguments = [self.node(argument) for argument in tree.args]
        if name == "power" and len(arguments) == 2:
            return self._raised(tree, *arguments)
        return self.build(tree, self.functions[name], *arguments)

    def _keywords(self, tree: ast.Call) -> dict[str, ast.expr]:
        found: dict[str, ast.expr] = {}
        for keyword in tree.keywords:
            if keyword.arg is None:
                self.refuse("'**' cannot stand before an argument", keyword.value)
            found[keyword.arg] = keyword.value
        return found

    def _operator(self, tree: ast.Call, name: str, keywords: dict[str, ast.expr]) -> Node:
        operator = OPERATORS[name]
        if name == "sum" and tree.args:
            start, listed = _start_and_terms(tree.args[0])
            if listed is not None:
                return self._series(tree, listed, keywords, start)
        parameters = [*(["arrays"] if operator.lists else operator.arrays), *operator.options]
        placed = [parameter for parameter in parameters if parameter not in BY_NAME]
        takes = f"{name} takes {', '.join((*placed, *(f'{each}=' for each in parameters if each in BY_NAME)))}"
        if len(tree.args) > len(placed):
            self.refuse(f"{takes}: {len(tree.args)} arguments without a name are too many", tree)
        given = dict(zip(placed, tree.args, strict=False))
        for key, value in keywords.items():
            if key not in parameters or key in given:
                self.refuse(f"{takes}; not {shown(key)} here", value)
            given[key] = value
        needed = ("arrays",) if operator.lists else operator.arrays
        missing = [parameter for parameter in (*needed, *operator.required) if parameter not in given]
        if missing:
            self.refuse(f"{takes}; {missing[0]} is missing", tree)
        self.condition = given["condition"] if name == "where" else None
        arrays = [self._list(name, given["arrays"])] if operator.lists else [self.node(given[each]) for each in needed]
        options = {key: self._option(key, value) for key, value in given.items() if key not in needed}
        if name == "matrix_power":
            sign, size = self._sign(given["n"], options["n"]), options["n"]
            arrays, options = ([n.Inverse(*arrays)], {"n": -size}) if sign < 0 else (arrays, options)
        if name == "sqrt" and isinstance(arrays[0], n.Scalar):
            return self.build(tree, power_of, arrays[0], Rational(1, 2))
        return self.build(tree, operator.make, *arrays, **options)

    def _list(self, name: str, tree: ast.expr) -> tuple[Node, ...]:
        """Read several arrays in brackets, `(a, b)`."""
        if not isinstance(tree, (ast.Tuple, ast.List)) or not tree.elts:
            self.refuse(f"{name} takes one array or more in brackets, such as (a, b)", tree)
        return tuple(self.node(part) for part in tree.elts)

    def _series(
        self, tree: ast.Call, listed: ast.ListComp, keywords: dict[str, ast.expr], start: ast.expr | None
    ) -> Node:
        """Read `sum([A * i for i in range(1, k + 1)], axis=0)`: a term for each whole number in a range.

        Where there may be none, `sum([zeros((n, n))] + [...], axis=0)` has a shape in NumPy too.
        """
        form = "a series is sum([term for i in range(start, stop)], axis=0)"
        turn = listed.generators[0]
        over = turn.iter
        if len(listed.generators) > 1 or turn.ifs or turn.is_async or not isinstance(turn.target, ast.Name):
            self.refuse(form, listed)
        if not (isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range"):
            self.refuse(form, over)
        if over.keywords or len(over.args) not in (1, 2):
            self.refuse(form, over)
        name = turn.target.id
        if name in self.arrays or name in self.numbers or name in self.functions or name in OPERATORS:
            self.refuse(f"{shown(name)} has a meaning already; an index needs a name of its own", turn.target)
        index = self.build(turn.target, size_symbol, name)
        ends = [self._whole(end) for end in over.args]
        first, stop = ends if len(ends) == 2 else (sympy.Integer(0), ends[0])
        count = stop - first
        if count.is_positive is False:
            self.refuse("a series has one term or more", over)
        together = sympy.prod([each for each in (count, *self.series.values()) if each.is_number])
        if together > MOST_TERMS:
            self.refuse(f"a series of more than {MOST_TERMS:,} terms", over, LimitError)
        self.numbers[name], self.series[index] = index + first - 1, count
        term = self.node(listed.elt)
        del self.numbers[name], self.series[index]
        self._along_the_first(tree, term, keywords)
        series = self.build(tree, n.BlockSum, term, index, count)
        return series if start is None else self.build(tree, n.Add, self.node(start), series)

    def _sign(self, tree: ast.expr, exponent: Any) -> int:
        """Return the sign of an exponent of a matrix; one that may be above and below 0 is refused: two formulas."""
        ends = [exponent]
        for index, count in reversed(self.series.items()):  # what is linear in an index is extreme at its ends
            if isinstance(exponent, Expr) and exponent.has(index) and not sympy.diff(exponent, index).has(index):
                ends = [_with_a_term(end.subs(index, place), count) for end in ends for place in (1, count)]
        if not (all(end.is_nonnegative for end in ends) or all(end.is_nonpositive for end in ends)):
            self.refuse("an exponent of a matrix is a whole number or a size, never below 0 or never above", tree)
        return 1 if all(end.is_nonnegative for end in ends) else -1

    def _along_the_first(self, tree: ast.Call, term: Node, keywords: dict[str, ast.expr]) -> None:
        """Refuse a series of arrays that is not summed over its terms alone."""
        axes = [*tree.args[1:], *(value for key, value in keywords.items() if key == "axis")]
        others = [value for key, value in keywords.items() if key != "axis"]
        if others or len(axes) > 1:
            self.refuse("a series of terms takes axis=0 and no more", tree)
        if (axes or term.rank) and not (axes and self._option("axis", axes[0]) == 0):
            self.refuse("a series of arrays is summed over its terms, axis=0", tree)

    def _whole(self, tree: ast.expr) -> Expr:
        node = self.node(tree)
        if not isinstance(node, n.Scalar):
            self.refuse("a range goes between whole numbers or sizes", tree)
        return self.build(tree, whole, node.value, "an end of a range")

    def _option(self, key: str, tree: ast.expr) -> Any:
        """An axis, a size, a shape, a truth value: what operators take besides arrays."""
        if isinstance(tree, ast.Constant) and (tree.value is None or isinstance(tree.value, bool)):
            if tree.value is not None and key not in BY_NAME:
                self.refuse(f"{key} is not True or False", tree)
            return tree.value
        if key == "ord" and (infinite := self._infinite(tree)) is not None:
            return infinite
        if isinstance(tree, (ast.Tuple, ast.List)):
            return tuple(self._option(key, entry) for entry in tree.elts)
        node = self.node(tree)
        if not isinstance(node, n.Scalar):
            self.refuse(f"{key} is a number, not an array", tree)
        return self.build(tree, size_of, node.value) if key in {"shape", "size", "N"} else node.value

    def _infinite(self, tree: ast.expr) -> Expr | None:
        """Return infinity for `inf`, which no array or size is named, and minus infinity for `-inf`; else None."""
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
            below = self._infinite(tree.operand)
            return None if below is None else -below
        named = isinstance(tree, ast.Name) and tree.id == "inf" and "inf" not in {**self.arrays, **self.numbers}
        return sympy.oo if named else None


def _start_and_terms(tree: ast.expr) -> tuple[ast.expr | None, ast.ListComp | None]:
    """Return `A` and the terms of `[A] + [... for i in range(...)]`; None for what is not there."""
    match tree:
        case ast.ListComp():
            return None, tree
        case ast.BinOp(ast.List([start]), ast.Add(), ast.ListComp() as terms):
            return start, terms
    return None, None


def _with_a_term(value: Expr, count: Expr) -> Expr:
    """Return `value` where a series of `count` terms has a term: with `k - 1` terms, `k` is 1 and more."""
    for symbol in sorted(count.free_symbols, key=str):
        if sympy.diff(count, symbol) == 1:
            terms = sympy.Dummy("terms", integer=True, positive=True)
            return sympy.expand(value.subs(symbol, terms - (count - symbol)))
    return value


def _is_new_axis(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is None


def _plain_name(tree: ast.AST) -> str:
    """What a piece of syntax is called: `ListComp` is "list comp"."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(tree).__name__)
    return words.strip().removesuffix(" exp")
