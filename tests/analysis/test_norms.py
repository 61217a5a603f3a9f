"""Jacobians of norms, and what follows from their derivations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symprop
from symprop.verify.evaluate import complex_value

LIMIT = 1e-13
"""Both sides round to 1e-16 of numbers near 1, a dozen operations each."""
EPS = 1e-5


def layer_norm(x: Any) -> Any:
    return (x - x.mean()) / np.sqrt(((x - x.mean()) ** 2).mean() + EPS)


def rms_norm(x: Any) -> Any:
    return x / np.sqrt((x * x).mean() + EPS)


@pytest.mark.parametrize(
    ("norm", "formula", "printed"),
    [
        ("LayerNorm()", layer_norm, "r₁ (I − ⅕ 𝟏 𝟏ᵀ − ⅕ x̂₁ x̂₁ᵀ)"),
        ("RMSNorm()", rms_norm, "r₁ (I − ⅕ x̂₁ x̂₁ᵀ)"),
    ],
)
def test_jacobians_of_one_row_are_in_x_hat_and_r(norm: str, formula: Any, printed: str) -> None:
    derivation = symprop.derive(f"Input(5) >> {norm} >> MeanSquaredError()")
    found = derivation.jacobian("x_hat1", "x")
    assert found.pretty() == printed
    x, step = np.random.default_rng(0).normal(size=5), 1e-30
    columns = [formula(x + 1j * step * unit).imag / step for unit in np.eye(5)]
    normed = formula(x)
    values = {"x": x, "x_hat1": normed, "r1": (normed / (x - x.mean() * ("Layer" in norm))).mean()}
    assert np.max(np.abs(complex_value(found, values, {}).real - np.stack(columns, axis=1))) <= LIMIT


def test_jacobians_lead_through_norms_in_factors() -> None:
    derivation = symprop.derive("Input(n) >> Repeat(Residual(Dense(n) >> LayerNorm()), N) >> MeanSquaredError()")
    found = derivation.jacobian("a[l]", "a[l-1]").pretty()
    assert found == "r⁽ˡ⁾ diag(γ⁽ˡ⁾) (I − (1/n) 𝟏 𝟏ᵀ − (1/n) x̂⁽ˡ⁾ x̂⁽ˡ⁾ᵀ) W⁽ˡ⁾ + I"


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("Input(3) >> Dense(4) >> BatchNorm()", ["b1"]),
        ("Input(2, 2, 3) >> Dense(4) >> BatchNorm()", ["b1"]),
        ("Input(n) >> Repeat(Residual(Dense(n) >> BatchNorm() >> ReLU()), N)", ["b[l]"]),
        ("Input(3) >> LayerNorm() >> BatchNorm()", ["beta1"]),
        ("Input(3) >> Dense(4) >> LayerNorm()", []),  # of the bias the mean alone goes
        ("Input(3) >> Dense(4) >> ReLU() >> BatchNorm()", []),
        ("Input(3) >> Residual(Dense(3)) >> Residual(BatchNorm())", []),
        ("Input(3) >> Dense(4, bias=False) >> BatchNorm()", []),
    ],
)
def test_batch_normalisation_forgets_the_shift_before_it(network: str, said: list[str]) -> None:
    derivation = symprop.derive(f"{network} >> Dense(2) >> MeanSquaredError()")
    zero = [remark for remark in derivation.remarks if "'a centred sum'" in remark]
    assert [remark.partition(" is zero")[0] for remark in zero] == [f"d{name}" for name in said]
    spared = [remark for remark in derivation.remarks if remark.endswith("bias=False leaves it out")]
    assert len(spared) == len([name for name in said if name.startswith("b") and name != "beta1"])


def test_a_gradient_of_zero_is_proved_in_steps() -> None:
    derivation = symprop.derive("Input(3) >> Dense(4) >> BatchNorm() >> MeanSquaredError()")
    assert [step.rule for step in derivation.steps("db1")] == ["sum", "a centred sum"]
    assert symprop.check(derivation.network).ok


def test_a_mean_that_is_averaged_again_does_not_hide_that_the_norm_is_centred() -> None:
    pooled = symprop.derive("Input(4, 4, 2) >> Conv2D(2, 1) >> AveragePool2D(2) >> BatchNorm() >> MeanSquaredError()")
    norm = "r₁ ⊙ (∂L/∂x̂₁ − meanₘ(∂L/∂x̂₁) − meanₘ(∂L/∂x̂₁ ⊙ x̂₁) ⊙ x̂₁)"
    assert pooled.equation("ds1").pretty() == f"∂L/∂s₁ = {norm}"
    assert pooled.equation("delta1").pretty() == "δ₁ = ¼ Σₖ S₂,ₖᵀ ∂L/∂s₁"
