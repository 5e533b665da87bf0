"""Codebooks: the nearest code, k-means, the moving average of what each code stands for, over all processes."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, distributed, nn

from latentia import draws
from latentia.distributions.weighing import weight_of_items

ROWS_AT_ONCE = 1024
"""Vectors whose distances to all codes are held at a time: for 1024 codes four megabytes, which stay in the cache."""
LLOYD_STEPS = 10
DEAD_SHARE = 0.1
"""A code is dead if it is hit less than a tenth as often as it would be if all were hit alike."""
SMOOTHING = 1e-5


def nearest(
    z: Float[Tensor, "vectors dim"], codebook: Float[Tensor, "codes dim"]
) -> Int64[Tensor, " vectors"]:
    r"""The nearest code of each vector, :math:`\arg\min_j |z - e_j|^2`; of equally near ones the first.

    Example:
        >>> nearest(torch.tensor([[0.2], [0.9]]), torch.tensor([[0.0], [1.0], [2.0]]))
        tensor([0, 1])
    """
    if not len(z):
        return torch.empty(0, dtype=torch.int64, device=z.device)
    with full_precision(z):
        # |z|^2 is the same for all codes; distances from a point amid the codes lose no digits to a common offset
        centre = codebook.mean(0)
        codes = codebook - centre
        half = 0.5 * codes.square().sum(1)
        parts = z.split(ROWS_AT_ONCE) if len(z) > ROWS_AT_ONCE else (z,)
        return torch.cat([torch.addmm(half, rows - centre, codes.T, alpha=-1).argmin(1) for rows in parts])


def full_precision(like: Tensor) -> torch.autocast:
    """Within the block products are computed as they are given, also under mixed precision: bfloat16 confuses near codes."""
    return torch.autocast(like.device.type, enabled=False)


def sums_by_code(
    z: Float[Tensor, "vectors dim"],
    indices: Int64[Tensor, " vectors"],
    n_codes: int,
    weight: Float[Tensor, " vectors"] | None = None,
) -> tuple[Float[Tensor, " codes"], Float[Tensor, "codes dim"]]:
    """Number and sum of the vectors of each code, each as often as its weight says, over all processes of a distributed run."""
    out = torch.zeros(n_codes, z.shape[1] + 1, dtype=z.dtype, device=z.device)
    each = torch.cat([z, z.new_ones(len(z), 1)], 1)
    out.index_add_(0, indices, each if weight is None else each * weight[:, None].to(each))
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(out)
    return out[:, -1], out[:, :-1]


def from_first_process(x: Tensor) -> Tensor:
    """What the first process of a distributed run holds, everywhere."""
    if distributed.is_available() and distributed.is_initialized():
        x = x.contiguous()
        distributed.broadcast(x, src=0)
    return x


def drawn_rows(z: Float[Tensor, "vectors dim"], n: int) -> Float[Tensor, "rows dim"]:
    """Draw `n` of the vectors, each at most once while they last; all processes get those of the first."""
    order = draws.randperm(len(z), device=z.device)
    return from_first_process(z[order.repeat(-(-n // len(z)))[:n]])


def k_means(
    z: Float[Tensor, "vectors dim"], n_codes: int, steps: int = LLOYD_STEPS
) -> tuple[Float[Tensor, "codes dim"], Float[Tensor, " codes"]]:
    """Centres of the vectors by Lloyd's algorithm from vectors drawn at random, and how many vectors each has.

    A centre without a vector stays where it is.

    Example:
        >>> z = torch.tensor([[0.0], [0.2], [5.0], [5.2]])
        >>> torch.manual_seed(1) and k_means(z, 2)[0].sort(0).values
        tensor([[0.1000],
                [5.1000]])
    """
    centres = drawn_rows(z, n_codes)
    counts = z.new_zeros(n_codes)
    for _ in range(steps):
        counts, sums = sums_by_code(z, nearest(z, centres), n_codes)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centres)
    return centres, counts


class Codebook(nn.Module):
    r"""K vectors, how often each is hit, lately and on the whole, and, if they are moving averages, what they are averages of.

    Moving averages, with n_j hits of the batch and the vectors z that made them:

    .. math:: N_j \leftarrow g N_j + (1 - g) n_j, \quad m_j \leftarrow g m_j + (1 - g) \sum z, \quad
              e_j = m_j \Big/ \frac{N_j + \epsilon}{\sum N + K \epsilon} \sum N

    Every `REVIVAL` steps, until `ALIVE_UNTIL` of training is done, dead codes are put on vectors of the current batch.

    Source: van den Oord, Vinyals and Kavukcuoglu 2017, appendix A.1 (with Laplace smoothing as in Sonnet); restarts:
    Dhariwal et al. 2020 (Jukebox), section 3.3.

    Args:
        dim: D.
        n_codes: K.
        ema: whether the vectors are moving averages instead of parameters.
        decay: g.
        revive: whether dead codes are restarted.
    """

    REVIVAL = 25
    ALIVE_UNTIL = 0.8
    HIT_DECAY = (
        0.95  # hits are forgotten sooner than what codes are means of: a code that died is soon found out
    )
    usage: Tensor
    hits: Tensor
    sums: Tensor
    steps: Tensor

    def __init__(
        self, dim: int, n_codes: int, *, ema: bool = False, decay: float = 0.99, revive: bool = True
    ) -> None:
        super().__init__()
        self.ema, self.decay, self.revive = ema, decay, revive
        start = draws.randn((n_codes, dim)) / dim**0.5
        if ema:
            self.register_buffer("vectors", start)
            self.register_buffer("sums", start.clone())
        else:
            self.vectors = nn.Parameter(start)
        self.register_buffer("usage", torch.ones(n_codes))
        self.register_buffer("hits", torch.ones(n_codes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def start_at(self, z: Float[Tensor, "vectors dim"]) -> None:
        """Start at the k-means centres of vectors of the data; without a vector, stay."""
        if not len(z):
            return
        centres, counts = k_means(z, len(self.usage))
        self.vectors.copy_(centres)
        # A centre without vectors is as good as one that is hit next to never, and will be restarted.
        self.usage.copy_(counts.clamp(min=SMOOTHING))
        self.hits.fill_(counts.mean())
        if self.ema:
            self.sums.copy_(centres * self.usage[:, None])

    @torch.no_grad()
    def restart(self, z: Float[Tensor, "vectors dim"], progress: float) -> None:
        """If it is time, put dead codes on vectors of this batch."""
        if not (self.revive and progress < self.ALIVE_UNTIL and len(z)):
            return
        fair, now = self.hits.mean(), (self.steps > 0) & (self.steps % self.REVIVAL == 0)
        if now.device.type == "cpu" and not now:
            return
        # On a GPU no branch: none of this waits for it.
        dead = now & ((self.hits < DEAD_SHARE * fair) | (fair == 0))
        vectors = torch.where(
            dead[:, None], drawn_rows(z, len(self.usage)).to(self.vectors.dtype), self.vectors
        )
        self.vectors.copy_(vectors)
        self.hits.copy_(torch.where(dead, 0.5 * fair, self.hits))
        self.usage.copy_(torch.where(dead, DEAD_SHARE * self.usage.mean(), self.usage))
        if self.ema:
            self.sums.copy_(torch.where(dead[:, None], vectors * self.usage[:, None], self.sums))

    @torch.no_grad()
    def record(self, z: Float[Tensor, "items positions dim"], indices: Int64[Tensor, " vectors"]) -> None:
        """Move the averages by one batch."""
        weight = weight_of_items(len(z))
        if weight is not None:
            weight = weight.repeat_interleave(z.shape[1])
        counts, sums = sums_by_code(z.flatten(0, 1), indices, len(self.usage), weight)
        self.steps += 1
        rate = (1 - self.decay) * (counts.sum() > 0)  # a batch without a vector says nothing
        self.usage.lerp_(counts.to(self.usage.dtype), rate.to(self.usage.dtype))
        self.hits.lerp_(
            counts.to(self.hits.dtype), (1 - self.HIT_DECAY) * (counts.sum() > 0).to(self.hits.dtype)
        )
        if self.ema:
            self.sums.lerp_(sums.to(self.sums.dtype), rate.to(self.sums.dtype))
            total = self.usage.sum()
            smoothed = (self.usage + SMOOTHING) / (total + len(self.usage) * SMOOTHING) * total
            self.vectors.copy_(self.sums / smoothed[:, None])
