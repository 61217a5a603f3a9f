"""Pages of norms: one line for all four, in means, and what is printed has the values that NumPy gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from latex_meaning import Meaning
from latex_reader import at_places, name_of

import symprop
from symprop.algebra.roles import STATISTIC
from symprop.notation.latex import latex
from symprop.verify.evaluate import complex_value

LIMIT = 1e-12
"""Relative to the largest element: both sides round to 1e-16, a few dozen operations each."""
M = 3
END = "Dense(2) >> MeanSquaredError()"
NORMS = ("LayerNorm()", "RMSNorm()", "GroupNorm(2)", "BatchNorm()")
INPUTS = ("Input(5)", "Input(3, 5)", "Input(2, 3, 5)")
LAYOUTS = ("example", "rows", "columns")


def error(found: Any, true: Any) -> float:
    return float(np.max(np.abs(found - true)) / max(np.max(np.abs(true)), 1.0))


TIED = "Input(4, 5) >> Repeat(Dense(5) >> Tanh(), 2, tied=True)"
TOKEN = "Input(4, 5) >> ClassToken() >> Dense(3)"
POOL = "Input(4, 5) >> Dense(3) >> GlobalAveragePool()"
NETWORKS = [(f"{start} >> Dense(4) >> {norm} >> {END}", start) for start in INPUTS for norm in NORMS]
OTHERS = [(f"{text} >> {END}", "") for text in (TIED, POOL)]


@pytest.mark.parametrize(("text", "start"), [*NETWORKS, *OTHERS])
def test_pages_of_means_and_sums_are_read_back(text: str, start: str) -> None:
    network = symprop.parse_network(text)
    for layout in LAYOUTS if start == INPUTS[0] else LAYOUTS[:2]:
        if layout not in network.layouts:
            continue
        derivation = symprop.derive(network, layout)
        system, random, sizes = derivation.system, np.random.default_rng(0), {}
        if system.batch is not None:
            sizes[system.batch] = M
        given = (*system.inputs, *system.targets, *system.parameters)
        shapes = [[M if size == system.batch else int(size) for size in each.shape] for each in given]
        values: dict[str, Any] = {v.name: random.normal(size=s) for v, s in zip(given, shapes, strict=True)}
        arrays = {name_of(latex(each)): values[each.name] for each in given} | {"m": M, "varepsilon": 1e-5}
        for equation in derivation.equations:
            left, right = equation.latex().split(" = ", 1)
            name = name_of(latex(equation.target))
            true = np.real(complex_value(equation.expression, values, sizes))
            written, along = at_places(left, right, name), "columns" if layout == "columns" else "rows"
            # a statistic of each row is a number at each place: axes of length 1 are not printed
            shape = tuple(size for size in true.shape if size != 1 or equation.target.role != STATISTIC)
            evaluated = Meaning(arrays, along).evaluate(written, shape).reshape(true.shape)
            assert error(evaluated, true) <= LIMIT, equation.latex()
            arrays[name] = values[equation.name] = true


def line(norm: str, start: str, layout: str | None = None) -> str:
    equation = symprop.derive(f"{start} >> Dense(4) >> {norm} >> {END}", layout).equation("delta1")
    return equation.pretty().replace("∂L/∂x̂₁", "G").replace("₁", "").replace("meanₘ", "mean")


def test_all_norms_print_one_line() -> None:
    """Where a mean is a number it stands as one before an array; where it is one for each feature, beside it."""
    assert line("LayerNorm()", "Input(5)") == "δ = r (G − mean(G) − mean(G ⊙ x̂) x̂)"
    assert line("RMSNorm()", "Input(5)") == "δ = r (G − mean(G ⊙ x̂) x̂)"
    assert line("GroupNorm(2)", "Input(5)") == "δ,₍ᵢ₎ = r,ᵢ (G,ᵢ − mean(G,ᵢ) − mean(G,ᵢ ⊙ x̂,ᵢ) x̂,ᵢ)"
    for start in INPUTS:
        assert line("BatchNorm()", start) == "δ = r ⊙ (G − mean(G) − mean(G ⊙ x̂) ⊙ x̂)"
    assert line("LayerNorm()", "Input(5)", "rows") == "δ,ᵢ = r,ᵢ (G,ᵢ − mean(G,ᵢ) − mean(G,ᵢ ⊙ x̂,ᵢ) x̂,ᵢ)"
    images = "δ[:, :, (i)] = r,ᵢ (G[:, :, i] − mean(G[:, :, i]) − mean(G[:, :, i] ⊙ x̂[:, :, i]) x̂[:, :, i])"
    assert line("GroupNorm(2)", "Input(2, 3, 5)") == images


def test_steps_through_a_norm_stand_where_the_equation_does() -> None:
    for start, layout in (("Input(3, 4)", "example"), ("Input(3, 4)", "rows"), ("Input(5)", "rows")):
        told = (
            symprop.derive(f"{start} >> Dense(4) >> LayerNorm() >> MeanSquaredError()", layout).steps("delta1").pretty()
        )
        assert "∂x̂₁,ᵢ" in told and "{" not in told and "∂x̂₁/" not in told


def test_sums_that_are_no_statistics_stay_sums() -> None:
    derivation = symprop.derive("Input(5) >> Dense(2) >> LayerNorm() >> MeanSquaredError()")
    assert derivation.equation("L").pretty() == "L = ½ ‖u₁ − y‖²"
    assert derivation.equation("mu1").text() == "mu1 = sum(z1) / 2"


def test_sums_over_examples_and_places_are_written_as_a_person_does() -> None:
    for text, layout, name, written in (
        (TIED, "rows", "dW1", "∂L/∂W₁ = Σᵢ (δ₁,ᵢᵀ xᵢ + δ₂,ᵢᵀ a₁,ᵢ)"),
        (TIED, "rows", "db1", "∂L/∂b₁ = Σᵢ (δ₁,ᵢᵀ 𝟏 + δ₂,ᵢᵀ 𝟏)"),
        (TOKEN, "rows", "dcls1", "∂L/∂cls₁ = Σᵢ W₁ᵀ δ₁,ᵢ[0]"),
        (POOL, "example", "s1", "s₁ = meanₜ(z₁)"),
        (POOL, "rows", "s1", "s₁,ᵢ = meanₜ(z₁,ᵢ)"),
        ("Input(4, 4, 2) >> Conv2D(3, 3) >> GlobalAveragePool()", "rows", "s1", "s₁,ᵢ = meanₜ(z₁,ᵢ)"),
    ):
        assert symprop.derive(f"{text} >> MeanSquaredError()", layout).equation(name).pretty() == written
