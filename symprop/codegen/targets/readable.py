"""Modules that one reads: a function for each pass, one statement for each equation, in the order of the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.declarations import LENGTHS, takes_class_ids, takes_lengths
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import STATE, TARGET
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.codegen import passes, readable_passes
from symprop.codegen.moments import in_code
from symprop.codegen.program import Program, Statement
from symprop.codegen.targets import arrays as arrays  # enters the rows that all libraries share
from symprop.codegen.targets.answers import answered, pairs_of
from symprop.codegen.targets.breaking import assigned
from symprop.codegen.targets.code import named
from symprop.codegen.targets.definitions import HELPERS, Definition, data_of, definition_of, functions_of
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.layout import COLUMNS, INDENT, heading, in_a_row, laid_out
from symprop.codegen.targets.matrices import scipy_imports
from symprop.codegen.targets.numpy.fact_checks import conditions, fact_checks, rows_in_words
from symprop.codegen.targets.sampling import sampling_of
from symprop.codegen.targets.scan_lines import lines_with_scans
from symprop.codegen.targets.target import Options
from symprop.codegen.targets.training import masks_of, optimizer_of, running_of


@dataclass(frozen=True)
class Lines:
    """The inside of a function: what it takes out of dicts, its statements, what it keeps for the backward pass.

    `from_values`: it reads what the forward pass kept, of which `last` came last; `given`: it reads parameters or
    inputs, which `taking` takes.
    """

    unpack: tuple[str, ...]
    code: tuple[str, ...]
    keeps: tuple[str, ...]
    batch: bool
    from_values: bool = False
    given: bool = False
    last: str = ""
    taking: tuple[str, ...] = ()


class Reader:
    """What the template of a readable module needs of a derivation, in a dialect."""

    def __init__(self, derivation: Derivation, program: Program, write: Dialect) -> None:
        self.derivation, self.system, self.program = derivation, derivation.system, program
        self.parameters = derivation.parameters
        self.counted, self.heading = derivation.counted, heading(derivation)
        self.functions = functions_of(program, write.reserved)
        names = {function.name: name for function, name in self.functions.items()}
        self.data = data_of(program, {*names.values(), *write.reserved}) if write.holds_data else {}
        self.write = replace(write, functions={**write.functions, **names}, data=self.data)
        self.output = self.system.output
        self.prediction = self.system.prediction or self.system.output
        stand_ins = self.system.stand_ins.items()
        self.stand_ins = {in_code(of).name: self._held(in_code(each)) for of, each in stand_ins}
        self.masks = [mask.name for mask in program.masks]
        self.made = [*self.masks, *(statement.name for statement in program.forward)]
        place = next((k for k, each in enumerate(program.forward) if each.target == self.output), -1)
        self.layers, self.end = program.forward[: place + 1], program.forward[place + 1 :]
        self.foretold = self._needed(self.end, self.prediction.name)
        back, end = _reads(program.backward) | set(program.arrays), _reads(self.end)
        read = {part.name for state in self.system.states for part in variables(state.update)}
        self.kept = [name for name in self.masks if name in back]
        self.kept += [
            each.name
            for each in program.forward
            if each.name in back or each.name in read or (each.name in end and each.target != self.output)
        ]

    def _needed(self, statements: Sequence[Statement], *results: str) -> tuple[Statement, ...]:
        """Return those of the statements that results are made of."""
        made = {each.name: each.target for each in statements}
        wanted, found = {made[name] for name in results if name in made}, []
        for statement in reversed(statements):
            if statement.target in wanted:
                wanted.update(statement.reads)
                found.append(statement)
        return tuple(reversed(found))

    def lines(self, statements: Iterable[Statement], given: Iterable[str] = (), returned: Iterable[str] = ()) -> Lines:
        """Return the inside of a function of these statements, which knows the names `given`."""
        statements = tuple(statements)
        own, read = {each.name for each in statements}, _reads(statements).union(returned)
        given = set(given)
        values = [each for each in self.made if each in read and each not in own and each not in given]
        masks = [each for each in self.masks if each in read and each in given]
        code = tuple(lines_with_scans(statements, self.write, self._inside, line=self._statement))
        code = code[1:] if code[:1] == ("",) else code  # a blank line stands above the first one anyway
        plain = "\n".join(line for line in code if not line.startswith("#"))
        return Lines(
            (*self._parameters(read), *_taken("masks", masks), *_taken("values", values)),
            code,
            tuple(self._kept(own | set(masks))),
            re.search(rf"\b{BATCH_SIZE}\b", plain) is not None,
            bool(values),
            any(each.name in read for each in (*self.program.parameters, *self.program.inputs)),
            values[-1] if values else "",
            tuple(in_a_row("", ["params", *self._inputs(read)], " = _given(params, x)")),
        )

    def _inputs(self, read: set[str]) -> list[str]:
        """Return the names of the inputs, `_` for a further one that is not read; the first has the number of rows."""
        first, *further = (each.name for each in self.program.inputs)
        return [first, *(name if name in read else "_" for name in further)]

    def _kept(self, own: set[str]) -> list[str]:
        """Return the lines that keep values for the way back, so many on each as fit."""
        lines: list[str] = []
        some: list[str] = []
        for each in (f"{name}={name}" for name in self.kept if name in own):
            if some and len(f"values.update({', '.join((*some, each))})") + 2 * INDENT > COLUMNS:
                lines.append(f"values.update({', '.join(some)})")
                some = []
            some.append(each)
        return [*lines, f"values.update({', '.join(some)})"] if some else lines

    def _statement(self, statement: Statement) -> list[str]:
        held = self.stand_ins.get(statement.name)
        evaluated = "" if held is None else f" if training else {held}"
        return assigned(statement.name, self.write.text(statement.expression) + evaluated)

    def _inside(self, statement: Statement, indent: int) -> list[str]:
        return assigned(statement.name, self.write.text(statement.expression), indent)

    def _held(self, variable: Variable) -> str:
        """Return the source of what stands for a value in evaluation: a running statistic, or another value."""
        return self.write.taken.format(f'state["{variable.name}"]') if variable.role == STATE else variable.name

    def _parameters(self, read: set[str]) -> list[str]:
        """Return the lines that take the parameters that are read out of their dict, a line for each layer."""
        lines: list[str] = []
        for holder, given in (("params", self.program.parameters), ("v", self.program.directions)):
            groups: dict[tuple[object, ...], dict[str, str]] = {}
            for each in given:
                if each.name in read:
                    key = each.of_tangent.name if holder == "v" else each.name
                    groups.setdefault(each.index, {})[each.name] = key
            if all(len(names) == 1 for names in groups.values()):
                lines += _taken(holder, {name: key for names in groups.values() for name, key in names.items()})
            else:
                lines += [line for names in groups.values() for line in _taken(holder, names)]
        return lines

    def definitions(self) -> list[Definition]:
        """Return the elementwise functions of the network, each as a function of arrays."""
        return [definition_of(function, name, self.write) for function, name in self.functions.items()]

    def context(self, options: Options) -> dict[str, object]:
        """Return what every template of a readable module is given."""
        gradients, products = dict(self.program.results), dict(self.program.products)
        backward = self.lines(self._needed(self.program.backward, *gradients.values()))
        inputs = [each.name for each in self.system.inputs]
        parts = {
            "layers": self.lines(self.layers, self.masks),
            "loss": self.lines(self.end, [self.output.name]),
            "predict": self.lines(self.foretold, [self.output.name]),
            "backward": backward,
        }
        asked = [*self.program.arrays] or [*products.values()]
        if asked and self.derivation.along.parts:  # the loss itself is not asked for
            found = self._needed((*self.end, *self.program.backward), *asked)
            parts["along"] = self.lines(found, [self.output.name], returned=asked)
        elif asked:
            parts["along"] = self.lines(self._needed(self.program.backward, *asked), returned=asked)
        definitions = self.definitions()
        optimizer = optimizer_of(options.optimizer, self.parameters, self.write, bool(self.masks))
        sampling = self._sampling()
        code = [line for part in parts.values() for line in part.code]
        code += sampling["code"] if sampling else []
        code += [line for each in definitions for line in each.lines]
        code += optimizer["scalars"] if optimizer else []
        return {
            "parts": parts,
            "result": self.program.returns[0],
            "output": given(self.output),
            "prediction": given(self.prediction),
            "predicts": self.system.prediction is not None,
            "definitions": definitions,
            "helpers": called(code),
            "scipy": scipy_imports("\n".join(code)),
            "uses_math": any("math." in line for line in code if not line.startswith("#")),
            "gradients": _returned(gradients),
            "asked": self.derivation.along.question,
            "matrix": self.derivation.along.what,
            "products": _returned(products) if products else answered(self.derivation, self.program),
            "array": self.program.array,
            "numbers": [each.name for each in self.program.numbers],
            "whole": self.derivation.along.parts,
            "pairs": pairs_of(self.derivation, self.write),
            "inputs": [given(each) for each in self.system.inputs],
            "several": len(self.system.inputs) > 1,
            "y": given(self.system.targets[0]),
            "checked": in_a_row("return ", ["params", *inputs]),
            "apart": in_a_row("", inputs, " = _inputs(x)") if len(inputs) > 1 else [],
            "needed": laid_out("needed = [", [f'"{name}"' for name in inputs], "]"),
            "parameters": [(each.name, shape_text(each.shape)) for each in self.program.parameters],
            **self.heading,
            "counted": self.counted,
            "lib": self.write.library,
            "hyperparameters": [*named(self.system), *self._held_data()],
            "running": running_of(self.system, self.write),
            "masks": masks_of(self.system),
            "optimizer": optimizer,
            "sampling": sampling,
            "dtype": options.dtype,
        }

    def _held_data(self) -> list[str]:
        """Return the lines that give names to what is known when the module is written, such as a mask."""
        write = replace(self.write, data={})
        lines = [line for node, name in self.data.items() for line in assigned(name, write.text(node), 0)]
        return ["", "# known when the module was written", *lines] if lines else []

    def _sampling(self) -> dict[str, Any] | None:
        """Return the functions that draw ids one after the other, where the network has them."""
        found = sampling_of(self.derivation)
        if found is None:
            return None
        program = passes.run(found.program, (*readable_passes.FORMS, passes.dead))
        unpack = self._parameters(_reads(program.forward))
        return found.context(program, unpack, lambda each: assigned(each.name, self.write.text(each.expression)))


def _returned(found: Mapping[str, str]) -> list[str]:
    """Return the lines that return values by the names of parameters."""
    return laid_out("return {", [f'"{parameter}": {name}' for parameter, name in found.items()], "}")


def _reads(statements: Iterable[Statement]) -> set[str]:
    return {read.name for statement in statements for read in statement.reads}


def _taken(holder: str, given: Mapping[str, str] | Sequence[str]) -> list[str]:
    """Return the lines that take values by their keys, the names where there are no others: `RW1 = v["W1"]`."""
    if not given:
        return []
    names = list(given)
    keys = [given[name] for name in names] if isinstance(given, Mapping) else names
    items = ", ".join(f'{holder}["{key}"]' for key in keys)
    line = f"{', '.join(names)} = {items}"
    if len(names) == 1 or (len(line) + INDENT <= COLUMNS and len(names) < 4):
        return [line]
    line = f"{', '.join(names)} = ({holder}[name] for name in {_quoted(keys)})"
    if len(line) + INDENT <= COLUMNS:
        return [line]
    half = (len(names) + 1) // 2
    parts = (dict(zip(names[at], keys[at], strict=True)) for at in (slice(half), slice(half, None)))
    return [line for part in parts for line in _taken(holder, part)]


def _quoted(names: Sequence[str]) -> str:
    return f"({', '.join(f'{chr(34)}{name}{chr(34)}' for name in names)})"


def called(code: Iterable[str], helpers: Sequence[str] = HELPERS) -> list[str]:
    """Return the helpers that lines of code call."""
    text = "\n".join(line for line in code if not line.startswith("#"))
    found = set(re.findall(r"(?<![\w.])(\w+)\(", text))
    return [name for name in helpers if name in found]


def given(variable: Variable) -> dict[str, object]:
    """Return what a module says of an array that it takes or returns, and how it is checked."""
    ids = variable.facts_by_kind.get("index")
    kind = "ids" if ids is not None else "classes" if takes_class_ids(variable) else "numbers"
    shape, before = shape_text(variable.shape), shape_text(variable.shape[:-1])
    column, lengths = variable.role == TARGET and variable.rank > 1 and variable.shape[-1] == 1, takes_lengths(variable)
    words = [] if ids is not None else [check.words for check in fact_checks(variable)]
    says = {
        "ids": f"{shape}, ids from 0 to {ids - 1}" if ids is not None else "",
        "classes": f"{before} class ids, or {shape} {rows_in_words(variable)}",
        "numbers": ", ".join([f"{shape} or {before}" if column else shape, *words, *[LENGTHS] * lengths]),
    }[kind]
    return {
        "name": variable.name,
        "kind": kind,
        "shape": shape,
        "row": shape_text(variable.shape[1:]),
        "all_before": before,
        "size": str(variable.shape[-1]),
        "count": str(variable.shape[-1] if ids is None else ids),
        "column": column,
        "lengths": mask_of_lengths(variable) if lengths else "",
        "conditions": [] if ids is not None else conditions(variable),
        "says": says,
        "one_hot": "one-hot" in variable.facts_by_kind,
        "rows": rows_in_words(variable),
    }


def mask_of_lengths(mask: Variable) -> str:
    """Return the comparison that makes a mask of lengths under its name, in the format of a library."""
    below = f"{{library}}.arange({mask.shape[1]}{{device}}) < {mask.name}[:, None]"
    return f"({below})[{', '.join(['...', *['None'] * (mask.rank - 2)])}]" if mask.rank > 2 else below


__all__ = ["HELPERS", "Definition", "Lines", "Reader", "called", "given", "mask_of_lengths"]
