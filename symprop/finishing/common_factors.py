"""Common factors of the terms of a sum, taken to the outside: of matrix products, and elementwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import combinations

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import added, factors_of, multiplied
from symprop.calculus.chains import links
from symprop.calculus.coefficients import (
    coefficient_and_rest,
    ones_among_matrices,
    same_shape,
    scalars_and_rest,
    scaled,
)
from symprop.calculus.symmetric import turned
from symprop.calculus.tidy import tidy


@for_kinds(n.Add)
def common_matrix(node: n.Add) -> Node | None:
    """A X + A Y = A (X + Y), and X B + Y B = (X + Y) B: the terms that share an outer factor of a product."""
    terms = [_scalars_and_links(term) if same_shape(term, node) else ((), []) for term in node.operands]
    chains = [chain for _, chain in terms]
    for end in (-1, 0):  # a Hessian has its data on both sides: what is left stands in the middle
        for first, chain in enumerate(chains):
            alike = [place for place, other in enumerate(chains) if len(chain) > 1 and _shares(other, chain, end)]
            if len(alike) < 2 or any(len(other) > 1 for place, other in enumerate(chains) if place not in alike):
                continue  # X X A + X A X + A X X stays as it is
            inside = []
            for place in alike:
                rest = chains[place][1:] if end == 0 else chains[place][:-1]
                whole = n.Identity(chain[end].shape[1 if end == 0 else 0]) if not rest else product_of(rest)
                inside.append(tidy(multiplied([*terms[place][0], whole])))  # A + A B = A (I + B)
            total = tidy(added(inside))
            product = tidy(n.MatMul(chain[0], total) if end == 0 else n.MatMul(total, chain[-1]))
            others = [term for place, term in enumerate(node.operands) if place not in alike]
            return added([*others[:first], product, *others[first:]])
    return None


@for_kinds(n.Add)
def all_but_one(node: n.Add) -> Node | None:
    """A M B + A N B + C = A (M + N) B + C: two terms that differ in one factor of a product, beside others."""
    if len(node.operands) < 3 or not node.rank:
        return None
    terms = [_scalars_and_links(term) if same_shape(term, node) else ((), []) for term in node.operands]
    for (i, (before, chain)), (j, (after, other)) in combinations(enumerate(terms), 2):
        scalars, more = ([each for each in found if each.number is None] for found in (before, after))
        places = [place for place, (one, two) in enumerate(zip(chain, other, strict=False)) if one != two]
        if len(chain) != len(other) or len(places) != 1 or scalars != more or not (scalars or chain[1:]):
            continue
        inside = [
            multiplied([*(each for each in found if each.number is not None), parts[places[0]]])
            for found, parts in ((before, chain), (after, other))
        ]
        total = tidy(added(inside))
        if total.shape != chain[places[0]].shape:
            continue
        product = product_of([*chain[: places[0]], total, *chain[places[0] + 1 :]])
        result = [term for place, term in enumerate(node.operands) if place not in (i, j)]
        result.insert(i, tidy(multiplied([*scalars, product])))
        return added(result)
    return None


@for_kinds(n.Add)
def common_vector(node: n.Add) -> Node | None:
    """u x' + v x' = (u + v) x', and x u' + x v' = x (u + v)'."""
    terms = [scalars_and_rest(term) for term in node.operands]
    outers = [rest.operands if isinstance(rest, n.Outer) else () for _, _, rest in terms]
    if not all(outers):
        return None
    for side in (1, 0):
        if all(each[side] == outers[0][side] for each in outers):
            inside = [
                scaled(number, multiplied([*scalars, each[1 - side]]))
                for (number, scalars, _), each in zip(terms, outers, strict=True)
            ]
            total = tidy(added(inside))
            return n.Outer(total, outers[0][1]) if side else n.Outer(outers[0][0], total)
    return None


def _scalars_and_links(term: Node) -> tuple[tuple[Node, ...], list[Node]]:
    """Return a term as numbers and scalars, and the factors of its product of matrices."""
    coefficient, scalars, rest = scalars_and_rest(term)
    if rest is None:
        return (), []
    numbers = (n.Scalar(coefficient),) if coefficient != 1 else ()
    if not isinstance(rest, n.Outer):
        return (*numbers, *scalars), links(rest)
    (*left, u), (*right, v) = map(links, rest.operands)  # (A u) (B v)' = A (u v') B'
    return (*numbers, *scalars), [*left, n.Outer(u, v), *map(turned, reversed(right))]


def _shares(other: list[Node], chain: list[Node], end: int) -> bool:
    """Whether a product has the factor at one end of another; a matrix alone, only where the other is of rank one."""
    if not other or other[end] != chain[end]:
        return False
    if isinstance(chain[end], n.Outer):
        return len(other) > 1
    if chain[end].rank == 1:  # (A + B) @ x, but not (A.T @ A + B.T @ B) @ x, which takes products of matrices
        return len(chain) == len(other) == 2
    if len(other) == 1 and len(chain) > 2 and chain[0] == turned(chain[-1]):
        return False  # A + A u u' A stays as it is
    return len(other) > 1 or (other[end].rank == 2 and any(isinstance(part, n.Outer) for part in chain))


def product_of(parts: Sequence[Node]) -> Node:
    """Return the product of matrices, from the right where it ends in a vector."""
    if parts[-1].rank == 1:
        return reduce(lambda product, part: n.MatMul(part, product), parts[-2::-1], parts[-1])
    return reduce(n.MatMul, parts)


@for_kinds(n.Add)
def repeated_matrix(node: n.Add) -> Node | None:
    """P X - X = (P - I) X, where X is long: it stands alone, and as what a square matrix is multiplied by."""
    terms = [_scalars_and_links(term) if same_shape(term, node) else ((), []) for term in node.operands]
    for place, (_, alone) in enumerate(terms):
        ends = [other for other, (_, chain) in enumerate(terms) if chain[1:] == alone and len(chain) > 1]
        if not alone or not ends or isinstance(alone[-1], n.Outer):
            continue
        one = n.Identity(alone[0].shape[0])
        alike = sorted([place, *ends])
        inside = [multiplied([*terms[k][0], one if k == place else terms[k][1][0]]) for k in alike]
        product = product_of([tidy(added(inside)), *alone])
        others = [term for k, term in enumerate(node.operands) if k not in alike]
        result = added([*others[: alike[0]], product, *others[alike[0] :]])
        if result.weight < node.weight:
            return result
    return None


@for_kinds(n.Add)
def common_number(node: n.Add) -> Node | None:
    """x / (2 m) - y / m = (x - 2 y) / (2 m): a number with a size in it stands once."""
    terms = [coefficient_and_rest(term) for term in node.operands]
    first = terms[0][0]
    ratios = [number / first for number, _ in terms]
    if first.is_number or not all(ratio.is_Rational for ratio in ratios):
        return None
    whole = sympy.ilcm(*(ratio.q for ratio in ratios))
    shared = sympy.igcd(*(int(ratio * whole) for ratio in ratios))
    common = first * sympy.Rational(shared, whole)
    if common.could_extract_minus_sign() and not all(ratio.is_positive for ratio in ratios):
        common = -common
    inside = [scaled(sympy.cancel(number / common), n.Scalar(1) if rest is None else rest) for number, rest in terms]
    return scaled(common, added(sorted(inside, key=lambda term: coefficient_and_rest(term)[0].is_negative)))


@for_kinds(n.Add)
def common_factor(node: n.Add) -> Node | None:
    """x y + x z = x (y + z), elementwise: a factor, or a power of one, that every term has."""
    terms = [_powers(term) for term in node.operands]
    shared: dict[Node, Expr] = {}
    for base in terms[0][1]:
        exponents = [powers.get(base) for _, powers in terms]
        if None in exponents or (not base.operands and not isinstance(base, Variable)):
            continue
        signs = {bool(e.could_extract_minus_sign()) for e in exponents if e is not None}
        if len(signs) == 1 and all(e.is_number for e in exponents if e is not None):
            smallest = max(exponents) if signs == {True} else min(exponents)  # type: ignore[type-var]
            shared[base] = smallest
    numbers = {base: exponent for base, exponent in shared.items() if not base.rank}
    for chosen in (shared, numbers) if len(numbers) < len(shared) else (shared,):
        total = tidy(added([_without(chosen, *term) for term in terms]))
        if chosen and not isinstance(ones_among_matrices(total), n.Add):  # 2 A - A * I, not A * (2 1 1' - I)
            outside = [base if exponent == 1 else n.Power(base, exponent) for base, exponent in chosen.items()]
            result = tidy(n.Multiply(*outside, total))
            grown = result.weight > node.weight + len(chosen) * 2  # a power of what was one factor, and a product
            return result if same_shape(result, node) and not grown else None
    return None


def _without(shared: Mapping[Node, Expr], coefficient: Expr, powers: Mapping[Node, Expr]) -> Node:
    """A term without the factors that all have."""
    left = {base: exponent - shared.get(base, 0) for base, exponent in powers.items()}
    rest = [n.Power(base, exponent) for base, exponent in left.items() if exponent != 0]
    return scaled(coefficient, tidy(multiplied(rest or [n.Scalar(1)])))


@for_kinds(n.Add)
def factor_of_some(node: n.Add) -> Node | None:
    """x y + x z + w = x (y + z) + w, elementwise, where x is long: some terms of a sum share it, others do not."""
    terms = list(node.operands)
    factors = [factors_of(term) if same_shape(term, node) else () for term in terms]
    found: dict[Node, list[int]] = {}
    for place, parts in enumerate(factors):
        for part in dict.fromkeys(parts):
            if part.rank and part.operands and not isinstance(part, n.Expand):
                found.setdefault(part, []).append(place)
    shared = {part: places for part, places in found.items() if 1 < len(places) < len(terms)}
    if not shared:
        return None
    factor = max(shared, key=lambda part: part.weight * (len(shared[part]) - 1))
    places = shared[factor]
    inside = []
    for place in places:
        rest = list(factors[place])
        rest.remove(factor)
        inside.append(multiplied(rest or [n.Scalar(1)]))
    product = tidy(n.Multiply(tidy(added(inside)), factor))
    others = [term for place, term in enumerate(terms) if place not in places]
    result = added([*others[: places[0]], product, *others[places[0] :]])
    return result if same_shape(result, node) and result.weight < node.weight else None


def _powers(term: Node) -> tuple[Expr, dict[Node, Expr]]:
    """Return a term as a number and powers of its factors."""
    coefficient, rest = coefficient_and_rest(term)
    powers: dict[Node, Expr] = {}
    for factor in rest.operands if isinstance(rest, n.Multiply) else () if rest is None else (rest,):
        base, exponent = (
            (factor.operands[0], factor.exponent) if isinstance(factor, n.Power) else (factor, sympy.Integer(1))
        )
        powers[base] = powers.get(base, sympy.Integer(0)) + exponent
    return coefficient, powers
