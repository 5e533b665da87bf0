"""The scikit-learn face of models of sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.data.items import Strings
from latentia.diagnostics import Evaluation
from latentia.errors import ConfigError
from latentia.estimators.composition import Chosen
from latentia.estimators.folder import Curves
from latentia.estimators.forms.arrays import Given
from latentia.estimators.forms.tokens import TokenForm
from latentia.estimators.latent import LatentEstimator
from latentia.estimators.parameters import whole
from latentia.kinds.face import ServesOnnx, html_repr
from latentia.kinds.loading import load_as
from latentia.kinds.sequence import use
from latentia.kinds.sequence.catalog import SEQUENCE_MODELS, SequenceEntry
from latentia.kinds.sequence.composition import SequenceComposition, composed
from latentia.kinds.sequence.face import report
from latentia.kinds.sequence.inference import SequenceInference
from latentia.kinds.sequence.way import SequenceWay, information, watched
from latentia.kinds.written import as_array
from latentia.training import Schedule, build_schedule


class SequenceVAE(ServesOnnx, LatentEstimator):
    r"""A variational autoencoder of texts or of lists of labels, whose decoder is a language model; or that language model alone.

    .. math:: \log p(x) \ge E_q[\sum_t \log p(x_t | x_{<t}, z)] - \mathrm{KL}(q(z|x) \| p(z))

    The end of an item is a token. The decoder reads the true tokens before each, and so can do without z: the default model keeps it from that
    (Li et al. 2019). Whatever is left at None or "auto" is chosen from the data; `choices_` says what and why.

    Args:
        model: a name of the catalog (`latentia models`): "sequence-lm" has no code.
        gaps: whether the times between events are modelled too; items are then lists of (label, time) (docs/sequences.md, "Events with times").
        tokens: "word", "char", "none" (labels), "auto", or a mapping with `unit`, `min_count`, `max_types`, `max_length` (`forms.tokens.Tokens`).
        latent_dim: length of a code; None: 16, from 20,000 items on 32.
        network: "auto", or a mapping with `width`, `keep` (word dropout), `dropout`, `tied`, `layers`; what it lacks is chosen.
        objective_options: options of the model's objective, such as `{"nats": 5}` or `{"beta": {"ramp": "linear", "until": 0.2}}`.
        schedule: how encoder and decoder take turns: a name or a `latentia.training.Schedule`, or "auto": that of the model.
        pretrain_epochs: epochs as an autoencoder, on top of the others; None: as the model has it (the default: half of `max_epochs`).
        max_epochs: passes over the data; None: by the number of tokens.
        batch_size: None: 32, of fewer than 512 items 16.
        optimizer: "adamw", "muon" or "sgd", as in `latentia.VAE`.
        learning_rate: peak of the schedule; None: 5e-3, of 300,000 tokens and more 3e-3.
        patience: epochs without a better validation bound before stopping; None: a quarter of `max_epochs`, but at least 10.
        validation_fraction: share of the items kept from training to choose the best epoch, where `fit` is not given validation data.
        n_importance: importance samples in `score_samples` and all that rests on it.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        precision: "float32", or "bfloat16" / "float16" for mixed precision in training; "auto": float32.
        loggers: any of "tensorboard", "csv", "mlflow", "wandb" (with a run folder).
        verbose: show a progress bar and the automatic choices.
        random_state: seed of initial weights, order of the data, noise and the validation split.

    Attributes:
        module_: the fitted `latentia.models.SequenceVAE`.
        form_: the tokens and their numbers (`latentia.estimators.forms.tokens.TokenForm`).
        history_: learning curves of the fit proper, one dict an epoch, in nats per item.
        pretraining_: those of the phase as an autoencoder.
        choices_: automatic choices with their reasons.

    Raises:
        DataError: for items that cannot be used (a `ValueError`).
        ConfigError: in `fit`, for a wrong parameter (a `ValueError`).

    Source: Bowman et al. 2016.

    Example:
        >>> texts = ["the cat sat", "the dog sat", "a cat ran", "a dog ran"] * 8
        >>> model = SequenceVAE(latent_dim=2, max_epochs=1, random_state=0).fit(texts)
        >>> model.transform(texts[:3]).shape, len(model.sample(2, random_state=0)), model.form_.n_tokens
        ((3, 2), 2, 8)
    """

    def __init__(
        self,
        model: str | SequenceEntry = "sequence-pretrained",
        *,
        gaps: bool = False,
        tokens: str | Mapping[str, Any] = "auto",
        latent_dim: int | None = None,
        network: str | Mapping[str, Any] = "auto",
        objective_options: Mapping[str, Any] | None = None,
        schedule: str | Schedule = "auto",
        pretrain_epochs: int | None = None,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str = "adamw",
        learning_rate: float | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        n_importance: int = 100,
        device: str = "auto",
        precision: str = "auto",
        loggers: Sequence[str] = (),
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.gaps, self.tokens = gaps, tokens
        self.latent_dim = latent_dim
        self.network = network
        self.objective_options = objective_options
        self.schedule = schedule
        self.pretrain_epochs = pretrain_epochs
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate  # type: ignore[assignment]
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.n_importance = n_importance
        self.device = device
        self.precision = precision
        self.loggers = loggers
        self.verbose = verbose
        self.random_state = random_state

    form_: TokenForm
    pretraining_: Curves
    _way = SequenceWay()

    def _entry(self) -> Any:
        entry = SEQUENCE_MODELS[self.model] if isinstance(self.model, str) else self.model
        if not isinstance(entry, SequenceEntry):
            raise ConfigError(
                f"model={self.model!r}: expected a name or a latentia.kinds.sequence.catalog.SequenceEntry"
            )
        return entry

    def _composed(self, given: Given, parts: Chosen) -> Any:
        return composed(self, given, parts)

    def _composition_of(self, described: dict[str, Any]) -> Any:
        return SequenceComposition.of(described)

    def _compose(self) -> None:
        composition: Any = self.composition_
        self.module_ = composition.build(self._entry())

    def _schedule(self, entry: Any) -> Schedule:
        if self.schedule == "auto":
            return entry.schedule
        return build_schedule(self.schedule) if isinstance(self.schedule, str) else self.schedule

    def _options(self) -> Mapping[str, Any] | None:
        composition: Any = self.composition_
        return {
            **({"nats": composition.floor} if composition.floor else {}),
            **(self.objective_options or {}),
        }

    def _watch(self) -> Any:
        return watched

    def _information(self) -> Any:
        return information

    def _inference(self) -> Any:
        check_is_fitted(self)
        return SequenceInference(self.module_.eval(), self.form_)

    def _codes_of(self, Z: Any) -> Tensor:
        return use.codes_of(self._inference(), Z)

    def _strings(self, X: Any) -> Strings:
        given: Any = self._way.given(self, X, reset=False).rows
        return given

    def transform(self, X: Any) -> NDArray[Any]:
        """Codes of X: means of q(z|x), `[n, latent_dim]`.

        Raises:
            ConfigError: for a language model, which has none.
        """
        check_is_fitted(self)
        if not self.latent_dim_:
            raise ConfigError(f"{self.model} has no code: fit another model, for example sequence-pretrained")
        return super().transform(X)

    def inverse_transform(
        self, Z: Any, *, how: str = "greedy", random_state: Any = None, **narrowed: Any
    ) -> Any:
        """Items for codes `[n, latent_dim]`, texts or lists as in fitting.

        Args:
            Z: the codes.
            how: "greedy" (the likeliest token at each step), "beam" (a likely item, by a beam of 5) or "sample" (a draw from p(x|z)).
            random_state: seed of "sample".
            narrowed: `temperature`, `top_k`, `top_p`, `avoid`, as in `sample`; of "greedy" and "beam" `avoid` alone counts.
        """
        drawing = use.drawing_of(self.form_, **narrowed)
        return use.decoded(self._inference(), self._codes_of(Z), how, drawing, use.seed_of(random_state))

    def sample(
        self,
        n_samples: int = 1,
        *,
        mean: bool = False,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        avoid: Sequence[Any] = (),
        random_state: Any = None,
    ) -> Any:
        """`n_samples` new items `[n]`: a code from the prior, then token by token; exact draws unless something is narrowed.

        Args:
            n_samples: how many.
            mean: take the likeliest token at each step.
            temperature: see `latentia.models.decoding.Drawing`, as for the next two.
            top_k: only so many likeliest tokens.
            top_p: only the likeliest tokens that together have this probability.
            avoid: tokens that are not to occur.
            random_state: seed; None draws anew each time.
        """
        check_is_fitted(self)
        drawing = use.drawing_of(self.form_, temperature, top_k, top_p, avoid)
        n = whole("n_samples", n_samples, 1)
        return as_array(self._inference().drawn(n, mean, None, use.seed_of(random_state), drawing))

    def complete(
        self, prefixes: Any, n: int = 1, *, random_state: Any = None, **narrowed: Any
    ) -> list[list[Any]]:
        """For each prefix `n` whole items that begin with it, drawn from p(x|prefix); see `latentia.kinds.sequence.use.completed`.

        Args:
            prefixes: beginnings, as items are; empty ones give draws from the model.
            n: items of each.
            random_state: seed.
            narrowed: `temperature`, `top_k`, `top_p`, `avoid`, as in `sample`.
        """
        rows, drawing = self._strings(prefixes), use.drawing_of(self.form_, **narrowed)
        return use.completed(self._inference(), rows, whole("n", n, 1), drawing, use.seed_of(random_state))

    def tensors(self, X: Any) -> tuple[Any, Tensor]:
        """The torch module in evaluation mode, and X `[n, T]` as it sees them, negative behind each end."""
        asked = self._inference()
        return asked.module, use.tensors(asked, self._strings(X))

    def evaluate(
        self, X: Any, *, n_importance: int | None = None, importance_items: int | None = None
    ) -> Evaluation:
        """See `LatentEstimator.evaluate`; of a language model the bound is exact, and one sample is enough."""
        if not self.latent_dim_:
            n_importance = 0 if n_importance == 0 else 1
        return super().evaluate(X, n_importance=n_importance, importance_items=importance_items)

    def token_scores(self, X: Any) -> list[NDArray[np.float64]]:
        """Log p of each token (and its gap) of each item in nats, given those before it and the mean of q(z|x); the end, if any, comes last."""
        return self._inference().token_scores(self._strings(X))

    def perplexity(self, X: Any) -> float:
        """exp(nats of all items / number of their tokens, ends counted), by `score_samples`."""
        use.check_units(self.form_, "perplexity")
        rows = self._strings(X)
        return use.perplexity(self.score_samples(rows), int(self.form_.stored(rows).lengths.sum()))

    def bits_per_character(self, X: Any) -> float:
        """Bits of all items over the number of their characters and one for each end, by `score_samples`."""
        use.check_units(self.form_, "bits_per_character")
        rows = self._strings(X)
        return use.bits_per_character(self.score_samples(rows), int(self.form_.characters(rows).sum()))

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves."""
        entries, tensors, curves = super().describe()
        entries["pretraining"] = self.pretraining_
        return entries, tensors, curves

    @classmethod
    def rebuild(cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]) -> Any:
        """The inverse of `describe`; see `Savable.rebuild`."""
        self = super().rebuild(config, tensors, curves)
        self.pretraining_ = config["pretraining"]
        return self

    report, _html_repr = report, html_repr

    @staticmethod
    def load(folder: str | Path) -> SequenceVAE:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        return load_as(SequenceVAE, folder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags
