"""The kinds of node that a formula is made of: a closed set of immutable trees, each a `sympy.Basic`.

A node keeps its matrix form (product, transpose, sum over an axis, elementwise function, ...) and has a `shape`, a
tuple of SymPy integers or positive symbols, computed and checked when it is built. What a node means (its shape, its
elements, its derivative, its notation) stands in tables, one for each meaning, with a row for each kind of node.

Operators have NumPy's meaning: `+ - * / **` are elementwise with broadcasting, `@` is the matrix product.

    >>> from symprop.algebra import variable
    >>> W, x = variable("W", (3, 4)), variable("x", (4,))
    >>> (W @ x).shape
    (3,)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import chain, count, pairwise
from typing import Any, ClassVar, Self

import sympy
from sympy import Basic, Expr, Integer, Tuple
from sympy.core.symbol import Str

from symprop.algebra.printable import Printable
from symprop.algebra.roles import GRADIENT
from symprop.algebra.sizes import as_expression, axis_of, whole
from symprop.algebra.table import Table
from symprop.errors import FormulaError, LimitError

SHAPE = Table("shape")

HEAVIEST = 1_000_000
"""The most nodes that a formula written out may have; `s = s * s` 64 times would have 10**19."""


class Node(Printable, Basic):
    """Abstract base of all nodes. `shape` is a tuple of SymPy sizes; rank 0 is a scalar.

    `operands` are the nodes directly below; `weight` counts the nodes of the formula written out, shared parts
    as often as they stand in it.

    >>> import symprop
    >>> A, x = symprop.variable("A", (2, 3)), symprop.variable("x", (3,))
    >>> (A @ x + 1).shape, (A @ x + 1).text(), (A @ x).operands
    ((2,), 'A @ x + 1', (A, x))

    Raises:
        ShapeError: the operands do not fit.
        LimitError: the formula written out is larger than 1,000,000 nodes.
    """

    __slots__ = ("operands", "shape", "weight")
    operands: tuple[Node, ...]
    shape: tuple[Expr, ...]
    weight: int
    _op_priority: ClassVar[float] = 1000.0  # SymPy's scalars hand `2 * node` over to this class

    def __new__(cls, *args: Basic) -> Self:
        node: Self = Basic.__new__(cls, *args)
        node.operands = tuple(argument for argument in args if isinstance(argument, Node))
        node.shape = tuple(whole(size, f"a size of {cls.__name__}", positive=True) for size in SHAPE(node))
        node.weight = 1 + sum(operand.weight for operand in node.operands)
        if node.weight > HEAVIEST:
            raise LimitError(
                f"a formula of over {HEAVIEST:,} nodes\nallowed: smaller formulas, or equations that name the parts"
            )
        return node

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @cached_property
    def free_symbols(self) -> set[Basic]:
        """The sizes and variables that the formula reads; the index of a series belongs to the series alone."""
        read = (argument for argument in self.args if isinstance(argument, (Node, Expr, Tuple)))
        return set().union(*(argument.free_symbols for argument in read))

    def with_operands(self, operands: Iterable[Node]) -> Node:
        """Return the same kind of node over other `operands`."""
        new = iter(operands)
        return self.func(*(next(new) if isinstance(argument, Node) else argument for argument in self.args))

    @property
    def T(self) -> Node:
        """The node with its axes reversed."""
        return Transpose(self)

    def __add__(self, other: object) -> Node:
        return Add(self, as_node(other))

    def __radd__(self, other: object) -> Node:
        return Add(as_node(other), self)

    def __sub__(self, other: object) -> Node:
        return Add(self, negative(as_node(other)))

    def __rsub__(self, other: object) -> Node:
        return Add(as_node(other), negative(self))

    def __mul__(self, other: object) -> Node:
        return Multiply(self, as_node(other))

    def __rmul__(self, other: object) -> Node:
        return Multiply(as_node(other), self)

    def __truediv__(self, other: object) -> Node:
        return Multiply(self, Power(as_node(other), -1))

    def __rtruediv__(self, other: object) -> Node:
        return Multiply(as_node(other), Power(self, -1))

    def __pow__(self, exponent: Any) -> Node:
        return Power(self, exponent)

    def __neg__(self) -> Node:
        return negative(self)

    def __matmul__(self, other: Node) -> Node:
        return MatMul(self, other)


class Variable(Node):
    """A named array: an input, a parameter, a target or the left side of an equation.

    `role` says what it is (`symprop.algebra.roles`), and the rest how it is called: `letter` and `index` make the name
    (`W` and 1 give `W1`; an index that is an expression gives `W[l]`, and a second one, such as the time, `h1[t]` or
    `h[l, t]`); `mark` above 1 tells apart names that would be the same (`a1_2`); the role "gradient" is that of the
    derivative of the loss with respect to the variable so named (`dW1`). `facts` are what is known of the value.

    >>> import symprop
    >>> W = symprop.variable("W1", (2, 3))
    >>> W.name, W.letter, W.index, W.shape
    ('W1', 'W', (1,), (2, 3))
    """

    def __new__(cls, letter: Any, index: Any, shape: Any, facts: Any = (), mark: Any = 1, role: Any = "") -> Node:
        return super().__new__(
            cls,
            letter if isinstance(letter, Str) else Str(letter),
            _expressions(index),
            _expressions(shape),
            Tuple(*facts),
            Integer(mark),
            role if isinstance(role, Str) else Str(role),
        )

    @property
    def letter(self) -> str:
        return self.args[0].name

    @property
    def index(self) -> tuple[Expr, ...]:
        return tuple(self.args[1].args)

    @property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(self.args[3].args)

    @property
    def facts_by_kind(self) -> dict[str, Expr]:
        """The value of each fact by its kind; ask with `in` whether something is known."""
        return {fact.kind: fact.value for fact in self.facts}

    @property
    def mark(self) -> int:
        return int(self.args[4])

    @property
    def role(self) -> str:
        return self.args[5].name

    @cached_property
    def name(self) -> str:
        """The name in NumPy notation: `W1`, `a1_2`, `dW1`; `W[l + 1]` for a symbolic index, `h1[t]` for two."""
        numbered = bool(self.index) and self.index[0].is_Integer
        inside = ", ".join(map(str, self.index[1:] if numbered else self.index))
        number = str(self.index[0]) if numbered else ""
        suffix = f"_{self.mark}" if self.mark > 1 else ""
        return f"{'d' * self.is_gradient}{self.letter}{number}{suffix}" + (f"[{inside}]" if inside else "")

    @property
    def is_gradient(self) -> bool:
        """Whether it is the derivative of the loss with respect to the variable that it is called after."""
        return self.role == GRADIENT

    @property
    def family(self) -> tuple[str, int, bool]:
        """What the variables of one name for different indices have in common: letter, mark, whether a gradient."""
        return self.letter, self.mark, self.is_gradient

    @cached_property
    def free_symbols(self) -> set[Basic]:
        """The size symbols in shape and index, and the variable itself (so that `free_symbols` finds variables)."""
        sizes: set[Basic] = set()
        for part in (*self.shape, *self.index):
            sizes |= part.free_symbols
        return sizes | {self}

    def change(self, **fields: Any) -> Variable:
        """Return a copy with some of `letter`, `index`, `shape`, `facts`, `mark`, `role` replaced."""
        names = ("letter", "index", "shape", "facts", "mark", "role")
        return Variable(*(fields.get(name, argument) for name, argument in zip(names, self.args, strict=True)))


AXIS_FACTS = ("sums to 1", "one-hot")
"""The kinds of facts that speak of an axis."""


class Fact(Basic):
    """What is known of a variable: `kind` and, where it speaks of an axis or a bound, `value`.

    Kinds: those of `AXIS_FACTS` (along axis `value`), "index" (integers from 0 to `value` - 1), and the words of
    `DECLARED` for all others.
    """

    def __new__(cls, kind: Any, value: Any = 0) -> Fact:
        return Basic.__new__(cls, kind if isinstance(kind, Str) else Str(kind), as_expression(value))

    @property
    def kind(self) -> str:
        return self.args[0].name

    @property
    def value(self) -> Expr:
        return self.args[1]


class Scalar(Node):
    """A number, or an expression in sizes (`1/m`), as a rank-0 node."""

    def __new__(cls, value: Any) -> Self:
        return super().__new__(cls, as_expression(value))

    @property
    def value(self) -> Expr:
        return self.args[0]


class Fill(Node):
    """An array of the given shape with every element equal to `value` (zeros, ones)."""

    def __new__(cls, value: Any, shape: Any) -> Self:
        return super().__new__(cls, as_expression(value), _expressions(shape))

    @property
    def value(self) -> Expr:
        return self.args[0]


class Identity(Node):
    """The identity matrix of `size` rows."""

    def __new__(cls, size: Any) -> Self:
        return super().__new__(cls, as_expression(size))


class Add(Node):
    """Elementwise sum of two or more terms, with broadcasting: `out[i] = t1[i] + t2[i] + ...`."""


class Multiply(Node):
    """Elementwise (Hadamard) product of two or more factors, with broadcasting: `out[i] = f1[i] * f2[i] * ...`."""


class Power(Node):
    """Elementwise power with a constant exponent: `out[i] = base[i] ** exponent`."""

    def __new__(cls, base: Node, exponent: Any) -> Self:
        return super().__new__(cls, base, as_expression(exponent))

    @property
    def exponent(self) -> Expr:
        return self.args[1]


class MatMul(Node):
    """Matrix product with NumPy's meaning of `@` for ranks 1 and 2, and batched over leading axes above."""

    def __new__(cls, left: Node, right: Node) -> Self:
        return super().__new__(cls, left, right)


