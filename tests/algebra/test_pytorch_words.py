"""Formulas pasted from PyTorch: the value that PyTorch gives, or a refusal in words."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from symprop.algebra.nodes import Node
from symprop.verify.evaluate import complex_value
from tests.needed import needed_of

SHAPES = "x: 3; y: 3; A: 2 3; B: 3 4; S: 3 3; F: 2 3"
FORMULAS = (
    *("torch.relu(x) @ y", "torch.nn.functional.softmax(A, dim=-1)", "F.log_softmax(A, dim=0)", "F.gelu(A)"),
    *("torch.var(A)", "torch.var(A, dim=1)", "torch.std(A, 0)", "A.var(dim=0, correction=0)", "A.std(dim=1)"),
    *("torch.mm(A, B)", "A.mm(B).sum(dim=1, keepdim=True)", "torch.mv(A, x)", "torch.cat([x, y], dim=0)"),
    *("torch.clamp(A, min=0, max=1)", "A.clamp(min=0.5)", "torch.max(x, y)", "torch.amax(A, dim=1)", "torch.max(A)"),
    *("torch.linalg.norm(A)", "torch.norm(A)", "torch.norm(A, dim=1)", "torch.inverse(S)", "torch.transpose(A, 0, 1)"),
    *("torch.logsumexp(A, dim=1)", "A * torch.pi", "torch.special.gammaln(A * A + 1)", "F.T @ F"),
    *("torch.sum(A * F, 1)", "torch.einsum('ij,jk->ik', A, B)", "torch.linalg.solve(S, x)", "torch.cumsum(A, dim=1)"),
    *("F.leaky_relu(A)", "F.elu(A)", "torch.where(A > 0, A, F)", "torch.stack([x, y], dim=1)", "torch.mean(A, dim=0)"),
)
REFUSED = {
    "torch.max(A, dim=1)": "torch.max'; type amax",
    "A.min(dim=1)": "torch.min'; type amin",
    "torch.max(A, 1)": "torch.max'; type amax",
    "torch.norm(A, p=1)": "torch.norm'; type norm",
    "torch.svd(A)[0]": "torch.svd'; type",
    "torch.nn.functional.pad(x, (1, 1))": "not part of the language",
    "torch.foo(x)": "unknown function 'foo'",
    "torch.sum": "'torch' is not part of the language of formulas; type np.sum",
    "torch.var(A, unbiased=False)": "not 'unbiased'",
}


def read(text: str) -> Node:
    """Return the formula that a text is."""
    return symprop.formula(text, needed_of(SHAPES, text)).node


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_of_pytorch_have_its_values(text: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    source = np.random.default_rng(0)
    shapes = (each.split(": ") for each in SHAPES.split("; "))
    values = {name: source.normal(size=tuple(map(int, shape.split()))) for name, shape in shapes}
    known = {"torch": torch, **{name: torch.tensor(value) for name, value in values.items()}}
    if "F." in text and "F.T" not in text:
        known["F"] = torch.nn.functional
    wanted = eval(text, known).numpy()
    found = np.real(complex_value(read(text), values))
    assert found.shape == wanted.shape and np.allclose(found, wanted, 1e-12, 1e-12)


@pytest.mark.parametrize("text", REFUSED)
def test_what_means_another_thing_in_numpy_is_refused(text: str) -> None:
    with pytest.raises(symprop.FormulaError) as raised:
        read(text)
    assert REFUSED[text] in str(raised.value)


def test_a_name_that_is_a_module_elsewhere_may_be_an_array() -> None:
    same = {"F.softmax(1)": "softmax(F, axis=1)", "F.relu()": "relu(F)", "F.sum()": "sum(F)"}
    for text, meant in {**same, "torch.ones(3, 2)": "ones((3, 2))"}.items():
        assert read(text) == read(meant)
