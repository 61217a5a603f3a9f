"""Sums over an index: factors that do not have it stand outside, and what is known of the others is used."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from sympy import Expr, Integer

from symprop.formulas.compare.sums.monomials import (
    Atom,
    Bound,
    Factor,
    Monomial,
    Place,
    bound,
    indices_of,
    renamed,
    written,
)
from symprop.formulas.compare.sums.products import ONE, Sum, added, multiplied, number, product, scaled, single


def summed(of: Sum, index: str, size: Expr, fresh: Iterator[str]) -> Sum:
    """Return the sum over an index, which runs from 0 to `size - 1`."""
    return added(scaled(number, _summed(monomial, index, size, fresh)) for monomial, number in of.items())


def _summed(monomial: Monomial, index: str, size: Expr, fresh: Iterator[str]) -> Sum:
    inside = [(factor, each) for factor, each in monomial if index in indices_of(factor)]
    outside = [(factor, each) for factor, each in monomial if index not in indices_of(factor)]
    if not inside:
        return scaled(size, product(outside))
    sizes, factors = [(index, size)], []
    for factor, each in inside:
        if not isinstance(factor, Bound) or each.denominator != 1 or each < 0:
            factors.append((factor, each))
            continue
        for _ in range(int(each)):
            names = {old: next(fresh) for old, _ in factor.sizes}
            sizes += [(names[old], length) for old, length in factor.sizes]
            change = {old: Place(new) for old, new in names.items()}
            factors += [(renamed(inner, change), power) for inner, power in factor.factors]
    for place, (name, length) in enumerate(sizes):
        told = _told([pair for pair in factors if name in indices_of(pair[0])], name, length)
        if told is not None:
            found = multiplied(product(pair for pair in factors if name not in indices_of(pair[0])), told)
            for other, count in sizes[:place] + sizes[place + 1 :]:
                found = summed(found, other, count, fresh)
            return multiplied(product(outside), found)
    return product([*outside, (bound(sizes, factors), ONE)])


def _told(inside: list[tuple[Factor, Fraction]], index: str, size: Expr) -> Sum | None:
    """Return what a sum over an index is by what is known of its factors; None where nothing is."""
    atoms = [factor for factor, each in inside if isinstance(factor, Atom) and each == 1]
    if len(inside) == 1 and atoms:
        (atom,) = atoms
        if atom.head == f"delta {size}" and any(place == Place(index) for place in atom.places):
            return number(Integer(1))
        axes = [axis for axis, place in enumerate(atom.places) if place == Place(index)]
        if len(axes) == 1 and f"sums to 1 {axes[0]} {size}" in atom.traits and _once(atom, index):
            return number(Integer(1))
    if len(inside) == 2 and len(atoms) == 2:
        return _orthonormal(atoms[0], atoms[1], index, size)
    if len(inside) == 1 and isinstance(inside[0][0], Atom) and inside[0][1] == 2:
        return _orthonormal(inside[0][0], inside[0][0], index, size)
    return None


def _once(atom: Atom, index: str) -> bool:
    return sum(place.along == index for place in atom.places) == 1


def _orthonormal(left: Atom, right: Atom, index: str, size: Expr) -> Sum | None:
    """`sum_k Q[k, i] Q[k, j] = delta(i, j)`, and `sum_k inv(A)[i, k] A[k, j] = delta(i, j)`."""
    if not (len(left.places) == len(right.places) == 2 and _once(left, index) and _once(right, index)):
        return None
    at = [each.places.index(Place(index)) if Place(index) in each.places else -1 for each in (left, right)]
    if -1 in at:
        return None
    others = (left.places[1 - at[0]], right.places[1 - at[1]])
    if left.head == right.head and "orthogonal" in left.traits and at[0] == at[1]:
        return single(Atom(f"delta {size}", tuple(sorted(others, key=written)), (), ("symmetric",)))
    for inverse, matrix, (one, two) in ((left, right, at), (right, left, at[::-1])):
        if inverse.head == "Inverse" and len(inverse.inside) == 1 and len(inverse.inside[0]) == 1:
            (inner, coefficient) = inverse.inside[0][0]
            plain = inner[0][0] if len(inner) == 1 and inner[0][1] == 1 and coefficient == 1 else None
            is_it = isinstance(plain, Atom) and plain.head == matrix.head and not matrix.inside
            turned = isinstance(plain, Atom) and [place.along for place in plain.places] == ["a1", "a0"]
            met = "symmetric" in matrix.traits or (one == two if turned else one != two)
            if is_it and met:
                return single(Atom(f"delta {size}", tuple(sorted(others, key=written)), (), ("symmetric",)))
    return None
