"""A variational autoencoder of series whose decoder reads the numbers before each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.latent.likelihoods.observed import ObservedGaussianLikelihood
from latentia.models.vae import VAE, evaluating
from latentia.nn.series import ForcedDecoder


class RunningSeries(Distribution):
    r"""p(x|z) = \prod_t p(x_t | x_{<t}, z) over series, of which only what is observed counts.

    Densities are by teacher forcing (true numbers before each), draws and `loc` by what the decoder said itself. A value is `[*, T, 2C]`, as of
    `ObservedGaussian`.

    Args:
        model: has the decoder and the likelihood.
        z: codes `[*batch, D]`.
    """

    def __init__(self, model: AutoregressiveSeries, z: Tensor) -> None:
        self.model, self.z = model, z
        super().__init__(z.shape[:-1], model.likelihood.event_shape, validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are a network."""
        return {}

    @property
    def support(self) -> Constraint:
        """Real numbers."""
        return constraints.independent(constraints.real, 2)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density of what is observed in nats, `[*batch]`."""
        return self.model.conditional(self.z, value).log_prob(value)

    @property
    def loc(self) -> Tensor:
        """Means given the means before them, `[*batch, T, C]`: what the decoder says when it is left alone."""
        return self._running(mean=True)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws in which everything is observed."""
        x = RunningSeries(self.model, self.z.expand(*sample_shape, *self.z.shape))._running(mean=False)
        return torch.cat([x, torch.ones_like(x)], -1)

    @torch.no_grad()
    def _running(self, mean: bool) -> Tensor:
        decoder, likelihood = self.model.decoder_of_steps, self.model.likelihood
        z = self.z.reshape(-1, self.z.shape[-1])
        longest, width = self.event_shape
        state, x = decoder.begin(z), z.new_zeros(len(z), 1, width)
        found: list[Tensor] = []
        for _ in range(longest):
            output, state = decoder.onward(z, x if not found else self.model.told(x), state)
            step = likelihood(output)
            number = step.loc if mean else step.sample()[..., : width // 2]
            found.append(number)
            x = torch.cat([number, torch.ones_like(number)], -1)
        return torch.cat(found, 1).unflatten(0, self.batch_shape)


class AutoregressiveSeries(VAE):
    r"""A VAE of series with the bound of every VAE and the decoder of a language model.

    .. math:: p(x|z) = \prod_{t, c} N(x_{tc}; f_c(x_{<t}, z), \sigma_c^2) \quad \text{over what is observed}

    The decoder is told the numbers before each step, 0 for those that are missing, and which are observed; it can do without the code.

    Source: Bowman et al. 2016, Generating Sentences from a Continuous Space, whose decoder this is for numbers.
    """

    @property
    def decoder_of_steps(self) -> ForcedDecoder:
        """The decoder."""
        return cast(ForcedDecoder, self.decoder)

    def told(self, x: Tensor) -> Tensor:
        """Numbers in units of their columns' deviations, 0 where they are missing, and whether each is observed, `[*, T, 2C]`."""
        likelihood = cast(ObservedGaussianLikelihood, self.likelihood)
        values, observed = x.chunk(2, -1)
        return torch.cat([(values - likelihood.center) / likelihood.scale * observed, observed], -1)

    def forced(self, z: Tensor, x: Tensor) -> Tensor:
        """Outputs `[*batch, 1, T, C]` for codes `[*batch, D]`, given the true numbers before each of x `[*, T, 2C]`."""
        batch = torch.broadcast_shapes(z.shape[:-1], x.shape[:-2])
        told = self.told(x)
        before = torch.cat([torch.zeros_like(told[..., :1, :]), told[..., :-1, :]], -2)
        before = before.expand(*batch, *before.shape[-2:]).reshape(-1, *before.shape[-2:])
        codes = z.expand(*batch, z.shape[-1]).reshape(-1, z.shape[-1])
        found, _ = self.decoder_of_steps.onward(codes, before, self.decoder_of_steps.begin(codes))
        return found.unflatten(0, batch)

    def outputs(self, z: Tensor) -> Tensor:
        """Not defined: outputs are of a code and the numbers before each."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> RunningSeries:
        """p(x|z) for codes `[*batch, D]`."""
        return RunningSeries(self, z)

    def conditional(self, z: Tensor, x: Tensor) -> Distribution:
        """p(x|z) for codes `[S, B, D]` of observed series, by teacher forcing."""
        return self.likelihood(self.forced(z, x), x)

    @torch.no_grad()
    def sample(self, n: int, mean: bool = False, prior: Distribution | None = None) -> Tensor:
        """`n` draws, `[n, T, 2C]`; there is no mean of them."""
        if mean:
            raise NotImplementedError
        return self.decode((self.prior() if prior is None else prior).sample(torch.Size([n]))).sample()

    @torch.no_grad()
    def calibrate(self, x_batches: Iterable[Any]) -> None:
        """See `VAE.calibrate`."""
        with evaluating(self):
            self.likelihood.start_calibration()
            for x in x_batches:
                z = self.encode(x).rsample(torch.Size([1]))
                self.likelihood.accumulate(self.forced(z, x), x)
            self.likelihood.finish_calibration()
