"""A made-up table of customers as tables are: skewed numbers, counts, words, a date, gaps, and some rows that are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentia.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ANOMALIES = ("wrong combination", "wrong scale", "swapped", "copied")
PLANS = ("basic", "family", "plus", "studio")
CITIES = (
    "Ahlen", "Bremen", "Celle", "Dessau", "Erfurt", "Fulda", "Gera", "Halle", "Ilmenau", "Jena", "Kassel", "Leipzig", "Mainz", "Neuss",
    "Oldenburg", "Potsdam", "Quedlinburg", "Rostock", "Soest", "Trier", "Ulm", "Velbert", "Weimar", "Xanten", "Zeitz", "Aachen", "Bonn",
    "Coburg", "Dresden", "Essen",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Customers:
    """The table, and what is known of it.

    Attributes:
        frame: `customer` (the name of each row) and 16 columns: 8 numbers of unlike scale and skew, 3 whole numbers, 2 booleans, categories
            of 4 and 30 levels, a date; with gaps.
        complete: the same without gaps.
        planted: for each row "", or which of `ANOMALIES` it is, `[n]`.
    """

    frame: pd.DataFrame
    complete: pd.DataFrame
    planted: np.ndarray

    def labelled(self) -> pd.DataFrame:
        """The table with what was planted as its last column, `planted`, "no" where nothing was."""
        import numpy as np

        return self.frame.assign(planted=np.where(self.planted == "", "no", self.planted))


def customers(n: int = 2000, seed: int = 0, *, gaps: float = 0.12, planted: int = 40) -> Customers:
    """Draw a table of customers.

    Three hidden numbers make each customer: wealth, how much the service is used, and how long the customer has stayed; the town stands
    for a distance and a price level. A wrong combination has half of its columns from a customer who is unlike in all three; a wrong scale is
    four numbers a hundred times as large or as small; swapped are the numbers, by pairs; copied is one number in the place of four others.

    Args:
        n: rows.
        seed: of everything.
        gaps: share of cells that are missing, whatever they hold.
        planted: rows that are wrong, as many of each of the four kinds as may be.

    Raises:
        ConfigError: for numbers that cannot be.

    Example:
        >>> table = customers(200, planted=8)
        >>> table.frame.shape, int((table.planted != "").sum())
        ((200, 17), 8)
    """
    import numpy as np

    if n < 2 or not 0 <= gaps < 1 or not 0 <= planted <= n:
        raise ConfigError(f"customers(n={n}, gaps={gaps}, planted={planted}): such a table there is not")
    random = np.random.default_rng([seed, 0x7AB1E])
    frame, hidden = _rows(n, random)
    kinds = np.full(n, "", dtype=object)
    chosen = random.permutation(n)[:planted]
    kinds[chosen] = np.array(ANOMALIES, dtype=object)[np.arange(planted) % len(ANOMALIES)]
    for row in chosen.tolist():
        _plant(frame, row, str(kinds[row]), hidden, random)
    shown = frame.copy()
    hide = random.random((n, frame.shape[1])) < gaps
    for j, name in enumerate(frame.columns):
        column = shown[name].astype(object) if shown[name].dtype == bool else shown[name]
        shown[name] = column.mask(hide[:, j])
    names = [f"K{number:05d}" for number in random.permutation(n) + 1]
    for table in (shown, frame):
        table.insert(0, "customer", names)
    return Customers(shown, frame, kinds)


def _rows(n: int, random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers without gaps, and the three hidden numbers `[n, 3]` of each."""
    import numpy as np
    import pandas as pd

    hidden = random.normal(size=(n, 3))
    wealth, use, stay = hidden.T
    noise = random.normal(size=(n, 12))
    town = np.minimum((random.beta(1.2, 2.0, n) * len(CITIES)).astype(int), len(CITIES) - 1)
    far = np.linspace(-1.5, 1.5, len(CITIES))[town]
    age = (46 + 9 * stay + 6 * wealth + 3 * noise[:, 0]).round().clip(18, 92)
    income = np.exp(10.4 + 0.45 * wealth + 0.12 * far + 0.10 * noise[:, 1])
    spend = np.exp(3.6 + 0.35 * wealth + 0.45 * use + 0.12 * noise[:, 2])
    plan = np.digitize(0.9 * use + 0.7 * wealth + 0.3 * noise[:, 3], (-0.9, 0.1, 1.2))
    days = (4015 - 700 * stay - 120 * noise[:, 4]).round().clip(0, 7300)
    frame = pd.DataFrame(
        {
            "age": age.astype(int),
            "income": income.round(-1),
            "town": np.array(CITIES)[town],
            "plan": np.array(PLANS)[plan],
            "joined": pd.Timestamp("2005-01-01") + pd.to_timedelta(days, unit="D"),
            "monthly_spend": spend.round(2),
            "balance": (350 * wealth - 250 * use + 60 * noise[:, 5] - 40).round(2),
            "discount": (1 / (1 + np.exp(1.6 - 0.9 * stay + 0.2 * noise[:, 6]))).round(3),
            "minutes": np.exp(4.2 + 0.55 * use + 0.1 * noise[:, 7]).round(1),
            "distance_km": np.exp(2.2 + 1.1 * far + 0.15 * noise[:, 8]).round(2),
            "data_gb": (np.exp(1.1 + 0.8 * use - 0.25 * stay + 0.15 * noise[:, 9])).round(3),
            "satisfaction": (6.4 + 1.1 * stay - 0.7 * far + 0.5 * noise[:, 10]).round(2),
            "logins": random.poisson(np.exp(2.6 + 0.5 * use)),
            "tickets": random.poisson(np.exp(0.2 - 0.5 * stay)),
            "newsletter": random.random(n) < 1 / (1 + np.exp(-1.8 * stay)),
            "autopay": random.random(n) < 1 / (1 + np.exp(-2.2 * wealth)),
        }
    )
    return frame, hidden


_NUMBERS = (
    "income",
    "monthly_spend",
    "balance",
    "discount",
    "minutes",
    "distance_km",
    "data_gb",
    "satisfaction",
)


def _plant(frame: pd.DataFrame, row: int, kind: str, hidden: np.ndarray, random: np.random.Generator) -> None:
    """Make a row wrong in one way."""
    import numpy as np

    numbers = list(random.permutation(_NUMBERS))
    if kind == "wrong combination":
        unlike = int(np.argmin(hidden @ hidden[row] + 0.3 * random.normal(size=len(hidden))))
        half = random.permutation(frame.columns)[: frame.shape[1] // 2]
        for name in half:
            frame.loc[row, name] = frame.loc[unlike, name]
    elif kind == "wrong scale":
        for name in numbers[:4]:
            frame.loc[row, name] *= 100.0 if random.random() < 0.5 else 0.01
    elif kind == "swapped":
        for a, b in zip(numbers[0::2], numbers[1::2], strict=True):
            frame.loc[row, [a, b]] = frame.loc[row, [b, a]].to_numpy()
    else:
        for name in numbers[1:5]:
            frame.loc[row, name] = frame.loc[row, numbers[0]]
