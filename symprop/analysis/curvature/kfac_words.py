"""What is said of K-FAC's factors: the assumptions that make a block a product, and which parameters have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import is_zero
from symprop.analysis.curvature.kfac_layers import Layer
from symprop.analysis.curvature.shared import is_turned
from symprop.analysis.curvature.way_back import WayBack


def assumed(layers: tuple[Layer, ...], back: WayBack, without: Mapping[Variable, Node], sharing: str) -> Iterator[str]:
    """Yield the assumptions that make a block a product, and which parameters have no factors."""
    names = ", ".join(each.weight.name for each in layers)
    once = ", ".join(each.weight.name for each in layers if each.places.left.rank == 1)
    exact = f"; for one example, or where either is the same for all, it is exact for {once}" if once else ""
    of = names if len(layers) == 1 else f"each of {names}"
    yield (
        f"K-FAC takes the block of the Fisher matrix for {of}, the mean of a Kronecker product, as that of two means, "
        "kron(G, A): it assumes that what the weight multiplies and the derivative of the loss behind it are "
        f"independent over the examples{exact}"
    )
    shared = [each for each in layers if each.places.left.rank > 1]
    for source in dict.fromkeys(_source(each) for each in shared):
        weights = ", ".join(each.weight.name for each in shared if _source(each) == source)
        yield f"{weights}: used in several places, {ASSUMED[sharing]} ({source})"
    yield (
        "kron(G, A) is in the order of the elements of the weight row after row, the bias as its last column; "
        "column after column it is kron(A, G)"
    )
    turned = {each for each, of in without.items() if is_turned(of, [*back.of, back.given])}
    for those, words in (
        ([each.variable.name for each in back.example.masks], OF_MASKS),
        ([each.weight.name for each in layers if each.places.groups is not None], OF_GROUPS),
        ([each.weight.name for each in layers if each.places.ids is not None], OF_TABLES),
        ([each.name for each in without if each in turned], f"K-FAC has no factors for {{}}: {TURNED}; {OF_DIAGONAL}"),
        ([each.name for each in without if each not in turned], NO_PRODUCTS),
        ([each.name for each in back.example.wanted if is_zero(back.gradients.get(each, n.Scalar(0)))], NO_GRADIENT),
    ):
        if those:
            yield words.format(", ".join(those))


def _source(layer: Layer) -> str:
    """Return who takes a weight so that is used in several places, and what these are."""
    if layer.places.ids is not None:
        return "one-hot rows: Eschenhagen and others, 2023"
    if layer.weight.rank > 2:
        return "pixels: Grosse and Martens, 2016; Eschenhagen and others, 2023"
    if layer.places.terms > 1:
        return "moments: Martens, Ba and Johnson, 2018; ties: Eschenhagen and others, 2023"
    return "positions: Eschenhagen and others, 2023"


OF_DATA = (
    "the loss is not known to be the negative log-likelihood of a distribution of the targets, so that G is of the "
    "targets of the data: of the gradients of whole examples"
)
OF_MASKS = "{}: masks of dropout are held, so that the factors are those of a step with its masks"
OF_STATISTICS = "{}: statistics of the batch are held: the gradient of an example is that at these numbers"
OF_GROUPS = "{}: a pair of factors for each group of channels; groups are taken as independent of each other"
OF_TABLES = (
    "{}: a table multiplies one-hot rows, so that A is a diagonal, and given as one; its rows are those of A, so that "
    "kron(A, G) is in the order of its elements row after row"
)
OF_DIAGONAL = "D is the diagonal of their block of the Fisher matrix"
NO_PRODUCTS = (
    "K-FAC has no factors for {}: the gradient of one example is no sum of outer products there; " + OF_DIAGONAL
)
TURNED = (
    "the places where it is used hold it in different orientations, as itself and as its transpose, so that in its "
    "gradient derivatives stand on the left of one outer product and on the right of another"
)
NO_GRADIENT = "K-FAC has no factors for {}: their gradient is 0"
ASSUMED = {
    "expand": "each of which is taken as an example of its own (expand): it assumes that derivatives at different "
    "places are uncorrelated, and that second moments are the same at all of them",
    "reduce": "of which the sum of the products is taken as the product of the sum of the derivatives and the mean of "
    "what is multiplied (reduce): it assumes that one of the two is the same at all places",
}
