"""The oracles and the certificate: every step, equation and gradient checked by what shares no code with the rules."""

from symprop.verify import central_differences as central_differences  # enters its rows of the value table
from symprop.verify import evaluate_decompositions as evaluate_decompositions  # enters its rows
from symprop.verify import evaluate_matrices as evaluate_matrices  # likewise
from symprop.verify.certificate import Certificate
from symprop.verify.measure import Row
from symprop.verify.of_network import check
from symprop.verify.over_time import norms_over_time
from symprop.verify.target_checks import ALL

__all__ = ["ALL", "Certificate", "Row", "check", "norms_over_time"]
