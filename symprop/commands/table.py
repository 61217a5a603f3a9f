"""The commands: what each is for, what it shares with others, and three examples. All that help, completion and the
page of commands say of a command stands in its row; its room of `symprop.commands` enters its arguments."""

from __future__ import annotations

from dataclasses import dataclass

PROGRAM = "symprop"
ASK, BUILD, HAND_IN, TRAIN, TOOLS = (
    "ask about a formula",
    "ask about a network",
    "hand in",
    "train and use",
    "tools",
)


@dataclass(frozen=True)
class Command:
    """A command: its room, the heading it stands under, what it does, and examples, which the tests run.

    A `verdict` is a command that answers by its exit code, so that --quiet leaves nothing to print. One that
    `marks` its files knows them again.
    """

    name: str
    room: str
    group: str
    what: str
    examples: tuple[str, str, str]
    verdict: bool = False
    marks: bool = True


NETWORK = '"Input(3) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()"'
SHORT = '"Input(2) >> Dense(1) >> MeanSquaredError()"'

COMMANDS: dict[str, Command] = {
    each.name: each
    for each in (
        Command(
            "gradient",
            "formulas",
            ASK,
            "print the gradient of a formula in matrix form",
            (
                'gradient "x @ A @ x"',
                'gradient "sum((X @ w - y)**2) / m" --where "X: m n, w: n, y: m" --wrt w --check',
                "gradient --latex '\\log\\det X' --where \"X: n n positive-definite\" --format steps",
            ),
        ),
        Command(
            "jacobian",
            "formulas",
            ASK,
            "print the Jacobian of a formula in matrix form",
            (
                'jacobian "A @ tanh(x)" --wrt x',
                'jacobian "A @ X @ B" --wrt X --vec columns',
                'jacobian "softmax(x)" --where "x: n" --format numpy',
            ),
        ),
        Command(
            "hessian",
            "formulas",
            ASK,
            "print the Hessian of a formula in matrix form",
            (
                'hessian "x @ A @ x" --wrt x',
                'hessian "log(sum(exp(x)))" --where "x: n" --check',
                'hessian "u @ A @ v" --wrt u,v --format latex',
            ),
        ),
        Command(
            "vjp",
            "formulas",
            ASK,
            "print the vector-Jacobian product of a formula in matrix form",
            (
                'vjp "A @ tanh(x)" --wrt x',
                'vjp "X / sum(X)" --where "X: m n" --along G',
                'vjp "softmax(x)" --where "x: n" --format numpy',
            ),
        ),
        Command(
            "jvp",
            "formulas",
            ASK,
            "print the Jacobian-vector product of a formula in matrix form",
            (
                'jvp "A @ tanh(x)" --wrt x',
                'jvp "inv(A)" --where "A: n n" --along H',
                'jvp "softmax(x)" --where "x: n" --format text',
            ),
        ),
        Command(
            "hvp",
            "formulas",
            ASK,
            "print the Hessian-vector product of a formula in matrix form",
            (
                'hvp "log(sum(exp(x)))" --where "x: n"',
                'hvp "norm(x)" --where "x: n" --along v',
                'hvp "sum(tanh(A @ x))" --wrt x --format numpy',
            ),
        ),
        Command(
            "compare",
            "comparing",
            ASK,
            "say whether two formulas are equal, or how they differ",
            (
                'compare "A @ x" "x @ A.T"',
                r'compare "\nabla_x x^\top A x = (A + A^\top) x"',
                f'compare --network {NETWORK} --of delta1 "(W2.T @ delta2) * (1 - a1**2)"',
            ),
            verdict=True,
        ),
        Command(
            "certify",
            "certify",
            ASK,
            "say whether a backward pass that you wrote gives the right gradients",
            (
                'certify mine.py:backward --formula "x @ A @ x" --wrt x',
                'certify mine.py:backward --formula "x @ A @ x" --where "x: 3, A: 3 3" --wrt x --seed 1',
                'certify mine.py --formula "x @ A @ x" --wrt x --json',
            ),
            verdict=True,
        ),
        Command(
            "derive",
            "derived",
            BUILD,
            "print the forward pass, the delta recurrence and the gradients of a network, or of a formula",
            (
                f"derive {NETWORK}",
                f"derive {NETWORK} --hvp --layout rows",
                f"derive {NETWORK} --format latex -o page.tex",
            ),
        ),
        Command(
            "generate",
            "networks",
            BUILD,
            "write a stand-alone module: forward, loss, backward",
            (
                f"generate {NETWORK} -o net.py",
                f"generate {NETWORK} --fast --dtype float32 --optimizer adam",
                f"generate {NETWORK} --question hvp --target jax",
            ),
            marks=False,
        ),
        Command(
            "check",
            "networks",
            BUILD,
            "check every equation and gradient by independent oracles",
            (f"check {SHORT}", f"check {SHORT} --full --curvature", f"check {SHORT} --limit 20 --json"),
            verdict=True,
        ),
        Command(
            "diff",
            "differences",
            BUILD,
            "print which equations change from one network to another, what is new or gone marked inside them",
            (
                f"diff {SHORT} {NETWORK}",
                f"diff {SHORT} {NETWORK} --layout rows --format text",
                f"diff {SHORT} {NETWORK} --format html -o difference.html",
            ),
        ),
        Command(
            "report",
            "reports",
            HAND_IN,
            "write a report on a network or a formula as LaTeX, PDF, HTML or Markdown",
            (
                f'report {SHORT} -o report.html --title "A small network"',
                f"report {SHORT} --fragment --prefix net- -o section.tex",
                'report "norm(A @ x - b)**2" --wrt x --author "A. Student" --short -o homework.html',
            ),
        ),
        Command(
            "serve",
            "serve",
            HAND_IN,
            "open a local page that derives what you type, as you type",
            ("serve", "serve --port 0 --no-browser", "serve --time-limit 30 --memory-limit 2000"),
        ),
        Command(
            "train",
            "data",
            TRAIN,
            "train on a CSV file",
            (
                'train "Input(2) >> Dense(2) >> SoftmaxCrossEntropy()" --data data.csv --target y --epochs 2 -o w.npz',
                'train "Input(2) >> Dense(1) >> MeanSquaredError()" --data data.csv --target y --optimizer sgd',
                'train "Input(2) >> Dense(2) >> SoftmaxCrossEntropy()" --data - --target y --validation 0.2',
            ),
        ),
        Command(
            "predict",
            "data",
            TRAIN,
            "predict with weights that train wrote",
            (
                "predict w.npz --data data.csv",
                "predict w.npz --data - -o answers.csv",
                "predict w.npz --data data.csv --json",
            ),
            marks=False,
        ),
        Command(
            "curvature",
            "curvature",
            TRAIN,
            "print the largest eigenvalues, the trace and the condition of a network's Hessian on data",
            (
                'curvature "Input(2) >> Dense(2) >> SoftmaxCrossEntropy()" --data data.csv --target y',
                'curvature "Input(2) >> Dense(1) >> MeanSquaredError()" --data data.csv --target y --matrix fisher',
                'curvature "Input(2) >> Dense(2) >> SoftmaxCrossEntropy()" --data - --target y --top 3 --draws 50',
            ),
        ),
        Command(
            "import",
            "imports",
            TRAIN,
            "print the network that a model of PyTorch is, from the file that torch.export.save wrote",
            (
                "import model.pt2",
                "import model.pt2 -o network.txt -w weights.npz",
                'import model.pt2 --loss "SoftmaxCrossEntropy()" --json',
            ),
            marks=False,
        ),
        Command(
            "completion",
            "completion",
            TOOLS,
            "print a script by which a shell completes commands, options, choices and files",
            ("completion bash", "completion zsh -o _symprop", "completion fish"),
        ),
    )
}
"""The commands, in the order of the help."""

TOUR = """\
symprop derives gradients in matrix form, and proves them. Try:

  symprop gradient "x @ A @ x"                         the gradient of a formula
  symprop compare "A @ x" "x @ A.T"                    are two formulas equal?
  symprop derive "Input(3) >> Dense(2) >> Tanh() >> Dense(1) >> MeanSquaredError()"
  symprop generate NETWORK -o net.py                   its NumPy module; `check NETWORK` proves it
  symprop report NETWORK_OR_FORMULA -o report.pdf      to hand in; also .html, .tex, .md
  symprop serve                                        the same in a browser

  symprop --help lists all commands, symprop COMMAND --help has examples"""
"""What `symprop` alone prints."""
