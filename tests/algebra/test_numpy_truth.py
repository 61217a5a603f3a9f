"""Every name of the formula language against NumPy, for each rank and argument: the same value, or a refusal in words.

The names come from the language's own tables, so that a function or an option without a comparison here fails. What
NumPy lacks is SciPy's, and what both lack is written out in `NUMPY`. What is printed is read by NumPy too.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special

import symprop
from symprop.algebra import operators
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.operators import BY_NAME, OPERATORS
from symprop.algebra.reader import RELATIONS, names_in
from symprop.algebra.truths import KEEPING, NUMBERS_ONLY
from symprop.errors import SympropError
from symprop.verify.evaluate import complex_value
from tests.matrix_functions import MATRICES, OF_SYMMETRIC, SYMMETRIC
from tests.matrix_functions import OPTIONS as OF_MATRICES
from tests.needed import needed
from tests.notation.helpers import first_max


def scatter_add(values: Any, ids: Any, size: int) -> Any:
    result = np.zeros((size, *np.shape(values)[np.ndim(ids) :]))
    np.add.at(result, ids, values)
    return result


def logdet(a: Any) -> Any:
    return np.linalg.slogdet(a)[1]


def einsum(subscripts: Any, *arrays: Any) -> Any:
    assert isinstance(subscripts, str)  # NumPy takes lists of numbers too
    return np.einsum(subscripts, *arrays)


def fold(windows: Any, window_shape: Any, axis: Any, length: Any, stride: Any = 1, dilation: Any = 1) -> Any:
    """Return the array of which `sliding_window_view` gives `windows`, where elements that meet are summed."""
    sizes, axes, lengths, strides, dilations = (
        (each,) if isinstance(each, int) else tuple(each) for each in (window_shape, axis, length, stride, dilation)
    )
    leading = np.ndim(windows) - len(sizes)
    whole = list(windows.shape[:leading])
    for place, size in zip(axes, lengths, strict=True):
        whole[place] = size
    result = np.zeros(whole)
    view = np.lib.stride_tricks.sliding_window_view
    spread = [step * (size - 1) + 1 for size, step in zip(sizes, itertools.cycle(dilations), strict=False)]
    places = view(np.arange(result.size).reshape(whole), spread, axis=axes)
    kept = [slice(None)] * leading
    for place, step in zip(axes, itertools.cycle(strides), strict=False):
        kept[place] = slice(None, None, step)
    places = places[(*kept, *(slice(None, None, step) for _, step in zip(sizes, itertools.cycle(dilations))))]
    assert places.shape == windows.shape, (places.shape, windows.shape)
    np.add.at(result.reshape(-1), places, windows)
    return result


_OWN_NAMES = ("exp log log1p expm1 abs sign sin cos tan arcsin arccos arctan sinh cosh tanh maximum minimum power",)
_ARRAYS = (
    "sqrt square sum mean prod max min trace kron concatenate stack outer diag diagonal transpose where eye ones zeros"
)
_MORE = (
    "full reshape pad flip pi inf var std logaddexp diff dot inner vdot tensordot ravel swapaxes moveaxis"
    " expand_dims squeeze ones_like zeros_like full_like size vstack hstack column_stack arange tril triu cumsum"
)
NUMPY: dict[str, Any] = {
    **{"np": np, "numpy": np, "scipy": scipy, "special": scipy.special, "math": math},
    **{name: getattr(np, name) for name in (*_OWN_NAMES[0].split(), *_ARRAYS.split(), *_MORE.split())},
    **{name: getattr(np.linalg, name) for name in ("norm", "det", "inv", "solve", "matrix_power")},
    **{name: getattr(scipy.special, name) for name in ("erf", "gammaln", "digamma", "polygamma")},
    # as newer versions have them: of truth values too, and with the name of an option
    "logsumexp": lambda a, *rest, **more: scipy.special.logsumexp(np.multiply(a, 1.0), *rest, **more),
    "reshape": lambda a, shape, *rest, **more: np.reshape(a, shape, *rest, **more),
    # along the last axis where none is named, as networks have them; SciPy takes all elements together
    "softmax": lambda x, axis=-1: scipy.special.softmax(x, axis=axis),
    "log_softmax": lambda x, axis=-1: scipy.special.log_softmax(x, axis=axis),
    "sigmoid": scipy.special.expit,
    "softplus": lambda x: np.logaddexp(0, x),
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * scipy.special.expit(x),
    "gelu": lambda x: x * scipy.special.ndtr(x),
    "gelu_tanh": lambda x: x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    "leaky_relu": lambda x, slope=0.01: np.where(x > 0, x, slope * x),
    "elu": lambda x, alpha=1: np.where(x > 0, x, alpha * np.expm1(x)),
    "logdet": logdet,
    "einsum": einsum,
    "clip": lambda a, a_min=None, a_max=None: a if a_min is a_max is None else np.clip(a, a_min, a_max),
    "vec": lambda a: np.ravel(a, order="F"),
    "duplication": lambda n: np.eye(n * (n + 1) // 2)[
        [max(i, j) + min(i, j) * (2 * n - min(i, j) - 1) // 2 for i in range(n) for j in range(n)]
    ],
    "commutation": lambda m, n: np.eye(m * n)[np.arange(m * n).reshape(m, n).T.ravel()],
    "one_hot": lambda ids, size: np.eye(size)[ids],
    "first_max": first_max,
    "first_min": lambda x, axis=None: first_max(np.negative(np.asarray(x, float)), axis),
    "scatter_add": scatter_add,
    "sliding_window_view": np.lib.stride_tricks.sliding_window_view,
    "fold": fold,
    **MATRICES,
}
DECLARED = {"s": "", "x": "3", "A": "3 3", "T": "2 3 3", "B": "1 2", "i": "3 index 3", "y": "index 2"}
VALUES: dict[str, Any] = {
    "s": np.array(-0.7),
    "x": np.array([-1.5, 0.0, 2.0]),
    "A": np.array([[2.0, -1.0, 0.0], [0.5, 3.0, 3.0], [-1.0, 0.0, 2.0]]),  # negative numbers, zeros and ties
    "T": np.array([[[1, 0, 2], [-1, 3, 3], [0, 1, 1]], [[2, 2, 0], [1, -1, 0.5], [3, 0, 1]]]),
    "B": np.array([[1.0, -2.0]]),
    "i": np.array([2, 0, 2]),
    "y": np.array(1),
}


def read(text: str) -> symprop.Formula:
    """Return the formula of a text; what it does not name is not declared, which would take half of the time."""
    named = re.findall(r"\b[sxATBiy]\b", text)
    return symprop.formula(text, **{name: DECLARED[name] for name in dict.fromkeys(named)})


OPERANDS = ("s", "x", "A", "T", "B", "2", "i", "(x > 0)", "(A > 0)")
OF_THREE = ("s", "x", "A", "T", "(A > 0)", "2")
OPTIONS = {
    "axis": "0 1 -1 2 (0,1) (1,0) (0,-1) (1,) () None | (0,0) -4 0.5 x True",
    "keepdims": "True False | 1",
    "ord": "None 0 1 -1 2 -2 3 -3 1/2 inf -inf | x True 'fro' 'nuc'",
    "n": "0 1 3 -2 | 1/2 True",
    "axes": "(0,1) (1,0) (-1,0) (2,0,1) (0,2,1) None 1 | (0,0)",
    "shape": "3 (3,) (3,3) (9,) -1 (3,-1) () (2,3,3) | (1/2,18) True",
    "size": "3 1 | 0 -1 1/2",
    "N": "3 1 | 0 -1 1/2 True",
    "M": "3 None 2 | 1/2",
    "m": "2 3 | 1/2 0",
    "fill_value": "0 2 -1/3 | x s None",
    "slope": "1/2 0 -1 | True x",
    "pad_width": "0 1 2 (1,2) ((1,2),) ((0,1),(2,0)) ((1,0),(0,1),(1,1)) | -1 1/2 True x",
    "constant_values": "0 -1/2 3 | x True",
    "window_shape": "1 2 3 (2,) (2,3) (1,2,2) | 0 -1 4 1/2 True",
    "stride": "1 2 | 0",
    "dilation": "1 2 | 0",
    "length": "3 (3,) (4,3) 5 | 0 1/2",
    "alpha": "2 1/2 | True None",
    "k": "0 1 -1 -4 | 1/2 None x",
    "ddof": "0 1 3 | True",
    "a_min": "0 -1/2 x None A",
    "a_max": "1 1/2 x None | True",
    "order": "'C' 'F' | 'A' None 1",
    "axis1": "0 1 -1 | 3",
    "axis2": "0 1 -2 | None",
    "source": "0 -1 (0,1) | (0,0) None",
    "destination": "1 -1 (1,0) (-1,0) | 3",
    "subscripts": "'ij,jk' 'i,i->' 'ii' 'ji' 'i,ij->j' 'ijk,k->ji' 'ij,ij->i' 'i,jk->kij' 'ii->i' 'i->ii' 'i...' x None"
    " 'ij,kij->k'",
    **OF_MATRICES,
}
"""Values of options; those behind the bar are no values, and stand alone beside what the others are by default."""
OPTIONS_OF_FOLD = {
    "window_shape": "3 (2,3) 2 | 1/2",
    "axis": "0 -1 (0,1) | None -4",
    "length": "5 (5,5) 7 | 0",
    "stride": "2 | 0",
    "dilation": "2 (1,1)",
}
"""Of five options each with all values there would be too many calls; windows of 3 elements are in `A` and in `T`."""
ELSEWHERE = ("dtype=float", "dtype=bool", "k=1", "offset=1", "keepdims=True", "initial=1", "1", "True", "0, 1")
"""Arguments that NumPy takes in some functions and the language does not, or that it takes in another order."""


def calls(name: str) -> Iterator[str]:
    """Yield calls of a function: operands of each rank, each option left out, by place and by name."""
    operator = OPERATORS.get(name)
    count = len(FUNCTIONS[name].parameters) if operator is None else len(operator.arrays)
    options = () if operator is None else operator.options
    pool = OPERANDS if max(count, len(options) - 2) < 3 else OF_THREE
    pool = (*pool, SYMMETRIC) if name in OF_SYMMETRIC else pool
    arrays = [", ".join(chosen) for chosen in itertools.product(pool, repeat=count)]
    if operator is not None and operator.rest:
        operands = (*OPERANDS, *(", ".join(chosen) for chosen in itertools.product(OPERANDS, repeat=2)))
        yield from (f"{name}({value}, {chosen})" for value in OPTIONS[options[0]].split() for chosen in operands)
        return
    if operator is not None and operator.lists:
        arrays = [f"({', '.join(chosen)},)" for size in (1, 2) for chosen in itertools.product(OPERANDS, repeat=size)]
    given: dict[str, None] = {}
    for chosen in chosen_options(name, options):
        named = [f"{option}={value}" for option, value in zip(options, chosen, strict=True) if value is not None]
        given[", ".join(named)] = None
        placed = list(itertools.takewhile(lambda value: value is not None, chosen))
        given[", ".join([*map(str, placed), *named[len(placed) :]])] = None
    given.update(dict.fromkeys(ELSEWHERE))
    for operands, tail in itertools.product(arrays or [""], given):
        yield f"{name}({', '.join(filter(None, (operands, tail)))})"


def chosen_options(name: str, options: tuple[str, ...]) -> Iterator[tuple[str | None, ...]]:
    """Yield values of options, None for one that is left out: all together, and what is no value by itself."""
    values = OPTIONS_OF_FOLD if name == "fold" else OPTIONS
    right, _, wrong = zip(*(values[option].partition("|") for option in options), strict=True) if options else ((),) * 3
    yield from itertools.product(*((None, *each.split()) for each in right))
    required = () if name not in OPERATORS else OPERATORS[name].required
    usual = [each.split()[0] if option in required else None for option, each in zip(options, right, strict=True)]
    for place, each in enumerate(wrong):
        yield from ((*usual[:place], value, *usual[place + 1 :]) for value in each.split())


def subscripts() -> Iterator[str]:
    ends = (":", "None", "0", "-1", "1:", ":-1", "-2:", "0:2", "5", "-4", "1:1", "::2", "::-1", "0:1/2", "1/2", "True")
    ids = ("i", "y", "arange(3)", "arange(2)", "...", "x", "x > 0", "i > 0", "i - 1", "i / 2", "-5:", ":5", "2:1")
    of_three = (":", "None", "0", "-2:", "...", "i", "y")
    for array in OPERANDS:
        for chosen in itertools.product((*ends, *ids), repeat=1 + (array in "AT")):
            yield f"{array}[{', '.join(chosen)}]"
        for chosen in itertools.product(of_three, repeat=2):
            yield f"{array}[{', '.join(chosen)}]"
    for array, *chosen in itertools.product("AT", of_three, of_three, of_three):
        yield f"{array}[{', '.join(chosen)}]"


def operations() -> Iterator[str]:
    more = (
        *OPERANDS,
        "(x > 0) * (A > 0)",
        "(A > 0).T",
        "(A > 0)[0]",
        "maximum(x > 0, A > 0)",
        "where(x > 0, x > 1, x < 1)",
        "flip(x > 0)",
        "pad(1 * (x > 0), 1)[:3]",
        "pad(1 * (x > 0), (0, 1), constant_values=3)[1:]",
    )
    for sign, left, right in itertools.product(("+", "-", "*", "/", "**", "@"), more, more):
        yield f"{left} {sign} {right}"
        yield f"2 * ({left} {sign} {right}) - 1"
    yield from (
        f"{array} ** {power}"
        for array in (*more, "full((2,), 3)", "abs(i)", "exp(i)", "maximum(i, 1 * (x > 0))")
        for power in ("-1", "-2", "1/2", "0", "-1/2")
    )
    for sign, left, right in itertools.product(RELATIONS.values(), OPERANDS, OPERANDS):
        yield f"{left} {sign} {right}"
    for array in more:
        yield from (f"-{array}", f"+{array}", f"{array}.T", f"1 - {array}", f"1 * {array} + 1 * {array}")
        yield f"sum([{array} * k for k in range(3)], axis=0)"
        yield f"sum([{array} for k in range(1, 3)])"


def difference(text: str) -> str | None:
    """Return how the language differs from NumPy in one formula; None where it does not, or refuses in words."""
    try:
        node = read(text).node
    except SympropError as problem:
        return None if str(problem) and str(problem).count("\n") <= 2 else "refused without words"
    results = []
    for written in (text, node.text()):
        try:
            with np.errstate(all="ignore"):
                found = eval(written, {**NUMPY, **VALUES})  # a fixed text of this test
                results.append(np.real_if_close(found, tol=1e6))  # those of old SciPy's roots are rounding
        except IndexError:
            return None if not is_evaluated(node) else f"{text}: NumPy finds no element in {written}"
        except Exception as problem:  # whatever NumPy raises is the difference
            return f"{text}: NumPy refuses {written}: {problem}"
    expected, printed = results
    # in 64 bits some tens of roundings of numbers up to 1e3; NumPy's functions of booleans have 16, old SciPy's 32 bits
    digits = {"float16": 4e-3, "float32": 1e-5}.get(expected.dtype.name, 1e-9)
    expected, printed = expected.astype(float), printed.astype(float)
    if expected.shape != printed.shape or not np.allclose(printed, expected, digits, digits, equal_nan=True):
        return f"{text}: {expected.ravel()[:4]}, and {printed.ravel()[:4]} for what is printed, {node.text()}"
    with np.errstate(all="ignore"):
        found = np.asarray(complex_value(node, VALUES).real, dtype=float)
    defined = np.isfinite(expected) & np.isfinite(found) if expected.shape == found.shape else False  # beside poles
    if expected.shape != found.shape or not np.allclose(found[defined], expected[defined], digits, digits):
        return f"{text}: {found.ravel()[:4]} of shape {found.shape}, and {expected.ravel()[:4]} of {expected.shape}"
    return None


def is_evaluated(node: Node) -> bool:
    try:
        complex_value(node, VALUES)
    except IndexError:
        return False
    return True


def differences(texts: Iterator[str]) -> list[str]:
    return [found for found in map(difference, dict.fromkeys(texts)) if found is not None]


NAMES = tuple(dict.fromkeys((*FUNCTIONS, *OPERATORS)))


def test_every_name_and_option_of_the_language_is_compared() -> None:
    assert not [name for name in NAMES if name not in NUMPY]
    assert not [option for each in OPERATORS.values() for option in each.options if option not in OPTIONS]
    assert set(NAMES) >= KEEPING | NUMBERS_ONLY
    assert set(OPTIONS) >= BY_NAME


@pytest.mark.parametrize("name", NAMES)
def test_a_function_means_what_numpy_means_or_is_refused(name: str) -> None:
    assert differences(calls(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_function_is_taken_at_all(name: str) -> None:
    def taken(text: str) -> bool:
        try:
            return bool(read(text))
        except SympropError:
            return False

    assert any(map(taken, calls(name)))


def test_operators_mean_what_numpy_means_or_are_refused() -> None:
    assert differences(operations()) == []


def test_subscripts_mean_what_numpy_means_or_are_refused() -> None:
    assert differences(subscripts()) == []


def test_a_norm_of_another_meaning_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: with the Frobenius norm for `norm(A, 2)` it says so."""
    frobenius = OPERATORS["norm"].make
    wrong = operators.Operator(("x",), lambda x, ord=None: frobenius(x), ("ord",))
    monkeypatch.setitem(OPERATORS, "norm", wrong)
    assert any(found.startswith("norm(A, 2): ") for found in differences(calls("norm")))


