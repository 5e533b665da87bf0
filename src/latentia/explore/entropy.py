r"""Entropy coding of integers under discretised Gaussians whose tables are the same on every machine.

A table must be the same, to the last unit, where a file is written and where it is read. So nothing of it comes from the
floating-point functions of a system's mathematics library: masses are exponentials in decimal arithmetic, which is
specified to the last digit, and parameters are small integers that stand in the file. The range coder is constriction's.

A number is coded in two parts: which of about 130 bins it lies in, each an 8th to a 14th of a standard deviation wide, under
masses :math:`\propto \exp(-k^2 / 2 s^2)`, and uniformly where in the bin. That costs about 0.001 bits more than
the Gaussian itself.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import DataError, MissingExtraError

_REACH = 8  # standard deviations to either side that have a bin; what lies beyond is written out
_MASS = 2**22
MEAN_BITS = 8  # means are multiples of 2^-8
_CODER_BITS = 24  # in which the range coder has its probabilities
_SLACK = 0.9  # of the cost, for what rounding of probabilities may save
_SCALE_STEPS = 4  # scales are m 2^e / 4 with m = 4 ... 7


def coder() -> Any:
    """The module `constriction.stream`.

    Raises:
        MissingExtraError: if constriction is not installed.
    """
    try:
        import constriction
    except ImportError:
        raise MissingExtraError("compression needs constriction: pip install 'latentia[compress]'") from None
    return constriction.stream


@dataclass(frozen=True)
class GaussianTable:
    """A Gaussian for integers: multiples of 2^-precision.

    Attributes:
        mean: in units of 2^-8.
        scale: 4 e + m - 4 for the standard deviation m 2^e / 4, m = 4 ... 7.
        precision: binary digits of the numbers after the point.
    """

    mean: int = 0
    scale: int = 0
    precision: int = 0

    @classmethod
    def fitted(cls, numbers: NDArray[np.float64], precision: int) -> GaussianTable:
        """The table nearest to the moments of `numbers` (multiples of 2^-precision)."""
        mean = int(np.clip(np.rint(numbers.mean() * 2**MEAN_BITS), -(2**15), 2**15 - 1))
        deviation = numbers - mean / 2**MEAN_BITS
        scale = float(np.sqrt((deviation**2).mean() + 4.0**-precision / 12))
        e = int(np.floor(np.log2(scale)))
        index = _SCALE_STEPS * e + int(np.clip(np.rint(scale / 2.0**e * _SCALE_STEPS), 4, 7)) - 4
        return cls(mean, int(np.clip(index, -128, 127)), precision)

    @property
    def low_bits(self) -> int:
        """Binary digits that are coded uniformly within a bin."""
        return max(0, self.scale // _SCALE_STEPS + self.precision - 3)

    def parts(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Bin (counted from the mean's) and place in the bin, of integers."""
        raised = numbers + (1 << self.low_bits >> 1)
        return (raised >> self.low_bits) - self._middle, raised & ((1 << self.low_bits) - 1)

    def whole(self, bins: NDArray[np.int64], low: NDArray[np.int64]) -> NDArray[np.int64]:
        """The integers of which `parts` are given."""
        return ((bins + self._middle) << self.low_bits) + low - (1 << self.low_bits >> 1)

    @property
    def least_bits(self) -> float:
        """What the cheapest of all integers costs: whoever says how many there are cannot say more than words hold."""
        masses = self.masses
        coded = min(1 - masses.max() / masses.sum(), 0.5)
        return self.low_bits + _SLACK * max(float(coded), len(masses) * 2.0**-_CODER_BITS)

    @property
    def _middle(self) -> int:
        up = self.precision - MEAN_BITS
        mean = self.mean << up if up >= 0 else self.mean >> -up
        return (mean + (1 << self.low_bits >> 1)) >> self.low_bits

    @property
    def masses(self) -> NDArray[np.float64]:
        """Masses of the bins -K ... K and of the escape from them, whole numbers, `[2 K + 2]`."""
        e = self.scale // _SCALE_STEPS + self.precision - self.low_bits
        return _masses(self.scale % _SCALE_STEPS + 4, e)


