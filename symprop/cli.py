"""The command line: derive, generate, check, train and predict; gradient and the like; compare.

It uses argparse, because the standard library's parser does all that these five commands need and its start costs
nothing; the rooms behind a command are imported when the command runs, so that `symprop --help` is quick.

Exit codes: 0 done; 1 something disagrees (check, generate --check); 2 bad input; 3 over a limit; 4 files;
130 interrupted. Bad input is told in at most three lines on stderr, without a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from symprop.errors import DataError, LimitError, OutputError, SpecError, SympropError, shown

if TYPE_CHECKING:
    from symprop.networks import Network

PROGRAM = "symprop"
FORMATS = ("pretty", "text", "latex", "html")
ANSWER_FORMATS = ("pretty", "text", "latex", "numpy", "html", "steps")
QUESTIONS = {
    "gradient": "gradient",
    "jacobian": "Jacobian",
    "hessian": "Hessian",
    "vjp": "vector-Jacobian product",
    "jvp": "Jacobian-vector product",
    "hvp": "Hessian-vector product",
}
PRODUCTS = {"vjp": "v", "jvp": "u", "hvp": "v"}
LAYOUTS = ("example", "rows", "columns")
DTYPES = ("float64", "float32")
TARGETS = ("numpy", "numba")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
DISAGREES, INTERRUPTED, PIPE_CLOSED = 1, 130, 141
_LONGEST_LINE = 240
_NETWORK_HELP = (
    'a network such as "Input(64) >> Dense(10) >> SoftmaxCrossEntropy()", or the path of a file that holds one'
)


_FORMULA_HELP = 'NumPy notation, such as "sum((X @ w - y)**2)"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    try:
        options = _parser().parse_args(arguments)
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except SympropError as problem:
        _complain(str(problem))
        return problem.exit_code
    except (RecursionError, MemoryError) as problem:
        _complain(f"the input is too large to be worked on ({type(problem).__name__})")
        return LimitError.exit_code
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_output()
        return PIPE_CLOSED
    except OSError as problem:
        _abandon_output()
        _complain(f"cannot write the output: {os.strerror(problem.errno) if problem.errno else problem}")
        return OutputError.exit_code


def _complain(message: str) -> None:
    """Print at most three lines on stderr."""
    for number, line in enumerate(message.split("\n")[:3]):
        cut = line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + "…"
        print(cut if number else f"{PROGRAM}: {cut}", file=sys.stderr)


def _abandon_output() -> None:
    """Send what is left of stdout nowhere, so that the interpreter's own flush at its end stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class _Parser(argparse.ArgumentParser):
    """argparse with an error of two lines: what is wrong, and where to read on."""

    def error(self, message: str) -> NoReturn:
        _complain(
            f"{shown(message, 200)[1:-1] if len(message) <= 200 else shown(message, 200)}\ntry: {self.prog} --help"
        )
        self.exit(SpecError.exit_code)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description=(__doc__ or "").split("\n")[0], allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], what: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        sub.set_defaults(command=run)
        return sub

    derive = command("derive", _derive, "print the forward pass, the delta recurrence and the gradients")
    _network_argument(derive)
    derive.add_argument("--format", choices=FORMATS, default="pretty", help="latex and html are whole documents")
    derive.add_argument(
        "--layout", choices=LAYOUTS, default="example", help="one example, or a batch in rows or columns"
    )
    derive.add_argument("--steps", metavar="NAME", help="print the named steps that led to one gradient, such as W1")
    derive.add_argument("-o", metavar="FILE", dest="output", help="write here instead of printing")

    generate = command("generate", _generate, "write a stand-alone NumPy module")
    _network_argument(generate, optional=True)
    generate.add_argument("-o", metavar="FILE", dest="output", help="write here instead of printing")
    generate.add_argument(
        "--force", action="store_true", help="replace a file that differs, such as one edited by hand"
    )
    generate.add_argument("--dtype", choices=DTYPES, default="float64")
    generate.add_argument("--optimizer", choices=OPTIMIZERS, help="put the optimiser's step into the module")
    generate.add_argument("--target", choices=TARGETS, default="numpy", help="numba: loops, for small networks")
    generate.add_argument("--threads", type=int, choices=(1, 2), default=1, help="for elementwise work on large arrays")
    generate.add_argument("--plan", action="store_true", help="print the memory plan of a step in place of the module")
    generate.add_argument(
        "--batch", type=int, default=32, metavar="M", help="the rows for which --plan says bytes (32)"
    )
    generate.add_argument(
        "--show-passes", action="store_true", help="print what each pass changes in place of the module"
    )
    generate.add_argument("--check", action="store_true", help="is generated/ what the generator makes today?")
    generate.add_argument("--write", action="store_true", help="make generated/ anew")

    check = command("check", _check, "check every equation and gradient by independent oracles")
    _network_argument(check)

    for question, what in QUESTIONS.items():
        asked = command(question, _question, f"print the {what} of a formula in matrix form")
        asked.set_defaults(question=question)
        asked.add_argument("formula", metavar="FORMULA", help=_FORMULA_HELP)
        _where_argument(asked)
        asked.add_argument("--wrt", metavar="NAME", required=True, help="the variable; U,V for a mixed Hessian")
        if question in PRODUCTS:
            asked.add_argument("--along", metavar="NAME", help=f"the name of the direction ({PRODUCTS[question]})")
        asked.add_argument("--format", choices=ANSWER_FORMATS, default="pretty", help="html is a whole document")
        asked.add_argument("--check", action="store_true", help="certify the answer by independent oracles")
        asked.add_argument("-o", metavar="FILE", dest="output", help="write here instead of printing")

    compare = command("compare", _compare, "say whether two formulas are equal, or how they differ")
    compare.add_argument("first", metavar="FORMULA_A", help=_FORMULA_HELP)
    compare.add_argument("second", metavar="FORMULA_B")
    _where_argument(compare)

    train = command("train", _train, "train on a CSV file")
    _network_argument(train)
    train.add_argument("--data", metavar="FILE.csv", required=True, help="a header row, then one example a row")
    train.add_argument(
        "--target", metavar="COLUMN", required=True, help="the column to predict; all others are features"
    )
    train.add_argument("--epochs", type=int, default=30)
    train.add_argument("--batch", type=int, default=32)
    train.add_argument("--optimizer", choices=OPTIMIZERS, default="adam")
    train.add_argument("--lr", type=float, help="learning rate; by default the optimiser's own")
    train.add_argument("--clip", type=float, metavar="NORM", help="clip the norm of all gradients together")
    train.add_argument(
        "--scale", choices=("standard", "largest", "none"), default="standard", help="how to scale features"
    )
    train.add_argument("--test-fraction", type=float, default=0.2, metavar="F", help="rows held out (0.2)")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--dtype", choices=DTYPES, default="float64")
    train.add_argument("-o", metavar="WEIGHTS.npz", dest="output", help="where the weights go")

    predict = command("predict", _predict, "predict with weights that train wrote")
    predict.add_argument("weights", metavar="WEIGHTS.npz")
    predict.add_argument("--data", metavar="FILE.csv", required=True, help="with the columns that train took")
    predict.add_argument("-o", metavar="FILE.csv", dest="output", help="write here instead of printing")
    return parser


