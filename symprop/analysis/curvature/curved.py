"""What is asked of the second derivatives of a derivation: each answer is the derivation with more equations."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from typing import Any, Self, cast

from symprop.algebra.equations import Item, System
from symprop.algebra.formula import Formula
from symprop.algebra.names import looked_up, spaced
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import BLOCK, CURVED
from symprop.analysis.curvature.along import Along, hessian_product, what_bends, what_is_tied
from symprop.analysis.curvature.blocks import Alone, HessianBlock, hessian_block
from symprop.analysis.curvature.clipping import clipped
from symprop.analysis.curvature.diagonals import Diagonals, hessian_diagonal
from symprop.analysis.curvature.examples import norms_of_examples
from symprop.analysis.curvature.fisher import empirical_product, fisher_product, what_it_is, what_the_empirical_is
from symprop.analysis.curvature.gauss_newton import gauss_newton_product
from symprop.analysis.curvature.kernel import tangent_kernel
from symprop.analysis.curvature.kfac import kfac_factors
from symprop.analysis.curvature.layers import layer_blocks
from symprop.calculus.walk import derive_system
from symprop.errors import SpecError
from symprop.networks.likelihoods import Likelihood
from symprop.networks.network import Network


class Curved:
    """A derivation: its products with the matrices of second derivatives, and the norms of single gradients."""

    network: Network | Formula
    system: System
    backward: tuple[Item, ...]
    remarks: tuple[str, ...]
    along: Along

    @cached_property
    def evaluation(self) -> bool:
        """Whether running statistics stand for those of the batch, and no dropout is drawn."""
        return not isinstance(self.network, Formula) and self.system != self.network.system(self.system.layout)

    def with_along(self, along: Along, *why: str) -> Self:
        """Return the derivation with the equations of a question of second derivatives, and why they are these."""
        told = along.told_apart(self.system, self.backward)
        return cast(Self, replace(cast(Any, self), along=told, remarks=(*self.remarks, *why)))

    def hvp(self) -> Self:
        """Return the derivation with the Hessian-vector product: all equations along a direction v of the parameters.

        `RW1` is the part of v for `W1`, `Rz1` the derivative of `z1` along v, and `RdW1` the product of the Hessian
        with v, the part for `W1` (Pearlmutter, 1994). Pages write `R{z1}`. A remark says which equations have second
        derivatives, from which comes what the Hessian has beside the Gauss-Newton matrix.

        >>> from symprop import derive
        >>> d = derive("Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()").hvp()
        >>> print(d.equation("Rdelta2").text(), d.equation("RdW2").text(), sep="; ")
        Rdelta2 = Rp; RdW2 = outer(Rdelta2, a1) + outer(delta2, Ra1)

        Raises:
            SpecError: backpropagation is truncated, so that what it gives is the gradient of no loss.
        """
        is_of_network = self.system.parameters and not isinstance(self.network, Formula)
        found = self.hvp_alone()
        return found.with_along(found.along, what_bends(self.system))._with_ties() if is_of_network else found

    def hvp_alone(self) -> Self:
        """Return the same without the remark that says what bends, for those who only want the product."""
        return self.with_along(hessian_product(self.system, self.backward))

    def hessian(self, of: str, by: str | None = None) -> HessianBlock:
        """Return the second derivatives of the loss with respect to a parameter, or to two (a mixed block).

        The answer has the matrix in closed form where there is a short one, as in logistic and softmax regression,
        linear networks and last layers: rows by the elements of `of`, columns by those of `by`, both row by row.
        Otherwise it has the equations that apply the block to a direction, those of `hvp` with all other directions 0.

        >>> from symprop import derive
        >>> d = derive("Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()")
        >>> print(d.hessian("W2").text(), d.hessian("W2", "b2").text(), d.hessian("W2").note, sep="\\n")
        kron(diag(p) - outer(p, p), outer(a1, a1))
        kron(diag(p) - outer(p, p), a1[:, None])
        rows by the elements of W2, row by row, columns by the elements of W2, row by row

        Raises:
            FormulaError: no such parameter.
            SpecError: backpropagation is truncated.
        """
        first, second = map(self._parameter, (of, of if by is None else by))
        return hessian_block(self.system, self.backward, first, second, self._alone())

    def hessian_diagonal(self, *names: str) -> Diagonals:
        """Return the diagonal of the Hessian for each parameter by its name, in the parameter's shape.

        It is exact, and there where a parameter's own block has a closed form for one example: for one layer, or a few,
        and for last layers. Of a batch it is the mean over the examples. `names` asks for these alone; `why` of what
        comes out says of each other parameter why it has none.

        >>> from symprop import derive
        >>> d = derive("Input(2) >> Dense(3) >> SoftmaxCrossEntropy()", layout="rows")
        >>> print(d.hessian_diagonal()["W1"].text())
        (p * (1 - p)).T @ (x * x) / m
        >>> d = derive("Input(4, 2) >> RNN(3, sequence=False) >> Dense(2) >> SoftmaxCrossEntropy()")
        >>> print(d.hessian_diagonal("W2", "R1").why)
        {'R1': 'whose block goes through a loop over t = 1, ..., 4'}

        Raises:
            FormulaError: no such parameter.
            SpecError: no parameter has one, or backpropagation is truncated.
        """
        asked = [self._parameter(each) for each in names] or self.system.wanted
        return hessian_diagonal(self.system, self.backward, asked, self._alone())

    def _parameter(self, name: str) -> Variable:
        """Return the parameter of a name.

        Raises:
            FormulaError: there is none.
        """
        return looked_up(spaced(name), {each.name: each for each in self.system.wanted}, "no parameter is called")

    def gauss_newton(self) -> Self:
        """Return the derivation with the product of the Gauss-Newton matrix and a direction v, `J' H J v`.

        J is the Jacobian of the output with respect to all parameters, H the Hessian of the loss with respect to the
        output; what the second derivatives of the network add to the Hessian is left out (Schraudolph, 2002).
        `GdW1` is the product's part for `W1`, `Gdelta1` what goes back on the way. `GW1` is the block of `W1`,
        `kron(J' H J, a a')`, J now with respect to `z1`, in the order of its elements row after row; along a sequence
        it is a sum over positions, or over pairs of them. A remark says which parameters have none, and why.

        >>> from symprop import derive
        >>> d = derive("Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()").gauss_newton()
        >>> print(d.equation("Gdelta1").text(), d.equation("GdW2").text(), sep="; ")
        Gdelta1 = (W2.T @ Gdelta2) * (1 - a1 * a1); GdW2 = outer(Gdelta2, a1)
        >>> print(d.equation("GW1").text())
        GW1 = kron(Jz1.T @ H2 @ Jz1, outer(x, x))

        Raises:
            SpecError: the loss reads more of the network than its output and its parameters, or backpropagation is
                truncated.
        """
        return self._with_blocks(self.gauss_newton_alone(), CURVED)._with_ties()

    def fisher(self, empirical: bool = False) -> Self:
        """Return the derivation with the product of the Fisher matrix and a direction v, without penalties.

        It is `J' E[H] J`: J the Jacobian of the output, H the Hessian of the loss of an example with respect to the
        output, its mean over targets that are drawn from the model. Where H does not read the targets it is the
        Gauss-Newton matrix, of the loss without penalties. Of a loss that is a negative log-likelihood it is the mean
        of `g g'`, g the gradient of one example; of a loss that takes the mean over the T positions of a sequence it is
        T times that, since each position counts as an example of its own. Remarks say which. `empirical` is the mean of
        `g g'` of whole examples, without penalties too, at the targets of the data (Martens, 2020; Kunstner, Hennig and
        Balles, 2019).

        >>> from symprop import derive
        >>> d = derive("Input(2) >> Dense(2) >> SoftmaxCrossEntropy()")
        >>> print(d.fisher().remarks[-1])
        the Fisher matrix is the Gauss-Newton matrix: the loss is the negative log-likelihood of a choice of one class \
