"""Training on all rows at once, by optimisers that measure curvature: Newton's method with conjugate gradients, L-BFGS.

SciPy does the steps; here are the loss, its gradient and products with the Gauss-Newton matrix, of a generated module.
Each of these takes one pass over the rows, and passes are what is counted and limited.

SciPy keeps what it has learnt of curvature to itself. A run that is interrupted goes on all the same: what each pass
gave is kept beside the weights, and SciPy, which draws no numbers, is told it again without a pass. So it ends with the
numbers that it would have had. Where that would be much, SciPy begins anew, interrupted or not.

Sources: Martens, *Deep learning via Hessian-free optimization* (2010); Liu and Nocedal, *On the limited memory BFGS
method for large scale optimization* (1989).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np

from symprop.errors import DataError, SpecError
from symprop.evaluation import Array, Features, mean_loss
from symprop.runs import Epoch, Params, Progress, Trained, best_of, by_name

METHODS = {"newton-cg": "Newton-CG", "lbfgs": "L-BFGS-B"}
"""The optimisers, and what SciPy calls them."""
EXACT = {"newton-cg": {"xtol": 1e-10}, "lbfgs": {"ftol": 1e-15, "gtol": 1e-10, "maxfun": 10**9}}
"""When they end by themselves: where nothing is left to gain."""


MOST_BYTES, LEAST_PASSES = 2**24, 32
"""What passes gave is kept up to so many bytes, but for so many passes at least; then SciPy begins anew."""

TOO_FAR = float(np.finfo(np.float64).max)
"""Stands in what is kept for a loss that is infinite or no number."""


class _Spent(Exception):
    """All passes are made."""


class _Anew(Exception):
    """What passes gave is more than is kept."""


class _Run:
    """The loss of a module as a function of all parameters in a row, and the iterations that were made on it."""

    def __init__(self, module: ModuleType, features: Features, targets: Array, start: Params, passes: int) -> None:
        self.module, self.given, self.like = module, (features, targets), start
        self.left = passes
        self.epochs: list[Epoch] = []
        self.begin(self.in_a_row(start).astype(np.float64))

    def begin(self, start: Array) -> None:
        """Begin at parameters in a row, with nothing known of them."""
        self.start, self.before = start, len(self.epochs)
        self.first = self.passes = self.epochs[-1].number if self.epochs else 0
        self.known = 0  # passes whose results are told again
        self.log = np.empty((16, 1 + start.size))

    def since(self, progress: Progress) -> None:
        """Go on with a run: what its passes gave since SciPy began is told again."""
        arrays, numbers = progress.arrays, progress.numbers
        table = arrays["iterations"][: numbers["before"]].tolist()
        self.epochs = [Epoch(int(number), loss, *held) for number, loss, *held in table]
        self.begin(arrays["start"])
        self.log, self.known = arrays["log"], len(arrays["log"])

    def progress(self, best: Params) -> Progress:
        """Return where the run stands after an iteration."""
        held = [() if each.held_out is None else (each.held_out,) for each in self.epochs]
        table = np.array([(each.number, each.loss, *more) for each, more in zip(self.epochs, held, strict=True)])
        made = self.passes - self.first
        arrays = {"start": self.start, "log": self.log[:made], "iterations": table}
        numbers = {"before": self.before, "passes": made, "iterations": len(table)}
        return Progress(Trained(best, tuple(self.epochs)), arrays, numbers, {})

    def apart(self, row: Array) -> Params:
        """Return parameters by name."""
        return by_name(row, self.like)

    def in_a_row(self, values: Params) -> Array:
        """Return parameters, or what has their shapes, in a row; a copy."""
        return np.concatenate([np.ravel(values[name]) for name in self.like])

    def passed(self, make: Callable[[], tuple[float, Array]]) -> Array:
        """Return a number and a row that a pass gives, from memory where it was made before.

        Raises:
            _Spent: all passes are made.
        """
        if self.passes == self.left:
            raise _Spent
        place = self.passes - self.first
        self.passes += 1
        if place >= self.known:
            if place == len(self.log):
                self.log = np.concatenate((self.log, np.empty_like(self.log)))
            self.log[place, 0], self.log[place, 1:] = make()
        return self.log[place].copy()

    @property
    def is_long(self) -> bool:
        """Whether what passes gave is more than is kept."""
        made = self.passes - self.first
        return made >= LEAST_PASSES and made * self.log[0].nbytes > MOST_BYTES

    def loss_and_slope(self, row: Array) -> tuple[float, Array]:
        """Return the loss and its gradient; where a step went too far, the loss is infinite."""

        def make() -> tuple[float, Array]:
            with np.errstate(over="ignore", invalid="ignore"):
                loss, grads = self.module.loss_and_grads(self.apart(row), *self.given)
            slope = self.in_a_row(grads)
            if not math.isfinite(loss) and self.passes == 1:
                raise DataError(f"the loss is {loss} at the start of training")
            return min(float(loss), TOO_FAR) if math.isfinite(loss) else TOO_FAR, np.where(np.isfinite(slope), slope, 0)

        found = self.passed(make)
        return (math.inf if found[0] == TOO_FAR else float(found[0])), found[1:]

    def curved(self, row: Array, along: Array) -> Array:
        """Return the product of the Gauss-Newton matrix with a direction."""

        def make() -> tuple[float, Array]:
            return 0.0, self.in_a_row(self.module.gnvp(self.apart(row), *self.given, self.apart(along)))

        return self.passed(make)[1:]


def train_whole(
    module: ModuleType,
    features: Features,
    targets: Array,
    *,
    method: str,
    epochs: int = 30,
    seed: int = 0,
    params: Params | None = None,
    held_out: tuple[Features, Array] | None = None,
    patience: int | None = None,
    after_epoch: Callable[[Epoch], None] = lambda epoch: None,
    keep: Callable[[Progress], None] | None = None,
    since: Progress | None = None,
) -> Trained:
    """Train a generated module on all rows at once and return its parameters.

    `method` is one of `METHODS`. `epochs` is how many passes over the rows may be made: one for each loss with its
    gradient, one for each product with the Gauss-Newton matrix. An `Epoch` stands for an iteration; its number is how
    many passes were made by then. The other arguments are those of `symprop.training.train`; a run that goes on `since`
    it was interrupted ends with the numbers that it would have had.

    Raises:
        SpecError: SciPy is not installed, the network has no Gauss-Newton matrix, dropout, or running statistics, or
            the passes do not suffice for one iteration.
        DataError: the loss is not finite at the start.
    """
    check_whole_batch(module, method)
    start = module.init_params(seed=seed) if params is None else params
    run = _Run(module, features, targets, start, epochs)
    kept: list[Params] = []
    if since is not None:
        run.since(since)
        kept = [since.trained.params]

    def iterated(intermediate_result: Any) -> None:
        now = np.array(intermediate_result.x)
        judged = None if held_out is None else mean_loss(module, run.apart(now), *held_out)
        run.epochs.append(Epoch(run.passes, float(intermediate_result.fun), judged))
        best = best_of(run.epochs)
        if not kept or best is run.epochs[-1]:
            kept[:] = [run.apart(now)]
        if keep is not None and run.passes - run.first >= run.known:
            keep(run.progress(kept[0]))
        after_epoch(run.epochs[-1])
        if patience is not None and len(run.epochs) - 1 - run.epochs.index(best) >= patience:
            raise StopIteration
        if run.is_long:
            run.begin(now)
            raise _Anew

    _minimise(run, method, epochs, iterated)
    if not kept:
        raise SpecError(f"{method} needs more than {run.passes} passes for its first iteration\nallowed: more epochs")
    return Trained(kept[0], tuple(run.epochs))


def _minimise(run: _Run, method: str, epochs: int, iterated: Callable[[Any], None]) -> None:
    """Have SciPy take steps until it ends or the passes are spent; where a run is long it begins anew."""
    optimise = _scipy(method).minimize
    more = {"hessp": run.curved} if method == "newton-cg" else {}
    options = {"maxiter": epochs, **EXACT[method]}
    ended = False
    while not ended:
        with suppress(_Anew):
            with suppress(_Spent):  # the last iteration that was complete stands
                optimise(
                    run.loss_and_slope,
                    run.start,
                    jac=True,
                    method=METHODS[method],
                    callback=iterated,
                    options=options,
                    **more,
                )
            ended = True


def check_whole_batch(module: ModuleType, method: str) -> None:
    """Raise unless a module can be trained on all rows at once.

    Raises:
        SpecError: dropout, running statistics, or no Gauss-Newton matrix for `newton-cg`.
    """
    for name, what in (("MASKS", "dropout"), ("STATISTICS", "running statistics")):
        if vars(module).get(name):
            raise SpecError(f"{method} takes all rows at once, and this network has {what}\nallowed: adam, sgd, kfac")
    if method == "newton-cg":
        _ = module.gnvp  # made now, or refused with the reason


def refuse_options(method: str, **given: object) -> None:
    """Raise where an option is given that is of steps on batches.

    Raises:
        SpecError: one is, or another precision than double.
    """
    for name, value in given.items():
        if value not in (None, False, "float64"):
            typed = name.replace("_", "-")
            raise SpecError(
                f"--{typed} is of steps on batches, and {method} takes all rows at once\nallowed: no --{typed}"
            )


def _scipy(method: str) -> Any:
    """Return SciPy's optimisers.

    Raises:
        SpecError: it is not installed.
    """
    try:
        return importlib.import_module("scipy.optimize")
    except ImportError:
        raise SpecError(
            f"{method} needs SciPy, which is not installed\nallowed: pip install 'symprop[scipy]', or another optimizer"
        ) from None