class _Version(argparse.Action):
    """Prints the version; the metadata is read only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: object) -> None:
        from importlib.metadata import version

        print(PROGRAM, version(PROGRAM))
        parser.exit()


def _network_argument(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    parser.add_argument("network", metavar="NETWORK", nargs="?" if optional else None, help=_NETWORK_HELP)
    parser.add_argument("--sizes", metavar="n0=64,n1=32", default="", help="numbers for sizes given by name")


def _where_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--where", metavar="DECLARATIONS", default="", help='sizes and facts: "X: m n, A: n n symmetric, alpha:"'
    )


def read_network(text_or_path: str, sizes: str = "") -> Network:
    """Return the network of a text, or of the file that holds one; `sizes` are numbers for names, "n0=64,n1=32".

    What is the path of a file is read; so is what has no bracket or begins with `.` or `/`, which no network does.

    Raises:
        SympropError: the file cannot be read, or the text is no network.
    """
    from symprop.files import read_text
    from symprop.networks.spec import parse_network

    if not text_or_path.strip():
        raise SpecError(f"the network is empty\nallowed: {_NETWORK_HELP}")
    is_path = "(" not in text_or_path or text_or_path[:1] in {".", "/"} or os.path.isfile(text_or_path)
    network = parse_network(read_text(text_or_path) if is_path else text_or_path)
    given = parse_sizes(sizes)
    return network.with_sizes(given) if given else network


def parse_sizes(text: str) -> dict[str, int]:
    """Return the numbers of `--sizes`.

    >>> parse_sizes("n0=64, n1=32")
    {'n0': 64, 'n1': 32}

    Raises:
        SpecError: not of this form.
        SymbolNameError: a name that cannot be a size.
    """
    from symprop.algebra.names import validated

    sizes: dict[str, int] = {}
    for part in text.split(",") if text.strip() else ():
        name, _, number = (piece.strip() for piece in part.partition("="))
        if not (number.isascii() and number.isdecimal() and len(number) <= 20):
            raise SpecError(
                f"--sizes {shown(part)} cannot be read\nallowed: names with whole numbers, such as n0=64,n1=32"
            )
        if validated(name) in sizes:
            raise SpecError(f"--sizes gives {shown(name)} twice")
        sizes[name] = int(number)
    return sizes


def _put(text: str, output: str | None) -> None:
    from symprop.files import write_whole

    if output is None:
        print(text)
    else:
        write_whole(output, text if text.endswith("\n") else text + "\n")
        print(f"wrote {output}", file=sys.stderr)


def _derive(options: argparse.Namespace) -> int:
    from symprop import notation
    from symprop.calculus.derive import derive
    from symprop.files import check_writable

    if options.output is not None:
        check_writable(options.output)
    derivation = derive(read_network(options.network, options.sizes), layout=options.layout)
    if options.steps is not None:
        derivation.steps(options.steps)  # refuses a name that has none, and says which have
        _put(notation.steps(derivation, options.steps, options.format), options.output)
        return 0
    writers: dict[str, Callable[[], str]] = {
        "pretty": derivation.pretty,
        "text": derivation.text,
        "latex": lambda: notation.document(derivation),
        "html": lambda: notation.html(derivation),
    }
    _put(writers[options.format](), options.output)
    return 0


def _generate(options: argparse.Namespace) -> int:
    if options.check or options.write:
        return _gallery(options)
    if options.network is None:
        raise SpecError(f"generate needs a network\ntry: {PROGRAM} generate --help")
    from symprop.codegen import generate
    from symprop.files import check_writable, read_text

    if options.output is not None:
        check_writable(options.output)
    network = read_network(options.network, options.sizes)
    source = generate(
        network, dtype=options.dtype, optimizer=options.optimizer, target=options.target, threads=options.threads
    )
    listings = list(_listings(network, options))
    print("\n\n".join(listings), end="\n" if listings else "")
    if listings and options.output is None:
        return 0
    if options.output is not None and os.path.exists(options.output) and not options.force:
        if read_text(options.output) == source:
            return 0
        raise OutputError(
            f"{shown(options.output, 200)} holds something else, perhaps edited by hand; nothing was written\n"
            "allowed: --force to replace it, or another -o"
        )
    _put(source.rstrip("\n"), options.output)
    return 0


def _listings(network: Network, options: argparse.Namespace) -> Iterator[str]:
    """Yield what is printed of the generator's work."""
    if not (options.plan or options.show_passes):
        return
    from symprop.calculus.derive import derive
    from symprop.codegen.listings import passes_listing, plan_listing

    if options.batch < 1:
        raise SpecError(f"--batch is at least 1, not {options.batch}")
    derivation = derive(network, layout="rows")
    if options.show_passes:
        yield passes_listing(derivation)
    if options.plan:
        yield plan_listing(derivation, options.dtype, options.batch)


