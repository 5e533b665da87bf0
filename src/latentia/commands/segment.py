"""`latentia segment RUN [IMAGES]`: which pixels belong to which object, as files."""

from __future__ import annotations

from pathlib import Path

from latentia.errors import ConfigError


def segment(run: str, data: str | None = None, out: str = "masks") -> None:
    """Write whose each pixel is (0 the background, i the i-th object) for all items of the run's data, or of other data.

    Args:
        run: run folder of a model that separates objects.
        data: other images (a name or path); the run's own if left out, wherever they are.
        out: a folder, to which an indexed .png is written for each image under its own name (which opens in colours, and is read as
            `masks/` beside images), or a .npy file `[n, H, W]`.
    """
    import numpy as np

    from latentia.commands.opened import open_run
    from latentia.commands.places import check_place
    from latentia.files import write_atomically
    from latentia.kinds.abilities import Segments
    from latentia.report.mask_files import write_masks

    path = Path(out)
    if path.suffix.lower() not in ("", ".npy"):
        raise ConfigError(f"--out {out}: masks can be written into a folder, as pictures, or as one .npy")
    check_place(out, not path.suffix)
    opened = open_run(run, "segment", Segments)
    part = opened.items(data if data is not None else opened.place)
    labels = np.asarray(opened.labels(part.x)).astype(np.uint8)
    if path.suffix:
        write_atomically(path, lambda file: np.save(file, labels, allow_pickle=False))
    else:
        write_masks(labels, path, part.names)
    print(path)
