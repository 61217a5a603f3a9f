r"""What formulas in LaTeX mean: their trees evaluated with NumPy, by the conventions of mathematics and of the page.

Side by side is the matrix product, a vector is a column. Sizes that a formula does not write, those of `\mathbf{1}` and
`I`, are found from those that it does, by unification; a size that stays open makes a formula unreadable. A vector that
is added to a matrix (or multiplied with one elementwise) meets each of its rows, as the page says. Where a row stands
for a column, which only a page's reader and no rule of mathematics forgives, `Meaning.loose` says so.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from latex_calls import CALLS
from latex_names import Tree
from latex_places import arranged, part, stack, thin
from latex_reader import read
from latex_sizes import FUNCTIONS, WITH_A_NUMBER, ZERO, Array, Multiple, Size, Value
from latex_sizes import scalar as scalar_value
from latex_tokens import Unreadable


class Meaning:
    """Evaluates trees at arrays by name; `functions` are a user's own, `along` is what softmax acts on, `vec` lists."""

    def __init__(
        self,
        arrays: Mapping[str, Any],
        along: str = "rows",
        functions: Mapping[str, Callable[..., Any]] | None = None,
        prime: str = "mark",
        vec: str = "rows",
    ) -> None:
        self.arrays = {name: np.asarray(value) for name, value in arrays.items()}
        self.axis = {"rows": 1, "columns": 0}[along]
        self.functions = {**FUNCTIONS, **(functions or {})}
        self.prime = prime
        self.vec = vec
        self.indices: dict[str, tuple[Size, list[int]]] = {}
        self.loose: list[str] = []

    def evaluate(self, latex: str, shape: tuple[int, ...]) -> Array:
        """Return the value of a formula that has a shape, as its left side says.

        Raises:
            Unreadable: outside the subset, ambiguous, or of another shape.
        """
        tree = read(latex, tuple(self.arrays), self.prime)
        value = stack(self, tree, tuple(map(Size, shape))) if tree.kind == "stack" else self.value(tree)
        if value is ZERO:
            return np.zeros(shape)
        sizes = tuple(map(Size, shape))
        if value.rank != len(shape) and math.prod(shape) == 1 and value.single:
            return np.reshape(value.compute(), shape)
        value = thin(value, len(shape))
        if value.rank != len(shape) or not all(one.meets(size) for one, size in zip(value.shape, sizes, strict=True)):
            raise Unreadable(f"rank {value.rank}, shape {[size.known for size in value.shape]} in place of {shape}")
        found = value.compute()
        if np.ndim(found) > len(shape):  # a matrix of one element, or of one row, on paper
            found = np.squeeze(found)
        return np.broadcast_to(found, shape)

    def value(self, tree: Tree) -> Any:
        kind = tree.kind
        method = _METHODS.get(kind)
        if method is None:
            raise Unreadable(f"{kind} here")
        return method(self, tree)

    def name(self, tree: Tree) -> Any:
        found = self.arrays.get(tree.text)
        if found is not None:
            return Value(tuple(map(Size, found.shape)), lambda: found)
        if re.fullmatch(r"I(_\w+)?", tree.text):
            size = Size(self.place(tree.text[2:])) if tree.text != "I" else Size()
            return Value((size, size), lambda: np.eye(size.value))
        if tree.text == "pi":
            return scalar_value(math.pi)
        raise Unreadable(f"an unknown name {tree.text}")

    def number(self, tree: Tree) -> Value:
        return scalar_value(float(tree.text))

    def index(self, tree: Tree) -> Value:
        current = self.indices[tree.text][1]
        return Value((), lambda: float(current[0] + 1))  # positions count from 1

    def blocks(self, tree: Tree) -> Value:
        values = [self.array(part) for part in tree.parts]
        vectors = all(value.rank < 2 and not value.row for value in values)
        axis = ("1",) if tree.text == "beside" else () if vectors else ("0",)
        return CALLS["concatenate"](self, Tree("call", tree.parts, "concatenate", axis))

    def summation(self, tree: Tree) -> Value:
        own = [(Size(*map(self.constant, tree.parts[1:])), [0]) for _ in tree.words]
        outer = dict(self.indices)
        self.indices.update(zip(tree.words, own, strict=True))
        value = self.value(tree.parts[0])
        body = scalar_value(0.0) if value is ZERO else value
        self.indices = outer

        def at_each() -> Any:
            for place in itertools.product(*(range(size.value) for size, _ in own)):
                for (_, current), at in zip(own, place, strict=True):
                    current[0] = at
                yield body.compute()

        taken = OVER_INDICES[tree.text]
        return Value(body.shape, lambda: taken(at_each()), body.row)

    def scalar(self, tree: Tree) -> Value:
        value = self.value(tree)
        if value is ZERO:
            return scalar_value(0.0)
        if not value.single:
            raise Unreadable("an array where a number is due")
        return Value((), lambda: np.reshape(value.compute(), ()))

    def array(self, tree: Tree) -> Value:
        value = self.value(tree)
        if value is ZERO:
            raise Unreadable("zeros whose shape the formula does not tell")
        return value

    def sum(self, tree: Tree) -> Any:
        terms = [value for part in tree.parts if (value := self.value(part)) is not ZERO]
        if not terms:
            return ZERO
        found = terms[0]
        for term in terms[1:]:
            found = self.elementwise(np.add, found, term)
        return found

    def negative(self, tree: Tree) -> Any:
        value = self.value(tree.parts[0])
        return value if value is ZERO else self.elementwise(np.negative, value)

    def elementwise(self, function: Callable[..., Any], *values: Value) -> Value:
        """Apply a function element by element; single numbers and vectors spread as the page says.

        Beside a matrix of one column a vector is a column too.
        """
        if any(value.rank == 2 and value.shape[1].known == 1 for value in values):
            values = tuple(
                Value((*value.shape, Size(1)), lambda value=value: value.compute()[:, None])
                if value.rank == 1 and not value.row and not value.single
                else value
                for value in values
            )
        ranks = [value.rank for value in values]
        rows = {value.row for value in values if value.rank == 1 and not value.single}
        if len(rows) > 1:
            self.loose.append("a row and a column side by side")
        if max(ranks) == 2 and True in rows:
            self.loose.append("a row for each row of a matrix")
        shape: list[Size] = []
        for axis in range(-max(ranks), 0):
            sizes = [value.shape[axis] for value in values if value.rank >= -axis]
            wide = [size for size in sizes if size.known != 1] or sizes[:1]
            if not all(wide[0].meets(size) for size in wide):
                raise Unreadable(f"sizes {[size.known for size in wide]} side by side")
            shape.append(wide[0])
        row = rows == {True}
        return Value(tuple(shape), lambda: function(*(value.compute() for value in values)), row)

    def product(self, tree: Tree) -> Any:
        left, right = (self.value(part) for part in tree.parts)
        if left is ZERO or right is ZERO:
            return ZERO
        if not left.rank or not right.rank:
            found = self.elementwise(np.multiply, left, right)
            found.is_product = left.is_product or right.is_product
            return found
        return self.matrix_product(left, right)

    def matrix_product(self, left: Value, right: Value) -> Value:
        """Multiply matrices, rows and columns; a row has one line and a column one column, whatever else is open."""
        if max(left.rank, right.rank) > 2:
            raise Unreadable("a matrix product of rank 3")
        wide, high = left.rank == 2 or left.row, right.rank == 2 or not right.row
        inner_left = left.shape[-1] if wide else Size(1)
        inner_right = right.shape[0] if high else Size(1)
        lines = wide and high
        if not (inner_left.meets(inner_right) if lines else inner_left.known == inner_right.known == 1):
            if left.single or right.single:  # an array of one element stands for its number
                return self.elementwise(np.multiply, left, right)
            raise Unreadable(f"a product of sizes {inner_left.known} and {inner_right.known}")
        above = () if left.rank == 1 and left.row else left.shape[:1]
        beside = right.shape[-1:] if right.rank == 2 or right.row else ()

        def compute() -> Any:
            a, b = left.compute(), right.compute()
            a = np.broadcast_to(a, [size.value for size in left.shape])
            b = np.broadcast_to(b, [size.value for size in right.shape])
            a = a.reshape(-1, inner_left.value)
            return (a @ b.reshape(inner_right.value, -1)).reshape([size.value for size in (*above, *beside)])

        found = Value((*above, *beside), compute, row=not above and bool(beside))
        found.is_product = True
        return found

    def group(self, tree: Tree) -> Any:
        value = self.value(tree.parts[0])
        return value if value is ZERO else Value(value.shape, value.compute, value.row)  # no longer a bare product

    def spread(self, tree: Tree) -> Any:
        left, right = (self.value(part) for part in tree.parts)
        if tree.kind == "odot" and (left is ZERO or right is ZERO):
            return ZERO
        for value in (left, right):
            if value is ZERO or value.is_product:
                raise Unreadable(f"a matrix product and {tree.kind} without parentheses")
        function = {"odot": np.multiply, "oslash": np.divide}[tree.kind]
        return self.elementwise(function, left, right)

    def kronecker(self, tree: Tree) -> Value:
        left, right = (self.array(part) for part in tree.parts)
        if left.is_product or right.is_product:
            raise Unreadable("a matrix product and a Kronecker product without parentheses")
        pairs = [
            tuple(value.shape)
            if value.rank == 2
            else (Size(1), value.shape[0])
            if value.row
            else (value.shape[0], Size(1))
            for value in (left, right)
        ]
        shape = tuple(Multiple(a, b) for a, b in zip(*pairs, strict=True))

        def compute() -> Any:
            parts = [
                np.broadcast_to(value.compute(), [size.value for size in value.shape]).reshape([s.value for s in pair])
                for value, pair in zip((left, right), pairs, strict=True)
            ]
            return np.kron(*parts)

        return Value(shape, compute)

    def fraction(self, tree: Tree) -> Value:
        return self.elementwise(np.divide, self.array(tree.parts[0]), self.scalar(tree.parts[1]))

    def power(self, tree: Tree) -> Value:
        base, exponent = self.array(tree.parts[0]), self.scalar(tree.parts[1])
        if base.single:
            return self.elementwise(np.power, base, exponent)
        if base.rank != 2 or not base.shape[0].meets(base.shape[1]):
            raise Unreadable("a power of what is no square matrix")
        return Value(base.shape, lambda: np.linalg.matrix_power(base.compute(), int(exponent.compute().real)))

    def elementwise_power(self, tree: Tree) -> Value:
        return self.elementwise(np.power, self.array(tree.parts[0]), self.array(tree.parts[1]))

    def transpose(self, tree: Tree) -> Any:
        value = self.value(tree.parts[0])
        if value is ZERO or not value.rank:
            return value
        if value.rank > 2:
            raise Unreadable("a transpose of rank 3")
        return Value(value.shape[::-1], lambda: np.transpose(value.compute()), row=value.rank == 1 and not value.row)

    def inverse(self, tree: Tree) -> Value:
        value = self.array(tree.parts[0])
        if value.single:
            return self.elementwise(np.reciprocal, value)
        return Value(value.shape, lambda: np.linalg.inv(value.compute()))

    def root(self, tree: Tree) -> Value:
        return self.elementwise(np.sqrt, self.array(tree.parts[0]))

    def ones(self, tree: Tree) -> Value:
        size = Size(self.place(tree.words[0])) if tree.words else Size()
        return Value((size,), lambda: np.ones(size.value))

    def zeros(self, tree: Tree) -> Any:
        """Zeros of any shape, or as many as is written below."""
        if not tree.words:
            return ZERO
        size = Size(self.place(tree.words[0]))
        return Value((size,), lambda: np.zeros(size.value))

    def unit(self, tree: Tree) -> Value:
        size = Size()
        return Value((size,), lambda: np.eye(size.value)[self.place(tree.words[0])])

    def place(self, word: str) -> int:
        """A place or a number of places: a sum of numbers and sizes, such as `n-1`."""
        parts = re.findall(r"([+-]?)([^+-]+)", word)
        values = ((sign, int(part) if part.isdigit() else round(float(self.arrays[part]))) for sign, part in parts)
        return sum(-value if sign == "-" else value for sign, value in values)

    def norm(self, tree: Tree) -> Value:
        value = self.array(tree.parts[0])
        return Value((), lambda: np.sqrt(np.sum(value.compute() ** 2)))  # no absolute values: of complex numbers too

    def indicator(self, tree: Tree) -> Value:
        return self.truth(tree.parts[0])

    def truth(self, tree: Tree) -> Value:
        if tree.kind != "relation":
            return self.elementwise(lambda a: np.where(a != 0, 1.0, 0.0), self.array(tree))
        relate = RELATIONS[tree.text]
        operands = [scalar_value(0.0) if (v := self.value(part)) is ZERO else v for part in tree.parts]
        return self.elementwise(lambda a, b: np.where(relate(np.real(a), np.real(b)), 1.0, 0.0), *operands)

    def cases(self, tree: Tree) -> Value:
        *rows, last = tree.parts
        value = self.value(last)
        found = scalar_value(0.0) if value is ZERO else value
        for yes, condition in zip(rows[-2::-2], rows[-1::-2], strict=True):
            chosen = self.value(yes)
            chosen = scalar_value(0.0) if chosen is ZERO else chosen
            found = self.elementwise(lambda c, a, b: np.where(c != 0, a, b), self.truth(condition), chosen, found)
        return found

    def selection(self, tree: Tree) -> Value:
        base, *places = tree.parts
        array = self.array(base)
        if len(places) == 1 and places[0].kind in ("name", "element"):
            ids = self.array(places[0])
            return Value((*ids.shape, *array.shape[1:]), lambda: array.compute()[ids.compute()])
        chosen: list[Any] = []
        shape = list(array.shape)
        for axis, place in enumerate(places):
            if place.kind == "range":
                ends = [None if part.kind == "open end" else self.constant(part) for part in place.parts]
                chosen.append(slice(*ends))
                if ends != [None, None]:
                    shape[axis] = Size(len(range(array.shape[axis].value)[chosen[-1]]))
            else:
                chosen.append(self.constant(place))
                shape[axis] = None  # type: ignore[call-overload]
        kept = tuple(size for size in shape if size is not None)
        return Value(kept, lambda: array.compute()[tuple(chosen)])

    def constant(self, tree: Tree) -> int:
        return round(float(np.real(self.scalar(tree).compute())))

    def commutation(self, tree: Tree) -> Value:
        m, n = (int(word) if word.isdigit() else round(float(self.arrays[word])) for word in tree.words)
        turned = np.arange(m * n).reshape(m, n).T.ravel()
        return Value((Size(m * n), Size(m * n)), lambda: np.eye(m * n)[turned])

    def call(self, tree: Tree) -> Value:
        special = CALLS.get(tree.text)
        if special is not None:
            return special(self, tree)
        function = self.functions.get(tree.text)
        stem, _, number = tree.text.partition("_")
        if function is None and stem in WITH_A_NUMBER and re.fullmatch(r"\d+(\.\d+)?", number):
            function = WITH_A_NUMBER[stem](float(number))
        if function is None or tree.words:
            raise Unreadable(f"the function {tree.text}")
        return self.elementwise(function, *(self.array(part) for part in tree.parts))


