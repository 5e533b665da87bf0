"""Tables of counts whose samples lie in clusters or on a gradient, as is known: what a claim of community types is tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from latentia.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

Arrangement = Literal["one", "clusters", "uniform", "beta"]
ARRANGEMENTS: tuple[Arrangement, ...] = ("one", "clusters", "uniform", "beta")


def communities(
    arrangement: Arrangement,
    n: int = 200,
    n_taxa: int = 60,
    *,
    depth: int = 2000,
    precision: float = 60.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Draw counts of samples between two compositions a and b.

    .. math:: q_i = (1 - t_i) a + t_i b, \quad p_i \sim \mathrm{Dirichlet}(\theta q_i), \quad
        n_i \sim \mathrm{depth} \cdot \mathrm{LogNormal}(0, 0.5), \quad x_i \sim \mathrm{Multinomial}(n_i, p_i)

    a and b are drawn from Dirichlet(0.3, ..., 0.3).

    Args:
        arrangement: of the places t: "one": all 0; "clusters": 0 or 1; "uniform": U(0, 1); "beta": Beta(0.5, 0.5), dense at both ends.
        n: samples.
        n_taxa: columns.
        depth: median reads of a sample.
        precision: theta: high where samples of one place are alike.
        seed: of everything.

    Returns:
        Counts `[n, n_taxa]` (int64) and the places t `[n]`.

    Raises:
        ConfigError: for another arrangement.

    Example:
        >>> x, t = communities("clusters", 50, 4)
        >>> x.shape, sorted(set(t.tolist()))
        ((50, 4), [0.0, 1.0])
    """
    import numpy as np

    if arrangement not in ARRANGEMENTS:
        raise ConfigError(f"arrangement={arrangement!r}: expected one of {', '.join(ARRANGEMENTS)}")
    random = np.random.default_rng(seed)
    ends = random.dirichlet(np.full(n_taxa, 0.3), size=2)
    t = {
        "one": lambda: np.zeros(n),
        "clusters": lambda: random.integers(0, 2, n).astype(float),
        "uniform": lambda: random.uniform(size=n),
        "beta": lambda: random.beta(0.5, 0.5, n),
    }[arrangement]()
    middle = (1 - t)[:, None] * ends[0] + t[:, None] * ends[1]
    share = random.standard_gamma(precision * middle + 1e-12)
    share /= share.sum(1, keepdims=True)
    totals = np.maximum(1, np.rint(depth * np.exp(0.5 * random.standard_normal(n)))).astype(np.int64)
    return random.multinomial(totals, share), t
