"""The references of a report: the sources that the rules and the layers that it used name in their own words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator

from symprop import eigenvalues
from symprop.analysis import through_time
from symprop.analysis.curvature import gauss_newton, tangents
from symprop.analysis.derivation import Derivation
from symprop.calculus import pullbacks, walk
from symprop.calculus.rules import RULES
from symprop.networks.recurrent import has_moments
from symprop.notation.blocks import Block, Bullets
from symprop.notation.words import Words
from symprop.reports.subject import Subject

BIBLIOGRAPHY: dict[tuple[str, str], tuple[str, str, str]] = {
    ("Ainslie", "2023"): (
        "Ainslie, J., et al.",
        "GQA: Training generalized multi-query transformer models from multi-head checkpoints",
        "EMNLP",
    ),
    ("Ba", "2016"): ("Ba, J. L., Kiros, J. R. and Hinton, G. E.", "Layer normalization", "arXiv:1607.06450"),
    ("Bengio", "1994"): (
        "Bengio, Y., Simard, P. and Frasconi, P.",
        "Learning long-term dependencies with gradient descent is difficult",
        "IEEE Transactions on Neural Networks 5",
    ),
    ("Blanchard", "2021"): (
        "Blanchard, P., Higham, D. J. and Higham, N. J.",
        "Accurately computing the log-sum-exp and softmax functions",
        "IMA Journal of Numerical Analysis 41",
    ),
    ("Cho", "2014"): (
        "Cho, K., et al.",
        "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
        "EMNLP",
    ),
    ("Clevert", "2015"): (
        "Clevert, D.-A., Unterthiner, T. and Hochreiter, S.",
        "Fast and accurate deep network learning by exponential linear units (ELUs)",
        "arXiv:1511.07289",
    ),
    ("Dao", "2022"): (
        "Dao, T., et al.",
        "FlashAttention: Fast and memory-efficient exact attention with IO-awareness",
        "NeurIPS",
    ),
    ("Dauphin", "2017"): ("Dauphin, Y. N., et al.", "Language modeling with gated convolutional networks", "ICML"),
    ("Devlin", "2019"): (
        "Devlin, J., et al.",
        "BERT: Pre-training of deep bidirectional transformers for language understanding",
        "NAACL",
    ),
    ("Dumoulin", "2016"): (
        "Dumoulin, V. and Visin, F.",
        "A guide to convolution arithmetic for deep learning",
        "arXiv:1603.07285",
    ),
    ("Elman", "1990"): ("Elman, J. L.", "Finding structure in time", "Cognitive Science 14"),
    ("Gers", "2000"): (
        "Gers, F. A., Schmidhuber, J. and Cummins, F.",
        "Learning to forget: Continual prediction with LSTM",
        "Neural Computation 12",
    ),
    ("Giles", "2008"): (
        "Giles, M. B.",
        "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
        "Advances in Automatic Differentiation",
    ),
    ("Glorot", "2010"): (
        "Glorot, X. and Bengio, Y.",
        "Understanding the difficulty of training deep feedforward neural networks",
        "AISTATS",
    ),
    ("Griewank", "2008"): ("Griewank, A. and Walther, A.", "Evaluating Derivatives", "2nd ed., SIAM"),
    ("He", "2015"): (
        "He, K., et al.",
        "Delving deep into rectifiers: Surpassing human-level performance on ImageNet classification",
        "ICCV",
    ),
    ("He", "2016"): ("He, K., et al.", "Deep residual learning for image recognition", "CVPR"),
    ("Hendrycks", "2016"): ("Hendrycks, D. and Gimpel, K.", "Gaussian error linear units (GELUs)", "arXiv:1606.08415"),
    ("Hochreiter", "1997"): (
        "Hochreiter, S. and Schmidhuber, J.",
        "Long short-term memory",
        "Neural Computation 9",
    ),
    ("Horn", "2013"): ("Horn, R. A. and Johnson, C. R.", "Matrix Analysis", "2nd ed., Cambridge University Press"),
    ("Hutchinson", "1990"): (
        "Hutchinson, M. F.",
        "A stochastic estimator of the trace of the influence matrix for Laplacian smoothing splines",
        "Communications in Statistics 19",
    ),
    ("Huang", "2017"): ("Huang, G., et al.", "Densely connected convolutional networks", "CVPR"),
    ("Ioffe", "2015"): (
        "Ioffe, S. and Szegedy, C.",
        "Batch normalization: Accelerating deep network training by reducing internal covariate shift",
        "ICML",
    ),
    ("Kingma", "2015"): ("Kingma, D. P. and Ba, J.", "Adam: A method for stochastic optimization", "ICLR"),
    ("Loshchilov", "2017"): (
        "Loshchilov, I. and Hutter, F.",
        "SGDR: Stochastic gradient descent with warm restarts",
        "ICLR",
    ),
    ("Loshchilov", "2019"): ("Loshchilov, I. and Hutter, F.", "Decoupled weight decay regularization", "ICLR"),
    ("Maechler", "2012"): ("Mächler, M.", "Accurately computing log(1 - exp(-|a|))", "R package Rmpfr"),
    ("Magnus", "2019"): (
        "Magnus, J. R. and Neudecker, H.",
        "Matrix Differential Calculus with Applications in Statistics and Econometrics",
        "3rd ed., Wiley",
    ),
    ("Pearlmutter", "1994"): (
        "Pearlmutter, B. A.",
        "Fast exact multiplication by the Hessian",
        "Neural Computation 6",
    ),
    ("Pascanu", "2013"): (
        "Pascanu, R., Mikolov, T. and Bengio, Y.",
        "On the difficulty of training recurrent neural networks",
        "ICML",
    ),
    ("Petersen", "2012"): (
        "Petersen, K. B. and Pedersen, M. S.",
        "The Matrix Cookbook",
        "Technical University of Denmark",
    ),
    ("Rumelhart", "1986"): (
        "Rumelhart, D. E., Hinton, G. E. and Williams, R. J.",
        "Learning representations by back-propagating errors",
        "Nature 323",
    ),
    ("Schraudolph", "2002"): (
        "Schraudolph, N. N.",
        "Fast curvature matrix-vector products for second-order gradient descent",
        "Neural Computation 14",
    ),
    ("Shazeer", "2020"): ("Shazeer, N.", "GLU variants improve transformer", "arXiv:2002.05202"),
    ("Srivastava", "2014"): (
        "Srivastava, N., et al.",
        "Dropout: A simple way to prevent neural networks from overfitting",
        "Journal of Machine Learning Research 15",
    ),
    ("Srivastava", "2015"): (
        "Srivastava, R. K., Greff, K. and Schmidhuber, J.",
        "Highway networks",
        "arXiv:1505.00387",
    ),
    ("Su", "2021"): (
        "Su, J., et al.",
        "RoFormer: Enhanced transformer with rotary position embedding",
        "arXiv:2104.09864",
    ),
    ("Sutskever", "2013"): (
        "Sutskever, I., et al.",
        "On the importance of initialization and momentum in deep learning",
        "ICML",
    ),
    ("Szegedy", "2016"): ("Szegedy, C., et al.", "Rethinking the Inception architecture for computer vision", "CVPR"),
    ("Vaswani", "2017"): ("Vaswani, A., et al.", "Attention is all you need", "NeurIPS"),
    ("Veit", "2016"): (
        "Veit, A., Wilber, M. and Belongie, S.",
        "Residual networks behave like ensembles of relatively shallow networks",
        "NeurIPS",
    ),
    ("Wu", "2018"): ("Wu, Y. and He, K.", "Group normalization", "ECCV"),
    ("Williams", "1990"): (
        "Williams, R. J. and Peng, J.",
        "An efficient gradient-based algorithm for on-line training of recurrent network trajectories",
        "Neural Computation 2",
    ),
    ("Zhang", "2019"): ("Zhang, B. and Sennrich, R.", "Root mean square layer normalization", "NeurIPS"),
}
"""Authors, title and where it was published, by the first author's name and the year."""


