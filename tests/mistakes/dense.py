"""Mistakes in dense networks, as courses and first libraries have them: factors, biases, slopes."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right


def relu(z):
    return np.where(np.real(z) > 0, z, 0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# ---------------------------------------------------------------- three layers, as in a course on gradient checking

NET = "D1 = W1 @ X + b1[:, None]; A1 = relu(D1); A2 = relu(W2 @ A1 + b2[:, None]); Z3 = W3 @ A2 + b3[:, None]; "
NET += "-sum(Y * log(sigmoid(Z3)) + (1 - Y) * log(1 - sigmoid(Z3))) / m"
NET_WHERE = "X: n m, Y: k m bits, W1: h n, b1: h, W2: p h, b2: p, W3: k p, b3: k"
NET_SIZES = {"n": 3, "m": 5, "h": 4, "p": 3, "k": 1}


def net(X, Y, W1, b1, W2, b2, W3, b3):
    A2 = relu(W2 @ relu(W1 @ X + b1[:, None]) + b2[:, None])
    P = sigmoid(W3 @ A2 + b3[:, None])
    return -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P)) / X.shape[1]


def net_backward(X, Y, W1, b1, W2, b2, W3, b3, g, doubled=1.0, fourfold=1.0):
    m = X.shape[1]
    Z1 = W1 @ X + b1[:, None]
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2[:, None]
    A2 = np.maximum(Z2, 0)
    dZ3 = g * (sigmoid(W3 @ A2 + b3[:, None]) - Y) / m
    dZ2 = (W3.T @ dZ3) * (Z2 > 0)
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    rows = [each.sum(axis=1) for each in (dZ1, dZ2, dZ3)]
    return dZ1 @ X.T, fourfold * rows[0], doubled * dZ2 @ A1.T, rows[1], dZ3 @ A2.T, rows[2]


NET_NAMES = "W1 b1 W2 b2 W3 b3"


def net_doubled(X, Y, W1, b1, W2, b2, W3, b3, g):
    return net_backward(X, Y, W1, b1, W2, b2, W3, b3, g, doubled=2.0)


def net_fourfold(X, Y, W1, b1, W2, b2, W3, b3, g):
    return net_backward(X, Y, W1, b1, W2, b2, W3, b3, g, fourfold=4.0)


# ---------------------------------------------------------------- two layers and a squared error

TWO = "A1 = sigmoid(X @ W1 + b1); A2 = sigmoid(A1 @ W2 + b2); sum((A2 - Y)**2) / m"
TWO_WHERE = "X: m n, Y: m k, W1: n h, b1: h, W2: h k, b2: k"
TWO_SIZES = {"m": 4, "n": 3, "h": 5, "k": 2}


def two(X, Y, W1, b1, W2, b2):
    return np.sum((sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2) - Y) ** 2) / len(X)


def two_backward(X, Y, W1, b1, W2, b2, g):
    A1 = sigmoid(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    D2 = 2 * g / len(X) * (A2 - Y) * A2 * (1 - A2)
    D1 = (D2 @ W2.T) * A1 * (1 - A1)
    return X.T @ D1, D1.sum(axis=0), A1.T @ D2, D2.sum(axis=0)


def two_without_outer_slope(X, Y, W1, b1, W2, b2, g):
    A1 = sigmoid(X @ W1 + b1)
    D2 = 2 * g / len(X) * (sigmoid(A1 @ W2 + b2) - Y)
    D1 = (D2 @ W2.T) * (A1 * (1 - A1))
    return X.T @ D1, D1.sum(axis=0), A1.T @ D2, D2.sum(axis=0)


def two_mean_of_bias(X, Y, W1, b1, W2, b2, g):
    dW1, db1, dW2, db2 = two_backward(X, Y, W1, b1, W2, b2, g)
    return dW1, db1 / len(X), dW2, db2 / len(X)


# ---------------------------------------------------------------- a softmax classifier

CLASSES = "A1 = tanh(X @ W1 + b1); Z = A1 @ W2 + b2; sum(logsumexp(Z, axis=1) - sum(T * Z, axis=1)) / m"
CLASSES_WHERE = "X: m n, T: m k one-hot, W1: n h, b1: h, W2: h k, b2: k"


def classes(X, T, W1, b1, W2, b2):
    Z = np.tanh(X @ W1 + b1) @ W2 + b2
    return np.sum(np.log(np.exp(Z).sum(axis=1)) - (T * Z).sum(axis=1)) / len(X)


def classes_backward(X, T, W1, b1, W2, b2, g, slope=lambda a: 1 - a**2, count=None):
    A1 = np.tanh(X @ W1 + b1)
    E = np.exp(A1 @ W2 + b2)
    D2 = g * (E / E.sum(axis=1, keepdims=True) - T) / (count or len(X))
    D1 = (D2 @ W2.T) * slope(A1)
    return X.T @ D1, D1.sum(axis=0), A1.T @ D2, D2.sum(axis=0)


def classes_not_averaged(X, T, W1, b1, W2, b2, g):
    return classes_backward(X, T, W1, b1, W2, b2, g, count=1)


def classes_tanh_for_its_slope(X, T, W1, b1, W2, b2, g):
    return classes_backward(X, T, W1, b1, W2, b2, g, slope=lambda a: a)


# ---------------------------------------------------------------- words: a bag of them predicts one

WORDS = "H = relu(W1 @ X + b1[:, None]); Z = W2 @ H + b2[:, None]; "
WORDS += "sum(logsumexp(Z, axis=0) - sum(Y * Z, axis=0)) / m"
WORDS_WHERE = "X: v m, Y: v m, W1: h v, b1: h, W2: v h, b2: v"


def words(X, Y, W1, b1, W2, b2):
    Z = W2 @ relu(W1 @ X + b1[:, None]) + b2[:, None]
    return np.sum(np.log(np.exp(Z).sum(axis=0)) - (Y * Z).sum(axis=0)) / X.shape[1]


def words_deltas(X, Y, W1, b1, W2, b2, g):
    Z1 = W1 @ X + b1[:, None]
    H = np.maximum(Z1, 0)
    E = np.exp(W2 @ H + b2[:, None])
    D2 = g * (E / E.sum(axis=0) - Y) / X.shape[1]
    return H, D2, (W2.T @ D2) * (Z1 > 0)


def words_backward(X, Y, W1, b1, W2, b2, g):
    H, D2, D1 = words_deltas(X, Y, W1, b1, W2, b2, g)
    return D1 @ X.T, D1.sum(axis=1), D2 @ H.T, D2.sum(axis=1)


def words_bias_of_weights(X, Y, W1, b1, W2, b2, g):
    H, D2, D1 = words_deltas(X, Y, W1, b1, W2, b2, g)
    dW1, dW2 = D1 @ X.T, D2 @ H.T
    return dW1, dW1.sum(axis=1), dW2, dW2.sum(axis=1)


NET_RIGHT = Right("net", NET, NET_WHERE, NET_NAMES, NET_SIZES, net, net_backward)
TWO_RIGHT = Right("two", TWO, TWO_WHERE, "W1 b1 W2 b2", TWO_SIZES, two, two_backward)
CLASSES_RIGHT = Right(
    "classes", CLASSES, CLASSES_WHERE, "W1 b1 W2 b2", {**TWO_SIZES, "k": 3}, classes, classes_backward
)
WORDS_RIGHT = Right("words", WORDS, WORDS_WHERE, "W1 b1 W2 b2", {"v": 5, "m": 4, "h": 3}, words, words_backward)
CASES = (
    Mistake(
        NET_RIGHT,
        net_doubled,
        "the weights of a second layer doubled",
        of="W2",
        kinds="factor",
        about="2",
        source="deeplearning.ai, course 2, gradient checking: bighuang624/Andrew-Ng-Deep-Learning-notes#10",
        read="the thread",
        what="dW2 has a factor 2",
    ),
    Mistake(
        NET_RIGHT,
        net_fourfold,
        "a first bias fourfold",
        of="b1",
        kinds="factor",
        about="4",
        source="deeplearning.ai, course 2, gradient checking: bighuang624/Andrew-Ng-Deep-Learning-notes#10",
        read="the thread",
        what="db1 is divided by m / 4",
    ),
    Mistake(
        TWO_RIGHT,
        two_without_outer_slope,
        "no slope of the outer activation",
        of="W1 b1 W2 b2",
        kinds="factor",
        about="A2",
        source="Bot-Academy/NeuralNetworkFromScratch#3",
        read="the pull request",
        what="the derivative of the outer sigmoid is missing",
    ),
    Mistake(
        TWO_RIGHT,
        two_mean_of_bias,
        "the mean of a bias",
        of="b1 b2",
        kinds="factor sum",
        about="m",
        source="kvfrans/notes#5",
        read="the issue",
        what="the bias takes the mean over the batch where it takes the sum",
    ),
    Mistake(
        CLASSES_RIGHT,
        classes_not_averaged,
        "not averaged over the batch",
        of="W1 b1 W2 b2",
        kinds="factor",
        about="m",
        source="dennybritz/nn-from-scratch#13",
        read="the issue",
        what="the loss is averaged, its gradients are not",
    ),
    Mistake(
        CLASSES_RIGHT,
        classes_tanh_for_its_slope,
        "tanh for its own slope",
        of="W1 b1",
        kinds="function factor",
        about="A1",
        source="andersbll/nnet#4",
        read="the thread",
        what="tanh_d returns tanh, not 1 - tanh**2",
    ),
    Mistake(
        WORDS_RIGHT,
        words_bias_of_weights,
        "the bias of weights",
        of="b1 b2",
        kinds="variable factor",
        source="rust0258/Deeplearning.ai-Natural-Language-Processing-Specialization#62, #64",
        read="both threads",
        what="a bias sums the gradient of its weights, l1 @ x.T for l1",
    ),
)
