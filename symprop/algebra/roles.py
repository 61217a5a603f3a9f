"""What a variable is in a network: its role, from which follows what is done with it; a name is only printed.

A variable of one's own, made by `symprop.variable`, has no role (`""`).
"""

INPUT = "input"
"""What a network reads for each example; a gradient may flow to it."""
GIVEN = "given"
"""Data beside the input to which no gradient flows, such as a mask."""
STATE = "state"
"""What is carried from step to step or from call to call."""
MASK = "mask"
"""What a step draws for each example, unless it is given: which elements a dropout leaves."""
PARAMETER = "parameter"
TARGET = "target"
PRE_ACTIVATION = "pre-activation"
"""The result of a linear map; the derivative of the loss with respect to it is a delta of the recurrence."""
ACTIVATION = "activation"
STATISTIC = "statistic"
"""A mean or a deviation; its derivative is written in place, where it falls together with others."""
HELD = "held"
"""The value of another variable, held constant: no gradient flows back through it."""
WINDOW = "window"
"""Where windows of moments begin: 0 there and else 1, a factor of what flows back."""
PREDICTION = "prediction"
LOSS = "loss"
DELTA = "delta"
"""The derivative of the loss with respect to a pre-activation, which has a letter of its own."""
TANGENT = "tangent "
"""Begins the role of a derivative along a direction of the parameters, whose letter it has: `Rz1`, `RdW1`."""
CURVED = "curved "
"""Begins the role of the same without the second derivatives of the network (Gauss-Newton): `Gdelta1`, `GdW1`."""
NORM = "norm "
"""Begins the role of a squared norm of a variable, of each example: `NdW1`."""
CLIPPED = "clipped "
"""Begins the role of a gradient of a batch to which each example adds its own, clipped: `CdW1`."""
JACOBIAN = "jacobian "
"""Begins the role of the Jacobian of the output with respect to a variable, a row for each output: `Jz1`."""
ROOT = "root "
"""Begins the role of what goes back from a root of the loss's expected Hessian, a row for each output: `Sz1`."""
INPUTS = "inputs "
"""Begins the role of the second moments of what a weight multiplies, K-FAC's factor A: `AW1`."""
OUTPUTS = "outputs "
"""Begins the role of those of the derivatives of the loss where it ends, K-FAC's factor G: `GW1`."""
BLOCK = "block "
"""Begins the role of the block of the Fisher matrix of a weight: `FW1`."""
DIAGONAL = "diagonal "
"""Begins the role of the diagonal of that of a parameter without factors, in its shape: `Dgamma1`."""
PLAIN_SIGNS = {TANGENT: "R", CURVED: "G", NORM: "N", CLIPPED: "C", JACOBIAN: "J", ROOT: "S"}
PLAIN_SIGNS |= {INPUTS: "A", OUTPUTS: "G", BLOCK: "F", DIAGONAL: "D"}


def told_apart(role: str) -> str:
    """Return the role of an array that has the name of another: what stands before its letter ends in `_`, `R_h1`.

    >>> told_apart("tangent activation"), SIGNS["tangent' "]
    ("tangent' activation", 'R_')
    """
    begun, _, rest = role.partition(" ")
    return f"{begun}' {rest}"


SIGNS = PLAIN_SIGNS | {told_apart(begun): f"{sign}_" for begun, sign in PLAIN_SIGNS.items()}
"""What stands before the letter of a variable whose role begins so."""
GRADIENT = "gradient"
"""The derivative of the loss with respect to any other variable, whose letter it has: `dW1`."""
