"""How a transducer is fitted into a run folder, what its runs can do, and the verdict on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from latentia.data.items import Strings
from latentia.data.pairs import Pairs
from latentia.diagnostics import Finding, Remedy, Verdict, ordered
from latentia.errors import DataError
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.run import Effort, Measured, Run, SplitName
from latentia.kinds.transducer import use
from latentia.kinds.transducer.catalog import TransducerEntry
from latentia.kinds.transducer.estimator import Transducer
from latentia.kinds.transducer.rows import with_share
from latentia.kinds.transducer.words import PRIVATE, UNKNOWN_WORDS, USELESS, WORDS
from latentia.vocabulary import OVERFITTED, UNDERTRAINED

TRAIN_PAIRS = 500
FALL = 0.02
"""Private code: G's hits on held-out pairs have fallen by more than this since made-up inputs are learned from. A rule of this project."""
LEARNED = 0.9
"""Under-trained: fewer of the training pairs than this are exact. A rule of this project."""
DEARER = 0.25
"""Overfitted: fewer than this share of the held-out items are exact where `LEARNED` of the training pairs are. A rule of this project."""
MOST_UNKNOWN = 0.2


def recipe(params: dict[str, Any]) -> NetworkRecipe:
    """How the model that the parameters name is fitted."""
    return NetworkRecipe(Transducer, params)


@dataclass(frozen=True)
class Judged:
    """What a transducer makes of pairs.

    Attributes:
        n: pairs.
        exact: share found to the letter.
        exact_se: its standard error.
        token_loss: nats a token of the outputs, given true prefixes.
    """

    n: int
    exact: float
    exact_se: float
    token_loss: float

    @classmethod
    def of(cls, estimator: Transducer, inputs: list[str], outputs: list[str]) -> Judged:
        """Of some pairs."""
        exact = np.asarray(use.exact(estimator, inputs, outputs), dtype=float)
        tokens = int(estimator.form_.wanted.stored(Strings.of_texts(outputs)).lengths.sum())
        loss = -float(use.log_output(estimator, inputs, outputs).sum()) / tokens
        share = float(exact.mean())
        return cls(len(exact), share, float(np.sqrt(share * (1 - share) / len(exact))), loss)


class TransducerRun(Run):
    """A fitted transducer, its data and its folder."""

    @property
    def entry(self) -> TransducerEntry:
        """What the catalog says of it."""
        found: TransducerEntry = self.estimator._entry()
        return found

    def both(self, items: Pairs) -> tuple[list[str], list[str]]:
        """Inputs and outputs of those items that have an input.

        Raises:
            DataError: if none has.
        """
        found = [(x, y) for x, y in zip(items.inputs(), items.outputs(), strict=True) if x is not None]
        if not found:
            raise DataError("no item here has an input: there is nothing to judge by")
        return [x for x, _ in found], [y for _, y in found]

    def fitted_pairs(self) -> tuple[list[str], list[str]] | None:
        """The training pairs whose inputs were told; None where they are not at hand."""
        if not len(self.dataset.train):
            return None
        items, share = self.split("train").x, self.estimator.labelled
        if share is not None and share < 1:
            items = with_share(items, share, self.estimator.seed_)
        return self.both(items)

    def measure(self, split: SplitName, effort: Effort) -> Measured:  # noqa: ARG002  everything is exact
        """Figures and verdict on one part of the data, beside the nearest training pair."""
        estimator = self.estimator
        inputs, outputs = self.both(self.split(split).x)
        found, known = Judged.of(estimator, inputs, outputs), self.fitted_pairs()
        of_train = None
        nearest = seen = None
        if known is not None:
            some = np.random.default_rng(0).permutation(len(known[0]))[:TRAIN_PAIRS]
            of_train = Judged.of(estimator, [known[0][i] for i in some], [known[1][i] for i in some])
            nearest = float(
                np.mean([a == b for a, b in zip(nearest_outputs(known, inputs), outputs, strict=True)])
            )
            seen = float(np.mean([each in set(known[1]) for each in outputs]))
        form = estimator.form_
        reach = [form.wanted.unknown_share(form.wanted.stored(Strings.of_texts([y]))) == 0 for y in outputs]
        unknown = form.given.unknown_share(form.given.stored(Strings.of_texts(inputs)))
        figures = {
            **asdict(found),
            "train_exact": None if of_train is None else of_train.exact,
            "train_token_loss": None if of_train is None else of_train.token_loss,
            "nearest_exact": nearest,
            "seen_outputs": seen,
            "reachable": float(np.mean(reach)),
            "input_accuracy": estimator.input_accuracy(inputs, outputs) if self.entry.generator else None,
            "unknown_share": unknown,
            "n_pairs": estimator.n_train_,
            "n_lone": self._n_lone(),
        }
        judged_train = None if split == "train" else of_train
        return Measured(
            split, figures, judge(found, judged_train, nearest, unknown, estimator.history_, self._steps)
        )

    @property
    def _steps(self) -> int:
        return max(1, int(self.estimator.settings_.get("steps", 1)))

    def _n_lone(self) -> int | None:
        if not self.entry.generator or not len(self.dataset.train):
            return None
        return len(self.split("train").x) - self.estimator.n_train_

    def predicted(self, items: Any) -> list[str]:
        """Outputs of inputs."""
        return list(self.estimator.predict(items))


