"""Mistakes in the geometry of splats, and in functions of matrices."""

from __future__ import annotations

import numpy as np

from tests.mistakes.case import Mistake, Right

# ---------------------------------------------------------------- a rotation by a quaternion that is not normalised

TURN = (
    "stack((stack((1 - 2*(u[2]**2 + u[3]**2), 2*(u[1]*u[2] - u[0]*u[3]), 2*(u[1]*u[3] + u[0]*u[2]))), "
    "stack((2*(u[1]*u[2] + u[0]*u[3]), 1 - 2*(u[1]**2 + u[3]**2), 2*(u[2]*u[3] - u[0]*u[1]))), "
    "stack((2*(u[1]*u[3] - u[0]*u[2]), 2*(u[2]*u[3] + u[0]*u[1]), 1 - 2*(u[1]**2 + u[2]**2)))))"
)
QUATERNION = f"u = q / norm(q); R = {TURN}; R @ diag(s)"
QUATERNION_WHERE = "q: 4, s: 3"


def turn(u):
    w, x, y, z = u
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def turn_backward(u, v):
    """The way back through `turn`: v is the gradient by the matrix."""
    w, x, y, z = u
    return 2 * np.array(
        [
            x * (v[2, 1] - v[1, 2]) + y * (v[0, 2] - v[2, 0]) + z * (v[1, 0] - v[0, 1]),
            -2 * x * (v[1, 1] + v[2, 2]) + y * (v[0, 1] + v[1, 0]) + z * (v[0, 2] + v[2, 0]) + w * (v[2, 1] - v[1, 2]),
            x * (v[0, 1] + v[1, 0]) - 2 * y * (v[0, 0] + v[2, 2]) + z * (v[1, 2] + v[2, 1]) + w * (v[0, 2] - v[2, 0]),
            x * (v[0, 2] + v[2, 0]) + y * (v[1, 2] + v[2, 1]) - 2 * z * (v[0, 0] + v[1, 1]) + w * (v[1, 0] - v[0, 1]),
        ]
    )


def quaternion(q, s):
    return turn(q / np.sqrt(np.sum(q * q))) * s


def quaternion_backward(q, s, g, normalised=True):
    length = np.sqrt(q @ q)
    u = q / length
    du = turn_backward(u, g * s)
    return (du - (du @ u) * u) / length if normalised else du, (turn(u) * g).sum(axis=0)


def quaternion_right(q, s, g):
    return quaternion_backward(q, s, g)


def quaternion_not_normalised(q, s, g):
    return quaternion_backward(q, s, g, normalised=False)


# ---------------------------------------------------------------- a covariance, seen by a camera

SCALES = "M = R @ diag(c * s); M @ M.T"
SCALES_WHERE = "R: 3 3, s: 3 positive, c: positive"


def scales(R, s, c):
    return (R * (c * s) ** 2) @ R.T


def scales_backward(R, s, c, g):
    M, G = R * (c * s), g + g.T
    return (G @ M) * (c * s), c * np.einsum("ij,ij->j", R, G @ M)


def scales_without_global(R, s, c, g):
    M, G = R * (c * s), g + g.T
    return (G @ M) * (c * s), np.einsum("ij,ij->j", R, G @ M)


CAMERAS = "P @ x"


def cameras(P, x):
    return P @ x


def cameras_backward(P, x, g):
    return (np.einsum("cij,ci->j", P, g),)


def cameras_first(P, x, g):
    return (P[0].T @ g[0],)


POSE = "t = R @ m; C = J @ R @ S @ R.T @ J.T; concatenate((t, ravel(C)))"
POSE_WHERE = "R: 3 3, m: 3, J: 2 3, S: 3 3"


def pose(R, m, J, S):
    return np.concatenate((R @ m, (J @ R @ S @ R.T @ J.T).ravel()))


def pose_backward(R, m, J, S, g, covariance=True):
    dt, dC = g[:3], g[3:].reshape(2, 2)
    dR = np.outer(dt, m)
    if covariance:
        dR += J.T @ (dC @ J @ R @ S.T + dC.T @ J @ R @ S)
    return dR, R.T @ dt


def pose_right(R, m, J, S, g):
    return pose_backward(R, m, J, S, g)


def pose_of_mean_alone(R, m, J, S, g):
    return pose_backward(R, m, J, S, g, covariance=False)


CONIC = "-(a * x**2 + c * y**2) / 2 - b * x * y"
CONIC_WHERE = "a: n, b: n, c: n, x: n, y: n"


def conic(a, b, c, x, y):
    return -0.5 * (a * x * x + c * y * y) - b * x * y


def conic_backward(a, b, c, x, y, g):
    return g * x * x / -2, -g * x * y, g * y * y / -2


def conic_half(a, b, c, x, y, g):
    return -0.5 * g * x * x, -0.5 * g * x * y, -0.5 * g * y * y


PROJECTION = "stack((fx * t[0] / t[2], fy * t[1] / t[2]))"
PROJECTION_WHERE = "t: 3, fx: positive, fy: positive"


def projection(t, fx, fy):
    return np.stack((fx * t[0] / t[2], fy * t[1] / t[2]))