class Outer(Node):
    """Outer product of two vectors: `out[i, j] = u[i] * v[j]`."""

    def __new__(cls, left: Node, right: Node) -> Self:
        return super().__new__(cls, left, right)


class Transpose(Node):
    """Axes in another order: `out.shape[k] = operand.shape[axes[k]]`; reversed by default, as NumPy's `.T`."""

    def __new__(cls, operand: Node, axes: Any = None) -> Self:
        order = reversed(range(operand.rank)) if axes is None else (axis_of(axis, operand.rank) for axis in axes)
        return super().__new__(cls, operand, Tuple(*order))

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(int(axis) for axis in self.args[1].args)


class Sum(Node):
    """Sum over `axes` (all by default); with `keepdims` the summed axes stay with length 1."""

    def __new__(cls, operand: Node, axes: Any = None, keepdims: Any = False) -> Self:
        return super().__new__(cls, operand, _axes(operand, axes), sympy.true if bool(keepdims) else sympy.false)

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(int(axis) for axis in self.args[1].args)

    @property
    def keepdims(self) -> bool:
        return bool(self.args[2])


class Expand(Node):
    """A new axis of length 1 at position `axis` of the result: NumPy's `x[:, None]`."""

    def __new__(cls, operand: Node, axis: Any) -> Self:
        return super().__new__(cls, operand, Integer(axis_of(axis, operand.rank + 1)))

    @property
    def axis(self) -> int:
        return int(self.args[1])


