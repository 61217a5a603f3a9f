"""Functions that bring their own derivative: a `torch.autograd.Function`, a `jax.custom_vjp`. Each is run forward, and
backward by its library, so that what is judged is what training would use. Neither library is imported but for such.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

COTANGENT = "g"


class OwnDerivative:
    """A function with its own derivative as a backward pass: called by the names of its parameters, and `g`."""

    def __init__(self, function: Any, library: str, pulled: Callable[[Any, list[Any], Any], list[Any]]) -> None:
        self.function, self.library, self.pulled = function, library, pulled
        self.__name__ = str(function.__name__)
        forward = function.forward if library == "torch" else function
        parameters = [
            each.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for each in inspect.signature(forward).parameters.values()
            if each.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        ]
        self.parameters = parameters[1:] if library == "torch" and not has_context_apart(function) else parameters
        own = inspect.Parameter(COTANGENT, inspect.Parameter.KEYWORD_ONLY)
        self.__signature__ = inspect.Signature([*self.parameters, own])

    def __call__(self, *, g: Any, **given: Any) -> dict[str, Any]:
        """Return the gradient with respect to each parameter that is given an array, as the library finds it."""
        names = [each.name for each in self.parameters]
        arguments = [given.get(each.name, each.default) for each in self.parameters]
        found = zip(names, self.pulled(self.function, arguments, g), strict=True)
        return {name: each for name, each in found if name in given}


def with_own_derivative(backward: Any) -> Any:
    """Return what is called in the place of a function that brings its own derivative; any other function as it is."""
    if is_torch_function(backward):
        return OwnDerivative(backward, "torch", _by_torch)
    if type(backward).__name__ == "custom_vjp" and type(backward).__module__.partition(".")[0] == "jax":
        return OwnDerivative(backward, "jax", _by_jax)
    return backward


def is_torch_function(value: Any) -> bool:
    """Whether something is a subclass of `torch.autograd.Function`."""
    return isinstance(value, type) and any(
        (each.__module__, each.__name__) == ("torch.autograd.function", "Function") for each in value.__mro__
    )


def has_context_apart(function: Any) -> bool:
    """Whether the forward pass of a `torch.autograd.Function` has no `ctx`, which `setup_context` has."""
    return any("setup_context" in vars(each) and not each.__module__.startswith("torch.") for each in function.__mro__)


def _by_torch(function: Any, arguments: list[Any], cotangent: Any) -> list[Any]:
    torch = importlib.import_module("torch")
    moving = [isinstance(each, torch.Tensor) and each.is_floating_point() for each in arguments]
    given = [each.detach().requires_grad_() if moves else each for each, moves in zip(arguments, moving, strict=True)]
    leaves = [each for each, moves in zip(given, moving, strict=True) if moves]
    found = iter(torch.autograd.grad(function.apply(*given), leaves, cotangent, allow_unused=True))
    return [next(found) if moves else None for moves in moving]


def _by_jax(function: Any, arguments: list[Any], cotangent: Any) -> list[Any]:
    jax = importlib.import_module("jax")
    _, pull = jax.vjp(function, *arguments)
    return list(pull(cotangent))