TAKEN = {
    "norm(A)": (),
    "norm(T)": (),
    "where((x > 0) + (x < -1), x, 0)": (3,),
    "norm(s)": (),
    "norm(A, 1)": (),
    "norm(A, 2)": (),
    "norm(A, -2)": (),
    "norm(A, 'nuc')": (),
    "norm(A, -1)": (),
    "norm(A, inf)": (),
    "norm(A, -inf)": (),
    "norm(x, inf)": (),
    "norm(x, 3)": (),
    "norm(x, 0)": (),
    "norm(A, axis=1)": (3,),
    "norm(T, axis=(1, 2))": (2,),
    "norm(T, 1, axis=(1, 2), keepdims=True)": (2, 1, 1),
    "logsumexp(A)": (),
    "logsumexp(T, axis=(0, 2))": (3,),
    "transpose(T, (-1, 0, 1))": (3, 2, 3),
    "1 * (x > 0) + 1 * (x > 1)": (3,),
    "pad(A, ((0, 1), (2, 0)), constant_values=-1/2)": (4, 5),
    "flip(T, (0, -1)) * 1": (2, 3, 3),
    "sliding_window_view(A, (2, 1), (1, 0))[:, ::2]": (3, 1, 2, 1),
    "fold(A, 3, -1, 7, dilation=2)": (7,),
    "fold(T, 3, 1, 7, 2)": (2, 7),
    "fold(sliding_window_view(T, (2, 2), (0, 1)), (2, 2), (0, 1), (2, 3))": (2, 3, 3),
    "A[flip(i)]": (3, 3),
    "A[pad(i, 1)]": (5, 3),
}


