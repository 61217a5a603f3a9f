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
PREDICTION = "prediction"
LOSS = "loss"
DELTA = "delta"
"""The derivative of the loss with respect to a pre-activation, which has a letter of its own."""
GRADIENT = "gradient"
"""The derivative of the loss with respect to any other variable, whose letter it has: `dW1`."""