@lru_cache(maxsize=256)
def _masses(m: int, e: int) -> NDArray[np.float64]:
    """Of a standard deviation of m 2^e / 4 bins."""
    with decimal.localcontext(decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)):
        scale = decimal.Decimal(m) * decimal.Decimal(2) ** e / 4
        reach = int(_REACH * scale) + 1
        variance2 = 2 * scale * scale
        half = [1 + int(_MASS * (-(k * k) / variance2).exp()) for k in map(decimal.Decimal, range(reach + 1))]
    return np.array([*half[:0:-1], *half, 1], dtype=np.float64)


class Writer:
    """Gathers what is coded into words."""

    def __init__(self) -> None:
        self._stream = coder()
        self._encoder = self._stream.queue.RangeEncoder()

    def gaussian(self, numbers: NDArray[np.int64], table: GaussianTable) -> None:
        """Code integers `[n]`."""
        bins, low = table.parts(numbers)
        reach = (len(table.masses) - 2) // 2
        outside = np.abs(bins) > reach
        self.masses(np.where(outside, 2 * reach + 1, bins + reach), table.masses)
        self.uniform(low, 1 << table.low_bits)
        zigzag = np.where(bins < 0, -2 * bins - 1, 2 * bins)[outside]
        for shift in (0, 16, 32):
            self.uniform((zigzag >> shift) & 0xFFFF, 1 << 16)

    def masses(self, symbols: NDArray[np.int64], masses: NDArray[np.float64]) -> None:
        """Code symbols 0 ... K - 1 `[n]` that are as probable as `masses` `[K]` say."""
        if len(symbols):
            self._encoder.encode(symbols.astype(np.int32), _categorical(self._stream, masses))

    def uniform(self, symbols: NDArray[np.int64], size: int) -> None:
        """Code symbols 0 ... size - 1 that are all as probable."""
        if size > 1 and len(symbols):
            self._encoder.encode(symbols.astype(np.int32), self._stream.model.Uniform(size))

    def words(self) -> NDArray[np.uint32]:
        """All that was coded."""
        return np.asarray(self._encoder.get_compressed(), dtype=np.uint32)


class Reader:
    """Takes apart what a `Writer` has gathered, in the same order."""

    def __init__(self, words: NDArray[np.uint32]) -> None:
        self._stream = coder()
        self._decoder = self._stream.queue.RangeDecoder(np.ascontiguousarray(words, dtype=np.uint32))

    def gaussian(self, n: int, table: GaussianTable) -> NDArray[np.int64]:
        """`n` integers."""
        reach = (len(table.masses) - 2) // 2
        symbols = self.masses(n, table.masses)
        low = self.uniform(n, 1 << table.low_bits)
        bins = symbols - reach
        outside = symbols == 2 * reach + 1
        zigzag = np.zeros(int(outside.sum()), dtype=np.int64)
        for shift in (0, 16, 32):
            zigzag += self.uniform(len(zigzag), 1 << 16) << shift
        bins[outside] = np.where(zigzag % 2, -(zigzag + 1) // 2, zigzag // 2)
        return table.whole(bins, low)

    def masses(self, n: int, masses: NDArray[np.float64]) -> NDArray[np.int64]:
        """`n` symbols 0 ... K - 1."""
        if not n:
            return np.zeros(0, dtype=np.int64)
        return self._decode(n, _categorical(self._stream, masses))

    def uniform(self, n: int, size: int) -> NDArray[np.int64]:
        """`n` symbols 0 ... size - 1."""
        if size < 2 or not n:
            return np.zeros(n, dtype=np.int64)
        return self._decode(n, self._stream.model.Uniform(size))

    def _decode(self, n: int, model: Any) -> NDArray[np.int64]:
        try:
            return np.asarray(self._decoder.decode(model, n), dtype=np.int64)
        except BaseException as error:  # constriction's panics derive from BaseException
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise DataError(f"the coded numbers do not make sense ({error}): the file is damaged") from None


def _categorical(stream: Any, masses: NDArray[np.float64]) -> Any:
    # Quotients of whole numbers are correctly rounded, and so the same everywhere.
    return stream.model.Categorical((masses / masses.sum()).astype(np.float32), perfect=False)
