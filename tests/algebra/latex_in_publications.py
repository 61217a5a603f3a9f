r"""Formulas as textbooks and papers typeset them, each with its declarations and its value in NumPy, written by hand.

Transcribed from memory of how these sources write, not copied: Bishop (2006), Murphy (2012), Goodfellow, Bengio and
Courville (2016), The Matrix Cookbook (2012), Boyd and Vandenberghe (2004), Rasmussen and Williams (2006), Magnus and
Neudecker (2019), and the papers on attention, batch and layer normalisation, Adam, variational autoencoders, diffusion,
support vector machines, t-SNE, PPO, graph convolutions, GELU, LSTM, RMSNorm, GloVe, the Ising model, the Kalman filter.
In a declaration "spd" draws a symmetric matrix with positive eigenvalues, "unit" numbers below 1, "big" large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np
from numpy.linalg import det, inv, matrix_power, norm, slogdet

Case = tuple[str, str, Callable[..., Any]]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any, axis: int = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def erf(x: Any) -> Any:
    return sum((-1) ** k * x ** (2 * k + 1) / (factorial(k) * (2 * k + 1)) for k in range(60)) * 2 / np.sqrt(np.pi)


def apart(y: Any) -> Any:
    """Squared distances of rows."""
    return ((y[:, None] - y[None]) ** 2).sum(-1)


def root(a: Any) -> Any:
    values, vectors = np.linalg.eigh(a)
    return vectors @ np.diag(np.sqrt(values)) @ vectors.T


BISHOP: tuple[Case, ...] = (
    (
        r"\frac{1}{2}\sum_{n=1}^{N}\left\{t_n-\mathbf{w}^{\mathrm{T}}\boldsymbol{\phi}_n\right\}^2"
        r"+\frac{\lambda}{2}\mathbf{w}^{\mathrm{T}}\mathbf{w}",
        "t: N, w: M, Phi: N M, lambda_:",
        lambda t, w, Phi, lambda_: ((t - Phi @ w) ** 2).sum() / 2 + lambda_ / 2 * w @ w,
    ),
    (
        r"\left(\lambda\mathbf{I}+\boldsymbol{\Phi}^{\mathrm{T}}\boldsymbol{\Phi}\right)^{-1}\boldsymbol{\Phi}^{\mathrm{T}}\mathbf{t}",
        "t: N, Phi: N M, lambda_:",
        lambda t, Phi, lambda_: inv(lambda_ * np.eye(Phi.shape[1]) + Phi.T @ Phi) @ Phi.T @ t,
    ),
    (
        r"-\sum_{n=1}^{N}\sum_{k=1}^{K}t_{nk}\ln y_{nk}",
        "t: N K, y: N K",
        lambda t, y: -(t * np.log(y)).sum(),
    ),
    (
        r"-\sum_{n=1}^{N}\bigl\{t_n\ln y_n+(1-t_n)\ln(1-y_n)\bigr\}",
        "t: N, y: N unit",
        lambda t, y: -(t * np.log(y) + (1 - t) * np.log(1 - y)).sum(),
    ),
    (
        r"\frac{1}{(2\pi)^{D/2}}\frac{1}{|\boldsymbol\Sigma|^{1/2}}\exp\left\{-\frac12(\mathbf{x}-\boldsymbol\mu)"
        r"^{\mathrm T}\boldsymbol\Sigma^{-1}(\mathbf{x}-\boldsymbol\mu)\right\}",
        "x: D, mu: D, Sigma: D D spd",
        lambda x, mu, Sigma: (
            np.exp(-(x - mu) @ inv(Sigma) @ (x - mu) / 2) / ((2 * np.pi) ** (len(x) / 2) * np.sqrt(det(Sigma)))
        ),
    ),
    (r"y_k=\frac{\exp(a_k)}{\sum_j\exp(a_j)}", "a: K", lambda a: softmax(a)),
    (
        r"\delta_j=\sigma'(a_j)\sum_k w_{kj}\delta_k",
        "a: j, w: k j, delta: k",
        lambda a, w, delta: sigmoid(a) * (1 - sigmoid(a)) * (w.T @ delta),
    ),
)
MURPHY: tuple[Case, ...] = (
    (
        r"\mathrm{NLL}(\mathbf w)=-\sum_{i=1}^N\left[y_i\log\mu_i+(1-y_i)\log(1-\mu_i)\right]",
        "y: N, mu: N unit",
        lambda y, mu: -(y * np.log(mu) + (1 - y) * np.log(1 - mu)).sum(),
    ),
    (r"\mathbb{H}(p)=-\sum_{k=1}^K p_k\log_2 p_k", "p: K", lambda p: -(p * np.log2(p)).sum()),
    (r"\mathrm{KL}(p\|q)=\sum_k p_k\log\frac{p_k}{q_k}", "p: K, q: K", lambda p, q: (p * np.log(p / q)).sum()),
    (
        r"\hat{\boldsymbol\Sigma}=\frac1N\sum_{i=1}^N(\mathbf x_i-\bar{\mathbf x})(\mathbf x_i-\bar{\mathbf x})^T",
        "x: N D, x_bar: D",
        lambda x, x_bar: (x - x_bar).T @ (x - x_bar) / len(x),
    ),
    (r"\frac{1}{N}\sum_{i=1}^{N}\mathbb{I}(y_i\neq z_i)", "y: N, z: N", lambda y, z: np.mean(y != z)),
)
GOODFELLOW: tuple[Case, ...] = (
    (
        r"\frac{1}{2}(\boldsymbol{w}-\boldsymbol{w}^{*})^{\top}\boldsymbol{H}(\boldsymbol{w}-\boldsymbol{w}^{*})",
        "w: n, w_star: n, H: n n",
        lambda w, w_star, H: (w - w_star) @ H @ (w - w_star) / 2,
    ),
    (r"\zeta(x)=\log(1+\exp(x))", "x:", lambda x: np.log(1 + np.exp(x))),
    (
        r"\boldsymbol{W}-\epsilon\nabla_{\boldsymbol{W}}J",
        "W: m n, dW: m n, epsilon:",
        lambda W, dW, epsilon: W - epsilon * dW,
    ),
    (r"\sum_j\lVert\boldsymbol{A}_{:,j}\rVert_2", "A: m n", lambda A: norm(A, axis=0).sum()),
    (r"\max_i|x_i|", "x: n", lambda x: abs(x).max()),
    (r"\left\langle A,B\right\rangle_F", "A: m n, B: m n", lambda A, B: (A * B).sum()),
)
COOKBOOK: tuple[Case, ...] = (
    (
        r"-\mathbf{X}^{-T}\mathbf{a}\mathbf{b}^T\mathbf{X}^{-T}",
        "X: n n, a: n, b: n",
        lambda X, a, b: -inv(X).T @ np.outer(a, b) @ inv(X).T,
    ),
    (
        r"\det(\mathbf{X}^T\mathbf{A}\mathbf{X})\left(\mathbf{A}\mathbf{X}(\mathbf{X}^T\mathbf{A}\mathbf{X})^{-1}"
        r"+\mathbf{A}^T\mathbf{X}(\mathbf{X}^T\mathbf{A}^T\mathbf{X})^{-1}\right)",
        "X: m n, A: m m",
        lambda X, A: det(X.T @ A @ X) * (A @ X @ inv(X.T @ A @ X) + A.T @ X @ inv(X.T @ A.T @ X)),
    ),
    (
        r"\operatorname{Tr}\left[(\mathbf X^T\mathbf C\mathbf X)^{-1}\mathbf A\right]",
        "X: m n, C: m m, A: n n",
        lambda X, C, A: np.trace(inv(X.T @ C @ X) @ A),
    ),
    (r"\mathrm{Tr}(\mathbf{X}\mathbf{X}^{H})", "X: m n", lambda X: (X**2).sum()),
    (
        r"\sum_{r=0}^{2}(\mathbf{X}^r)^T\mathbf{a}\mathbf{b}^T(\mathbf{X}^{2-r})^T",
        "X: n n, a: n, b: n",
        lambda X, a, b: sum(matrix_power(X, r).T @ np.outer(a, b) @ matrix_power(X, 2 - r).T for r in range(3)),
    ),
    (r"\sum_{k=0}^{4}\frac{A^k}{k!}", "A: n n", lambda A: sum(matrix_power(A, k) / factorial(k) for k in range(5))),
    (
        r"A^{-1}-A^{-1}U(C^{-1}+VA^{-1}U)^{-1}VA^{-1}",
        "A: n n, U: n k, C: k k, V: k n",
        lambda A, U, C, V: inv(A + U @ C @ V),
    ),
    (
        r"A^{-1}-\frac{A^{-1}uv^\top A^{-1}}{1+v^\top A^{-1}u}",
        "A: n n, u: n, v: n",
        lambda A, u, v: inv(A + np.outer(u, v)),
    ),
)
BOYD: tuple[Case, ...] = (
    (
        r"f(x)=\log\left(\sum_{i=1}^m\exp(a_i^Tx+b_i)\right)",
        "a: m n, x: n, b: m",
        lambda a, x, b: np.log(np.exp(a @ x + b).sum()),
    ),
    (r"(1/2)x^TPx+q^Tx+r", "P: n n, x: n, q: n, r:", lambda P, x, q, r: x @ P @ x / 2 + q @ x + r),
    (r"-\sum_{i=1}^m\log(b_i-a_i^Tx)", "a: m n, x: n, b: m big", lambda a, x, b: -np.log(b - a @ x).sum()),
    (r"\|A^Tx-b\|_\infty", "A: m n, x: m, b: n", lambda A, x, b: abs(A.T @ x - b).max()),
    (r"\log\det X^{-1}", "X: n n spd", lambda X: -slogdet(X)[1]),
    (r"(\mathbf{1}^Tx)^2", "x: n", lambda x: x.sum() ** 2),
    (r"x^{T}\left(\sum_{i}y_iA\right)x", "x: n, y: m, A: n n", lambda x, y, A: y.sum() * (x @ A @ x)),
)
TRANSFORMERS: tuple[Case, ...] = (
    (
        r"\mathrm{Attention}(Q,K,V)=\mathrm{softmax}(\frac{QK^T}{\sqrt{d_k}})V",
        "Q: n d, K: m d, V: m v, d_k:",
        lambda Q, K, V, d_k: softmax(Q @ K.T / np.sqrt(d_k)) @ V,
    ),
    (
        r"\mathrm{FFN}(x)=\max(0,xW_1+b_1)W_2+b_2",
        "x: n d, W1: d h, b1: h, W2: h d, b2: d",
        lambda x, W1, b1, W2, b2: np.maximum(0, x @ W1 + b1) @ W2 + b2,
    ),
    (
        r"0.5x\left(1+\tanh\left[\sqrt{2/\pi}\left(x+0.044715x^3\right)\right]\right)",
        "x:",
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    (
        r"\frac{x}{2}\left[1+\operatorname{erf}\left(x/\sqrt{2}\right)\right]",
        "x:",
        lambda x: x / 2 * (1 + erf(x / 2**0.5)),
    ),
    (r"x\cdot\sigma(\beta x)", "x:, beta:", lambda x, beta: x * sigmoid(beta * x)),
    (
        r"\bar{a}_i=\frac{a_i}{\sqrt{\frac1n\sum_{j=1}^n a_j^2}}g_i",
        "a: n, g: n",
        lambda a, g: a / np.sqrt(np.mean(a**2)) * g,
    ),
    (
        r"h=W_0x+\frac{\alpha}{r}BAx",
        "W0: m n, x: n, B: m r, A: r n, alpha:",
        lambda W0, x, B, A, alpha: W0 @ x + alpha / B.shape[1] * (B @ A @ x),
    ),
    (
        r"\alpha_{ij}=\mathrm{softmax}_j(e_{ij})",
        "e: n m",
        lambda e: softmax(e, 1),
    ),
    (r"\beta_{ij}=\operatorname{softmax}_i\left(e_{ij}\right)", "e: n m", lambda e: softmax(e, 0)),
)
NORMS: tuple[Case, ...] = (
    (r"\mu_{\mathcal{B}}=\frac1m\sum_{i=1}^m x_i", "x: m", lambda x: x.mean()),
    (
        r"\hat x_i=\frac{x_i-\mu_{\mathcal B}}{\sqrt{\sigma_{\mathcal B}^2+\epsilon}}",
        "x: m, mu_B:, sigma_B:, epsilon:",
        lambda x, mu_B, sigma_B, epsilon: (x - mu_B) / np.sqrt(sigma_B**2 + epsilon),
    ),
    (
        r"\sigma=\sqrt{\frac{1}{H}\sum_{i=1}^{H}\left(a_i-\mu\right)^2}",
        "a: H, mu:",
        lambda a, mu: np.sqrt(((a - mu) ** 2).mean()),
    ),
    (
        r"\frac{\mathbf{g}}{\sigma}\odot(\mathbf{a}-\mu)+\mathbf{b}",
        "g: n, a: n, b: n, mu:, sigma:",
        lambda g, a, b, mu, sigma: g / sigma * (a - mu) + b,
    ),
    (
        r"\theta-\alpha\cdot\hat{m}/(\sqrt{\hat{v}}+\epsilon)",
        "theta: n, alpha:, m_hat: n, v_hat: n, epsilon:",
        lambda theta, alpha, m_hat, v_hat, epsilon: theta - alpha * m_hat / (np.sqrt(v_hat) + epsilon),
    ),
    (
        r"\beta_2 v+(1-\beta_2)g\odot g",
        "beta2:, v: n, g: n",
        lambda beta2, v, g: beta2 * v + (1 - beta2) * g * g,
    ),
)
GENERATIVE: tuple[Case, ...] = (
    (
        r"\frac{1}{2}\sum_{j=1}^J\left(1+\log((\sigma_j)^2)-(\mu_j)^2-(\sigma_j)^2\right)",
        "sigma: J, mu: J",
        lambda sigma, mu: (1 + np.log(sigma**2) - mu**2 - sigma**2).sum() / 2,
    ),
    (
        r"\mathbf{z}=\boldsymbol{\mu}+\boldsymbol{\sigma}\odot\boldsymbol{\epsilon}",
        "mu: n, sigma: n, epsilon: n",
        lambda mu, sigma, epsilon: mu + sigma * epsilon,
    ),
    (
        r"\sqrt{\bar\alpha_t}\,\mathbf{x}_0+\sqrt{1-\bar\alpha_t}\,\boldsymbol{\epsilon}",
        "alpha_bar_t: unit, x0: n, epsilon: n",
        lambda alpha_bar_t, x0, epsilon: np.sqrt(alpha_bar_t) * x0 + np.sqrt(1 - alpha_bar_t) * epsilon,
    ),
    (
        r"\frac{1}{\sqrt{\alpha_t}}\Big(\mathbf{x}_t-\frac{\beta_t}{\sqrt{1-\bar{\alpha}_t}}\boldsymbol{\epsilon}_\theta\Big)"
        r"+\sigma_t\mathbf{z}",
        "alpha_t:, x_t: n, beta_t:, alpha_bar_t: unit, epsilon_theta: n, sigma_t:, z: n",
        lambda alpha_t, x_t, beta_t, alpha_bar_t, epsilon_theta, sigma_t, z: (
            (x_t - beta_t / np.sqrt(1 - alpha_bar_t) * epsilon_theta) / np.sqrt(alpha_t) + sigma_t * z
        ),
    ),
    (
        r"\frac1T\sum_{t=1}^T\min\Bigl(r_t\hat{A}_t,\;\mathrm{clip}(r_t,1-\epsilon,1+\epsilon)\hat{A}_t\Bigr)",
        "r: T, A_hat: T, epsilon: unit",
        lambda r, A_hat, epsilon: np.minimum(r * A_hat, np.clip(r, 1 - epsilon, 1 + epsilon) * A_hat).mean(),
    ),
    (
        r"-\log\sigma\left(\beta\log\frac{p_w}{q_w}-\beta\log\frac{p_l}{q_l}\right)",
        "beta:, p_w:, q_w:, p_l:, q_l:",
        lambda beta, p_w, q_w, p_l, q_l: -np.log(sigmoid(beta * np.log(p_w / q_w) - beta * np.log(p_l / q_l))),
    ),
    (
        r"\frac1m\sum_{i=1}^m\left[\log d_i+\log\left(1-g_i\right)\right]",
        "d: m, g: m unit",
        lambda d, g: (np.log(d) + np.log(1 - g)).mean(),
    ),
)
PAIRS: tuple[Case, ...] = (
    (
        r"\sum_{i=1}^n\alpha_i-\frac12\sum_{i=1}^n\sum_{j=1}^n y_iy_j\alpha_i\alpha_j\langle x_i,x_j\rangle",
        "alpha: n, y: n, x: n d",
        lambda alpha, y, x: alpha.sum() - (alpha * y) @ (x @ x.T) @ (alpha * y) / 2,
    ),
    (
        r"-\sum_{i<j}J_{ij}s_is_j-h\sum_i s_i",
        "J: n n, s: n, h:",
        lambda J, s, h: -(np.triu(J, 1) * np.outer(s, s)).sum() - h * s.sum(),
    ),
    (
        r"\sum_{i\ne j}w_{ij}(x_i-x_j)^2",
        "w: n n, x: n",
        lambda w, x: ((1 - np.eye(len(x))) * w * (x[:, None] - x) ** 2).sum(),
    ),
    (
        r"q_{ij}=\frac{\left(1+\|y_i-y_j\|^2\right)^{-1}}{\sum_{k\neq l}\left(1+\|y_k-y_l\|^2\right)^{-1}}",
        "y: n d",
        lambda y: 1 / (1 + apart(y)) / (1 / (1 + apart(y)) * (1 - np.eye(len(y)))).sum(),
    ),
    (
        r"g_i=4\sum_j(p_{ij}-q_{ij})(y_i-y_j)\left(1+\|y_i-y_j\|^2\right)^{-1}",
        "p: n n, q: n n, y: n d",
        lambda p, q, y: 4 * (((p - q) / (1 + apart(y)))[..., None] * (y[:, None] - y)).sum(1),
    ),
    (
        r"\sum_{i,j=1}^{V}\left(w_i^T\tilde{w}_j+b_i+\tilde{b}_j-\log X_{ij}\right)^2",
        "w: V d, w_tilde: V d, b: V, b_tilde: V, X: V V",
        lambda w, w_tilde, b, b_tilde, X: ((w @ w_tilde.T + b[:, None] + b_tilde - np.log(X)) ** 2).sum(),
    ),
    (r"J_{ij}=p_i(\delta_{ij}-p_j)", "p: n", lambda p: np.diag(p) - np.outer(p, p)),
    (r"c_i=\sum_{j\neq i}A_{ij}x_j", "A: n n, x: n", lambda A, x: A @ x - np.diag(A) * x),
    (r"\frac12\sum_{i,j}w_{ij}(x_i-x_j)^2", "w: n n, x: n", lambda w, x: (w * (x[:, None] - x) ** 2).sum() / 2),
)
CONTROL: tuple[Case, ...] = (
    (
        r"PH^\top\left(HPH^\top+R\right)^{-1}",
        "P: n n, H: m n, R: m m spd",
        lambda P, H, R: P @ H.T @ inv(H @ P @ H.T + R),
    ),
    (r"(I-KH)P", "K: n m, H: m n, P: n n", lambda K, H, P: (np.eye(len(P)) - K @ H) @ P),
    (
        r"\tanh\left(\tilde{D}^{-\frac12}\tilde{A}\tilde{D}^{-\frac12}HW\right)",
        "D_tilde: n n spd, A_tilde: n n, H: n d, W: d k",
        lambda D_tilde, A_tilde, H, W: np.tanh(inv(root(D_tilde)) @ A_tilde @ inv(root(D_tilde)) @ H @ W),
    ),
    (
        r"\sqrt{(x-\mu)^\top S^{-1}(x-\mu)}",
        "x: n, mu: n, S: n n spd",
        lambda x, mu, S: np.sqrt((x - mu) @ inv(S) @ (x - mu)),
    ),
    (
        r"K(K+\lambda I)^{-1}y",
        "K: n n, lambda_:, y: n",
        lambda K, lambda_, y: K @ inv(K + lambda_ * np.eye(len(K))) @ y,
    ),
    (
        r"k_*^\top\left(K+\sigma_n^2I\right)^{-1}y",
        "k_star: n, K: n n, sigma_n:, y: n",
        lambda k_star, K, sigma_n, y: k_star @ inv(K + sigma_n**2 * np.eye(len(K))) @ y,
    ),
)
LOSSES: tuple[Case, ...] = (
    (
        r"\frac{1}{n}\sum_{i=1}^n\max(0,1-y_i(\mathbf{w}^\top\mathbf{x}_i-b))+\lambda\lVert\mathbf{w}\rVert^2",
        "y: n, w: d, x: n d, b:, lambda_:",
        lambda y, w, x, b, lambda_: np.maximum(0, 1 - y * (x @ w - b)).mean() + lambda_ * w @ w,
    ),
    (
        r"-\alpha(1-p)^\gamma\log(p)",
        "alpha:, p: unit, gamma:",
        lambda alpha, p, gamma: -alpha * (1 - p) ** gamma * np.log(p),
    ),
    (r"1-\frac{2\sum_i p_ig_i}{\sum_i p_i^2+\sum_i g_i^2}", "p: n, g: n", lambda p, g: 1 - 2 * p @ g / (p @ p + g @ g)),
    (
        r"z_k=(1-\epsilon)\,y_k+\frac{\epsilon}{K}",
        "y: K, epsilon:",
        lambda y, epsilon: (1 - epsilon) * y + epsilon / len(y),
    ),
    (
        r"\begin{cases}\frac{1}{2}a^2&\text{for }|a|\le\delta,\\"
        r"\delta\cdot\left(|a|-\frac12\delta\right),&\text{otherwise.}\end{cases}",
        "a:, delta:",
        lambda a, delta: a**2 / 2 if abs(a) <= delta else delta * (abs(a) - delta / 2),
    ),
    (r"\sum_{i=1}^{m}\mathbf{1}\{y_i>z_i\}", "y: m, z: m", lambda y, z: (y > z).sum()),
    (r"g\odot\mathbb{1}_{x>0}", "g: n, x: n", lambda g, x: g * (x > 0)),
    (r"g\odot\mathbf{1}_{\{x\ge0\}}", "g: n, x: n", lambda g, x: g * (x >= 0)),
    (r"\mathbb{1}^\top A\mathbb{1}", "A: m n", lambda A: A.sum()),
    (
        r"\exp\left\{-\frac{\|x-y\|^2}{2\ell^2}\right\}",
        "x: n, y: n, ell:",
        lambda x, y, ell: np.exp(-((x - y) @ (x - y)) / (2 * ell**2)),
    ),
    (r"A^{\odot 2}x^{\odot 3}", "A: m n, x: n", lambda A, x: A**2 @ x**3),
    (r"\eta\frac{dL}{dx}", "eta:, x: n, dx: n", lambda eta, x, dx: eta * dx),
    (
        r"i=\sigma\bigl(W_{xi}x+W_{hi}h+b_i\bigr)",
        "W_xi: k n, x: n, W_hi: k k, h: k, b_i: k",
        lambda W_xi, x, W_hi, h, b_i: sigmoid(W_xi @ x + W_hi @ h + b_i),
    ),
    (r"c'=f\odot c+i\odot g", "f: n, c: n, i: n, g: n", lambda f, c, i, g: f * c + i * g),
    (r"\tfrac{a\cdot b}{\lVert a\rVert\,\lVert b\rVert}", "a: n, b: n", lambda a, b: a @ b / (norm(a) * norm(b))),
)
PUBLISHED = (
    *(*BISHOP, *MURPHY, *GOODFELLOW, *COOKBOOK, *BOYD, *TRANSFORMERS),
    *(*NORMS, *GENERATIVE, *PAIRS, *CONTROL, *LOSSES),
)

NONE: tuple[tuple[str, str, str, str], ...] = (
    (
        r"\frac{1}{2}\sum_{n=1}^{N}\{y(x_n,\mathbf{w})-t_n\}^2",
        "y: N, x: N, w: M, t: N",
        "arguments of a function",
        "(x_n",
    ),
    (
        r"\mathcal{N}(\mathbf{x}|\boldsymbol{\mu},\Sigma)",
        "x: n, mu: n, Sigma: n n",
        "a density is not part",
        r"\mathcal{N}",
    ),
    (r"\mathbb{E}_{q}[\log p(x|z)]", "x: n, z: n", "write the mean of samples", r"\mathbb{E}"),
    (r"x\int_0^1 x^2\,dx", "x:", "an integral is not part", r"\int"),
    (r"2\arg\max_x f(x)", "x: n", "the place of the largest is no number", r"\arg"),
    (
        r"\sum_{(i,j)\in\Omega}X_{ij}^2",
        "X: m n",
        r"a sum is over indices, \sum_i or \sum_{i=1}^n, not over (i,j)",
        r"\sum",
    ),
    (
        r"\delta_j=h'(a_j)\sum_k w_{kj}\delta_k",
        "a: j, w: k j, delta: k",
        "two readings: a function h' of (a_j)",
        "h'(a_j)",
    ),
    (r"\theta_t=\beta_1m_{t-1}+g", "beta1:, m: n, g: n", "the index t-1 is not read; allowed: letters", "m_{t-1}"),
    (
        r"\frac{\partial}{\partial X}\operatorname{tr}(AX)",
        "A: n n, X: n n",
        "a derivative is asked for, not typed",
        r"\partial",
    ),
    (r"\nabla^2 f", "f: n", "a derivative is asked for, not typed", r"\nabla"),
    (r"\mathrm{Concat}(h_1,\ldots,h_n)W", "h1: n, W: n n", "dots leave open what is meant", r"\ldots"),
    (r"x\times y", "x: n, y: n", "the cross product is not part", "x"),
    (r"\sum_{i=1}^n\sum_{j=i+1}^n A_{ij}", "A: n n", "a size is a number or a name of one", "i+1"),
    (r"\sum_{i<j<k}A_{ij}", "A: n n", r"one of two indices: i < j, i \ne j", "i<j<k"),
    (r"\|x\|_{\Sigma^{-1}}^2", "x: n, Sigma: n n", r"F, 1, 2, * and \infty are read", r"\|x"),
    (r"\binom{n}{k}p^k", "p:, k:, n:", "not among the commands", r"\binom"),
    (r"2x!", "x: n", "a factorial is of a number", "x!"),
    (r"2\operatorname{rank}(A)", "A: n n", "'rank' is no function of the language", r"\operatorname"),
    (r"x\sim y", "x: n, y: n", "this says something of a formula", r"\sim"),
    (r"\log\sigma(a+b)", "sigma:, a:, b:", r"two readings: log(\sigma(a+b))", r"\log"),
    (r"2\delta_{ij}", "p: n", "is not among the names", r"\delta"),
)
"""What the language has no words for: LaTeX, declarations, what its error says, and the part at which that points."""
