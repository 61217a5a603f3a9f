"""What the calculus refuses: a rule that is at fault, a loss without a gradient, a result that is not alike."""

from __future__ import annotations

import pytest

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Step
from symprop.algebra.names import variable
from symprop.calculus import tidy
from symprop.calculus.coefficients import scalars_and_array
from symprop.calculus.context import Context
from symprop.calculus.reuse import Derived, Twin, Why
from symprop.calculus.walk import derive_system
from symprop.errors import FormulaError, SpecError


def test_a_rule_that_changes_the_shape_of_a_formula_is_at_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = variable("Wrong", (2, 3)).T
    monkeypatch.setattr(tidy, "TIDY", lambda node: node.operands[0] if isinstance(node, n.Transpose) else node)
    with pytest.raises(LookupError, match="the tidy form of Transpose has another shape"):
        tidy.tidy(wrong)


def test_a_number_is_no_array_of_a_product() -> None:
    with pytest.raises(LookupError, match="the number 5 stands where an array is multiplied"):
        scalars_and_array(n.Scalar(5))


def test_a_system_without_a_loss_has_no_gradients() -> None:
    with pytest.raises(SpecError, match="a system without a loss has no gradients"):
        derive_system(symprop.parse_network("Input(3) >> Dense(2)").system())


def test_a_loss_of_indices_alone_has_no_gradients() -> None:
    with pytest.raises(SpecError, match="the loss does not depend on the network's output"):
        symprop.derive(symprop.formula("sum(one_hot(i, 4))", i="index 4"))


@pytest.mark.parametrize("by", ["x", "a0"])
def test_a_general_block_has_no_jacobian_by_what_stands_before_all_blocks(by: str) -> None:
    general = symprop.derive("Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), L) >> MeanSquaredError()")
    with pytest.raises(FormulaError, match=rf"the way from {by} to a\[l\] leads through a symbolic number of blocks"):
        general.jacobian("a[l]", by)


def test_a_result_is_used_again_where_each_number_and_each_fact_in_it_has_another() -> None:
    (W5, a4, W9, a8), x = (variable(name, (3, 3)) for name in ("W5", "a4", "W9", "a8")), variable("x", (3,))
    old, new = Equation(a4, W5 + 1), Equation(a8, W9 + 1)
    derived = Derived(W5 @ a4, (Step("known", x, x, (old,)),))
    some, twin = (Twin(numbers, Context()) for numbers in ({(5,): (9,)}, {(5,): (9,), (4,): (8,)}))
    assert derived.twin(some) is derived.twin(twin) is Why((old,)).twin(twin) is None
    some.equations[old] = twin.equations[old] = new
    assert derived.twin(some) is None  # it reads a4, and what stands for a4 is not known
    found = derived.twin(twin)
    assert found is not None
    assert (found.expression, found.steps[0].facts) == (W9 @ a8, (new,))
    assert Why((old,)).twin(twin) == Why((new,))
