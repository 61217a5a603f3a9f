r"""Lines in LaTeX against networks with windows: `\sum_k S_k X W_k^\top` has the value of the page, or is refused."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import symprop
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.formulas.compare.in_latex import line_in_latex
from symprop.formulas.compare.quantities import known_variables
from symprop.verify.evaluate import complex_value

LIMIT = 1e-12
"""Relative: both sides take the same sums of products in another order, below a hundred of them, each to 1e-16."""
SIGNALS = "Input(9, 2) >> Conv1D(4, 3) >> Tanh() >> Conv1D(2, 2) >> Flatten() >> Dense(3) >> MeanSquaredError()"
NORMED = "Input(5, 2) >> Conv1D(2, 2) >> BatchNorm() >> Flatten() >> Dense(3) >> MeanSquaredError()"
ROWS = "Input(4) >> Dense(3) >> BatchNorm() >> ReLU() >> Dense(2) >> SoftmaxCrossEntropy()"


@functools.cache
def derived(network: str) -> symprop.Derivation:
    return symprop.derive(network, layout="rows")


def line_of(network: str, of: str, line: str) -> Node:
    derivation = derived(network)
    known = known_variables(derivation)
    return line_in_latex(line, derivation, known.values(), known[of])


RIGHT = (
    (SIGNALS, "z1", r"\sum_{k} S_{1,k} \cdot x W_{1,k}^{\top} + b_1"),
    (SIGNALS, "dW1", r"\frac{\partial L}{\partial W_{1,k}} = (x^\top S_{1,k}^\top \delta_1)^\top"),
    (SIGNALS, "dW1", r"\{\delta_1^\top S_{1,k} x\}_{:,k,:}"),
    (SIGNALS, "dW1", r"\{\delta_1^\top S_{1,k} x\}_k"),
    (SIGNALS, "delta1", r"\frac12 (\sum_{k} 2 S_{2,k}^\top \delta_2 W_{2,k}) \odot (1 - a_1 \odot a_1)"),
    (SIGNALS, "z2", r"\sum_{k} S_{2,k} \tanh(z_1) W_{2,k}^\top + b_2"),
    (NORMED, "mu1", r"\operatorname{mean}_m(z_1)"),
    (NORMED, "mu1", r"\operatorname{mean}_t(z_1)"),
    (ROWS, "mu1", r"\mu_1 = \operatorname{mean}_m(z_1)"),
)


@pytest.mark.parametrize("network, of, line", RIGHT)
def test_a_line_has_the_value_of_the_equation_that_the_page_has(network: str, of: str, line: str) -> None:
    derivation, found = derived(network), line_of(network, of, line)
    true = derivation.equation(of).expression
    draw = np.random.default_rng(3)
    sizes = {derivation.system.batch: 2}
    given = dict.fromkeys(part for each in (found, true) for part in walk(each) if isinstance(part, Variable))
    values = {each.name: draw.uniform(0.3, 1.7, tuple(int(size.subs(sizes)) for size in each.shape)) for each in given}
    if of in ("z2",):
        values["a1"] = np.tanh(values["z1"])
    one, other = (np.real(complex_value(each, values, sizes)) for each in (found, true))
    assert one.shape == other.shape and np.allclose(one, other, rtol=LIMIT, atol=LIMIT)


ALONE = r"a selection stands before a matrix of pixels: \sum_k S_k x, or \sum_k S_k^\top D"
INDEX = r"a selection has one index, the offset that a sum is over: \sum_k S_{1,k} x"
UNREAD = "a selection S_k stands before a matrix of pixels, its transpose below a sum over k"
OFFSET = "a selection that is turned round stands below a sum over its offset k alone"
FEWER = "the formula at these places makes an array of 2 axes, and its left side has 3"

REFUSED = (
    ("z1", r"\sum_k S_1 x", INDEX, "S_1"),
    ("z1", r"\sum_k S_{1,j} x", INDEX, "S_{1,j}"),
    ("z1", r"S_{1,1} x W_{1,1}^\top", INDEX, "S_{1,1}"),
    ("z1", r"\sum_{k=1}^{5} S_{1,k} x", "k goes over 5 places, this selection has 3 offsets", "S_{1,k}"),
    ("z1", r"x + \sum_k S_{1,k}", ALONE, "S_{1,k}"),
    ("z1", r"\sum_k x S_{1,k}^\top", ALONE, "x S"),
    ("z1", r"\sum_k S_{1,k} \times x", ALONE, "S_{1,k}"),
    ("z1", r"\sum_k S_{1,k}^\top \odot \delta_1", UNREAD, "S_{1,k}"),
    ("z1", r"\max_k S_{1,k}^\top \delta_1", UNREAD, "S_{1,k}"),
    ("z1", r"\sum_{k,i} S_{1,k}^\top \delta_1 b_{1,i}", OFFSET, "S_{1,k}"),
    ("z1", r"\sum_k S_{1,k} 3", "a selection stands before a matrix of pixels; 3 is ()", "S_{1,k}"),
    ("z1", r"\sum_k S_{1,k} S_{1,k} x", "a selection stands before what has its offset", "S_{1,k} S"),
    ("z1", r"\sum_k S_{1,k} W_3", "these are not the pixels of a selection: W_3 is (3, 12)", "W_3"),
    (
        "z1",
        r"\sum_k \delta_1^\top S_{1,k}^\top \delta_1",
        r"these are not the pixels of a selection: \delta_1^\top is (7*m, 4)",
        r"\delta_1^\top S",
    ),
    ("dW1", r"\frac{\partial L}{\partial W_{1,k}} = \delta_1^\top \mathbf{1}", FEWER, r"\delta_1"),
    (
        "dW1",
        r"\{\delta_1^\top S_{1,k} x\}_{:,k,:,:}",
        r"the places :, k, :, : below the braces do not fit; \delta_1^\top S_{1,k} x is (4, 2) at each k",
        r"\delta_1",
    ),
    ("db1", r"\operatorname{mean}_5(z_1)", "no axis has the size 5: z_1 is (7*m, 4)", r"\operatorname"),
)


@pytest.mark.parametrize("of, line, told, at", REFUSED)
def test_a_line_that_means_nothing_is_refused_at_its_place(of: str, line: str, told: str, at: str) -> None:
    with pytest.raises(symprop.SympropError) as caught:
        derived(SIGNALS).compare(of, line)
    assert str(caught.value).split("\n")[0] == told
    assert line[caught.value.column :].startswith(at), caught.value.column


def test_a_line_of_another_shape_is_compared_as_it_is() -> None:
    """It may be written with some axes as one, and is else no reading of the array on its left side."""
    assert line_of(SIGNALS, "z2", r"z_2 = h_{1}").text() == "reshape(h1, (m, 6, 2))"
    found = derived(SIGNALS).compare("z1", r"z_{1} = W_{3}")
    assert not found and str(found).startswith("not equal: the shapes are (m, 7, 4) and (3, 12)")
