"""What `--json` prints of each command: every field by its path, its kind, and what it says. These names stay.

A path is written with dots; `[]` is each element of a list, which may be empty. Kinds are those of JSON; `integer` is a
whole number, and `or null` says that there may be none.
"""

from __future__ import annotations

Fields = dict[str, tuple[str, str]]

TEXT = ("string", "what is printed without --json")
NAME, SHAPE = ("string", "its name"), ("integer or string", "each size, a number or a name")
NUMPY, LATEX, PRETTY = (
    ("string", "in NumPy notation"),
    ("string", "in LaTeX"),
    ("string", "in Unicode"),
)
REMARKS = ("string", "what a reader should know")

ENVELOPE: Fields = {
    "command": ("string", "the command"),
    "exit_code": ("integer", "the exit code, as without --json"),
    "warnings[]": ("string", "what is probably not meant"),
    "written[]": ("string", "the files that were written"),
}
"""What stands around the result of every command."""

ERROR: Fields = {
    "error.kind": ("string", 'the class, such as "SpecError"; "" for an interrupt or an input too large'),
    "error.message": ("string", "what is wrong, where, and what is allowed"),
    "error.column": ("integer or null", "the place in the typed text, from 0"),
    "error.width": ("integer or null", "how many characters it has"),
}
"""What stands there in place of a result."""


def _certificate(before: str = "") -> Fields:
    return {
        f"{before}ok": ("boolean", "whether every row agrees"),
        f"{before}stable": ("boolean", "whether evaluating overflows nowhere"),
        f"{before}summary": ("string", "how the check went, in one line"),
        f"{before}rows[].name": ("string", "what was checked"),
        f"{before}rows[].oracle": ("string", "by which oracle"),
        f"{before}rows[].points": ("string", "where"),
        f"{before}rows[].error": ("number or null", "the worst error; null where it is not finite"),
        f"{before}rows[].limit": ("number or null", "the largest that is allowed"),
        f"{before}rows[].verdict": ("string", '"ok", "FAILED", "overflows" or "not reached"'),
        f"{before}rows[].note": ("string", "what else is to be said"),
        f"{before}remarks[]": REMARKS,
        f"{before}unreached[]": ("string", "what the limit of time left out"),
        f"{before}seconds": ("number", "how long it took"),
    }


EQUATIONS: Fields = {
    "source": ("string", "the network, or the formula"),
    "layout": ("string", '"example", "rows" or "columns"'),
    "equations[].name": NAME,
    "equations[].number": ("integer", "its number on the page"),
    "equations[].numpy": NUMPY,
    "equations[].latex": LATEX,
    "equations[].pretty": PRETTY,
    "equations[].shape[]": SHAPE,
    "remarks[]": REMARKS,
}
QUESTION: Fields = {
    "formula": ("string", "what was asked about; of a network the fields are those of derive"),
    "read_as[]": ("string", "the shapes that were inferred"),
    "answers[].wrt[]": ("string", "the variable, two for a Hessian"),
    "answers[].along": ("string or null", "the name of the direction"),
    "answers[].numpy": NUMPY,
    "answers[].latex": LATEX,
    "answers[].pretty": PRETTY,
    "answers[].shape[]": SHAPE,
    "answers[].steps": ("integer", "how many steps led to it"),
    "answers[].remarks[]": ("string", "what follows from its structure"),
    "answers[].used[]": ("string", "which declared fact was used for what"),
    "certificate": ("object or null", "of --check"),
    **_certificate("certificate."),
}

