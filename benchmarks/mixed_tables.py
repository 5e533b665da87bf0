"""Tables of unlike columns: anomalies found, samples beside the data, gaps filled, seconds; beside scikit-learn.

python benchmarks/mixed_tables.py                 # seeds 0 to 4, all tables
python benchmarks/mixed_tables.py --quick         # one seed, few epochs: whether it runs
python benchmarks/mixed_tables.py --only anomalies

"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import IsolationForest
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from latentia import VAE, MixedMixture
from latentia.data.synthetic_tables import customers
from latentia.diagnostics.margins import margins

HIDDEN = 0.3
NUMBERS = {
    "breast cancer": lambda: load_breast_cancer().data, "wine": lambda: load_wine().data,
    "diabetes": lambda: load_diabetes().data, "digits as rows": lambda: load_digits().data,
}  # fmt: skip


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, few epochs, two tables")
    parser.add_argument("--only", choices=("anomalies", "imputation", "customers"), help="one of the tables")
    asked = parser.parse_args()
    quick, only = asked.quick, asked.only
    epochs = {"max_epochs": 15} if quick else {}
    if only in (None, "anomalies"):
        print("customers, 2000 rows, 16 columns, 12 % gaps, 40 planted anomalies" + " (quick)" * quick)
        for seed in range(1 if quick else 5):
            anomalies(seed, epochs)
    if only in (None, "imputation"):
        cells = f"{HIDDEN:.0%} of cells hidden"
        print(f"imputation, {cells}: error of numbers (standardised RMSE), coverage of 90 % intervals")
        for name in list(NUMBERS)[1:3] if quick else NUMBERS:
            for seed in range(1 if quick else 3):
                imputation(name, seed, epochs)
    if only in (None, "customers"):
        print(
            "imputation of customers: error of numbers and dates, share of levels that are right (rows that are not planted)"
        )
        for seed in range(1 if quick else 3):
            imputed_customers(seed, epochs)


def anomalies(seed: int, epochs: dict[str, Any]) -> None:
    """AUROC of planted rows, largest gap of samples in a column, seconds."""
    table = customers(seed=seed)
    frame, planted = table.frame.set_index("customer"), table.planted != ""
    for name, model in {
        "VAE": VAE(random_state=seed, **epochs),
        "MixedMixture(8)": MixedMixture(8, random_state=seed),
    }.items():
        started = time.perf_counter()
        model.fit(frame)
        seconds = time.perf_counter() - started
        scores = model.unusual(frame)
        drawn = model.sample(2000)
        drawn = drawn[0] if isinstance(drawn, tuple) else drawn
        data, samples = (model.form_.viewable(rows) for rows in (frame, drawn))
        gaps = np.array(margins(data, samples).ks)
        print(
            f"  seed {seed}  {name:16s} AUROC {roc_auc_score(planted, scores):.3f}  largest gap {gaps.max():.2f}  fit {seconds:.0f} s",
            flush=True,
        )
    print(
        f"  seed {seed}  {'isolation forest':16s} AUROC {roc_auc_score(planted, forest(frame, seed)):.3f}  (after one-hot by hand)"
    )


def forest(frame: pd.DataFrame, seed: int) -> np.ndarray:
    """Scores of scikit-learn's isolation forest on one-hot columns with gaps filled by medians."""
    plain = frame.assign(joined=frame["joined"].astype("int64").where(frame["joined"].notna()))
    words = ["town", "plan"]
    for name in ("newsletter", "autopay"):
        plain[name] = plain[name].astype(float)
    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), words),
        remainder=make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
    )
    x = prepare.fit_transform(plain)
    return -IsolationForest(random_state=seed).fit(x).score_samples(x)


