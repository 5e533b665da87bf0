"""What a classifier serves: `classifier`, and `score`."""

from __future__ import annotations

from latentia.kinds.mixture.serving import graphs

__all__ = ["graphs"]