def projection_backward(t, fx, fy, g):
    return (np.array([g[0] * fx, g[1] * fy, -(g[0] * fx * t[0] + g[1] * fy * t[1]) / t[2]]) / t[2],)


def projection_without_place(t, fx, fy, g):
    rw = 1 / t[2]
    return (np.array([g[0] * fx * rw, g[1] * fy * rw, -(g[0] * fx + g[1] * fy) * rw * rw]),)


# ---------------------------------------------------------------- functions of matrices

KRONECKER = "kron(A, B) @ v"
KRONECKER_WHERE = "A: n n, B: n n, v: n*n"


def kronecker(A, B, v):
    return np.einsum("ij,kl,jl->ik", A, B, v.reshape(A.shape)).ravel()


def kronecker_backward(A, B, v, g):
    return ((A.T @ g.reshape(A.shape) @ B).ravel(),)


def kronecker_swapped(A, B, v, g):
    return (np.kron(B, A).T @ g,)


CHOLESKY = "L = cholesky(A); C = inv(L @ L.T); trace(C @ C)"
CHOLESKY_WHERE = "A: n n positive-definite"


def cholesky(A):
    inverse = np.linalg.inv((A + A.T) / 2)
    return np.trace(inverse @ inverse)


def cholesky_backward(A, g):
    inverse = np.linalg.inv(A)
    return (-2 * g * inverse @ inverse @ inverse,)


def cholesky_lower_alone(A, g):
    S = cholesky_backward(A, g)[0]
    return (np.tril(S) + np.tril(S, -1),)


QUATERNION_RIGHT = Right("quaternion", QUATERNION, QUATERNION_WHERE, "q s", {}, quaternion, quaternion_right)
SCALES_RIGHT = Right("scales", SCALES, SCALES_WHERE, "R s", {}, scales, scales_backward)
CAMERAS_RIGHT = Right("cameras", CAMERAS, "P: c 2 3, x: 3", "x", {"c": 4}, cameras, cameras_backward)
POSE_RIGHT = Right("pose", POSE, POSE_WHERE, "R m", {}, pose, pose_right)
CONIC_RIGHT = Right("conic", CONIC, CONIC_WHERE, "a b c", {"n": 4}, conic, conic_backward)
PROJECTION_RIGHT = Right("projection", PROJECTION, PROJECTION_WHERE, "t", {}, projection, projection_backward)
KRONECKER_RIGHT = Right("kronecker", KRONECKER, KRONECKER_WHERE, "v", {"n": 3}, kronecker, kronecker_backward)
CHOLESKY_RIGHT = Right("cholesky", CHOLESKY, CHOLESKY_WHERE, "A", {"n": 3}, cholesky, cholesky_backward)
CASES = (
    Mistake(
        QUATERNION_RIGHT,
        quaternion_not_normalised,
        "a quaternion's length",
        of="q",
        kinds="term factor",
        about="q",
        source="nerfstudio-project/gsplat#152, #153",
        read="both threads",
        what="the forward normalises the quaternion, the way back does not go through that",
    ),
    Mistake(
        SCALES_RIGHT,
        scales_without_global,
        "a global scale",
        of="s",
        kinds="factor",
        about="c",
        source="nerfstudio-project/gsplat#136",
        read="the pull request",
        what="the gradient of the scales lacks the global scale",
    ),
    Mistake(
        CAMERAS_RIGHT,
        cameras_first,
        "one of several cameras",
        of="x",
        kinds="sum",
        source="openvdb/fvdb-core#435",
        read="the pull request",
        what="the sum over the cameras is missing, the first one's gradient is returned",
    ),
    Mistake(
        POSE_RIGHT,
        pose_of_mean_alone,
        "a pose seen by its mean alone",
        of="R",
        kinds="term",
        source="nerfstudio-project/gsplat#98, of arXiv 2312.02121, equation 28",
        read="the issue",
        what="the rotation's gradient lacks what comes through the covariance",
    ),
    Mistake(
        CONIC_RIGHT,
        conic_half,
        "half of a conic",
        of="b",
        kinds="factor",
        about="2",
        source="graphdeco-inria/diff-gaussian-rasterization#94 (gaussian-splatting#596: made up for later on)",
        read="both threads",
        what="the gradient of the element beside the diagonal is halved",
    ),
    Mistake(
        PROJECTION_RIGHT,
        projection_without_place,
        "a projection without the place",
        of="t",
        kinds="factor",
        about="t",
        source="WebODM/OpenSplat#185 (of gsplat's project_pix_vjp)",
        read="the issue",
        what="the derivative by depth lacks the factors x and y",
    ),
    Mistake(
        KRONECKER_RIGHT,
        kronecker_swapped,
        "the order of Kronecker factors",
        of="v",
        kinds="order variable",
        about="A",
        source="f-dangel/curvlinops#182",
        read="the thread (a reader's expectation, not the code)",
        what="B kron A stands for A kron B",
    ),
    Mistake(
        CHOLESKY_RIGHT,
        cholesky_lower_alone,
        "the lower half of a symmetric gradient",
        of="A",
        kinds="convention mask transposed",
        source="pytorch/pytorch#18825",
        read="the issue",
        what="the elements below the diagonal are doubled, those above left out",
    ),
)
