"""Ask the measures of this folder, each in a process of its own, and write what they found.

    make trust
    python -m trust
    python -m trust "pairs that differ" --cases 100 --seed 3
    python -m trust "networks against JAX" --cases 2000 --add
    python -m trust --list

Exit code 1 where a case failed, 3 where a measure could not be asked. Only a whole run, or one with `--write`, is
recorded in docs/trust.json and docs/trust.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from json import dumps, loads
from pathlib import Path

from trust.measures import Answer, answer, measures
from trust.record import answers_recorded, record, recorded


def main(given: Sequence[str] | None = None) -> int:
    """Ask what the command line wants."""
    known = measures()
    parser = argparse.ArgumentParser(prog="python -m trust", description="Ask how far symprop can be trusted.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="the measures; all, where none is given")
    parser.add_argument("--list", action="store_true", help="list the measures")
    parser.add_argument("--long", action="store_true", help="ask the many cases of a long run")
    parser.add_argument("--short", action="store_true", help="ask the few cases of the tests")
    parser.add_argument("--cases", type=int, help="ask so many cases")
    parser.add_argument("--share", type=float, default=1.0, help="ask this share of the cases, at least those of tests")
    parser.add_argument("--seed", type=int, default=0, help="draw other cases")
    parser.add_argument("--jobs", type=int, default=2, help="so many measures at a time (default 2)")
    parser.add_argument("--write", action="store_true", help="record what is found")
    parser.add_argument("--add", action="store_true", help="record more cases of what is recorded, with the next seeds")
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    if options.list:
        print(*(f"{name}: {each.claim}" for name, each in known.items()), sep="\n")
        return 0
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"no measure is called {unknown[0]!r}; python -m trust --list")
    chosen = options.names or list(known)
    amount = "long" if options.long else "short" if options.short else "usual"
    if options.to:
        found = answer(known[chosen[0]], options.cases, options.seed)
        options.to.write_text(dumps(asdict(found)), encoding="utf-8")
        return 0
    for name in chosen:
        if lacking := known[name].lacking:
            print(f"{name}: not asked, since {' and '.join(lacking)} is not installed", flush=True)
    able = [name for name in chosen if not known[name].lacking]
    is_recorded = options.write or options.add or (not options.names and amount != "short")
    before = answers_recorded() if options.add else {}
    answers: dict[str, Answer] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        asked = {}
        for name in sorted(able, key=_expected, reverse=True):  # so that none is left alone at the end
            many = options.cases or max(known[name].short, round(options.share * getattr(known[name], amount)))
            seed = before[name].seed + before[name].parts if name in before else options.seed
            for cases, own in known[name].parts(many, seed):
                asked[pool.submit(_in_a_process, name, cases, own)] = name
        for each, name in asked.items():  # in this order, so that the seeds of what is recorded have no gap
            if (found := each.result()) is not None:
                start = answers.get(name, before.get(name))
                answers[name] = start + found if start else found
                if is_recorded:  # one by one: a run of hours that is stopped keeps what it found
                    record({name: answers[name]})
    if len(answers) < len(chosen):
        return 3
    return int(any(each.failed for each in answers.values()))


def _expected(name: str) -> float:
    """Return how many seconds a measure took when it was last recorded."""
    found = recorded().get(name)
    return found["seconds"] if found else 0.0


def _in_a_process(name: str, cases: int, seed: int) -> Answer | None:
    """Ask one measure in a process of its own, and print what it found; none where the process failed."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "answer.json"
        command = [sys.executable, "-m", "trust", name, f"--cases={cases}", f"--seed={seed}", f"--to={to}"]
        run = subprocess.run(command, cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, text=True, check=False)
        if run.returncode or not to.exists():
            print(f"{name}: could not be asked\n{run.stderr[-2000:]}", flush=True)
            return None
        found = Answer(**loads(to.read_text(encoding="utf-8")))
    print(f"{name}: {found.cases} asked, {found.failed} failed, {found.seconds} s {dict(found.figures)}", flush=True)
    for each in found.failures:
        print(f"    {each}", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