with the probabilities p, and its Hessian does not read the targets
        >>> print(d.fisher(empirical=True).equation("Rdelta1").text())
        Rdelta1 = (delta1 @ Rz1) * delta1

        Raises:
            SpecError: the loss is not known as a likelihood (the empirical matrix asks for none), or as for
                `gauss_newton`.
        """
        if empirical:
            said = what_the_empirical_is(self.system, self._likelihood)
            return self.with_along(empirical_product(self.system, self.backward), said)
        return self._with_blocks(self.fisher_alone(), BLOCK)._with_ties()

    def gauss_newton_alone(self) -> Self:
        """Return the same as `gauss_newton` without the blocks of layers, for those who only want the product."""
        return self.with_along(gauss_newton_product(self.system))

    def fisher_alone(self) -> Self:
        """Return the same as `fisher` without the blocks of layers."""
        likelihood = self._likelihood
        return self.with_along(fisher_product(self.system, likelihood), *what_it_is(self.system, likelihood))

    def per_example(self) -> Self:
        """Return the derivation with the norm of each example's own gradient, and the mean of the clipped ones.

        For one example the gradient of a weight is `outer(delta, a)`, whose squared norm is `|delta|**2 |a|**2`; of a
        sequence it is a sum over pairs of positions (Goodfellow, 2015). `NdW1` is the squared norm of the part for
        `W1`, `norms` the norm over all parameters; adjoints of a batch are `m` times as large there as in the mean.

        Then come the gradients of differential privacy (Abadi and others, 2016): `CdW1` is the mean over the examples
        of what each adds to `dW1`, its gradient over all parameters scaled to a norm of at most `C`. No gradient of
        one example is formed for that: it is the gradient of the batch with row i of each adjoint times
        `c = C / maximum(norms, C)` at i (book-keeping: Bu and others, 2023). The gradient of a penalty is part of that
        of each example.

        >>> from symprop import derive
        >>> d = derive("Input(2) >> Dense(3) >> MeanSquaredError()").per_example()
        >>> print(d.equation("NdW1").text())
        NdW1 = sum(delta1 * delta1) * sum(x * x)
        >>> batch = derive("Input(2) >> Dense(3) >> MeanSquaredError()", layout="rows").per_example()
        >>> print(batch.equation("CdW1").text())
        CdW1 = delta1.T @ diag(c) @ x

        Raises:
            SpecError: layers take means over the batch, or backpropagation is truncated, or it is of a formula.
        """
        example = self._example("the norm of each example's gradient")
        norms = norms_of_examples(example, self.system, self.backward)
        return self.with_along(clipped(norms, example, self.system, self.backward))

    def norms_alone(self) -> Self:
        """Return the same without the clipped gradients, for those who only want the norms."""
        example = self._example("the norm of each example's gradient")
        return self.with_along(norms_of_examples(example, self.system, self.backward))

    def tangent_kernel(self) -> Self:
        """Return the derivation with the tangent kernel `J(x) J(x')'` of two examples, at finite width.

        J is the Jacobian of the output, before the loss, with respect to all parameters, `(k, number of parameters)`.
        `Jz1`, `(k, n1)`, is the Jacobian of the output with respect to `z1`, `Theta1` what the parameters of layer 1
        add to the kernel, and `Theta` their sum, `(k, k)`. A prime (in text `x_2`) marks the second example (Jacot,
        Gabriel and Hongler, 2018). For a batch in rows it is that of all pairs out of two, `(m, m2, k, k)`, in columns
        `(k, k, m, m2)`.

        >>> from symprop import derive
        >>> d = derive("Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> MeanSquaredError()").tangent_kernel()
        >>> print(d.equation("Jz1").text(), d.equation("Theta1").text(), sep="; ")
        Jz1 = (Jz2 @ W2) * (1 - a1 * a1); Theta1 = (Jz1 @ Jz1_2.T) * (x @ x_2 + 1)

        Raises:
            SpecError: layers take means over the batch or draw masks, the last step of a loop over a named number of
                them has a gradient of a form of its own, or it is of a formula.
        """
        return self.with_along(tangent_kernel(self._example("a tangent kernel"), self.system))

    def kfac(self, sharing: str = "expand") -> Self:
        """Return the derivation with K-FAC's factors of the Fisher matrix of each weight, without penalties.

        `AW1`, `(n0 + 1, n0 + 1)`, is the mean of `a a'`, a what `W1` multiplies, with a 1 behind it where the layer has
        a bias, which is the last column of the weight; `GW1`, `(n1, n1)`, is the mean of `b b'`, b the derivative of
        the loss of each example with respect to `z1`, over targets that are drawn from the model: `Sz1' Sz1`, where S
        is what goes back from a root of the loss's expected Hessian. Where no likelihood is known they are those of
        the data. `kron(GW1, AW1)` stands for the block of the Fisher matrix in the order of the weight's elements row
        after row, `FW1` (Martens and Grosse, 2015). Remarks say what this assumes, and what has no factors.

        A weight that is used in several places, along a sequence, at pixels, at moments or where it is tied, has the
        moments of all places, each an example of its own, where `sharing` is "expand" (for convolutions: Grosse and
        Martens, 2016), or those of the sum of b and the mean of a, where it is "reduce" (Eschenhagen and others, 2023).
        A convolution in groups has a pair for each group, `(groups, ...)`; a table of an `Embedding` multiplies one-hot
        rows, whose A is given as its diagonal, `(size,)`; `Dgamma1` is the diagonal of the block of a parameter that
        has no factors, in its shape. Masks of dropout and statistics of a batch are those of the step, and held.

        >>> from symprop import derive
        >>> d = derive("Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()").kfac()
        >>> print(d.equation("Sz2").text(), d.equation("GW1").text(), d.equation("AW1").text(), sep="; ")
        Sz2 = diag(sqrt(p)) - outer(sqrt(p), p); GW1 = batch_mean(Sz1.T @ Sz1); AW1 = batch_mean(outer(a_bar1, a_bar1))

        Raises:
            SpecError: no weight has factors, the layout is "columns", or another `sharing`; or as for `tangent_kernel`
                and `fisher`.
        """
        example = self._example("K-FAC")
        if self.system.layout == "columns":
            problem = 'K-FAC takes second moments over the rows of matrices, so it has no form in layout "columns"'
            raise SpecError(f'{problem}\nallowed: "example", "rows"')
        found, why = kfac_factors(example, self.system, self.backward, self._likelihood, sharing)
        return self.with_along(found, *why)

    @property
    def _likelihood(self) -> Likelihood:
        """The distribution of the targets, where one is known."""
        return Likelihood() if isinstance(self.network, Formula) else self.network.likelihood

    def _alone(self) -> Alone | None:
        """Return the system of one example, with its backward equations, where a batch is the mean of its examples."""
        if self.system.batch is None or isinstance(self.network, Formula):
            return None
        example = self.network.system()
        example = example.evaluated if self.evaluation else example
        return None if example.joins_examples else (example, tuple(derive_system(example)[0]))

    def _with_ties(self) -> Self:
        """Return the same with what is to be said of parameters that are used in several places."""
        said = () if isinstance(self.network, Formula) else what_is_tied(self.system)
        return cast(Self, replace(cast(Any, self), remarks=(*self.remarks, *said)))

    def _with_blocks(self, asked: Self, role: str) -> Self:
        """Return what was asked with the blocks of single layers, and with what has none."""
        if isinstance(self.network, Formula) or not self.system.parameters:
            return asked
        matrix = gauss_newton_product if role == CURVED else partial(fisher_product, likelihood=self._likelihood)
        example = self._example("a block of a layer")
        blocks, why = layer_blocks(example, self.system, partial(matrix, divided=True), role)
        return asked.with_along(replace(asked.along, blocks=blocks), *([why] if why else []))

    def _example(self, what: str) -> System:
        """Return the system of one example, of evaluation where this derivation is.

        Raises:
            SpecError: the derivation is of a formula, or the network has no parameters.
        """
        if isinstance(self.network, Formula):
            raise SpecError(f"{what} is of a network, not of a formula\nallowed: a network")
        if not self.system.parameters:
            raise SpecError(f"{what} is of parameters, and this network has none\nallowed: a layer such as Dense(3)")
        example = self.network.system()
        return example.evaluated if self.evaluation else example
