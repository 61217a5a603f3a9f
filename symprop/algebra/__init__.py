"""What a formula is: nodes, shapes, names, elementwise functions, equations, and the reader of NumPy notation."""

from symprop.algebra import shapes as shapes  # enters the rows of the shape table
from symprop.algebra.equations import Equation, Item, Loop, Step, System
from symprop.algebra.names import gradient_of, size_expression, size_symbol, validated, variable
from symprop.algebra.nodes import NODE_KINDS, Node, Variable, as_node
from symprop.algebra.trees import ones, variables, walk, zeros

__all__ = [
    "NODE_KINDS",
    "Equation",
    "Item",
    "Loop",
    "Node",
    "Step",
    "System",
    "Variable",
    "as_node",
    "gradient_of",
    "ones",
    "size_expression",
    "size_symbol",
    "validated",
    "variable",
    "variables",
    "walk",
    "zeros",
]
