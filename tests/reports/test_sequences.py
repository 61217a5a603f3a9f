"""Reports of networks whose layers give matrices: what does not apply to them is left out, and nothing fails."""

from __future__ import annotations

import pytest

import symprop
from symprop.errors import SpecError
from symprop.networks.network import LAYOUTS

RESIDUAL = "Input(3) >> Embedding(5, 4, flatten=False) >> Residual(Dense(4) >> ReLU()) >> MeanSquaredError()"
NETWORKS = (
    RESIDUAL,
    "Input(3) >> Embedding(5, 4, flatten=False) >> Repeat(Residual(Dense(4) >> Tanh()), 3) >> MeanSquaredError()",
    "Input(3) >> Embedding(5, 4, flatten=False) >> Repeat(Residual(Dense(4) >> Tanh()), N) >> MeanSquaredError()",
    "Input(T) >> Embedding(5, n, flatten=False) >> Dense(k) >> SoftmaxCrossEntropy()",
    "Input(3) >> Embedding(5, 4, flatten=False) >> MeanSquaredError()",
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_report_of_matrices_is_written_without_calls(network: str, layout: str) -> None:
    report = symprop.report(network, layout=layout, without=["certificate", "code"])
    for page in (report.latex(), report.html()):
        for name in ("scatter", "transpose(", "operatorname{reshape}", "expand"):
            assert name not in page


def test_blocks_of_matrices_have_no_jacobian_but_their_shortcut_is_a_term_of_the_recurrence() -> None:
    report = symprop.report(RESIDUAL, layout="rows", without=["certificate", "code"])
    found = next(section for section in report.sections if section.title == "Residual blocks")
    assert len(found.blocks) == 1 and "The term of the shortcut is" in found.blocks[0].words[0]  # type: ignore[attr-defined]
    with pytest.raises(SpecError, match="no residual block of vectors"):
        report.derivation.paths()


def test_no_bound_is_in_the_norm_of_what_is_no_weight() -> None:
    derivation = symprop.derive(
        "Input(3) >> Embedding(5, 4, flatten=False) >> Dense(4) >> Tanh() >> MeanSquaredError()"
    )
    assert str(derivation.bound("z1", "e1")) == "||W1||"


def said(text: str, section: str) -> str:
    """Return a section of a report in LaTeX."""
    page = symprop.report(text, without=["certificate", "code"]).latex()
    return page.partition(rf"\label{{sec:{section}}}")[2].partition(r"\section")[0]


def test_a_norm_behind_a_block_stands_before_its_shortcut() -> None:
    behind = r"= \frac{\partial u_1}{\partial a_2} \left(\frac{\partial f_2}{\partial a_1} + I\right)"
    for text, has_one in (
        ("Dense(3) >> Tanh() >> Residual(Dense(3) >> ReLU()) >> LayerNorm()", True),
        ("Dense(3) >> Tanh() >> Residual(LayerNorm() >> Dense(3)) >> LayerNorm()", False),
    ):
        shown = said(f"Input(4) >> {text} >> MeanSquaredError()", "residual")
        assert ("post-norm" in shown) == (behind in shown.replace("&=", "=")) == has_one
    general = said(
        "Input(n) >> Repeat(Residual(Dense(n) >> ReLU()) >> LayerNorm(), N) >> MeanSquaredError()", "residual"
    )
    assert "post-norm" in general and r"\mathbf{1}[z^{(l)} > 0]) W^{(l)} + I" in general


def test_recurrent_layers_are_written_out_with_a_figure_of_both_passes() -> None:
    text = "Input(T, 3) >> LSTM(4, truncate=2, sequence=False) >> Dense(2) >> SoftmaxCrossEntropy()"
    report = symprop.report(text, unroll=3, without=["certificate", "code"])
    blocks = next(each.blocks for each in report.sections if each.label == "sec:unrolled")
    (picture,) = (block for block in blocks if block.kind == "picture")
    assert r"{$R^{(1)\top} \delta_2^{(1)}$}" in picture.tikz
    assert picture.svg.count('class="back again"') == 2  # one for each state, and none where a window begins
    with pytest.raises(symprop.SpecError, match="from 2 to 5"):
        symprop.report(text, unroll=9)
    with pytest.raises(symprop.SpecError, match="nothing goes through time"):
        symprop.report("Input(2) >> Dense(1) >> MeanSquaredError()", unroll=3)


def test_norms_over_time_are_plotted_and_their_bound_is_said() -> None:
    report = symprop.report(
        "Input(6, 2) >> RNN(3, sequence=False) >> MeanSquaredError()", without=["certificate", "code"]
    )
    page = report.latex()
    assert "fig:over-time" in page and r"\|R^{(1)}\|_2 < 1" in page and "Pascanu" in page
