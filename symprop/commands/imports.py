"""The command that reads a model of another framework: import."""

from __future__ import annotations

import argparse
import sys
from math import prod

from symprop.commands.arguments import Enter, output_argument, readable, writable
from symprop.commands.outcome import STANDARD, Outcome
from symprop.errors import SpecError
from symprop.importing.archives import program_of
from symprop.importing.imported import Imported
from symprop.importing.pytorch import from_torch
from symprop.networks.spec import is_network_text, parse_network
from symprop.own_files import check_own
from symprop.weights import save_weights


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("import", _import)
    parser.add_argument("model", metavar="MODEL.pt2", type=readable, help="what torch.export.save wrote; no pickle")
    parser.add_argument("--loss", metavar="LOSS", help='a loss behind the model, such as "SoftmaxCrossEntropy()"')
    parser.add_argument("--batch", metavar="AXIS", type=int, default=0, help="the axis of the examples (0)")
    parser.add_argument(
        "-w", metavar="WEIGHTS.npz", dest="weights", type=writable, help="where the weights go, as train writes them"
    )
    output_argument(parser, "NETWORK.txt")


def _import(options: argparse.Namespace) -> Outcome:
    if options.weights == STANDARD and options.output in (None, STANDARD):
        raise SpecError("the network and the weights cannot both go to standard output\nallowed: -o FILE with -w -")
    network = from_torch(program_of(options.model), batch=options.batch)
    if options.loss:
        loss = parse_network(f"{network.text} >> {options.loss}").layers[len(network.layers) :]
        network = network.longer((*network.layers, *loss))
    if options.weights not in (None, STANDARD) and not options.force:
        check_own(options.weights)
    if options.weights is not None:
        place = sys.stdout.buffer if options.weights == STANDARD else options.weights
        save_weights(place, {**network.weights, **network.running}, _notes(network))
    arrays = {**network.weights, **network.running}

    def fields() -> dict[str, object]:
        return {
            "network": network.text,
            "weights": [{"name": name, "shape": array.shape} for name, array in arrays.items()],
        }

    written = (options.weights,) if options.weights not in (None, STANDARD) else ()
    taken = options.weights == STANDARD
    return Outcome(network.text, fields, output=options.output, written=written, own=_is_network, taken=taken)


def _is_network(content: bytes) -> bool:
    """Whether a file holds a network, as this command writes it."""
    return is_network_text(content.decode("utf-8", "replace").strip())


def _notes(network: Imported) -> dict[str, object]:
    """What stands beside the weights: the network, and names for the columns of its input."""
    if not network.weights:
        raise SpecError("the model has no weights\nallowed: -w with a model that has some")
    names = [f"{each.name}_{number}" for each in network.inputs for number in range(int(prod(each.shape)))]
    return {"network": network.text, "features": names}
