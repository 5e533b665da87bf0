"""The scikit-learn face of transducers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia import training
from latentia.data import Dataset
from latentia.data.pairs import Pairs
from latentia.errors import ConfigError
from latentia.estimators.folder import Curves, params_of
from latentia.estimators.forms.tokens import TokenForm
from latentia.estimators.network import NetworkEstimator
from latentia.estimators.parameters import whole
from latentia.estimators.settings import KEPT
from latentia.estimators.whole import all_or_nothing
from latentia.kinds.loading import load_as
from latentia.kinds.transducer import use
from latentia.kinds.transducer.catalog import TRANSDUCERS, TransducerEntry
from latentia.kinds.transducer.face import html_repr, report
from latentia.kinds.transducer.fitting import compose, configured, looks, prepared
from latentia.kinds.transducer.loss import PairedLoss
from latentia.kinds.transducer.rows import PairForm, as_pairs, texts_of, with_share
from latentia.kinds.written import as_array


class Transducer(NetworkEstimator):
    r"""P(y|x) of texts y for texts x, by two LSTMs with attention; with "seq4" also learned from outputs whose inputs are not known.

    For these a second pair of LSTMs, G(x|y), makes up mixtures of words :math:`\tilde x` that the first must turn back into y. Both learn from
    pairs alone for the first 40 % of the steps. The loss is no bound and is never given as a likelihood.

    Args:
        model: "seq4", or "seq2seq" (pairs alone).
        labelled: share of the pairs of which the inputs are told, to see what fewer would do.
        width: of the embeddings.
        hidden: of one direction of a reader; a speller has twice that.
        dropout: of embeddings and of what the output layers take.
        unpaired_weight: :math:`\alpha` of the outputs without inputs.
        relaxation: how :math:`\tilde x` is made: "logistic-normal", "softmax" (no noise) or "gumbel" (straight-through).
        steps: of training; None: 60 passes over the pairs, within 600 and 1800.
        batch_size: pairs of a step, and as many outputs without inputs.
        learning_rate: peak of the warm-up and cosine schedule.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        verbose: show a progress bar and the automatic choices.
        random_state: seed of everything random.

    Attributes:
        module_: the fitted `latentia.models.transducer.Transducer`.
        form_: the tokens of inputs and outputs and their numbers.
        history_: learning curves; with held-out pairs also exact matches and G's hits on some of them.
        choices_: automatic choices with their reasons.

    Raises:
        DataError: for items that cannot be used (a `ValueError`).
        ConfigError: in `fit`, for a wrong parameter (a `ValueError`).

    Source: Kocisky et al. 2016.

    Example:
        >>> x, y = ["one two", "two", "three one"] * 4, ["1 2", "2", "3 1"] * 4
        >>> model = Transducer(width=8, hidden=8, steps=2, random_state=0).fit(x, y, unpaired=["2 3"])
        >>> model.predict(["two one"]).shape, model.form_.wanted.n_tokens
        ((1,), 5)
    """

    def __init__(
        self,
        model: str | TransducerEntry = "seq4",
        *,
        labelled: float | None = None,
        width: int = 100,
        hidden: int = 128,
        dropout: float = 0.3,
        unpaired_weight: float = 0.5,
        relaxation: str = "logistic-normal",
        steps: int | None = None,
        batch_size: int = 20,
        learning_rate: float = 4e-3,
        device: str = "auto",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.labelled = labelled
        self.width = width
        self.hidden = hidden
        self.dropout = dropout
        self.unpaired_weight = unpaired_weight
        self.relaxation = relaxation
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    form_: PairForm
    longest_: tuple[int, int]
    event_shape_: tuple[int, ...] = ()
    validation_fraction = 0.0

    def _entry(self) -> TransducerEntry:
        entry = TRANSDUCERS[self.model] if isinstance(self.model, str) else self.model
        if not isinstance(entry, TransducerEntry):
            raise ConfigError(f"model={self.model!r}: expected {' or '.join(TRANSDUCERS)}")
        return entry

    # ------------------------------------------------------------------ fitting

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        unpaired: Any = None,
        validation: Any = None,
        run_dir: str | Path | None = None,
        resume: bool = False,
    ) -> Transducer:
        """Fit.

        Args:
            X: inputs, texts; None where only the output is known. Or pairs, or a `Dataset` of pairs.
            y: outputs, texts.
            unpaired: more outputs, whose inputs are not known.
            validation: pairs to look at while training goes on: `(X, y)`; nothing is chosen by them.
            run_dir: folder for checkpoints and learning curves.
            resume: go on from the checkpoint there.
        """
        with all_or_nothing(self):
            if isinstance(X, Dataset):
                validation, X = X.validation.x if len(X.validation) else None, X.train.x
            held = (
                None
                if validation is None
                else (validation if isinstance(validation, Pairs) else as_pairs(*validation))
            )
            self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
            pairs = as_pairs(X, y, unpaired)
            share = 1.0 if self.labelled is None else self.labelled
            if not isinstance(share, int | float) or not 0 < share <= 1:
                raise ConfigError(f"labelled={self.labelled!r}: a share above 0 and at most 1 is expected")
            if share < 1:
                pairs = with_share(pairs, share, self.seed_)
            rows = prepared(self, pairs)
            config = configured(self, len(rows))
            self.settings_ = {name: getattr(config, name) for name in KEPT}
            self.settings_["steps"] = config.max_epochs * max(1, len(rows) // config.batch_size)
            if self.verbose:
                print(*self.choices_, sep="\n")
            history = training.fit(
                self.module_,
                cast(Any, PairedLoss(float(self.unpaired_weight))),
                training.Batches(rows, lambda stored: stored),
                None,
                config,
                None if run_dir is None else Path(run_dir),
                resume=resume,
                watch=None if held is None else looks(self, held),
            )
            self._take_history(history, sum(given is not None for given in pairs.inputs()))
        return self

    # ------------------------------------------------------------------ use

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest output at each step for each input, texts `[n]`."""
        check_is_fitted(self)
        found = use.predicted(self, texts_of(X.inputs() if isinstance(X, Pairs) else X, "X"))
        return as_array(found)

    def score(self, X: Any, y: Any = None) -> float:
        """Share of the inputs whose output is found to the letter (tokens joined by one space)."""
        check_is_fitted(self)
        pairs = as_pairs(X, y)
        return float(np.mean(use.exact(self, texts_of(pairs.inputs(), "X"), pairs.outputs())))

    def log_output(self, X: Any, y: Any) -> NDArray[np.float64]:
        """Log P(y|x) of each pair in nats, `[n]`; of unknown tokens as if `<unk>` stood there."""
        check_is_fitted(self)
        return use.log_output(self, texts_of(X, "X"), texts_of(y, "y"))

    def sample_inputs(self, y: Any, n: int = 1, *, random_state: Any = None) -> list[list[str]]:
        """`n` inputs that G draws for each output.

        Raises:
            ConfigError: for a model without G.
        """
        check_is_fitted(self)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        return use.made_up(self, texts_of(y, "y"), whole("n", n, 1), seed)

    def input_accuracy(self, X: Any, y: Any) -> float:
        """Share of the tokens of inputs that G, left alone with the output, gives at their place; the ends among them.

        Raises:
            ConfigError: for a model without G.
        """
        check_is_fitted(self)
        return use.input_accuracy(self, texts_of(X, "X"), texts_of(y, "y"))

    def attention(self, x: str) -> tuple[list[str], list[str], NDArray[np.float64]]:
        """The tokens of an input, those of the output that is found for it, and how far each looks at each, rows that sum to 1."""
        check_is_fitted(self)
        return use.attention(self, texts_of([x], "x")[0])

    # ------------------------------------------------------------------ keeping

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves."""
        forms = {"given": self.form_.given.describe(), "wanted": self.form_.wanted.describe()}
        entries = {"forms": forms, "longest": list(self.longest_), **self._describe_fit()}
        return entries, dict(self.module_.state_dict()), self.history_

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
    ) -> Transducer:
        """The inverse of `describe`; see `Savable.rebuild`."""
        self = cls(**params_of(config))
        self.form_ = PairForm(*(TokenForm.rebuild(config["forms"][name]) for name in ("given", "wanted")))
        self.longest_ = (int(config["longest"][0]), int(config["longest"][1]))
        self._take_fit(config, curves())
        compose(self)
        self._load_weights(self.module_, tensors)
        return self

    report, _html_repr = report, html_repr

    @staticmethod
    def load(folder: str | Path) -> Transducer:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        return load_as(Transducer, folder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags
