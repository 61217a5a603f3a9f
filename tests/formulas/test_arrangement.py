"""Answers column by column, and by pairs of elements of a symmetric matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import symprop
from symprop.cli import main
from symprop.errors import SympropError

COLUMNS = [
    (symprop.jacobian, "A @ X @ B", "A: m n, X: n k, B: k p", "Bᵀ ⊗ A"),
    (symprop.jacobian, "X.T", "X: m n", "K[n, m]"),
    (symprop.jacobian, "inv(X)", "X: n n", "−X⁻ᵀ ⊗ X⁻¹"),
    (symprop.jacobian, "X @ v", "X: m n, v: n", "vᵀ ⊗ Iₘ"),
    (symprop.jacobian, "norm(X)**2", "X: m n", "2 X"),
    (symprop.hessian, "trace(X.T @ A @ X @ B)", "X: m n, A: m m, B: n n", "Bᵀ ⊗ A + B ⊗ Aᵀ"),
]


@pytest.mark.parametrize(("ask", "text", "where", "written"), COLUMNS, ids=[each[1] for each in COLUMNS])
def test_matrices_column_by_column(ask: Callable[..., Any], text: str, where: str, written: str) -> None:
    """As in Magnus and Neudecker (2019): D(A X B) = B' (x) A, D(inv(X)) = -inv(X)' (x) inv(X)."""
    answer = ask(symprop.formula(text, where), "X", vec="columns")
    assert answer.pretty() == written
    assert answer.check().ok
    by_rows = ask(symprop.formula(text, where), "X")
    said = [remark for remark in answer.remarks if "column by column" in remark]
    assert len(said) == len([remark for remark in by_rows.remarks if "row-major" in remark])
    assert bool(said) == (text != "norm(X)**2")  # of a scalar, in the shape of X


HALVES = [
    (symprop.jacobian, "A @ S @ B", "A: m n, S: n n symmetric, B: n r", "(Bᵀ ⊗ A) D[n]"),
    (symprop.jacobian, "S @ S", "S: 3 3 symmetric", "(S ⊗ I₃ + I₃ ⊗ S) D[3]"),
    (symprop.jacobian, "logdet(S)", "S: n n positive-definite", "D[n]ᵀ vec(S⁻¹)"),
    (symprop.hessian, "logdet(S)", "S: n n positive-definite", "−D[n]ᵀ (S⁻¹ ⊗ S⁻¹) D[n]"),
    (symprop.hessian, "trace(S @ S @ S)", "S: n n symmetric", None),
]


@pytest.mark.parametrize(("ask", "text", "where", "written"), HALVES, ids=[f"{each[1]}" for each in HALVES])
def test_a_symmetric_matrix_by_its_half(ask: Callable[..., Any], text: str, where: str, written: str | None) -> None:
    """Magnus and Neudecker (2019), section 3.8: by vech, with the duplication matrix; every pair moves as one."""
    answer = ask(symprop.formula(text, where), "S", vec="vech")
    assert written is None or answer.pretty() == written
    assert answer.check().ok
    assert any("as one" in remark or "vech" in remark for remark in answer.remarks)
    with pytest.raises(SympropError, match="is not declared a symmetric matrix, so it has no vech"):
        symprop.jacobian("A @ S", "S", A="m n", S="n r", vec="vech")


PAIRS = [
    ("logdet(A)", "A: n n positive-definite", "A⁻¹", "2 A⁻¹ − diag(diagonal(A⁻¹))"),
    ("x @ A @ x", "A: n n symmetric, x: n", "x xᵀ", "2 x xᵀ − diag(x ⊙ x)"),
    ("trace(A @ B)", "A: n n symmetric, B: n n", "Bᵀ", "B + Bᵀ − diag(diagonal(B))"),
    ("trace(A)", "A: n n symmetric", "I", "I"),
]


@pytest.mark.parametrize(("text", "where", "free", "pairs"), PAIRS, ids=[each[0] for each in PAIRS])
def test_a_symmetric_matrix_by_free_elements_and_by_pairs(text: str, where: str, free: str, pairs: str) -> None:
    """Petersen and Pedersen (2012), equations 138 to 143."""
    f = symprop.formula(text, where)
    for convention, written, said in (("free", free, "each element of A moves alone"), ("pairs", pairs, "as one")):
        answer = symprop.gradient(f, "A", symmetric=convention)
        assert answer.pretty() == written
        assert any(said in remark for remark in answer.remarks)
        assert answer.check().ok
    assert 'symmetric="pairs"' in answer.numpy()


def test_conventions_on_the_command_line_and_what_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradient", "logdet(A)", "--where", "A: n n symmetric", "--wrt", "A", "--symmetric", "pairs"]) == 0
    assert "∂f/∂A = 2 A⁻¹ − diag(diagonal(A⁻¹))" in capsys.readouterr().out
    assert main(["jacobian", "A @ X", "--where", "A: m n, X: n k", "--wrt", "X", "--vec", "columns"]) == 0
    assert "= Iₖ ⊗ A" in capsys.readouterr().out
    with pytest.raises(SympropError, match="A is not declared symmetric"):
        symprop.gradient("trace(A)", "A", A="n n", symmetric="pairs")
    with pytest.raises(SympropError, match="allowed: rows, columns"):
        symprop.jacobian("A", "A", A="n n", vec="cols")
