"""Rate of `compress` against JPEG and PNG at equal PSNR, on test images of MNIST, Fashion-MNIST and CIFAR-10.

Each codec writes every image on its own (bytes of whole files, headers included, the library's smallest), but for latentia,
whose file holds all, as `latentia compress` writes it; its file for single images stands beside. JPEG: the least quality (1 to 95, optimised
tables) whose PSNR over all images is not below that of the model. PNG is lossless: pixels are first rounded to the fewest grey
levels (2 to 256) that keep that PSNR, and PNG is also given as it is. Weights of the model are not counted, as those of a codec are not.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from common import machine, options, publish, table
from latentia import VAE
from latentia.data import load
from latentia.explore import compress, decompress

SETS = {"mnist": 16, "fashion-mnist": 24, "cifar10": 64}


def main() -> None:
    flags = options(__doc__ or "")
    rows, epochs = min(int(4000 * flags.scale), 55_000), min(max(2, int(4 * flags.scale)), 30)
    tested = min(int(200 * flags.scale), 2000)
    cells = []
    for name, latent_dim in SETS.items():
        data = load(name)
        vae = VAE(latent_dim=latent_dim, max_epochs=epochs, random_state=0).fit(data.train.take(rows).x)
        images = data.test.take(tested).x
        for exact in (True, False):
            content = compress(vae, images, exact=exact)
            restored = decompress(vae, content).items
            if exact and not np.array_equal(restored, vae.reconstruct(images)):
                raise AssertionError("an exact file did not restore what reconstruct gives")
            target = psnr(images, restored)
            alone = np.mean([len(compress(vae, images[i : i + 1], exact=exact)) for i in range(10)])
            figures = {
                "latentia": len(content) / len(images),
                "alone": float(alone),
                "JPEG": smallest(jpeg, range(1, 96), images, target),
                "PNG, rounded": smallest(rounded_png, range(2, 257), images, target),
                "PNG": float(np.mean([len(png(image)) for image in images])),
            }
            mode = "exact" if exact else "not exact"
            cells.append((f"{name}, {mode}", f"{target:.2f}", *(shown(value) for value in figures.values())))
    header = ("images", "PSNR, dB", "latentia", "single image", "JPEG", "PNG, rounded", "PNG")
    text = "\n".join(
        [
            f"bytes for each image; {rows} training items, {epochs} epochs, {tested} test images; {machine()}",
            "",
            table(header, cells),
        ]
    )
    publish("compression", text, flags.save)


def psnr(images: np.ndarray, restored: np.ndarray) -> float:
    """Of all images together, in dB for a peak of 255."""
    error = ((images.astype(float) - restored.astype(float)) ** 2).mean()
    return float(10 * np.log10(255.0**2 / error))


def picture(image: np.ndarray) -> Any:
    return Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    picture(image).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def pixels(content: bytes) -> np.ndarray:
    array = np.asarray(Image.open(io.BytesIO(content)))
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def jpeg(image: np.ndarray, quality: int) -> tuple[bytes, np.ndarray]:
    buffer = io.BytesIO()
    picture(image).save(buffer, format="JPEG", quality=quality, optimize=True)
    return buffer.getvalue(), pixels(buffer.getvalue())


def rounded_png(image: np.ndarray, levels: int) -> tuple[bytes, np.ndarray]:
    step = 255 / (levels - 1)
    coarse = np.rint(np.rint(image / step) * step).astype(np.uint8)
    return png(coarse), coarse


def smallest(
    codec: Callable[[np.ndarray, int], tuple[bytes, np.ndarray]],
    settings: range,
    images: np.ndarray,
    target: float,
) -> float:
    """Bytes for each image at the first setting that reaches a PSNR (by bisection: PSNR rises); NaN if none does."""
    low, high = 0, len(settings) - 1
    best = float("nan")
    while low <= high:
        middle = (low + high) // 2
        done = [codec(image, settings[middle]) for image in images]
        if psnr(images, np.stack([back for _, back in done])) >= target:
            best, high = float(np.mean([len(content) for content, _ in done])), middle - 1
        else:
            low = middle + 1
    return best


def shown(value: float) -> str:
    return "not reached" if np.isnan(value) else f"{value:.1f}"


if __name__ == "__main__":
    main()
