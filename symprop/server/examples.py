"""The examples to click: a title, and what it puts into the fields of the page."""

from __future__ import annotations

EXAMPLES: dict[str, dict[str, str]] = {
    "Two layers, sigmoid": {"text": "Input(2) >> Dense(3) >> Sigmoid() >> Dense(1) >> MeanSquaredError()"},
    "Residual block, softmax": {
        "text": "Input(64) >> Dense(32) >> ReLU() >> Residual(Dense(32) >> ReLU()) "
        ">> Dense(10) >> SoftmaxCrossEntropy()"
    },
    "N blocks, a recurrence": {"text": "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> MeanSquaredError()"},
    "A convolutional network": {
        "text": 'Input(6, 6, 1) >> Conv2D(2, 3, padding="same", bias=False) >> BatchNorm() >> ReLU() >> MaxPool2D(2) '
        '>> Residual(Conv2D(2, 3, padding="same") >> ReLU()) >> GlobalAveragePool() >> Dense(3) '
        ">> SoftmaxCrossEntropy()"
    },
    "Your own activation and loss": {
        "text": 'Input(3) >> Dense(4) >> Activation("x * sigmoid(x)", name="swish") >> Dense(2) '
        '>> Loss("sum((a - y)**4) / 4")'
    },
    "All gradients, shapes inferred": {"text": "norm(A @ x - b)**2 / 2 + lam * norm(x)**2 / 2"},
    "Logistic regression": {
        "text": "sum(log(1 + exp(-y * (X @ w)))) + alpha * sum(w**2) / 2",
        "where": "X: m n, w: n, y: m, alpha:",
        "question": "gradient",
        "by": "w",
    },
    "Attention: its queries": {
        "text": "sum(G * (softmax(Q @ K.T / sqrt(d)) @ V))",
        "where": "Q: m d, K: n d, V: n k, G: m k",
        "question": "gradient",
        "by": "Q",
    },
    "Hessian of cross-entropy": {
        "text": "-sum(y * log(softmax(A @ x)))",
        "where": "A: m n, x: n, y: m sums-to-1",
        "question": "hessian",
        "by": "x",
    },
    "Jacobian of layer norm": {
        "text": "(x - mean(x)) / sqrt(mean((x - mean(x))**2) + eps)",
        "where": "x: n, eps: positive",
        "question": "jacobian",
        "by": "x",
    },
}
