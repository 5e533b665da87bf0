"""`latentia compress`."""

from __future__ import annotations

from pathlib import Path

from latentia.errors import ConfigError


def compress(
    images: list[str] | None = None,
    run: str | None = None,
    out: str | None = None,
    exact: bool = True,
    precision: int | None = None,
) -> None:
    """Compress images to one file with the model of a run; `latentia decompress` restores what `reconstruct` gives.

    Args:
        images: image files of the size that the model was fitted to (or larger: the middle square is cut out and resized).
        run: run folder.
        out: the file, for instance images.ltnc.
        exact: restore the very pixels that the model reconstructs; --no-exact spends fewer bits and comes close.
        precision: binary digits of a code after the point; chosen for the smallest file if left out.
    """
    from latentia.commands.names import names_for
    from latentia.commands.opened import open_run
    from latentia.data.images import decode_images
    from latentia.errors import DataError
    from latentia.files import write_atomically
    from latentia.kinds.abilities import Compresses

    if not images or run is None or out is None:
        raise ConfigError("give images, run and file: latentia compress IMAGES... --run RUN --out FILE")
    opened = open_run(run, "compress", Compresses)
    paths = [Path(image) for image in images]
    for path in paths:
        if not path.is_file():
            raise DataError(f"{path} does not exist, or is no file: give image files")
    event = opened.event_shape
    if len(event) != 3:
        raise ConfigError("compress is for models of images; this run's data are a table")
    pixels = decode_images(paths, lambda i: str(paths[i]), event[1] if event[1] == event[2] else None)
    if pixels.shape[1] != event[0]:
        colours = {1: "grey", 3: "colour"}
        raise DataError(
            f"the images are {colours[pixels.shape[1]]}, the run's are {colours.get(event[0], event[0])}: they must agree"
        )
    content = opened.compressed(
        pixels, exact=exact, precision=precision, names=names_for([path.stem for path in paths])
    )
    write_atomically(Path(out), content)
    rate = 8 * len(content) / pixels.size
    print(f"{out}: {len(paths)} images, {len(content)} bytes, {rate:.4f} bits for each pixel and channel")