def _gallery(options: argparse.Namespace) -> int:
    from symprop.codegen import gallery

    if options.network is not None:
        raise SpecError("generate --check and --write take no network: they are about the folder generated/")
    if options.write:
        written = gallery.write()
        for path in written:
            print(f"wrote {os.path.relpath(path)}")
        print(f"{len(written)} of {gallery.count()} files written, the others are as the generator makes them")
        return 0
    disagreements = gallery.check()
    for disagreement in disagreements:
        print(disagreement)
    if disagreements:
        return DISAGREES
    print(f"all {gallery.count()} files are as the generator makes them")
    return 0


def _check(options: argparse.Namespace) -> int:
    from symprop.verify import check

    certificate = check(read_network(options.network), sizes=parse_sizes(options.sizes))
    print(certificate.table())
    return 0 if certificate.ok else DISAGREES


def _question(options: argparse.Namespace) -> int:
    from symprop import formula_command
    from symprop.files import check_writable

    if options.output is not None:
        check_writable(options.output)
    along = options.along if options.question in PRODUCTS else None
    written, code = formula_command.run(
        options.question, options.formula, options.where, options.wrt, along, options.format, options.check
    )
    _put(written, options.output)
    return code


def _compare(options: argparse.Namespace) -> int:
    from symprop import formula_command

    written, code = formula_command.run_compare(options.first, options.second, options.where)
    print(written)
    return code


def _train(options: argparse.Namespace) -> int:
    from symprop.train_command import run

    return run(
        read_network(options.network, options.sizes),
        options.data,
        options.target,
        optimizer=options.optimizer,
        rate=options.lr,
        epochs=options.epochs,
        batch=options.batch,
        clip=options.clip,
        seed=options.seed,
        scaling=options.scale,
        test_fraction=options.test_fraction,
        dtype=options.dtype,
        output=options.output,
    )


def _predict(options: argparse.Namespace) -> int:
    import csv
    import io

    from symprop.data import read_features
    from symprop.files import check_writable
    from symprop.saved import load_weights

    if options.output is not None:
        check_writable(options.output)
    model = load_weights(options.weights)
    if not model.features:
        raise DataError(f"{shown(options.weights, 200)} does not name the columns of its features")
    found = model.predict(read_features(options.data, model.features))
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([model.notes.get("target", "prediction")])
    writer.writerows(row if row.ndim else [row] for row in found)
    _put(lines.getvalue().rstrip("\n"), options.output)
    return 0
