"""Blocks of the Hessian, and its diagonal, against the complex step of the gradients: every element, every step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from sympy import Integer, Symbol

import symprop
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, equations_in
from symprop.algebra.nodes import Variable
from symprop.algebra.trees import is_zero, variables
from symprop.algebra.unrolling import unrolled, written_out
from symprop.analysis.curvature.ends import POSITION
from symprop.analysis.curvature.layers import OTHER
from symprop.analysis.curvature.means import EXAMPLE
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.points import points_of

STEP = 2.0**-560
BATCH, BLOCKS = 4, 3

SOFTMAX = "Input(2) >> Dense(3) >> SoftmaxCrossEntropy()"
LOGISTIC = "Input(2) >> Dense(1) >> BinaryCrossEntropy() + L2(0.3)"
LINEAR = "Input(2) >> Dense(3) >> Dense(2) >> MeanSquaredError()"
HIDDEN = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
DEEP = "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
ALIKE = "Input(2) >> Dense(2) >> Dense(2) >> MeanSquaredError()"
SLOPES = "Input(2) >> Dense(3) >> PReLU() >> MeanSquaredError()"
GENERAL = "Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), N) >> Dense(2) >> MeanSquaredError()"
BEFORE = "Input(3) >> Dense(3) >> Repeat(Dense(3) >> Tanh(), N) >> Dense(2) >> SoftmaxCrossEntropy()"
RECURRENT = "Input(3, 2) >> RNN(2) >> RNN(2, sequence=False) >> Dense(2) >> SoftmaxCrossEntropy()"
SEQUENCE = "Input(3, 2) >> Dense(2) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.3)"
ALONG = "Input(T, n) >> Dense(k) >> SoftmaxCrossEntropy()"
JOINED = "Input(2) >> Dense(2) >> BatchNorm() >> MeanSquaredError()"


@dataclass
class Scene:
    """A derivation at a random point."""

    derivation: symprop.Derivation
    values: dict[str, Array]

    @classmethod
    def of(cls, text: str, layout: str) -> Scene:
        derivation = symprop.derive(text, layout=layout)
        network = written_out_in_time(symprop.parse_network(text).with_sizes({"N": BLOCKS} if "N)" in text else {}))
        (point,) = points_of(Case(network), 0, BATCH)[:1]
        return cls(derivation, point.of(unrolled(derivation.system, NUMBERS)))

    def run(self, moved: dict[str, Array], items: tuple[object, ...] = ()) -> Evaluator:
        evaluator = Evaluator(Complex(), stacked({**self.values, **moved}, Complex()), {BATCH_SIZE: BATCH, **NUMBERS})
        whole = (*self.derivation.system.items, *self.derivation.backward, *items)
        evaluator.run(list(written_out(whole, NUMBERS)))  # type: ignore[arg-type]
        return evaluator

    def second(self, of: str, by: str) -> Array:
        """Return all second derivatives, elements of `of` by elements of `by`, by complex step."""
        (of,), (by,) = self.steps_of(of), self.steps_of(by)
        columns = []
        for place in np.ndindex(self.values[by].shape):
            moved = np.array(self.values[by], dtype=complex)
            moved[place] += 1j * STEP
            columns.append(unstacked(self.run({by: moved}).values[f"d{of}"]).imag.ravel() / STEP)
        return np.stack(columns, axis=-1).reshape(*map(np.size, (self.values[of], self.values[by])))

    def along(self, block: Any) -> Evaluator:
        """Return the values where the parameter that a block is by moves along a random direction."""
        random = np.random.default_rng(1)
        directions = {
            f"R{name}": random.standard_normal(self.values[name].shape) for name in self.steps_of(block.by.name)
        }
        found = self.run(directions, block.equations)
        for node in (block.matrix, *(each for step in block.steps for each in (step.before, step.after))):
            if node is not None:
                self.enter(found.values, variables(node))
        return found

    def enter(self, values: dict[str, Array], read: Iterable[Variable]) -> None:
        """Enter the rows of arrays that are read, of each example and of each position: `x[2, 1]` for `x[t, i]`."""
        for each in (each.xreplace({symbol: Integer(number) for symbol, number in NUMBERS.items()}) for each in read):
            own = [part for part in each.index if part.free_symbols & PLACES.keys()]
            base = each.change(index=[part for part in each.index if part not in own]).name
            for at in at_places(own) if base in values else ():
                value = values[base]
                for symbol in sorted(at, key=lambda symbol: symbol != EXAMPLE):
                    is_last = symbol == EXAMPLE and self.derivation.system.layout == "columns"
                    value = np.take(value, int(at[symbol]) - 1, axis=-1 if is_last else 1)
                values.setdefault(each.xreplace(at).name, value)

    def layers(self, blocks: tuple[Equation, ...]) -> dict[str, Array]:
        """Return the blocks of layers, and what they are made of, of each example and of each position."""
        run, numbers = self.run({}), {symbol: Integer(number) for symbol, number in NUMBERS.items()}
        for equation in blocks:
            self.enter(run.values, variables(equation.expression))
            for at in at_places(equation.target.index):
                run.run([Equation(*(part.xreplace(numbers | at) for part in (equation.target, equation.expression)))])
        return run.values

    def steps_of(self, name: str) -> list[str]:
        """Return the names of a parameter where a loop is written out."""
        if name in ("W[l]", "b[l]", "W[l + 1]"):
            return [f"{name[0]}{step + ('+' in name)}" for step in range(1, BLOCKS + 1)]
        return [name.replace("[N + 1]", str(BLOCKS + 1))]


PLACES = {EXAMPLE: BATCH, POSITION: 3, OTHER: 3}
NUMBERS = {Symbol("N", integer=True, positive=True): BLOCKS}


@pytest.mark.parametrize(
    ("text", "of", "by", "layout"),
    [
        (SOFTMAX, "W1", "W1", "example"),
        (SOFTMAX, "W1", "b1", "rows"),
        (LOGISTIC, "W1", "W1", "rows"),
        (LINEAR, "W1", "W2", "columns"),
        (LINEAR, "W2", "W1", "example"),
        (HIDDEN, "W1", "W1", "example"),
        (HIDDEN, "W2", "W2", "rows"),
        (HIDDEN, "W2", "W1", "rows"),
        (HIDDEN, "W1", "W1", "columns"),
        (ALIKE, "W2", "W2", "example"),
        (SLOPES, "alpha1", "W1", "rows"),
        (SLOPES, "W1", "alpha1", "example"),
        (RECURRENT, "W3", "W3", "rows"),
        (GENERAL, "W[N+1]", "b[N + 1]", "rows"),
        (SEQUENCE, "W1", "b1", "rows"),
        (SEQUENCE, "W1", "W2", "example"),
        (JOINED, "gamma1", "beta1", "rows"),
        (JOINED, "gamma1", "gamma1", "rows"),
    ],
)
def test_closed_forms_are_what_the_gradients_become(text: str, of: str, by: str, layout: str) -> None:
    scene = Scene.of(text, layout)
    block = scene.derivation.hessian(of, by)
    assert block.matrix is not None
    evaluator = scene.along(block)
    wanted = scene.second(block.of.name, block.by.name)
    assert_close(unstacked(evaluator(block.matrix)).reshape(wanted.shape), wanted)
    for step in block.steps:
        assert_close(unstacked(evaluator(step.before)), unstacked(evaluator(step.after)))


@pytest.mark.parametrize(
    ("text", "of", "by", "layout"),
    [
        (BEFORE, "W1", "W1", "example"),
        (BEFORE, "W[l + 1]", "W1", "rows"),
        (RECURRENT, "W2", "R1", "example"),
        (RECURRENT, "W1", "W3", "rows"),
        (DEEP, "W1", "W1", "example"),
        (GENERAL, "W[N + 1]", "b[l]", "rows"),
        (GENERAL, "W[l]", "W[l]", "rows"),
        (JOINED, "W1", "W1", "rows"),
    ],
)
def test_operators_apply_the_block_to_a_direction(text: str, of: str, by: str, layout: str) -> None:
    scene = Scene.of(text, layout)
    block = scene.derivation.hessian(of, by)
    assert block.matrix is None
    zeros = [each.name for each in equations_in(block.equations) if is_zero(each.expression)]
    assert zeros == [each for each in zeros if each in ("Rh1[0]", "Rh2[0]", "Ra0")]  # where loops start
    found = scene.along(block).values
    moved = {name: STEP * 1j * found[f"R{name}"][0] for name in scene.steps_of(by)}
    stepped = scene.run({name: scene.values[name] + each for name, each in moved.items()}).values
    for name in scene.steps_of(of):
        assert_close(found[f"Rd{name}"], stepped[f"d{name}"].imag / STEP)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        (HIDDEN, "columns"),
        (LOGISTIC, "rows"),
        (LINEAR, "example"),
        (SLOPES, "rows"),
        (RECURRENT, "rows"),
        (JOINED, "rows"),
        (SEQUENCE, "rows"),
    ],
)
def test_diagonals_are_those_of_the_whole_matrices(text: str, layout: str) -> None:
    scene = Scene.of(text, layout)
    for name, block in scene.derivation.hessian_diagonal().items():
        evaluator = scene.along(block)
        wanted = np.diagonal(scene.second(name, name))
        assert_close(unstacked(evaluator(block.matrix)).ravel(), wanted)
        for step in block.steps:
            assert_close(unstacked(evaluator(step.before)), unstacked(evaluator(step.after)))


@pytest.mark.parametrize(
    ("text", "role", "names", "told"),
    [
        (HIDDEN + " + L2(0.3)", "G", "W1 b1 W2 b2", ""),
        ("Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> BinaryCrossEntropy()", "F", "W1 b1 W2 b2", ""),
        ("Input(2) >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()", "F", "W1 b1", ""),
        ("Input(2) >> Dense(3) >> Dropout(0.5) >> Dense(2) >> SoftmaxCrossEntropy()", "G", "W1 b1 W2 b2", ""),
        (
            "Input(2) >> Dense(2) >> BatchNorm() >> Dense(2) >> MeanSquaredError()",
            "G",
            "gamma1 beta1 W2 b2",
            "W1, b1, whose way to the output goes through nu1, a mean over the batch",
        ),
        (
            "Input(3, 2) >> RNN(2) >> LayerNorm() >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.3)",
            "G",
            "gamma1 W2 b2",
            "W1, R1, b1, whose way to the output goes through a loop over t = 1, ..., 3",
        ),
        (
            "Input(3, 2) >> Dense(2) >> Tanh() >> Attention(1) >> Dense(2) >> SoftmaxCrossEntropy()",
            "F",
            "W2 b2",
            "whose way to the output goes through c1, which joins positions",
        ),
        ("Input(3, 2) >> Dense(2) >> Tanh() >> GlobalAveragePool() >> Dense(2) >> SoftmaxCrossEntropy()", "G",
         "W1 b1 W2", ""),
        (
            "Input(3, 3, 1) >> Conv2D(1, 2) >> Flatten() >> Dense(2) >> MeanSquaredError()",
            "G",
            "b1 W2",
            "for W1, whose gradient is no outer product of vectors, nor one of the rows of two arrays",
        ),
        (GENERAL, "G", "W4", "W[l], b[l], whose way to the output goes through a loop over l = 1, ..., N"),
    ],
)  # fmt: skip
def test_blocks_of_layers_are_those_that_the_products_apply(text: str, role: str, names: str, told: str) -> None:
    """Of a batch, by unit vectors; what has no block is told."""
    scene = Scene.of(text, "rows")
    asked = scene.derivation.gauss_newton() if role == "G" else scene.derivation.fisher()
    without = [each for each in asked.remarks if "no block" in each]
    assert len(without) == bool(told) and all(told in each for each in without)
    blocks = scene.layers(asked.along.blocks)
    still = {f"R{name}": np.zeros(value.shape) for name, value in scene.values.items()}
    for name in (scene.steps_of(each)[0] for each in names.split()):
        columns = []
        for place in range(scene.values[name].size):
            unit = {**still, f"R{name}": np.eye(scene.values[name].size)[place].reshape(scene.values[name].shape)}
            moved = scene.run(unit, (*asked.along.forward, *asked.along.backward)).values
            columns.append(unstacked(moved[f"Gd{name}"]).ravel())
        assert_close(unstacked(blocks[f"{role}{name}"]), np.stack(columns, axis=-1))


def test_what_has_none_is_refused_and_shapes_are_told() -> None:
    deep = symprop.derive(DEEP)
    with pytest.raises(symprop.SpecError, match='hessian\\("W1"\\) as an operator'):
        deep.hessian_diagonal("W1")
    found = deep.hessian_diagonal("W1", "W3")
    assert [*found] == ["W3"] and found.why == {"W1": "whose block has no short closed form"}
    assert str(found).startswith(found.pretty() + "\nthere is no diagonal of the Hessian of W1, whose")
    assert found.text().startswith("W3: ") and found.latex().startswith(r"\begin{aligned} W_3 &\colon ")
    with pytest.raises(symprop.SpecError, match="of W1, whose block has no short closed form"):
        found["W1"]
    with pytest.raises(symprop.FormulaError, match="allowed: W1, b1"):
        symprop.derive(SOFTMAX).hessian("W3")
    general = symprop.derive(GENERAL).hessian("W[l]", "b[N + 1]")
    assert general.shape == (9, 2)
    assert "l = 1, ..., N" in general.note
    assert "RW" not in general.text()
    whole = symprop.derive(BEFORE).hessian("W[l+1]")
    assert "Rdb" not in whole.text() and "directions with l move together" in whole.note
    (general_step,) = [line for line in whole.text().splitlines() if line.startswith("Rdelta[l + 1] = ")]
    assert general_step.endswith("   (l < N)") and whole.text().count("(l < N)") == 1
    assert "K[a, b], the commutation matrix" in symprop.derive(LINEAR).hessian("W1", "W2").note


@pytest.mark.parametrize(
    ("text", "of", "layout", "printed"),
    [
        (SOFTMAX, "W1", "example", "(diag(p) − p pᵀ) ⊗ (x xᵀ)"),
        (SOFTMAX, "W1", "rows", "(1/m) Σ[i=1…m] (diag(pᵢ) − pᵢ pᵢᵀ) ⊗ (xᵢ xᵢᵀ)"),
        (SOFTMAX, "b1", "rows", "(1/m) (diag(pᵀ 𝟏) − pᵀ p)"),
        (LOGISTIC.split(" +")[0], "W1", "example", "p[0] (1 − p[0]) x xᵀ"),
        (LOGISTIC.split(" +")[0], "W1", "rows", "(1/m) xᵀ diag(p ⊙ (1 − p)) x"),
        (LINEAR, "W1", "rows", "(1/m) (W₂ᵀ W₂) ⊗ (xᵀ x)"),
        (LINEAR, "b1", "rows", "W₂ᵀ W₂"),
        (ALONG, "W1", "example", "(1/T) Σ[t=1…T] (diag(pₜ) − pₜ pₜᵀ) ⊗ (xₜ xₜᵀ)"),
        (ALONG, "W1", "rows", "(1 / (T m)) Σ[i=1…m] Σ[t=1…T] (diag(pₜ,ᵢ) − pₜ,ᵢ pₜ,ᵢᵀ) ⊗ (xₜ,ᵢ xₜ,ᵢᵀ)"),
        (JOINED, "beta1", "rows", "I"),
        (JOINED, "gamma1", "rows", "(1/m) diag((x̂₁ ⊙ x̂₁)ᵀ 𝟏)"),
        (SLOPES, "alpha1", "example", "z₁ᵀ (0 if z₁ > 0, else z₁)"),
        (
            HIDDEN,
            "b1",
            "example",
            "diag(1 − a₁ ⊙ a₁) W₂ᵀ (diag(p) − p pᵀ) W₂ diag(1 − a₁ ⊙ a₁) − 2 diag(a₁ ⊙ (W₂ᵀ δ₂) ⊙ (1 − a₁ ⊙ a₁))",
        ),
    ],
)
def test_closed_forms_are_written_as_in_books(text: str, of: str, layout: str, printed: str) -> None:
    assert str(symprop.derive(text, layout=layout).hessian(of)) == printed


def at_places(index: Any) -> Iterator[dict[Symbol, Integer]]:
    """Yield numbers for the symbols of an index."""
    symbols = [symbol for symbol in PLACES if any(part.has(symbol) for part in index)]
    for numbers in product(*(range(1, PLACES[symbol] + 1) for symbol in symbols)):
        yield dict(zip(symbols, map(Integer, numbers), strict=True))


def assert_close(found: Array, wanted: Array) -> None:
    assert np.abs(found - wanted).max() <= 1e-12 * (1 + np.abs(wanted).max())