class Reshape(Node):
    """The same elements in row-major order under another shape."""

    def __new__(cls, operand: Node, shape: Any) -> Self:
        return super().__new__(cls, operand, _expressions(shape))


class Diag(Node):
    """The square matrix with a vector on its diagonal: `out[i, j] = v[i] if i == j else 0`."""


class Diagonal(Node):
    """The diagonal of a square matrix: `out[i] = A[i, i]`."""


class Take(Node):
    """Rows of a table (elements of a vector) selected by integers: `out[i..., j...] = table[ids[i...], j...]`."""

    def __new__(cls, table: Node, ids: Node) -> Self:
        return super().__new__(cls, table, ids)


class ScatterAdd(Node):
    """The adjoint of `Take`: `out[k, j...] = sum of values[i..., j...] over all i... with ids[i...] == k`, k < size."""

    def __new__(cls, values: Node, ids: Node, size: Any) -> Self:
        return super().__new__(cls, values, ids, as_expression(size))

    @property
    def size(self) -> Expr:
        return self.args[2]


class OneHot(Node):
    """One-hot rows: `out[i..., k] = 1 if ids[i...] == k else 0`, k < size."""

    def __new__(cls, ids: Node, size: Any) -> Self:
        return super().__new__(cls, ids, as_expression(size))

    @property
    def size(self) -> Expr:
        return self.args[1]


