"""`latentia edit RUN [IMAGES]`: objects left out, moved or exchanged."""

from __future__ import annotations

from pathlib import Path

from latentia.errors import ConfigError


def edit(
    run: str,
    data: str | None = None,
    remove: str | None = None,
    move: list[str] = [],  # noqa: B006  only read
    swap: str | None = None,
    n: int = 32,
    out: str = "edited.png",
) -> None:
    """Decode images anew with objects left out, moved or exchanged; a .png shows originals above edited ones.

    Args:
        run: run folder of a model that separates objects.
        data: other images (a name or path); the run's own if left out, wherever they are.
        remove: numbers of objects, as `latentia segment` and `objects` have them: 2 or 1,3.
        move: an object and how far, as shares of the image to the right and down: 1:.2,-.1; several with blanks between.
        swap: two objects that exchange their places: 1,2.
        n: how many images, the first of the data.
        out: a .png or .npy file.
    """
    import numpy as np

    from latentia.commands.opened import at_least_one, numbers, open_run, view_of
    from latentia.data.items import dense
    from latentia.kinds.abilities import Segments
    from latentia.report.sheets import check_out, write_items

    opened = open_run(run, "edit", Segments)
    check_out(Path(out), opened.is_image)
    pair = None if swap is None else numbers(swap, "--swap")
    if pair is not None and len(pair) != 2:
        raise ConfigError(f"--swap {swap!r}: two numbers of objects are expected, as 1,2")
    gone = [] if remove is None else numbers(remove, "--remove")
    if not (gone or move or pair):
        raise ConfigError("edit: say what to do by --remove 2, --move 1:.2,-.1 or --swap 1,2")
    moves = dict(_move(text) for text in move)
    part = opened.items(data if data is not None else opened.place)
    items = dense(part.subset(np.arange(min(len(part), at_least_one(n, "-n")))).x)
    done = opened.edited(items, remove=gone, move=moves, swap=None if pair is None else (pair[0], pair[1]))
    print(write_items(done, Path(out), beside=items, view=view_of(opened)))


def _move(text: str) -> tuple[int, tuple[float, float]]:
    """An object and how far it goes, of "1:.2,-.1"."""
    number, _, way = str(text).partition(":")
    try:
        right, down = (float(part) for part in way.split(","))
        return int(number), (right, down)
    except ValueError:
        raise ConfigError(
            f"--move {text!r}: an object and two shares of the image are expected, as 1:.2,-.1"
        ) from None