@pytest.mark.parametrize("text", TAKEN)
def test_what_numpy_means_is_taken_and_differentiated(text: str) -> None:
    formula = symprop.formula(text, **needed(DECLARED, text))
    assert formula.shape == TAKEN[text]
    assert difference(text) is None
    by = names_in(text)[0]
    answer = symprop.gradient(
        f"sum({text}{'**2' if formula.shape else ''})", by, **{name: DECLARED[name] for name in names_in(text)}
    )
    assert answer.check().ok


PASTED = (
    *("np.sum(A)", "A.sum(axis=0)", "A.sum(0).T", "numpy.mean(A, axis=1, keepdims=True)", "A.mean()", "x.dot(A)"),
    *("A.T.dot(x).dot(x)", "np.matmul(A, x)", "np.multiply(A, x)", "np.divide(x, 2)", "np.subtract(x, A)"),
    *("A.max(axis=1)", "A.min()", "A.prod(0)", "A.std()", "A.var(axis=0, ddof=1)", "x.clip(0, 1)", "A.trace()"),
    *(
        "A.diagonal()",
        "A.reshape(1, 9)",
        "A.reshape((9,))",
        "T.reshape(2, -1)",
        "A.transpose()",
        "T.transpose(1, 0, 2)",
    ),
    *("T.transpose((2, 0, 1))", "A.flatten()", "A.ravel('F')", "np.reshape(A, (3, 3), order='F')"),
    *(
        "T.swapaxes(0, 1)",
        "B.squeeze()",
        "B.squeeze(0)",
        "np.linalg.norm(A, axis=1)",
        "np.linalg.norm(A, 'fro')",
        "np.linalg.inv(A)",
    ),
    *("np.linalg.slogdet(A)[1]", "np.linalg.multi_dot([A, A, x])", "scipy.special.softmax(A)", "special.expit(x)"),
    *("scipy.special.logsumexp(A, axis=0)", "np.log2(A * A + 1)", "np.log10(4)", "np.exp2(x)", "np.negative(x)"),
    *("x[:, np.newaxis]", "x[..., None]", "A[..., 0]", "A.shape[0] * x", "sum(x) / len(x)", "A.size + T.shape[-1]"),
    *("(x > 0).astype(float) + (x > 1).astype(float)", "np.pi * x", "np.e ** 2", "np.where(x > 0, x, 0).sum()"),
    *("np.greater(x, 0) * x", "np.less_equal(A, x)", "x.copy()", "np.eye(A.shape[1])", "math.sqrt(2) * x", "np.abs(x)"),
    *("np.einsum('i,kij,j->k', A[0], T, x, optimize=True)", "np.einsum('ij->', A)", "np.einsum('bij,bjk->bik', T, T)"),
    *("np.einsum('i,j,k->ikj', x, x, x)", "np.einsum('bii->ib', T)", "np.einsum('ij,jk,kl,l->i', A, A, A, x)"),
    *("np.tensordot(A, T, axes=([0, 1], [2, 1]))", "np.linalg.trace(A)", "np.identity(3) @ x", "np.amax(A, 0)"),
    *(
        "np.expand_dims(x, axis=(0, 2))",
        "np.moveaxis(T, 0, -1)",
        "np.absolute(x)",
        "np.zeros_like(A)",
        "np.vstack((x, A))",
    ),
    *(
        "A[np.arange(3), i]",
        "A[range(len(i)), i].sum()",
        "A[y, :]",
        "A[:, y]",
        "A[y, 1]",
        "T[:, i]",
        "A[i, 0]",
        "x[::-1]",
    ),
)
"""As people paste it, with NumPy's names and methods."""