def nearest_outputs(known: tuple[list[str], list[str]], inputs: list[str]) -> list[str]:
    """The output of the training input that shares most words with each input (their number over that of all words of both).

    >>> nearest_outputs((["a b", "c"], ["1", "2"]), ["a", "c d"])
    ['1', '2']
    """
    words = sorted({word for text in known[0] for word in text.split()})
    place = {word: i for i, word in enumerate(words)}

    def bags(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        out = np.zeros((len(texts), len(words)), dtype=np.float32)
        for row, text in enumerate(texts):
            out[row, [place[word] for word in set(text.split()) if word in place]] = 1
        return out, np.array([len(set(text.split())) for text in texts], dtype=np.float32)

    (own, size), (train, train_size) = bags(inputs), bags(known[0])
    shared = own @ train.T
    best = (shared / np.maximum(size[:, None] + train_size - shared, 1)).argmax(1)
    return [known[1][i] for i in best]


def judge(
    found: Judged,
    train: Judged | None,
    nearest: float | None,
    unknown: float,
    history: list[dict[str, Any]],
    steps: int,
) -> Verdict:
    """The verdict on a transducer.

    Args:
        found: on held-out pairs.
        train: on training pairs; None: neither overfitting nor too short a training is judged.
        nearest: exact matches of the nearest training pair.
        unknown: share of the inputs' tokens that are unknown.
        history: learning curves.
        steps: of the training.

    Example:
        >>> right, all_right = Judged(100, 0.8, 0.04, 0.1), Judged(100, 1.0, 0.0, 0.01)
        >>> judge(right, all_right, 0.3, 0.0, [], 600).name
        'healthy'
        >>> judge(Judged(100, 0.2, 0.04, 0.9), all_right, 0.3, 0.0, [], 600).names
        ('no better than copying', 'overfitted')
    """
    longer = Remedy(f"`--steps {2 * steps}`", settings={"steps": 2 * steps})
    forget = Remedy("forget more while learning: `--set dropout=0.5`", settings={"dropout": 0.5})
    more = Remedy("more pairs: a word has a number of its own from its second occurrence on")
    alone = Remedy("learn from pairs alone: `--model seq2seq`", ("seq2seq",))
    weaker = Remedy(
        "count outputs without inputs less: `--set unpaired_weight=0.1`", settings={"unpaired_weight": 0.1}
    )
    text = f"{found.exact:.1%} of {found.n} held-out inputs (standard error {found.exact_se:.1%}) are given their output to the letter"
    if nearest is not None:
        text += f"; the output of the most similar training input would be right for {nearest:.1%}"
    useless = nearest is not None and found.exact <= nearest
    findings = [Finding(USELESS if useless else "", f"{text}.", (longer, forget))]
    if train is not None:
        short = train.exact < LEARNED
        told = f"Of {train.n} training pairs {train.exact:.1%} are exact; a token costs {train.token_loss:.3g} nats, {found.token_loss:.3g} on held-out pairs."
        findings.append(
            Finding(UNDERTRAINED if short else "", told, (longer,), LEARNED / max(train.exact, 1e-9))
        )
        if not short:
            share = f"{found.exact:.1%} of held-out outputs are exact where {train.exact:.1%} of training outputs are."
            findings.append(
                Finding(
                    OVERFITTED if found.exact < DEARER else "",
                    share,
                    (forget,),
                    DEARER / max(found.exact, 1e-9),
                )
            )
    looks = [row for row in history if row.get("input_accuracy") is not None]
    before = [row["input_accuracy"] for row in looks if not row.get("train_through")]
    after = [row["input_accuracy"] for row in looks if row.get("train_through")]
    if before and after:
        fall = before[-1] - after[-1]
        told = f"Left alone with an output, G says {after[-1]:.1%} of its input's tokens right, {before[-1]:.1%} before inputs were made up."
        findings.append(Finding(PRIVATE if fall > FALL else "", told, (weaker, alone), fall / FALL))
    if unknown:
        told = f"{unknown:.1%} of the tokens of inputs are unknown to the vocabulary."
        findings.append(
            Finding(UNKNOWN_WORDS if unknown > MOST_UNKNOWN else "", told, (more,), unknown / MOST_UNKNOWN)
        )
    return ordered(findings, WORDS.order)


RUN = TransducerRun
