"""Objectives of models with discrete codes."""

from __future__ import annotations

from latentia.objectives.objective import Term, TermSum
from latentia.objectives.ramps import Linear
from latentia.objectives.terms import Auxiliary, distortion, rate

COMMITMENT = 0.25


def quantized_bound() -> TermSum:
    r"""Distortion, rate of the codes under the prior, codebook and commitment losses.

    .. math:: -\log p(x|e_k) - \log p(k) + |\mathrm{sg}(z_e) - e_k|^2 + \beta |z_e - \mathrm{sg}(e_k)|^2

    The rate of a deterministic code trains the prior alone: its gradient reaches neither encoder nor codebook. All are sums over
    dimensions, so that beta = 0.25 means the same for data of any size; with the optimal Gaussian variance the first is in nats of
    residuals of unit size, and the encoder finds the scale of z_e at which the last two weigh as little as they need to.

    Source: van den Oord, Vinyals and Kavukcuoglu 2017, eq. 3.
    """
    return TermSum(
        (
            Term("distortion", distortion),
            Term("kl", rate),
            Term("codebook", Auxiliary("codebook")),
            Term("commitment", Auxiliary("commitment"), COMMITMENT),
        )
    )


def joint_bound(share: float = 1.0) -> TermSum:
    r"""The bound with a prior that is learned with the codes, the rate's weight w rising from 0 to 1 over all of training.

    .. math:: -\log p(x|e_k) + w \sum_i \mathrm{KL}(q_i \,\|\, p(\cdot|k_{<i})) - (1 - w) E_{\mathrm{sg}(q)} \log p(k)

    The last term keeps the prior's own gradient at full weight all the time, so that it follows the codes from the start; with
    w = 1 the whole is -ELBO in expectation.

    Args:
        share: of training, over which w rises.
    """
    return TermSum(
        (
            Term("distortion", distortion),
            Term("kl", rate, Linear(until=share)),
            Term("prior", Auxiliary("prior"), Linear(end=0.0, start=1.0, until=share)),
        )
    )
