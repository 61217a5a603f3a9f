"""Weights on their way from a model into a network: whose numbers they are, and how they are moved.

A weight here is a weight there with its elements moved: transposed, cut out of a packed one, its channels put last.
What is done to the numbers is done to their places as well, so that gradients find the way back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Move = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Carried:
    """A weight: the parameter of the model from which it comes, what moves its elements, and its shape then.

    `tensor` is the parameter as its framework has it; `factor` is multiplied in, such as a scale of the queries that is
    not the usual one. Without a name it stands for what the model leaves out, a shift of 0 or a scale of 1.
    """

    name: str
    tensor: Any
    shape: tuple[int, ...]
    moves: tuple[Move, ...] = ()
    factor: float = 1.0

    def moved(self, move: Move, shape: tuple[int, ...]) -> Carried:
        """Return the weight with its elements moved once more."""
        return Carried(self.name, self.tensor, tuple(shape), (*self.moves, move), self.factor)

    def times(self, factor: float) -> Carried:
        """Return the weight multiplied by a number."""
        return Carried(self.name, self.tensor, self.shape, self.moves, self.factor * factor)

    def rows(self, places: list[int]) -> Carried:
        """Return the weight with its rows taken in another order, or some of them."""
        if places == list(range(self.shape[0])):
            return self
        return self.moved(lambda tensor: tensor[places], (len(places), *self.shape[1:]))

    def columns(self, places: list[int]) -> Carried:
        """Return the weight with what stands along its last axis taken in another order."""
        if places == list(range(self.shape[-1])):
            return self
        return self.moved(lambda tensor: tensor[..., places], self.shape)

    def reshaped(self, *shape: int) -> Carried:
        """Return the weight in another shape."""
        return self if shape == self.shape else self.moved(lambda tensor: tensor.reshape(shape), shape)

    def permuted(self, *axes: int) -> Carried:
        """Return the weight with its axes in another order."""
        return self.moved(lambda tensor: tensor.permute(*axes), tuple(self.shape[axis] for axis in axes))

    def _after(self, tensor: Any) -> Array:
        for move in self.moves:
            tensor = move(tensor)
        found: Array = np.ascontiguousarray(tensor.numpy())
        return found

    @property
    def array(self) -> Array:
        """The numbers, as they stand in the model now: float32 where they are so there, else float64."""
        found = self._after(self.tensor.detach().cpu().to(copy=True))
        return found if self.factor == 1 else found * found.dtype.type(self.factor)

    @property
    def places(self) -> Array:
        """Where in the parameter of the model, row by row, each number stands."""
        numbers = self.tensor.detach().cpu().new_zeros(self.tensor.shape).long()
        flat = numbers.numpy().reshape(-1)  # which PyTorch shares
        flat[:] = np.arange(flat.size)
        return self._after(numbers)