def test_what_is_pasted_means_what_numpy_means() -> None:
    assert [text for text in PASTED if read(text).node is None or difference(text) is not None] == []


def test_names_of_modules_and_methods_are_no_arrays() -> None:
    assert names_in("np.sum(X.dot(w)) + np.linalg.norm(y[:, np.newaxis]) * Z.shape[0] + np.pi") == ("X", "w", "y", "Z")


REFUSED = {
    "norm(A, 3)": "no norm 3 of a matrix; allowed: norm(A), the Frobenius norm, or 2, -2, 'nuc', 1, -1, inf, -inf",
    "norm(T, 2)": "no norm 2 over 3 axes",
    "norm(x, 'fro')": "'fro' is a norm of matrices",
    "einsum('ij,j', A, A)": "'j' names 1 axis, of an array of shape (3, 3)",
    "einsum('ij,jk', A, B)": "'j' is an axis of length 3 and of length 1",
    "einsum('i...', A)": "einsum takes letters, commas and one ->",
    "einsum('ij->iij', A)": "'i' stands once behind ->",
    "T[0, :, i]": "stand side by side",
    "A[arange(2), i]": "3 rows, 2 and 3 ids do not fit",
    "norm(T, 2, axis=(0, 1))": "norms by singular values are of one matrix",
    "norm(x, True)": "ord is not True or False",
    "sum(A, axis=(0, 0))": "axis 0 is given twice",
    "sum(A, 0, True)": "sum takes x, axis, keepdims=: 3 arguments without a name are too many",
    "(x > 0) + (x > 1)": "write 1 * (x > 0) for numbers",
    "(A > 0) @ (A > 1)": "write 1 * (x > 0) for numbers",
    "-(x > 0)": "a sign before a comparison",
    "matrix_power(A > 0, 2)": "matrix_power of a comparison",
    "x[x > 0]": "selects, and is not declared",
    "x[i > 0]": "ids are whole numbers, and i > 0 may be others",
    "x[i / 2]": "ids are whole numbers, and i / 2 may be others",
    "i ** -2": "write 1 / x**2 for x**-2",
    "2[None]": "a number has no axes",
    "scatter_add(s, 2, 1)": "no id 2 among 1 entries",
    "leaky_relu(x, True)": "slope is not True or False",
    "pad(s, 1)": "pad takes an array of one axis or more",
    "pad(x, 1, 3)": "pad takes x, pad_width, constant_values=: 3 arguments without a name are too many",
    "pad(x, 1, constant_values=True)": "constant_values is not True or False",
    "pad(i, 1, constant_values=1/2)": "constant_values beside whole numbers is a whole number",
    "pad(1 * (A > 0), 1, constant_values=-inf)": "constant_values beside whole numbers is a whole number",
    "pad(x > 0, 1)": "pad of a comparison is not the arithmetic",
    "pad(x=x > 0, pad_width=1)": "pad of a comparison is not the arithmetic",
    "flip(x > 0) + flip(x > 1)": "write 1 * (x > 0) for numbers",
    "abs(i) ** -1": "write 1 / x**2 for x**-2",
    "A[pad(i, 1, constant_values=x)]": "constant_values is a number, not an array",
    "sliding_window_view(A, 2)": "window_shape has one size for each axis: 2, not 1",
    "sliding_window_view(A, (2, 2), (0, 0))": "axes 0, 0 are not different axes",
    "sliding_window_view(x, 4)": "no window of 4 elements in an axis of length 3",
    "fold(A, 3, 0, (5, 4))": "length has one size for each axis: 1, not 2",
    "fold(A, (3, 2), 0, 5)": "window_shape has one size for each axis: 1, not 2",
    "fold(A, 3, 0, 7, (2, 2))": "windows need a size, a stride and a dilation for each axis",
    "fold(A, 3, None, 5)": "one axis is needed, an integer, not None",
    "fold(x, 3, 0, 5)": "an array of rank 1 has no windows along 1 axes to fold",
    "fold(A, 3, 0, 4)": "windows of shape (3, 3), not (2, 3), to fold",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_means_another_thing_in_numpy_is_refused_in_words(text: str) -> None:
    with pytest.raises(SympropError) as caught:
        symprop.formula(text, **needed(DECLARED, text))
    assert REFUSED[text] in str(caught.value)
    assert str(caught.value).count("\n") <= 2