class Map(Node):
    """An elementwise function of one or more operands, with broadcasting: `out[i] = f(x[i], ...)`."""

    def __new__(cls, function: Basic, *operands: Node) -> Self:
        return super().__new__(cls, function, *operands)

    @property
    def function(self) -> Any:
        """The `ElementwiseFunction` that is applied."""
        return self.args[0]


class Compare(Node):
    """The indicator of a comparison, 1 where it holds and else 0. `relation` is one of `> >= < <= == !=`."""

    def __new__(cls, relation: Any, left: Node, right: Node) -> Self:
        return super().__new__(cls, relation if isinstance(relation, Str) else Str(relation), left, right)

    @property
    def relation(self) -> str:
        return self.args[0].name


class Where(Node):
    """Elementwise choice: `out[i] = yes[i] if condition[i] else no[i]`, with broadcasting."""

    def __new__(cls, condition: Node, yes: Node, no: Node) -> Self:
        return super().__new__(cls, condition, yes, no)


class Softmax(Node):
    """`out[i] = exp(x[i]) / sum_j exp(x[j])` along `axis`."""

    def __new__(cls, operand: Node, axis: Any = -1) -> Self:
        return super().__new__(cls, operand, _axes(operand, axis)[0])

    @property
    def axis(self) -> int:
        return int(self.args[1])


class LogSumExp(Node):
    """`out = log(sum_j exp(x[j]))` along `axis`, which goes unless `keepdims`."""

    def __new__(cls, operand: Node, axis: Any = -1, keepdims: Any = False) -> Self:
        return super().__new__(cls, operand, _axes(operand, axis)[0], sympy.true if bool(keepdims) else sympy.false)

    @property
    def axis(self) -> int:
        return int(self.args[1])

    @property
    def keepdims(self) -> bool:
        return bool(self.args[2])


class Inverse(Node):
    """The inverse of a square matrix."""


class Determinant(Node):
    """The determinant of a square matrix."""


class LogDeterminant(Node):
    """The logarithm of the absolute value of the determinant of a square matrix, `np.linalg.slogdet(A)[1]`."""


class MatrixPower(Node):
    """A power of a square matrix: `A @ A @ ... @ A`; the identity for 0, powers of the inverse below.

    An exponent of which assumptions do not say that it is never above 0 is never below: where the indices of two
    series make it negative, it is a power of the inverse, `inv(A)**(t + 1 - i)`. As `plain` it is `A**(i - t - 1)`.
    """

    def __new__(cls, operand: Node, exponent: Any) -> Self:
        return super().__new__(cls, operand, whole(exponent, "the power of a matrix"))

    @property
    def exponent(self) -> Expr:
        return self.args[1]

    @property
    def plain(self) -> tuple[Node, Expr]:
        """The matrix and the exponent as they are written."""
        (base,) = self.operands
        return (base.operands[0], -self.exponent) if isinstance(base, Inverse) else (base, self.exponent)


class Kron(Node):
    """The Kronecker product of two matrices: `out[i * p + k, j * q + l] = A[i, j] * B[k, l]`, B of shape (p, q)."""