def imputation(name: str, seed: int, epochs: dict[str, Any]) -> None:
    """Errors on hidden cells beside those of scikit-learn's imputers on the same cells."""
    x = np.asarray(NUMBERS[name](), dtype=float)
    x = x[:, x.std(axis=0) > 0]
    hidden = np.random.default_rng([seed, 7]).random(x.shape) < HIDDEN
    given = np.where(hidden, np.nan, x)
    spread = x.std(axis=0)

    def error(filled: np.ndarray) -> float:
        return float(np.sqrt((((filled - x) / spread)[hidden] ** 2).mean()))

    model = VAE(random_state=seed, **epochs).fit(given)
    draws = np.stack(model.impute(given, "draw", 20, random_state=seed))
    # the only ends of an interval that a next draw lies between with 90 %: NumPy's own cover 90 % (M - 1) / (M + 1) of M draws
    low, high = np.quantile(draws, [0.05, 0.95], axis=0, method="weibull")
    cover = float(((x >= low) & (x <= high))[hidden].mean())
    mixture = MixedMixture(8, random_state=seed).fit(given)
    scaled = StandardScaler().fit(given)
    knn = scaled.inverse_transform(KNNImputer().fit_transform(scaled.transform(given)))
    chained = scaled.inverse_transform(
        IterativeImputer(random_state=seed, max_iter=10).fit_transform(scaled.transform(given))
    )
    print(
        f"  {name:16s} seed {seed}  VAE {error(model.impute(given)):.3f} (coverage {cover:.1%})  MixedMixture(8) {error(mixture.impute(given)):.3f}"
        f"  KNNImputer {error(knn):.3f}  IterativeImputer {error(chained):.3f}",
        flush=True,
    )


def imputed_customers(seed: int, epochs: dict[str, Any]) -> None:
    """The same of the table of unlike columns; scikit-learn's imputers see standardised numbers and a column a level."""
    table = customers(seed=seed, gaps=0.0)
    whole, usual = table.complete.set_index("customer"), table.planted == ""
    hidden = np.random.default_rng([seed, 7]).random(whole.shape) < HIDDEN
    given = whole.astype(dict.fromkeys(LEVELS, object)).mask(hidden)
    quantities = [name for name in whole if name not in LEVELS]
    truth = _numbers(whole, quantities)
    spread = truth[usual].std(axis=0)

    def told(filled: pd.DataFrame) -> str:
        errors, right = [], []
        for j, name in enumerate(whole):
            at = hidden[:, j] & usual
            if name in LEVELS:
                right.append((filled[name].astype(str) == whole[name].astype(str)).to_numpy()[at])
            else:
                q = quantities.index(name)
                errors.append((_numbers(filled, [name])[at, 0] - truth[at, q]) / spread[q])
        return f"{np.sqrt((np.concatenate(errors) ** 2).mean()):.3f}, {np.concatenate(right).mean():.1%}"

    words = {
        "VAE": VAE(random_state=seed, **epochs).fit(given).impute(given),
        "MixedMixture(8)": MixedMixture(8, random_state=seed).fit(given).impute(given),
        "KNNImputer": _by_columns(given, quantities, KNNImputer()),
        "IterativeImputer": _by_columns(given, quantities, IterativeImputer(random_state=seed, max_iter=10)),
    }
    print(
        f"  customers        seed {seed}  "
        + "  ".join(f"{name} {told(filled)}" for name, filled in words.items()),
        flush=True,
    )


MOST_DAYS = 100_000
"""From 1970-01-01, that a date is put at most: imputers of numbers go beyond what dates can be."""
LEVELS = ("town", "plan", "newsletter", "autopay")


def _numbers(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Numbers, and dates as days, `[n, k]`."""
    day = pd.Timedelta(days=1)
    columns = [(frame[name] - pd.Timestamp(0)) / day if name == "joined" else frame[name] for name in names]
    return np.column_stack([column.to_numpy(dtype=float, na_value=np.nan) for column in columns])


def _by_columns(given: pd.DataFrame, quantities: list[str], imputer: Any) -> pd.DataFrame:
    """A table filled by an imputer of numbers; levels by the largest of their columns."""
    blocks = {name: pd.get_dummies(given[name], dtype=float).where(given[name].notna()) for name in LEVELS}
    numbers = _numbers(given, quantities)
    matrix = np.hstack([numbers, *(block.to_numpy() for block in blocks.values())])
    scaled = StandardScaler().fit(matrix)
    filled = scaled.inverse_transform(imputer.fit_transform(scaled.transform(matrix)))
    out = given.copy()
    for j, name in enumerate(quantities):
        days = filled[:, j].clip(-MOST_DAYS, MOST_DAYS)
        out[name] = pd.to_datetime(days, unit="D") if name == "joined" else filled[:, j]
    at = len(quantities)
    for name, block in blocks.items():
        best = block.columns.to_numpy()[filled[:, at : at + block.shape[1]].argmax(1)]
        out[name] = np.where(given[name].notna(), given[name], best)
        at += block.shape[1]
    return out


if __name__ == "__main__":
    main()