OVER_INDICES: dict[str, Callable[[Any], Any]] = {
    "sum": sum,
    "max": lambda found: np.max(list(found), axis=0),
    "min": lambda found: np.min(list(found), axis=0),
    "argmax": lambda found: np.argmax(list(found), axis=0) + 1.0,  # the first; places count from 1
    "argmin": lambda found: np.argmin(list(found), axis=0) + 1.0,
}
RELATIONS: dict[str, Callable[..., Any]] = {
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
_METHODS: dict[str, Callable[[Meaning, Tree], Any]] = {
    "name": Meaning.name,
    "number": Meaning.number,
    "group": Meaning.group,
    "index": Meaning.index,
    "element": part,
    "stack": stack,
    "blocks": Meaning.blocks,
    "arranged": lambda meaning, tree: arranged(
        meaning.array(tree.parts[0]), [meaning.constant(size) for size in tree.parts[1:]]
    ),
    "summation": Meaning.summation,
    "sum": Meaning.sum,
    "negative": Meaning.negative,
    "product": Meaning.product,
    "odot": Meaning.spread,
    "oslash": Meaning.spread,
    "otimes": Meaning.kronecker,
    "fraction": Meaning.fraction,
    "power": Meaning.power,
    "elementwise power": Meaning.elementwise_power,
    "transpose": Meaning.transpose,
    "inverse": Meaning.inverse,
    "root": Meaning.root,
    "ones": Meaning.ones,
    "zeros": Meaning.zeros,
    "unit": Meaning.unit,
    "norm": Meaning.norm,
    "indicator": Meaning.indicator,
    "cases": Meaning.cases,
    "selection": Meaning.selection,
    "commutation": Meaning.commutation,
    "call": Meaning.call,
}
