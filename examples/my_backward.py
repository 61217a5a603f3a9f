"""A backward pass of attention as one writes it by hand, with a mistake: `symprop certify` finds it.

symprop certify examples/my_backward.py:attention_backward --formula "softmax(Q @ K.T / sqrt(d)) @ V" --wrt Q,K,V
"""

import numpy as np


def attention_backward(Q, K, V, d, g):
    """Return the gradients with respect to Q, K and V, given the gradient g with respect to the output."""
    s = Q @ K.T / np.sqrt(d)
    P = np.exp(s - s.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    dP = g @ V.T
    dS = P * (dP - np.sum(P * dP, 1, keepdims=True))
    return dS @ K, dS.T @ Q, P.T @ g
