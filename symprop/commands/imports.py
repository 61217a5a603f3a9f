"""The command that reads a model of another framework: import."""

from __future__ import annotations

import argparse
from math import prod

from symprop.commands.arguments import Enter, output_argument, put, told
from symprop.errors import SpecError
from symprop.files import check_writable, save_weights
from symprop.importing.archives import program_of
from symprop.importing.imported import Imported
from symprop.importing.pytorch import from_torch
from symprop.networks.spec import parse_network

WHAT = "print the network that a model of PyTorch is, from the file that torch.export.save wrote"


def enter(command: Enter) -> None:
    """Enter the command of this module."""
    parser = command("import", _import, WHAT)
    parser.add_argument("model", metavar="MODEL.pt2", help="what torch.export.save wrote; no pickle")
    parser.add_argument("--loss", metavar="LOSS", help='a loss behind the model, such as "SoftmaxCrossEntropy()"')
    parser.add_argument("--batch", metavar="AXIS", type=int, default=0, help="the axis of the examples (0)")
    parser.add_argument("-w", metavar="WEIGHTS.npz", dest="weights", help="where the weights go, as train writes them")
    output_argument(parser, "NETWORK.txt")


def _import(options: argparse.Namespace) -> int:
    for path in (options.output, options.weights):
        if path is not None:
            check_writable(path)
    network = from_torch(program_of(options.model), batch=options.batch)
    if options.loss:
        loss = parse_network(f"{network.text} >> {options.loss}").layers[len(network.layers) :]
        network = network.longer((*network.layers, *loss))
    put(network.text, options.output)
    if options.weights is not None:
        save_weights(options.weights, {**network.weights, **network.running}, _notes(network))
        told(options.weights)
    return 0


def _notes(network: Imported) -> dict[str, object]:
    """What stands beside the weights: the network, and names for the columns of its input."""
    if not network.weights:
        raise SpecError("the model has no weights\nallowed: -w with a model that has some")
    names = [f"{each.name}_{number}" for each in network.inputs for number in range(int(prod(each.shape)))]
    return {"network": network.text, "features": names}
