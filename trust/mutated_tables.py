"""The tables whose rows are made wrong: what can be wrong in each, the questions that read it, and what must see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from symprop.algebra.batching import BATCH
from symprop.algebra.elements import ELEMENT
from symprop.algebra.kinds.base import SHAPE
from symprop.algebra.scalar import SCALAR
from symprop.algebra.symmetry import FORM
from symprop.analysis.curvature.diagonals import DIAGONAL
from symprop.analysis.curvature.ends import ROW
from symprop.analysis.curvature.examples import INNER
from symprop.analysis.definiteness import DEFINITE, NONNEGATIVE, SEMIDEFINITE
from symprop.analysis.flops import FLOPS
from symprop.analysis.vanishing import BOUND
from symprop.calculus.chains import NEIGHBOURS
from symprop.calculus.linear_maps import MATRIX
from symprop.calculus.pairs import PAIRS
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from symprop.calculus.rules import RULES
from symprop.calculus.symmetric import SYMMETRIC
from symprop.calculus.tidy import TIDY
from symprop.calculus.vanishing_sums import REACHED
from symprop.codegen.kinds import MEANING
from symprop.codegen.matrix_passes import INNER as AS_INNER
from symprop.codegen.matrix_passes import ON_A_VECTOR
from symprop.codegen.operations import OPERATION
from symprop.codegen.targets import arrays as arrays  # enters the rows of SOURCE
from symprop.codegen.targets.dialect import SOURCE
from symprop.codegen.targets.fast.calls import CALLS
from symprop.codegen.targets.numba.loop_places import LOOPS
from symprop.codegen.targets.numpy.source import NUMPY
from symprop.finishing.kroneckers import BESIDE
from symprop.finishing.signs import SIGNED
from symprop.finishing.touches import TOUCHES
from symprop.formulas.code.kronecker_chains import APPLIED, APPLIED_FROM_RIGHT
from symprop.formulas.compare.inverses.reading import WORDS as AS_WORDS
from symprop.formulas.compare.sums.elements import SUMS
from symprop.formulas.interchange.matrices import SYMPY
from symprop.notation.latex import LATEX
from symprop.notation.text import TEXT
from symprop.verify.evaluate import EVALUATE
from symprop.verify.moved import MOVED
from trust import changes as wrong
from trust import mutant_claims as claims
from trust import mutant_networks as networks
from trust import mutant_products as products
from trust import mutant_proofs as proofs
from trust import mutant_questions as asked
from trust import mutant_samples as samples
from trust.changes import Changes
from trust.mutant_questions import Question
from trust.seeding import Row, rows_of


@dataclass(frozen=True)
class Mutated:
    """A table, and what can be wrong with what its rows return."""

    name: str
    rows: tuple[Row, ...]
    changes: Changes


def mutated(table: Any, changes: Changes, name: str = "") -> Mutated:
    rows = tuple(rows_of(table, name))
    return Mutated(rows[0].table, rows, changes)


@dataclass(frozen=True)
class Family:
    """Tables that the same questions read, and what sees what is wrong in their answers."""

    oracle: str
    tables: tuple[Mutated, ...]
    questions: Callable[[], Iterable[Question]]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(chain.from_iterable(table.rows for table in self.tables))

    @cached_property
    def all_changes(self) -> Changes:
        return {name: change for table in self.tables for name, change in table.changes.items()}

    def changes_of(self, row: Row) -> Changes:
        """Return what can be wrong in a row."""
        return self._changes[row.table]

    @cached_property
    def _changes(self) -> dict[str, Changes]:
        return {table.name: table.changes for table in self.tables}


def one(oracle: str, table: Any, changes: Changes, questions: Callable[[], Iterable[Question]]) -> Family:
    return Family(oracle, (mutated(table, changes),), questions)


def of_formulas() -> Iterator[Question]:
    yield from asked.of_one_node()
    yield from asked.of_people()


FORMULAS = wrong.where_any(wrong.NODES)
CERTIFICATE = "the certificate of an answer"
FAMILIES = (
    Family(
        CERTIFICATE,
        tuple(mutated(table, FORMULAS) for table in (PULLBACK, PUSHFORWARD, MATRIX, TIDY)),
        of_formulas,
    ),
    Family(CERTIFICATE, (mutated(PUSHFORWARD, FORMULAS, "pushforward, of numbers"),), asked.of_directions),
    Family(CERTIFICATE, (mutated(RULES, wrong.inside("result", wrong.NODES), "named rules"),), asked.of_rules),
    Family(CERTIFICATE, (mutated(TOUCHES, FORMULAS, "finishing touches"),), asked.of_touches),
    Family(
        CERTIFICATE,
        (
            mutated(SOURCE, wrong.TEXTS),
            mutated(NUMPY.rows, wrong.TEXTS, "Python source for NumPy"),
            mutated(TEXT, wrong.TEXTS),
        ),
        of_formulas,
    ),
    Family(
        "the value of what is rewritten",
        (mutated(PAIRS, FORMULAS, "tidy, of two kinds"), mutated(NEIGHBOURS, FORMULAS)),
        products.of_pairs,
    ),
    one("the value of the product", BESIDE, FORMULAS, products.of_neighbours),
    one("the value of the product", APPLIED, FORMULAS, products.of_applied),
    one("the value of the product", APPLIED_FROM_RIGHT, FORMULAS, products.of_applied_from_right),
    one("the value of the product", ON_A_VECTOR, FORMULAS, products.of_vectors),
    one("the value of the sum", AS_INNER, FORMULAS, products.of_sums_of_products),
    one("the value of what is rewritten", SIGNED, wrong.SIGNED, products.of_signs_of_differences),
    one("NumPy, of the text", TEXT, wrong.TEXTS, samples.of_texts),
    one("NumPy, of the text", EVALUATE, wrong.ARRAYS, samples.of_values),
    one("each evaluation alone", MOVED, wrong.ARRAYS, samples.of_moved_values),
    one("the shape of the value", SHAPE, wrong.SHAPES, samples.of_shapes),
    one("the value", ELEMENT, wrong.SCALARS, samples.of_elements),
    one("what NumPy makes of it", MEANING, wrong.NODES, samples.of_programs),
    one("the diagonal of the value", DIAGONAL, wrong.NODES, products.of_diagonals),
    one("row t of the value", ROW, wrong.NODES, products.of_rows),
    one("the sum of the products", INNER, FORMULAS, products.of_inner_products),
    one("numbers that count", FLOPS, wrong.COUNTS, claims.of_costs),
    one("norms of Jacobians", BOUND, wrong.SMALLER, claims.of_bounds),
    one("the values of the examples", BATCH, wrong.NODES, samples.of_batches),
    one("a reader of LaTeX", LATEX, wrong.LATEX, samples.of_latex),
    one("the value", SCALAR, wrong.SCALARS, claims.of_bodies),
    one("the sum of what is centred", REACHED, wrong.REACHED, claims.of_centred_sums),
    one("SymPy at numbers", SYMPY, wrong.MATRICES, samples.of_sympy),
    one("random points", NONNEGATIVE, wrong.CLAIMED, claims.of_signs),
    one("eigenvalues at random points", SEMIDEFINITE, wrong.CLAIMED, claims.of_semidefinite),
    one("eigenvalues at random points", DEFINITE, wrong.CLAIMED, claims.of_definite),
    one("the transpose at random points", FORM, wrong.FORMS, claims.of_forms),
    one("the transpose at random points", SYMMETRIC, wrong.NO_REASON, claims.of_symmetric),
    one("random points", SUMS, wrong.TERMS, proofs.of_sums),
    one("random points", AS_WORDS, wrong.OF_WORDS, proofs.of_words),
    Family(
        "the certificate of a network",
        (
            mutated(OPERATION, FORMULAS),
            mutated(CALLS, wrong.CALLS),
            mutated(NUMPY.rows, wrong.TEXTS, "Python source for NumPy, in networks"),
            mutated(SOURCE, wrong.TEXTS, "Python source, in networks"),
        ),
        networks.of_networks,
    ),
    one("the numbers of the fast module", LOOPS, FORMULAS, networks.of_loops),
)

WORDS = "words for people, no formula: the tests of what uses them read them"
ON_PAPER = "it says how arrays of three axes are written in networks: the tests read the LaTeX of networks back"
NOT_MUTATED: dict[str, str] = {
    "one step of the chain rule": "its two rows return what the rows of the pullback and the pushforward table do",
    "mathematics": "its rows are made wrong where LaTeX has them",
    "pretty": "its rows are those of LaTeX in another style, and nothing reads Unicode back",
    **dict.fromkeys(("digits", "slices", "axes of one size"), ON_PAPER),
    **dict.fromkeys(("where the derivative does not exist", "what a part of an answer is", "word"), WORDS),
    **dict.fromkeys(("steps", "blocks of steps"), WORDS),
    "scratch memory": "too little of it is an error",
    "mean over the examples": "Hessians of networks alone read it, and `check(curvature=True)` compares them",
    "source in a dialect": "three rows for JAX and none for PyTorch: random networks are compared with both libraries",
}
"""The tables of the package whose rows are not made wrong, and why."""
