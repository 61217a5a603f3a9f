"""Blocks of the Gauss-Newton and the Fisher matrix, layer by layer: `kron(J' H J, a a')`.

With J the Jacobian of the output with respect to where a layer ends and `a` what its weight multiplies, the output
moves by `J V a` along a direction V of the weight. So the block of one example is `kron(J' H J, a a')`, in the order of
the weight's elements row after row, with the loss's Hessian H; that of a batch is the mean (Martens and Grosse,
*Optimizing neural networks with Kronecker-factored approximate curvature*, 2015, section 2). For display alone: nobody
forms these matrices.
"""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, System, equations_in
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, multiplied, replace, terms_of, variables
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.means import EXAMPLE, of_example
from symprop.analysis.curvature.outputs import outputs_of
from symprop.analysis.curvature.tangents import needed
from symprop.analysis.curvature.way_back import free_mark
from symprop.calculus.jacobians import chained
from symprop.calculus.linear_maps import matrix_of
from symprop.calculus.rules import context
from symprop.calculus.tidy import tidy
from symprop.errors import SpecError


def hessian_of_loss(product: Along, system: System) -> Equation | None:
    """Return the Hessian of the loss with respect to the output, which a product goes through; None for no vector."""
    output = system.output
    if output.rank != 1:
        return None
    end, start = adjoint_of(output).tangent, output.tangent
    network = needed(product.forward, [start])
    through = [each for each in needed(product.forward, [end]) if not any(each is other for other in network)]
    target = Variable("H", output.index, (*output.shape, *output.shape), mark=free_mark("H", output.index, system))
    expression = chained(tuple(equations_in(through)), end, start, context(system))
    return Equation(target, expression, note="the Hessian of the loss with respect to the output")


def layer_blocks(example: System, system: System, product: Along, role: str) -> tuple[Equation, ...]:
    """Return the equations of the blocks of the weights in the layout of a system, with the Jacobians that they read.

    `product` is that of the matrix for the `example`, and `role` says what the blocks are called. There are none where
    the output is no vector, or random.
    """
    try:
        outputs = outputs_of(example)
        hessian = hessian_of_loss(product, outputs.example)
    except SpecError:
        return ()
    if hessian is None:
        return ()
    found = []
    for each in outputs.factors():
        jacobian = outputs.of(each.left)
        core = n.MatMul(n.MatMul(n.Transpose(jacobian), hessian.target), jacobian)
        whole = tidy(core if each.right is None else n.Kron(core, n.Outer(each.right, each.right)))
        whole = _penalised(whole, each.parameter, product)
        note = f"the block of {each.parameter.name}"
        found.append(Equation(each.parameter.of_role(role, *whole.shape), whole, note=note))
    read = {each for equation in found for each in variables(equation.expression)}
    made = tuple(equations_in(needed((*outputs.items, hessian), read)))
    return (*made, *found) if system.batch is None else (*_of_each(made, found, system),)


def _penalised(block: Node, parameter: Variable, product: Along) -> Node:
    """Return a block with what a penalty of its parameter adds, which the product takes from the direction itself."""
    result, u = gradient_of(parameter).curved, parameter.tangent
    terms = [
        term
        for equation in equations_in(product.backward)
        if equation.target == result
        for term in terms_of(equation.expression)
        if u in variables(term)
    ]
    return tidy(added([block, *(matrix_of(term, u) for term in terms)])) if terms else block


def _of_each(made: tuple[Equation, ...], found: list[Equation], system: System) -> Iterator[Equation]:
    """Yield equations for each example of a batch, and those of the means over the examples."""
    there = system.by_name
    each: dict[Node, Node] = {}
    for equation in (*made, *found):
        for variable in variables(equation.expression):
            of_batch = there.get(variable.name)
            if of_batch is not None and of_batch.shape != variable.shape and not variable.is_tangent:
                each[variable] = of_example(variable)
        moving = not each.keys().isdisjoint(variables(equation.expression))
        expression, target = replace(equation.expression, each), equation.target
        if equation in found:
            terms = [_mean(term) if EXAMPLE in term.free_symbols else term for term in terms_of(expression)]
            yield Equation(target, tidy(added(terms)), note=equation.note)
        else:
            if moving:
                each[target] = of_example(target)
            yield Equation(of_example(target) if moving else target, expression, note=equation.note)


def _mean(term: Node) -> Node:
    return multiplied([n.Scalar(1 / BATCH_SIZE), n.BlockSum(term, EXAMPLE, BATCH_SIZE)])