GIVES: dict[str, Fields] = {
    **{name: {"text": TEXT, **QUESTION} for name in ("gradient", "jacobian", "hessian", "vjp", "jvp", "hvp")},
    "compare": {
        "text": TEXT,
        "equal": ("boolean or null", "true for a proof, false for a counterexample, null for neither"),
        "kind": ("string", "the proof, or how they differ"),
        "message": ("string", "the same in a sentence"),
        "first": ("string", "the first formula"),
        "second": ("string", "the second"),
        "used[]": ("string", "the declared facts that equality needs"),
        "counterexample": ("string or null", "where they differ"),
    },
    "certify": {
        "text": TEXT,
        "ok": ("boolean", "whether every gradient is right"),
        "message": ("string", "what was found, in a sentence"),
        "raised": ("string", 'what the function raised, "" where it returned'),
        "places": ("integer", "at how many random places"),
        "gradients[].name": NAME,
        "gradients[].ok": ("boolean", "whether it is right"),
        "gradients[].off_by": ("number or null", "relative to its largest entry"),
        "gradients[].allowed": ("number or null", "what rounding explains"),
        "gradients[].note": ("string", "what else is to be said"),
        "diagnosis": ("string or null", "the mistake, where it is known"),
        "remarks[]": REMARKS,
    },
    "derive": {"text": TEXT, **EQUATIONS},
    "generate": {
        "text": TEXT,
        "network": ("string or null", "the network; null for --check and --write"),
        "target": ("string or null", "whose module"),
        "dtype": ("string or null", "its numbers"),
        "question": ("string or null", "the function that it is for"),
        "parameters[].name": NAME,
        "parameters[].shape[]": SHAPE,
        "source": ("string or null", "the module"),
        "files[]": ("string", "what --write wrote"),
        "disagreements[]": ("string", "what --check found"),
    },
    "check": {"text": TEXT, **_certificate()},
    "diff": {
        "text": TEXT,
        "before": ("string", "the first network"),
        "after": ("string", "the second"),
        "layout": ("string", '"example", "rows" or "columns"'),
        "differ": ("boolean", "whether anything changes"),
        "layers[]": ("string", "what became of the layers"),
        "equations[].part": ("string", "the part of the page"),
        "equations[].kind": ("string", "what became of it"),
        "equations[].before": ("string or null", "the equation of the first, in NumPy notation"),
        "equations[].after": ("string or null", "that of the second"),
    },
    "report": {
        "text": TEXT,
        "network": ("string", "the network, or the formula"),
        "layout": ("string", '"example", "rows" or "columns"'),
        "title": ("string", "the title"),
        "sections[]": ("string", "the headings"),
    },
    "serve": {"text": TEXT, "address": ("string", "where the page is; printed when it opens")},
    "train": {
        "text": TEXT,
        "network": ("string", "the network"),
        "epochs[].number": ("integer", "from 1"),
        "epochs[].loss": ("number", "of the rows that train, in this epoch"),
        "epochs[].validation_loss": ("number or null", "of the rows held out to choose the epoch by, after it"),
        "best_epoch": ("integer", "after which the weights are those that are kept"),
        "results[].name": ("string", '"training", "validation" or "held-out"'),
        "results[].rows": ("integer", "how many"),
        "results[].loss": ("number", "their mean loss"),
        "results[].accuracy": ("number or null", "of classes, from 0 to 1"),
        "results[].error": ("number or null", "of numbers, the root mean square"),
    },
    "predict": {
        "text": TEXT,
        "target": ("string", "the column that is predicted"),
        "predictions[]": ("string or number or list", "one for each row"),
    },
    "curvature": {
        "text": TEXT,
        "network": ("string", "the network"),
        "matrix": ("string", '"hessian", "gauss-newton", "fisher" or "empirical-fisher"'),
        "parameters": ("integer", "how many rows and columns it has"),
        "examples": ("integer", "over how many the loss is a mean"),
        "eigenvalues[].value": ("number", "the largest in size, in this order"),
        "eigenvalues[].error": ("number", "within this of it there is one; 0 where the whole matrix was made"),
        "trace": ("number", "as Hutchinson estimates it"),
        "trace_error": ("number", "its standard error"),
        "exact_trace": ("number or null", "the sum of all eigenvalues, where they are known"),
        "condition": ("number or null", "the largest size of an eigenvalue over the smallest that is not 0"),
        "rank": ("integer or null", "how many are not 0"),
        "negative": ("integer or null", "how many are negative"),
    },
    "import": {
        "text": TEXT,
        "network": ("string", "the network"),
        "weights[].name": NAME,
        "weights[].shape[]": SHAPE,
    },
    "completion": {"text": TEXT, "shell": ("string", '"bash", "zsh" or "fish"')},
}
"""The fields of the result of each command."""
