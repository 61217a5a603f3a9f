r"""Formulas as people write them in LaTeX, with their declarations and what they mean in the text language.

They are own transcriptions of what stands in textbooks, papers, courses and forums: least squares and its kin (Boyd and
Vandenberghe), Gaussian models (Bishop; Rasmussen and Williams), derivatives of traces and determinants (Petersen and
Pedersen; Magnus and Neudecker), backpropagation (Nielsen; Goodfellow, Bengio and Courville), attention (Vaswani).
"""

from __future__ import annotations

Case = tuple[str, str, str]

LEAST_SQUARES: tuple[Case, ...] = (
    (
        r"\tfrac12\|Ax-b\|_2^2 + \lambda\, x^\top x",
        "A: m n, x: n, b: m, lambda_:",
        "sum((A @ x - b)**2)/2 + lambda_*x @ x",
    ),
    (r"\|Ax - b\|^2", "A: m n, x: n, b: m", "sum((A @ x - b)**2)"),
    (r"\lVert \mathbf{y} - \mathbf{X}\boldsymbol{\beta} \rVert_2^2", "y: n, X: n d, beta: d", "sum((y - X @ beta)**2)"),
    (
        r"(\mathbf{y}-\mathbf{X}\boldsymbol\beta)^\top(\mathbf{y}-\mathbf{X}\boldsymbol\beta)",
        "y: n, X: n d, beta: d",
        "sum((y - X @ beta)**2)",
    ),
    (r"(X^T X)^{-1} X^T y", "X: n d, y: n", "inv(X.T @ X) @ X.T @ y"),
    (r"(X^TX + \lambda I)^{-1}X^Ty", "X: n d, y: n, lambda_:", "inv(X.T @ X + lambda_*eye(d)) @ X.T @ y"),
    (r"X(X^{T}X)^{-1}X^{T}", "X: n d", "X @ inv(X.T @ X) @ X.T"),
    (
        r"\frac{1}{2n} \left\lVert y - X w \right\rVert_2^2 + \alpha \|w\|_1",
        "y: n, X: n d, w: d, alpha:",
        "sum((y - X @ w)**2)/(2*n) + alpha*sum(abs(w))",
    ),
    (
        r"\frac{1}{n}\sum_{i=1}^{n} (y_i - \mathbf{w}^\intercal \mathbf{x}_i)^2",
        "X: n d, w: d, y: n",
        "sum((y - X @ w)**2)/n",
    ),
    (r"\sum_{i=1}^n w_i (y_i - x_i' \beta)^2", "X: n d, w: n, beta: d, y: n", "sum(w*(y - X @ beta)**2)"),
    (
        r"\left(y - X\beta\right)' W \left(y - X\beta\right)",
        "X: n d, W: n n, beta: d, y: n",
        "(y - X @ beta) @ W @ (y - X @ beta)",
    ),
    (
        r"\| X - U V^{\mathsf T} \|_F^2 + \mu ( \|U\|_F^2 + \|V\|_F^2 )",
        "X: m n, U: m k, V: n k, mu:",
        "sum((X - U @ V.T)**2) + mu*(sum(U**2) + sum(V**2))",
    ),
    (r"\sqrt{\frac1n \sum_i (x_i - \bar{x})^2}", "x: n, x_bar:", "sqrt(sum((x - x_bar)**2)/n)"),
    (r"\frac{x^\top A x}{x^\top x}", "A: n n, x: n", "x @ A @ x / (x @ x)"),
    (r"\frac{a^{T} b}{\|a\| \|b\|}", "a: n, b: n", "a @ b / (norm(a)*norm(b))"),
    (r"\|Ax\|_2 / \|x\|_2", "A: m n, x: n", "norm(A @ x)/norm(x)"),
)
TRACES: tuple[Case, ...] = (
    (r"\operatorname{tr}(AXB)", "A: p m, X: m n, B: n p", "trace(A @ X @ B)"),
    (r"\mathrm{Tr}(X^T A X B)", "X: m n, A: m m, B: n n", "trace(X.T @ A @ X @ B)"),
    (r"\text{tr}(X'X)", "X: m n", "trace(X.T @ X)"),
    (r"\mbox{tr}\left\{ X^T A X^{-1} B\right\}", "X: n n, A: n n, B: n n", "trace(X.T @ A @ inv(X) @ B)"),
    (r"\operatorname{tr} A X^\top", "X: m n, A: m n", "trace(A @ X.T)"),
    (
        r"A X^{-1} B - X^{-T}A^TXB^TX^{-T}",
        "X: n n, A: n n, B: n n",
        "A @ inv(X) @ B - inv(X).T @ A.T @ X @ B.T @ inv(X).T",
    ),
    (r"\det(X^\top A X)", "X: m n, A: m m", "det(X.T @ A @ X)"),
    (r"\det A X B", "A: n n, X: n n, B: n n", "det(A @ X @ B)"),
    (r"\log\det X", "X: n n", "logdet(X)"),
    (r"\log |X|", "X: n n", "logdet(X)"),
    (r"\ln \left| \det X \right|", "X: n n", "logdet(X)"),
    (r"\langle A, B \rangle", "A: m n, B: m n", "sum(A*B)"),
    (r"\left\langle Ax, y \right\rangle", "A: m n, x: n, y: m", "A @ x @ y"),
    (r"\operatorname{vec}(AXB)", "A: p m, X: m n, B: n q", "vec(A @ X @ B)"),
    (r"(B^\top \otimes A)\operatorname{vec}(X)", "A: p m, X: m n, B: n q", "kron(B.T, A) @ vec(X)"),
    (r"\operatorname{diag}(x) A \operatorname{diag}(y)", "x: m, A: m n, y: n", "diag(x) @ A @ diag(y)"),
    (r"A^{-\top} x + A^{\dagger} b", "A: n n, x: n, b: n", "inv(A).T @ x + pinv(A) @ b"),
    (r"\sum_{i} A_{ii}", "A: n n", "trace(A)"),
    (r"\sum_{i,j} A_{ij} x_i y_j", "A: m n, x: m, y: n", "x @ A @ y"),
    (r"\sum_{i=1}^m \sum_{j=1}^n A_{ij} B_{ij}", "A: m n, B: m n", "sum(A*B)"),
    (r"y_i = \sum_j W_{ij} x_j", "W: m n, x: n", "W @ x"),
    (r"x^\top A^2 x", "A: n n, x: n", "x @ A @ A @ x"),
    (r"\mathbf{1}^\top A \mathbf{1}", "A: m n", "sum(A)"),
    (r"(I - \tfrac1n \mathbf{1}\mathbf{1}^\top) X", "X: n d", "X - sum(X, axis=0)/n"),
    (r"x x^\top - y \otimes y", "x: n, y: n", "outer(x, x) - outer(y, y)"),
    (r"\|A\|_2 + \|A\|_* + \|x\|_\infty", "A: m n, x: n", "norm(A, 2) + norm(A, 'nuc') + max(abs(x))"),
    (r"\sigma_{\max}(A) + \lambda_{\max}(S)", "A: m n, S: n n symmetric", "norm(A, 2) + max(eigvalsh(S))"),
    (r"e^{A} x + e^{-x}", "A: n n, x: n", "expm(A) @ x + exp(-x)"),
)
GAUSSIAN: tuple[Case, ...] = (
    (
        r"-\frac12 \log\det(\mathbf{K}) - \frac12 \mathbf{y}^T \mathbf{K}^{-1} \mathbf{y} - \frac{n}2 \log(2\pi)",
        "K: n n, y: n",
        "-logdet(K)/2 - y @ inv(K) @ y/2 - n*log(2*pi)/2",
    ),
    (
        r"\frac{1}{2} \mathbf{y}^\intercal \mathbf{K}^{-1}\mathbf{y} + \frac12\log\left\lvert\mathbf{K}\right\rvert",
        "K: n n, y: n",
        "y @ inv(K) @ y/2 + logdet(K)/2",
    ),
    (r"(x-\mu)^T\Sigma^{-1}(x-\mu)", "x: n, mu: n, Sigma: n n", "(x - mu) @ inv(Sigma) @ (x - mu)"),
    (
        r"\frac12\left[\operatorname{tr}(\Sigma_1^{-1}\Sigma_0) + (\mu_1-\mu_0)^\top\Sigma_1^{-1}(\mu_1-\mu_0) - n"
        r" + \ln\frac{\det\Sigma_1}{\det\Sigma_0}\right]",
        "Sigma0: n n, Sigma1: n n, mu0: n, mu1: n",
        "(trace(inv(Sigma1) @ Sigma0) + (mu1 - mu0) @ inv(Sigma1) @ (mu1 - mu0) - n + log(det(Sigma1)/det(Sigma0)))/2",
    ),
    (
        r"-\frac{1}{2} \sum_j \left(1 + \log \sigma_j^2 - \mu_j^2 - \sigma_j^2\right)",
        "sigma: n, mu: n",
        "-sum(1 + log(sigma**2) - mu**2 - sigma**2)/2",
    ),
    (
        r"\frac{1}{\sqrt{2\pi\sigma^2}} \exp\left(-\frac{(x-\mu)^2}{2\sigma^2}\right)",
        "x:, mu:, sigma:",
        "exp(-(x - mu)**2/(2*sigma**2))/sqrt(2*pi*sigma**2)",
    ),
    (r"\frac{n}{2} \log 2\pi + n \log \sigma", "sigma:, x: n", "n*log(2*pi)/2 + n*log(sigma)"),
    (r"\mathbf{k}_{\ast}^T \mathbf{K}^{-1} \mathbf{y}", "k_ast: n, K: n n, y: n", "k_ast @ inv(K) @ y"),
    (r"\sum_{k} \pi_k \log \frac{\pi_k}{q_k}", "pi_: n, q: n", "sum(pi_*log(pi_/q))"),
    (r"-\sum_i p_i \log p_i", "p: n", "-sum(p*log(p))"),
    (r"\sum_i p_i \ln \frac{p_i}{q_i}", "p: n, q: n", "sum(p*log(p/q))"),
)
CLASSIFICATION: tuple[Case, ...] = (
    (
        r"\sum_{i=1}^n \log(1 + \exp(-y_i w^T x_i)) + \frac{\lambda}{2} \|w\|^2",
        "X: n d, w: d, y: n, lambda_:",
        "sum(log(1 + exp(-y*(X @ w)))) + lambda_/2*w @ w",
    ),
    (
        r"\frac{1}{n} \sum_{i=1}^n \log(1 + \exp(-y_i(X_i \cdot w + b)))",
        "X: n d, w: d, y: n, b:",
        "sum(log(1 + exp(-y*(X @ w + b))))/n",
    ),
    (r"-\sum_i y_i \log \hat{y}_i", "y: n, y_hat: n", "-sum(y*log(y_hat))"),
    (
        r"-\frac{1}{m}\sum_{i=1}^{m}\left[ y_i\log a_i + (1-y_i)\log(1-a_i) \right]",
        "y: m, a: m",
        "-sum(y*log(a) + (1 - y)*log(1 - a))/m",
    ),
    (
        r"\frac12 w^T w + C \sum_{i} \max(0, 1 - y_i (w^T x_i + b))",
        "X: n d, w: d, y: n, b:, C:",
        "w @ w/2 + C*sum(maximum(0, 1 - y*(X @ w + b)))",
    ),
    (r"\frac{1}{1 + e^{-w^\top x}}", "w: n, x: n", "1/(1 + exp(-w @ x))"),
    (r"\sigma(\mathbf{w}^\top\mathbf{x} + b)", "w: n, x: n, b:", "sigmoid(w @ x + b)"),
    (r"\log\sum_j e^{z_j}", "z: n", "log(sum(exp(z)))"),
    (r"\ell_k = z_k - \log \sum_j \exp(z_j)", "z: n", "z - log(sum(exp(z)))"),
    (r"\operatorname{softmax}(Wx + b)", "W: k n, x: n, b: k", "softmax(W @ x + b)"),
    (r"\sum_i \max\{0, x_i\}", "x: n", "sum(maximum(0, x))"),
    (r"\mathbf{1}^\top (\mathbf{1} - Ax)_+", "A: m n, x: n", "sum(maximum(1 - A @ x, 0))"),
    (
        r"\mathcal{L} = -\sum_k y_k \log p_k, \quad \text{where } p = \operatorname{softmax}(z)",
        "y: n, z: n",
        "-sum(y*log(softmax(z)))",
    ),
    (r"K_{ij} = \exp(-\gamma ||x_i - x_j||^2)", "X: n d, gamma:", "exp(-gamma*sum((X[:, None, :] - X)**2, axis=2))"),
    (r"\mathbb{1}[x > 0] \odot g", "x: n, g: n", "(x > 0)*g"),
    (
        r"\begin{cases} \frac12 r^2 & \text{if } |r| \le 1 \\ |r| - \frac12 & \text{otherwise} \end{cases}",
        "r:",
        "where(abs(r) <= 1, r**2/2, abs(r) - 1/2)",
    ),
)
NETWORKS: tuple[Case, ...] = (
    (
        r"((w^{2})^T \delta^{2}) \odot \sigma'(z^1)",
        "w2: k n, delta2: k, z1: n",
        "(w2.T @ delta2)*sigmoid(z1)*(1 - sigmoid(z1))",
    ),
    (r"\left(W_2^\top \delta_2\right) \odot (1 - a_1^2)", "W2: k n, delta2: k, a1: n", "(W2.T @ delta2)*(1 - a1**2)"),
    (
        r"W^{(2)\top}\boldsymbol{\delta}^{(2)} \circ \mathbf{a}^{(1)} \circ (\mathbf 1 - \mathbf{a}^{(1)})",
        "W2: k n, delta2: k, a1: n",
        "(W2.T @ delta2)*a1*(1 - a1)",
    ),
    (r"(a^{[2]} - y) a^{[1]\mathsf{T}}", "a2: k, y: k, a1: n", "outer(a2 - y, a1)"),
    (r"\frac{1}{m} \delta_2 A_1^{T}", "delta2: k m, A1: n m", "delta2 @ A1.T/m"),
    (
        r"\mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d}}\right)V",
        "Q: n d, K: m d, V: m v",
        "softmax(Q @ K.T/sqrt(d)) @ V",
    ),
    (
        r"\operatorname{softmax}\bigl(Q K^{\mathsf{T}} / \sqrt{d}\bigr)\, V",
        "Q: n d, K: m d, V: m v",
        "softmax(Q @ K.T/sqrt(d)) @ V",
    ),
    (r"\left(\mathrm{diag}(p) - p p^\top\right) g", "p: n, g: n", "(diag(p) - outer(p, p)) @ g"),
    (
        r"\gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
        "x: n, mu:, sigma:, gamma: n, beta: n, epsilon:",
        "gamma*((x - mu)/sqrt(sigma**2 + epsilon)) + beta",
    ),
    (r"W_2\, \mathrm{ReLU}(W_1 x + b_1) + b_2", "W1: h n, b1: h, W2: k h, b2: k, x: n", "W2 @ relu(W1 @ x + b1) + b2"),
    (r"\tanh(W_{hh} h + W_{xh} x)", "W_hh: n n, h: n, W_xh: n d, x: d", "tanh(W_hh @ h + W_xh @ x)"),
    (r"(1 - z) \odot n + z \odot h", "z: k, n: k, h: k", "(1 - z)*n + z*h"),
    (r"W + \frac{\alpha}{r} B A", "W: m n, B: m k, A: k n, alpha:, r:", "W + alpha/r*(B @ A)"),
    (r"1 - \tanh^2(z)", "z: n", "1 - tanh(z)**2"),
)
BY_PEOPLE = (*LEAST_SQUARES, *TRACES, *GAUSSIAN, *CLASSIFICATION, *NETWORKS)
