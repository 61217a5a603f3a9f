"""What a first answer imports: names of the API come when they are asked for, heavy rooms where they are needed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import symprop
from symprop.verify import Certificate
from tests.patience import PATIENCE

HEAVY = ("jinja2", "latex2mathml", "rich", "email", "http", "zipfile")
"""What lays out documents, reads archives or talks to a network."""
ROOMS = ("codegen", "verify", "reports", "server", "certify", "diagnosis", "importing", "differences", "saved")
"""The rooms of symprop that no derivation needs."""
FEW, SOME = 150, 1_100
"""Modules: `import symprop` reads the list of its names; a first answer needs SymPy, of which all comes at once."""


def asked(script: str, *arguments: str) -> Any:
    """Run a script in a fresh process, which prints JSON in its last line."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


FIRST = """
import sys
import symprop
few = sorted(sys.modules)
print(symprop.gradient("x @ A @ x"))
print(symprop.derive("Input(3) >> Dense(2) >> Tanh() >> MeanSquaredError()"))
some = sorted(sys.modules)
from symprop.cli import main
main(["gradient", "x @ A @ x"])
main(["derive", "x @ A @ x"])
by_command = sorted(sys.modules)
import json
print(json.dumps([few, some, by_command]))
"""


def test_a_first_answer_imports_no_heavy_module() -> None:
    few, some, by_command = asked(FIRST)
    assert len(few) < FEW and len(some) < SOME
    assert not {"sympy", "numpy"} & set(few)
    for modules in (some, by_command):
        assert not set(HEAVY) & set(modules)
        assert not {f"symprop.{room}" for room in ROOMS} & set(modules)


NEEDS_TORCH = ("Imported", "from_torch")
"""Their examples are run by the tests where PyTorch is."""


def test_help_has_examples_and_dir_shows_what_a_person_may_use() -> None:
    """The examples are doctests, run with the module that has them."""
    for name in symprop.__all__:
        found = vars(symprop).get(name) or symprop.__getattr__(name)
        kinds = [each for each in (found, *getattr(found, "__mro__", ())) if each.__doc__]
        assert name in NEEDS_TORCH or any(">>>" in each.__doc__ for each in kinds), name
    net = "Input(2) >> Dense(1) >> MeanSquaredError()"
    f = symprop.formula("x @ A @ x", x="n", A="n n")
    answers, derivation = symprop.gradient(f), symprop.derive(net)
    results = (
        *(f, answers, answers["x"], answers["x"].steps(), answers["x"].node, derivation, derivation.cost()),
        *(symprop.compare(f, f), symprop.diff(net, net), symprop.report(net), symprop.Case(net), derivation.network),
        *(Certificate("", ()), symprop.Dense(2), *derivation.equations),
    )
    for result in results:
        names = dir(result)
        assert names and not [name for name in names if name.startswith("_")], type(result)
        assert not {"args", "subs", "count", "index", "xreplace"} & set(names)
    assert {"text", "latex", "steps", "check", "numpy"} <= set(dir(answers["x"]))


def test_sizes_are_given_alike_to_what_takes_a_network() -> None:
    named, net = (f"Input(2) >> Dense({size}) >> Tanh() >> Dense(1) >> MeanSquaredError()" for size in ("n1", "3"))
    sizes = {"n1": 3}
    assert symprop.derive(named, sizes=sizes).text() == symprop.derive(net).text()
    assert symprop.generate(named, sizes=sizes) == symprop.generate(net)
    assert symprop.compile(named, sizes=sizes).PARAMETERS == symprop.compile(net).PARAMETERS
    assert symprop.check(named, sizes=sizes).title == net
    assert symprop.report(named, sizes=sizes).network.text == net
    for call in (symprop.derive, symprop.generate, symprop.compile, symprop.check, symprop.report):
        with pytest.raises(symprop.SpecError, match="'q'") as caught:
            call(named, sizes={"q": 3})
        assert caught.value.__cause__ is None
    assert symprop.derive("x @ A @ x", sizes={"n": 3}).gradient("A").shape == (3, 3)
    with pytest.raises(symprop.FormulaError, match="no size 'q'"):
        symprop.derive("x @ A @ x", sizes={"q": 3})


EVERY = """
import json
import symprop
names = dir(symprop)
order = names if __import__("sys").argv[1] == "forwards" else names[::-1]
kinds = {name: type(vars(symprop).get(name) or symprop.__getattr__(name)).__name__ for name in order}
from symprop.algebra.formula import formula
f = formula("x @ A @ x", x="n", A="n n")
d = symprop.derive(f)
said = str(d.compare("dA", "outer(x, x)"))
print(json.dumps([kinds, symprop.errors.__name__, callable(symprop.certify), f.latex(), said]))
"""


def test_every_public_name_is_there_in_any_order() -> None:
    found = [asked(EVERY, order) for order in ("forwards", "backwards")]
    assert found[0] == found[1]
    kinds, room, callable_, latex, said = found[0]
    assert set(symprop.__all__) < set(kinds) and "module" not in kinds.values()
    assert (room, callable_, latex) == ("symprop.errors", True, r"x^{\top} A x")
    assert said.startswith("equal: ")
