"""JAX source of each kind of node that JAX writes in another way than NumPy."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.trees import zeros
from symprop.codegen.targets import arrays as arrays  # enters the rows that JAX shares with NumPy
from symprop.codegen.targets.code import Code, number
from symprop.codegen.targets.dialect import Dialect

_OF_JAX = {
    **{f"linalg.{name}": f"jax.scipy.linalg.{name}" for name in ("expm", "expm_frechet", "sqrtm")},
    **{name: f"jax.scipy.special.{name}" for name in ("gammaln", "digamma", "polygamma")},
}

JAX = Dialect(
    "jnp",
    functions={"erf": "jax.lax.erf", **_OF_JAX},
    exact=True,
    traced=True,
    reserved=("jax", "jnp", "itertools", "shard", "Mesh", "NamedSharding", "PartitionSpec"),
)


@JAX.rows.row(n.Take)
def _(node: n.Take, write: Dialect) -> Code:
    """`table[ids]` would clamp an id that is out of range; `jnp.take` returns NaN for it."""
    table, ids = (write(operand).text for operand in node.operands)
    return Code(f"jnp.take({table}, {ids}, axis=0)")


@JAX.rows.row(n.OneHot)
def _(node: n.OneHot, write: Dialect) -> Code:
    """Of an id that is out of range a row of NaN, as of a table."""
    if node.operands[0].number is not None:
        return arrays.unit_vector(node, write)
    return Code(f"jnp.take(jnp.eye({number(node.size).text}, dtype=DTYPE), {write(node.operands[0]).text}, axis=0)")


@JAX.rows.row(n.BlockSum)
def _(node: n.BlockSum, write: Dialect) -> Code:
    """Python's `sum`, for `jnp.sum` takes no list; it starts from zeros, so that an empty sum has its shape too."""
    zero = write(zeros(*node.shape)).text if node.rank else "DTYPE(0)"
    blocks = f"({write.number(node.operands[0]).text} for {node.index} in range(1, {number(node.count + 1).text}))"
    return Code(f"sum({blocks}, {zero})")


__all__ = ["JAX"]
