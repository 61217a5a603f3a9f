"""Mistakes in losses and in margins of angles."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# ---------------------------------------------------------------- the focal loss, of a score

FOCAL = "p = sigmoid(z); -sum(y * (1 - p)**3 * log(p) + (1 - y) * p**3 * log(1 - p))"
FOCAL_WHERE = "z: n, y: n bits"
FOCAL_SIZES = {"n": 6}


def focal(z, y):
    p = sigmoid(z)
    return -np.sum(y * (1 - p) ** 3 * np.log(p) + (1 - y) * p**3 * np.log(1 - p))


def focal_backward(z, y, g):
    p = sigmoid(z)
    one = (1 - p) ** 3 * (3 * p * np.log(p) - (1 - p))
    zero = -(p**3) * (3 * (1 - p) * np.log(1 - p) - p)
    return (g * np.where(y == 1, one, zero),)


def focal_by_probability(z, y, g):
    p = sigmoid(z)
    one = 3 * (1 - p) ** 2 * np.log(p) - (1 - p) ** 3 / p
    zero = -3 * p**2 * np.log(1 - p) + p**3 / (1 - p)
    return (g * np.where(y == 1, one, zero),)


def focal_sign_of_power(z, y, g):
    """Of two terms merged into one, (y - p) to the power 4 has lost its sign where y is 0."""
    p = sigmoid(z)
    logs = np.where(y == 1, 3 * p * (1 - p) ** 3 * np.log(p), -3 * (1 - p) * p**3 * np.log(1 - p))
    return (g * (logs - (y - p) ** 4),)


# ---------------------------------------------------------------- a distance, a margin of an angle

DISTANCE = "norm(a - b)**2"


def distance(a, b):
    return np.sum((a - b) ** 2)


def distance_backward(a, b, g):
    return 2 * g * (a - b), 2 * g * (b - a)


def distance_one_doubled(a, b, g):
    return g * (a - 2 * b), 2 * g * (b - a)


ANGLE = "c * cos(m) - sqrt(1 - c**2) * sin(m)"
ANGLE_WHERE = "c: n between-0-and-1, m: between-0-and-1"


def angle(c, m):
    return np.cos(np.arccos(np.real(c)) + m) if np.isrealobj(c) else c * np.cos(m) - np.sqrt(1 - c * c) * np.sin(m)


def angle_backward(c, m, g):
    return (g * np.sin(np.arccos(c) + m) / np.sin(np.arccos(c)),)


def angle_without_cotangent(c, m, g):
    return (np.cos(m) + np.sin(m) * c / np.sqrt(1 - c**2),)


# ---------------------------------------------------------------- a sigmoid

SIGMOID = "sigmoid(x)"


def sigmoid_backward(x, g):
    return (g / (2 + np.exp(x) + np.exp(-x)),)


def sigmoid_of_input(x, g):
    return (x * (1 - x) * g,)


FOCAL_RIGHT = Right("focal", FOCAL, FOCAL_WHERE, "z", FOCAL_SIZES, focal, focal_backward)
DISTANCE_RIGHT = Right("distance", DISTANCE, "a: n, b: n", "a b", {"n": 4}, distance, distance_backward)
ANGLE_RIGHT = Right("angle", ANGLE, ANGLE_WHERE, "c", {"n": 5}, angle, angle_backward)
SIGMOID_RIGHT = Right("sigmoid", SIGMOID, "x: n", "x", {"n": 5}, sigmoid, sigmoid_backward)
CASES = (
    Mistake(
        FOCAL_RIGHT,
        focal_by_probability,
        "a focal loss by its probability",
        of="z",
        kinds="factor",
        about="p",
        source="rahowa/catboost_focal_loss#2",
        read="the issue",
        what="the derivative by p is not multiplied by dp/dz = p (1 - p)",
    ),
    Mistake(
        FOCAL_RIGHT,
        focal_sign_of_power,
        "the sign of a power",
        of="z",
        kinds="sign",
        source="jhwjhw0123/Imbalance-XGBoost#1",
        read="the thread",
        what="where y is 0, the term without a logarithm has the sign of an odd power",
    ),
    Mistake(
        DISTANCE_RIGHT,
        distance_one_doubled,
        "one of two doubled",
        of="a",
        kinds="factor",
        about="2",
        source="BVLC/caffe#2312 (claimed there, and taken back)",
        read="the thread",
        what="the gradient of |a - b|**2 by a is taken for a - 2 b",
    ),
    Mistake(
        ANGLE_RIGHT,
        angle_without_cotangent,
        "a margin without its cotangent",
        of="c",
        kinds="factor",
        about="g",
        source="xialuxi/arcface-caffe#19",
        read="the thread",
        what="what arrives is overwritten, where it is multiplied",
    ),
    Mistake(
        SIGMOID_RIGHT,
        sigmoid_of_input,
        "the slope of a sigmoid in its input",
        of="x",
        kinds="variable",
        about="x",
        source="Deep Learning Interviews, solution 120: BoltzmannEntropy/interviews.ai#15",
        read="the issue, which has the code",
        what="x (1 - x) is of the input, where it is of the output",
    ),
)