class Commutation(Node):
    """The commutation matrix: the elements of an (m, n) matrix, row by row, in the order of its transpose's rows.

    `commutation(m, n) @ reshape(A, (m * n,)) = reshape(A.T, (m * n,))` (Magnus and Neudecker, 2019, section 3.7).
    """

    def __new__(cls, rows: Any, columns: Any) -> Self:
        return super().__new__(cls, *(whole(size, "a size of Commutation", positive=True) for size in (rows, columns)))


class Product(Node):
    """Product over `axes` (all by default); with `keepdims` the axes stay with length 1."""

    def __new__(cls, operand: Node, axes: Any = None, keepdims: Any = False) -> Self:
        return super().__new__(cls, operand, _axes(operand, axes), sympy.true if bool(keepdims) else sympy.false)

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(int(axis) for axis in self.args[1].args)

    @property
    def keepdims(self) -> bool:
        return bool(self.args[2])


class Extreme(Node):
    """The largest ("max") or smallest ("min") element along `axes`; with `keepdims` the axes stay with length 1."""

    def __new__(cls, operand: Node, axes: Any = None, keepdims: Any = False, which: Any = "max") -> Self:
        kept = sympy.true if bool(keepdims) else sympy.false
        return super().__new__(
            cls, operand, _axes(operand, axes), kept, which if isinstance(which, Str) else Str(which)
        )

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(int(axis) for axis in self.args[1].args)

    @property
    def keepdims(self) -> bool:
        return bool(self.args[2])

    @property
    def which(self) -> str:
        return self.args[3].name


class Concatenate(Node):
    """Arrays one after the other along `axis`."""

    def __new__(cls, *parts: Any, axis: Any = None) -> Self:
        operands = [part for part in parts if isinstance(part, Node)]
        given = parts[-1] if axis is None else axis
        return super().__new__(cls, *operands, Integer(axis_of(given, max(1, operands[0].rank))))

    @property
    def axis(self) -> int:
        return int(self.args[-1])


class Slice(Node):
    """The elements from `start` to before `stop` along `axis`: NumPy's `x[start:stop]`."""

    def __new__(cls, operand: Node, axis: Any, start: Any, stop: Any) -> Self:
        ends = (whole(end, "an end of a slice") for end in (start, stop))
        return super().__new__(cls, operand, Integer(axis_of(axis, operand.rank)), *ends)

    @property
    def axis(self) -> int:
        return int(self.args[1])

    @property
    def start(self) -> Expr:
        return self.args[2]

    @property
    def stop(self) -> Expr:
        return self.args[3]


class Pullback(Node):
    """The vector-Jacobian product, not yet worked out: `out[j] = sum_i cotangent[i] * d expression[i] / d by[j]`.

    The derivation starts from such a node and ends when none is left.
    """

    def __new__(cls, cotangent: Node, expression: Node, by: Node) -> Self:
        return super().__new__(cls, cotangent, expression, by)


class Pushforward(Node):
    """The Jacobian-vector product, not yet worked out: `out[i] = sum_j d expression[i] / d by[j] * tangent[j]`."""

    def __new__(cls, expression: Node, by: Node, tangent: Node) -> Self:
        return super().__new__(cls, expression, by, tangent)


class BlockSum(Node):
    """The sum of what `operand` is for `index` = 1, ..., `count`; for a count of 0 it is 0.

    It stands where a loss reads the parameters of every block, as a penalty does, and in the derivative of a matrix
    power whose exponent is a symbol. The index is bound: what is put in for other symbols is not caught by it.
    """

    def __new__(cls, operand: Node, index: Any, count: Any) -> Self:
        return super().__new__(cls, operand, index, whole(count, "the number of terms"))

    @property
    def index(self) -> sympy.Symbol:
        return self.args[1]

    @property
    def count(self) -> Expr:
        return self.args[2]

    @cached_property
    def free_symbols(self) -> set[Basic]:
        return (self.operands[0].free_symbols - {self.index}) | self.count.free_symbols

    def at(self, place: Expr) -> Node:
        """Return the term at `place`."""
        term: Node = self.operands[0].xreplace({self.index: place})
        return term

    def apart_from(self, *others: Basic) -> BlockSum:
        """Return the same series with an index that stands nowhere in `others`, bound or not."""
        if not any(other.has(self.index) for other in others):
            return self
        index = unused_index(self, *others)
        return BlockSum(self.at(index), index, self.count)

    def _xreplace(self, rule: Mapping[Basic, Basic]) -> tuple[Basic, bool]:
        if self in rule:
            return rule[self], True
        inside = {old: new for old, new in rule.items() if old in self.free_symbols or isinstance(old, Node)}
        if not inside:
            return self, False
        changed: tuple[Basic, bool] = super(BlockSum, self.apart_from(self.count, *inside.values()))._xreplace(inside)
        return changed


