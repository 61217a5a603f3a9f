"""What a formula is: nodes, shapes, names, elementwise functions, equations, and the reader of NumPy notation."""

from symprop.algebra import matrix_batching as matrix_batching  # these enter their rows of the tables
from symprop.algebra import matrix_elements as matrix_elements
from symprop.algebra import matrix_operators as matrix_operators
from symprop.algebra import selection_batching as selection_batching
from symprop.algebra import selection_elements as selection_elements
from symprop.algebra import shapes as shapes
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
