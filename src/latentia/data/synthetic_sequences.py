"""Token sequences from a random language model with a known code: the set-up on which posterior collapse is studied."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

CODE_DIM = 2


def lstm_sequences(
    n: int, length: int = 10, n_tokens: int = 200, width: int = 100, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    r"""Draw sequences from a random LSTM that is given a code, from a mixture of four Gaussians, in three ways.

    .. math:: c_0 = W z, \quad h_0 = \tanh c_0, \quad h_t = \mathrm{LSTM}([e(x_{t-1}), z], h_{t-1}), \quad
        x_t \sim \mathrm{softmax}(A h_t + B z)

    The codes are N((+-2, +-2), I) with equal weights. The first token is uniform and tells nothing of the code. Weights are of
    U(-1, 1), those of B of U(-3, 3).

    Source: He et al. 2019, section 4.2, and the generator in their repository (there with 1000 tokens).

    Args:
        n: sequences.
        length: tokens in each.
        n_tokens: size of the vocabulary.
        width: of the LSTM.
        seed: of the LSTM and of the draws.

    Returns:
        Tokens `[n, length]` (int64) and codes `[n, 2]`.

    Example:
        >>> x, z = lstm_sequences(3, length=4, n_tokens=20, width=8)
        >>> x.shape, z.shape, bool((x < 20).all())
        ((3, 4), (3, 2), True)
    """
    import numpy as np

    random = np.random.default_rng(seed)

    def uniform(*shape: int) -> np.ndarray:
        return random.uniform(-1, 1, shape)

    embed, first, head = uniform(n_tokens, width), uniform(CODE_DIM, width), uniform(width, n_tokens)
    direct = 3 * uniform(CODE_DIM, n_tokens)
    kernel = uniform(2 * width + CODE_DIM, 4 * width)
    bias = uniform(4 * width) + uniform(4 * width)  # one of the inputs and one of the state
    z = random.choice([-2.0, 2.0], (n, CODE_DIM)) + random.normal(size=(n, CODE_DIM))
    cell = z @ first
    hidden = np.tanh(cell)
    tokens = random.integers(n_tokens, size=n)
    sequences = [tokens]
    for _ in range(length - 1):
        gates = np.concatenate([embed[tokens], z, hidden], 1) @ kernel + bias
        enter, forget, new, leave = np.split(gates, 4, 1)
        cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(new)
        hidden = _sigmoid(leave) * np.tanh(cell)
        # the Gumbel trick draws from all rows' softmax at once
        tokens = (hidden @ head + z @ direct + random.gumbel(size=(n, n_tokens))).argmax(1)
        sequences.append(tokens)
    return np.stack(sequences, 1), z


def _sigmoid(x: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))