def references(subject: Subject) -> Iterator[Block]:
    """List the sources of what was done, by their authors."""
    yield from listed_in(_texts(subject))


def listed_in(texts: Iterable[str]) -> Iterator[Block]:
    """List the sources that texts name, by their authors."""
    found = {key: BIBLIOGRAPHY[key] for text in texts for key in sources_in(text)}
    items: list[Words] = []
    for (_, year), (authors, title, where) in sorted(found.items(), key=lambda pair: (pair[1], pair[0])):
        items.append((f"{authors} ({year}). {title}. {where}.",))
    if items:
        yield Bullets(tuple(items), small=True)


def sources_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the author and the year of each source that a text names, but of what an argument asks for.

    >>> list(sources_in("It starts at 0.25 (He et al., 2015). Giles, *Collected results* (2008)."))
    [('He', '2015'), ('Giles', '2008')]
    """
    for match in re.finditer(r"\b((?:19|20)\d\d)\b", text):
        before = re.split(r";|\d{4}\)|(?<!et al)\. ", text[max(0, match.start() - 200) : match.start()])[-1]
        if "`" in before:  # what an argument asks for
            continue
        named = [key for key in BIBLIOGRAPHY if key[1] == match[1] and re.search(rf"\b{key[0]}\b", before)]
        yield from sorted(named, key=lambda key: before.rindex(key[0]))[-1:]


def _texts(subject: Subject) -> Iterator[str]:
    """Yield what the modules of the rules that were used and the layers say of themselves."""
    yield from documents((walk, pullbacks, *modules_of(subject.derivation)))
    for layer in dict.fromkeys(type(built.layer) for built in subject.network.built):
        yield from documents((layer, inspect.getmodule(layer)))
    if has_moments(subject.network.layers):
        yield from documents((through_time,))
    if subject.curvature:
        yield from documents((tangents, gauss_newton))
    if subject.spectrum is not None:
        yield from documents((eigenvalues,))


def modules_of(derivation: Derivation) -> Iterator[object]:
    """Yield the modules of the rules that led to a derivation."""
    used = {step.rule for equation in derivation.equations for step in equation.steps}
    yield from (inspect.getmodule(rule.apply) for rule in RULES if rule.name in used)


def documents(found: Iterable[object]) -> Iterator[str]:
    """Yield what modules and classes say of themselves."""
    yield from (re.sub(r"\s+", " ", text) for each in found if (text := inspect.getdoc(each)))
