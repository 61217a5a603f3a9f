"""The command `completion`: scripts by which shells complete commands, options, choices and files, from the parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass

from symprop.commands.arguments import Enter, output_argument
from symprop.commands.outcome import Outcome
from symprop.commands.table import COMMANDS

FILES = re.compile(r"NETWORK|FORMULA|FILE|WEIGHTS|MODEL")
"""What the word for a value begins with where a file may stand."""


@dataclass(frozen=True)
class Option:
    """An option, or what stands without one: its names, whether a value follows, and what that may be."""

    names: tuple[str, ...]
    help: str
    takes: bool = False
    choices: tuple[str, ...] = ()
    files: bool = False


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("completion", _completion)
    parser.add_argument("shell", choices=SHELLS, help="bash: source <(symprop completion bash)")
    output_argument(parser)


def _completion(options: argparse.Namespace) -> Outcome:
    from symprop.commands.parser import parser_of  # which imports this module's room by its name

    text = SHELLS[options.shell]({name: list(_options(sub)) for name, sub in subparsers(parser_of()).items()})
    return Outcome(text, lambda: {"shell": options.shell}, output=options.output)


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands of a parser, by their names."""
    found = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return {name: sub for action in found for name, sub in action.choices.items()}


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    """Yield what a command takes, without what only those need who work on symprop."""
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        takes = action.nargs != 0
        choices = tuple(map(str, action.choices)) if action.choices is not None else ()
        named = action.metavar if isinstance(action.metavar, str) else ""
        told = " ".join((action.help or "").replace("%%", "%").split())
        yield Option(tuple(action.option_strings), told, takes, choices, bool(FILES.match(named)))


Commands = dict[str, list[Option]]


def _bash(commands: Commands) -> str:
    cases = []
    for name, options in commands.items():
        for each in (each for each in options if each.names and each.takes):
            names = "|".join(f"{name},{spelled}" for spelled in each.names)
            cases.append(f'        {names}) words="{" ".join(each.choices)}" files={"yes" if each.files else ""} ;;')
    for name, options in commands.items():
        words = " ".join(choice for each in options if not each.names for choice in each.choices)
        files = "yes" if any(each.files for each in options if not each.names) else ""
        spelled = " ".join(spelled for each in options for spelled in each.names)
        cases.append(f'        {name},*) words="{words}" files={files} options="{spelled}" ;;')
    cases.append(f'        ,*) words="{" ".join(commands)} --help --version" ;;')
    return BASH.replace("CASES", "\n".join(cases)).replace("COMMANDS", "|".join(commands))


BASH = """\
# Completion of symprop for bash: source <(symprop completion bash)
_symprop() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= words= files= options= word
    if [[ $current == "=" ]]; then current=; elif [[ $before == "=" ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in COMMANDS) command=$word; break ;; esac
    done
    case $command,$before in
CASES
    esac
    if [[ $current == -* || -z $words$files ]]; then words+=" $options"; fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [[ -n $files && $current != -* ]]; then
        compopt -o filenames 2>/dev/null
        local IFS=$'\\n'
        COMPREPLY+=($(compgen -f -- "$current"))
    fi
}
complete -F _symprop symprop"""


def _zsh(commands: Commands) -> str:
    listed = "\n".join(f"        {_single(f'{name}:{COMMANDS[name].what}')}" for name in commands)
    cases = []
    for name, options in commands.items():
        specs = [spec for each in options for spec in _zsh_specs(each)]
        cases.append(f"        {name}) _arguments -S {' '.join(specs)} ;;")
    return ZSH.replace("LISTED", listed).replace("CASES", "\n".join(cases))


def _zsh_specs(option: Option) -> Iterator[str]:
    """Yield how `_arguments` is told of an option by each of its names."""
    told = re.sub(r"([\[\]:\\])", r"\\\1", option.help)
    what = f"({' '.join(option.choices)})" if option.choices else "_files" if option.files else " "
    if not option.names:
        yield _single(f"*:value:{what}")
    for name in option.names:
        yield _single(f"{name}[{told}]" + (f":value:{what}" if option.takes else ""))


ZSH = """\
#compdef symprop
# Completion of symprop for zsh: symprop completion zsh > "${fpath[1]}/_symprop"
_symprop() {
    local -a commands=(
LISTED
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
CASES
    esac
}
compdef _symprop symprop"""


def _fish(commands: Commands) -> str:
    lines = ["# Completion of symprop for fish: symprop completion fish | source", "complete -c symprop -f"]
    for name, options in commands.items():
        what = _single(COMMANDS[name].what)
        lines.append(f"complete -c symprop -n __fish_use_subcommand -a {name} -d {what}")
        lines += [
            f"complete -c symprop -n '__fish_seen_subcommand_from {name}' {spec}" for spec in _fish_specs(options)
        ]
    return "\n".join(lines)


def _fish_specs(options: list[Option]) -> Iterator[str]:
    for each in options:
        named = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in each.names)
        value = "-r -F" if each.files else "-x" if each.takes else ""
        choices = f"-a {_single(' '.join(each.choices))}" if each.choices else ""
        if each.names:
            yield " ".join(filter(None, (named, value, choices, f"-d {_single(each.help)}")))
        elif each.files or choices:
            yield "-F" if each.files else choices


def _single(text: str) -> str:
    """Return a text as shells quote it."""
    return "'" + text.replace("'", "'\\''") + "'"


SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
