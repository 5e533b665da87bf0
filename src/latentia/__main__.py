"""`python -m latentia`: the command line."""

from __future__ import annotations

from latentia.cli import main

if __name__ == "__main__":
    main()
