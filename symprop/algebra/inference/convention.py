"""How people name what they write: capitals are matrices, lower case letters vectors, Greek letters numbers.

Here stand numbers for how seldom it is meant otherwise (`RANK_COSTS`), and the names that sizes usually have.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import count

GREEK = frozenset(
    {"alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "eps", "zeta", "eta", "theta", "vartheta", "iota"}
    | {"kappa", "lambda", "lambda_", "lam", "lamda", "lmbda", "mu", "nu", "xi", "omicron", "rho", "sigma", "tau"}
    | {"upsilon", "phi", "varphi", "chi", "psi", "omega"}
)
"""Names of Greek letters in lower case, numbers unless they are something else."""

MEANS = frozenset({"mu", "theta", "beta", "phi"})
"""Greek letters that vectors often have: means, parameters."""

NUMBERS = frozenset(["c", "s", "t", "r", "l", "k", "h"])
"""Letters of vectors that numbers often have too, as words of several letters (`sf`, `lr`) have."""

SIZES = ("n", "m", "k", "p", "q", "r", "d", "h", "s", "t")
"""What sizes are called, one after the other."""

COUNTS = frozenset({"n", "m", "N", "d", "k", "p", "q", "K", "D", "T", "B", "M"})
"""Letters that say how many there are, where a sum is divided by them."""

SIZE_FIRST = frozenset({"n", "m"})
"""Those that are never vectors or matrices, unless they must be."""

DIVISORS = SIZE_FIRST | {"N", "d", "k"}
"""Those that are numbers where something is divided by them."""

RANK_COSTS: dict[str, tuple[float, float, float, float, float]] = {
    "count": (0, 2, 12, 16, 20),
    "Greek": (0, 2, 12, 16, 20),
    "mean": (0, 0.9, 12, 16, 20),
    "capital": (2.6, 7.5, 0, 3, 5),
    "number": (0.9, 0, 12, 16, 20),
    "small": (2, 0, 12, 16, 20),
}
"""How seldom a name of each sort has rank 0, 1, 2, 3 and 4."""

BIASES = frozenset({"b", "b0", "beta0", "beta_0", "w0", "w_0", "c", "bias", "intercept"})
"""What is added to a product of data and weights."""

LIKE_ANOTHER = 0.48
"""What it costs a small letter to be a matrix where another is declared to be one: less than a vector beside it."""


def sort_of(name: str, divides: bool = False) -> str:
    """Return which row of `RANK_COSTS` a name has; `divides` says whether something is divided by it.

    >>> [sort_of(name) for name in ("X", "w1", "lam", "sigma_2", "sf", "n", "t")]
    ['capital', 'small', 'Greek', 'Greek', 'number', 'count', 'number']
    """
    stem = re.sub(r"_?\d+$", "", name).partition("_")[0] if name not in GREEK else name
    if name in (DIVISORS if divides else SIZE_FIRST):
        return "count"
    if re.match("d?[A-Z]", name):  # dW is what flows back to W
        return "capital"
    if stem in GREEK or name in GREEK:
        return "mean" if stem in MEANS else "Greek"
    return "number" if stem in NUMBERS or len(stem) > 1 else "small"


def rank_costs(name: str, divides: bool, declared: Mapping[str, int]) -> Sequence[float]:
    """Return how seldom a name has rank 0 to 4, beside others whose ranks are declared.

    Who calls a matrix by a small letter calls others so: not biases, which are added to each row.

    >>> rank_costs("y", False, {"X": 2}), rank_costs("y", False, {"z": 2}), rank_costs("b", False, {"z": 2})
    ((2, 0, 12, 16, 20), (2, 0, 0.48, 16, 20), (2, 0, 12, 16, 20))
    """
    sort = sort_of(name, divides)
    alike = {rank for other, rank in declared.items() if rank > 1 and sort_of(other) != "capital"}
    if sort != "small" or name in BIASES:
        return RANK_COSTS[sort]
    return tuple(LIKE_ANOTHER if rank in alike else cost for rank, cost in enumerate(RANK_COSTS[sort]))


def names_of_sizes(how_many: int, taken: Container[str]) -> Iterator[str]:
    """Yield names for sizes: `n`; `m` and `n`; `m`, `n` and `k`, and so on, none of them `taken`.

    >>> list(names_of_sizes(1, ())), list(names_of_sizes(3, "k")), list(names_of_sizes(2, ()))
    (['n'], ['m', 'n', 'p'], ['m', 'n'])
    """
    free = [name for name in SIZES if name not in taken][:how_many]
    if free[:2] == ["n", "m"]:
        free[:2] = ["m", "n"]
    numbered = (f"n{number}" for number in count(1))
    while len(free) < how_many:
        name = next(numbered)
        free += [name] if name not in taken else []
    yield from free
