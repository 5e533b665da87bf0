"""What community types serve: `components`, which are the types, and `score`."""

from __future__ import annotations

from latentia.kinds.mixture.serving import graphs

__all__ = ["graphs"]