def unused_index(*formulas: Basic) -> sympy.Symbol:
    """Return an index that no size, index or array in `formulas` is called like.

    >>> import symprop
    >>> unused_index(symprop.variable("i", ("j", 3)))
    l
    """
    taken = names_in(*formulas)
    numbered = (f"i{number}" for number in count())
    free = next(name for name in chain("ijlrsuv", numbered) if name not in taken)
    return sympy.Symbol(free, integer=True, positive=True)


def names_in(*formulas: Basic) -> set[str]:
    """Return what sizes, indices and arrays in `formulas` are called, an array by its letter and by its name."""
    arrays = [array for each in formulas for array in each.atoms(Variable)]
    symbols = {str(symbol) for each in formulas for symbol in each.atoms(sympy.Symbol)}
    return symbols | {array.letter for array in arrays} | {array.name for array in arrays}


NODE_KINDS: tuple[type[Node], ...] = (
    Variable,
    Scalar,
    Fill,
    Identity,
    Add,
    Multiply,
    Power,
    MatMul,
    Outer,
    Transpose,
    Sum,
    Expand,
    Reshape,
    Diag,
    Diagonal,
    Take,
    ScatterAdd,
    OneHot,
    Map,
    Compare,
    Where,
    Softmax,
    LogSumExp,
    BlockSum,
    Inverse,
    Determinant,
    LogDeterminant,
    MatrixPower,
    Kron,
    Commutation,
    Product,
    Extreme,
    Concatenate,
    Slice,
)
"""Every kind of node that an answer may hold. Each table has a row for each; `Pullback` is the unfinished one."""


def _axes(operand: Node, axes: Any) -> Tuple:
    """Return `axes` (None, one or several, maybe negative) as a tuple of positions in `operand`."""
    if axes is None:
        return Tuple(*range(operand.rank))
    given = axes if isinstance(axes, (tuple, list, range, Tuple)) else (axes,)
    places = sorted(axis_of(axis, operand.rank) for axis in given)
    twice = next((axis for axis, following in pairwise(places) if axis == following), None)
    if twice is not None:
        raise FormulaError(f"axis {twice} is given twice")
    return Tuple(*places)


def _expressions(values: Iterable[object]) -> Tuple:
    return Tuple(*map(as_expression, values), sympify=False)


def as_node(value: object) -> Node:
    """Return `value` as a node: a node itself, a number, or a SymPy expression in sizes.

    >>> as_node(2).value
    2

    Raises:
        FormulaError: anything else.
    """
    if isinstance(value, Node):
        return value
    if isinstance(value, (int, float, Expr)) and not isinstance(value, bool):
        return Scalar(value)
    raise FormulaError(f"a formula is made of arrays and numbers, not of {type(value).__name__}")


def negative(node: Node) -> Node:
    """Return `-node`; a number is negated in place."""
    if isinstance(node, Scalar):
        return Scalar(-node.value)
    if isinstance(node, Multiply) and isinstance(node.args[0], Scalar):
        return Multiply(Scalar(-node.args[0].value), *node.args[1:])
    return Multiply(Scalar(-1), *(node.args if isinstance(node, Multiply) else (node,)))
