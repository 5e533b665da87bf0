from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from latentia import VAE, load
from latentia.errors import ConfigError, DataError, MissingExtraError
from latentia.explore import compress, decompress, rounded
from latentia.explore.compression import fingerprint
from latentia.explore.container import checksum, unpack
from latentia.explore.entropy import GaussianTable, Reader, Writer

pytest.importorskip("constriction")


@pytest.fixture(scope="module")
def images(digits):
    return digits[0][1500:1600]


@pytest.fixture(scope="module")
def packed(vae, images):
    return compress(vae, images, names=[f"{i}.png" for i in range(len(images))])


@pytest.mark.parametrize("precision", [-2, 0, 3, 8, 16])
@pytest.mark.parametrize("scale", [0.0, 1e-3, 0.3, 1.0, 40.0])
def test_integers_come_back_at_the_price_of_their_entropy(precision, scale):
    drawn = np.random.default_rng(0).normal(0.7, scale, size=4000) if scale else np.full(4000, 0.7)
    numbers = np.rint(drawn * 2.0**precision).astype(np.int64)
    table = GaussianTable.fitted(numbers * 2.0**-precision, precision)
    numbers[[0, 17]] = [10**9, -(10**9)]
    writer = Writer()
    writer.gaussian(numbers, table)
    words = writer.words()
    np.testing.assert_array_equal(Reader(words).gaussian(4000, table), numbers)
    if scale * 2.0**precision > 4 and scale > 0.1:
        ideal = np.log2(scale * 2.0**precision * np.sqrt(2 * np.pi * np.e))
        assert 32 * len(words) / 4000 < ideal + 0.1


def test_tables_never_change():
    """Files that are written now are read later: these masses are part of the format."""
    found = [GaussianTable(0, scale, precision).masses for scale, precision in ((0, 0), (-7, 3), (9, 8))]
    digest = hashlib.sha256(b"".join(m.tobytes() for m in found)).hexdigest()[:16]
    assert digest == "aa29efb53a02dfea"
    exact = np.exp(-(np.arange(-65, 66) ** 2) / (2 * 8.0**2))
    table = GaussianTable(0, 0, 3)
    np.testing.assert_allclose(table.masses[:-1], 2**22 * exact, atol=1.001)


def test_restores_what_reconstruct_gives(vae, images, packed):
    restored = decompress(vae, packed)
    np.testing.assert_array_equal(restored.items, vae.reconstruct(images))
    assert restored.names == tuple(f"{i}.png" for i in range(100))


@pytest.mark.parametrize("precision", [-2, 1, 5, 16])
def test_restores_it_at_any_precision(vae, images, precision):
    content = compress(vae, images, precision=precision)
    np.testing.assert_array_equal(decompress(vae, content).items, vae.reconstruct(images))
    assert decompress(vae, content).names == ()


def test_the_chosen_precision_is_the_cheapest(vae, images, packed):
    chosen = len(compress(vae, images))
    others = [len(compress(vae, images, precision=p)) for p in range(2, 12, 3)]
    assert chosen <= min(others) * 1.02
    assert chosen < 0.4 * images.nbytes


def test_without_corrections(vae, images):
    coarse = compress(vae, images, exact=False)
    items = decompress(vae, coarse).items
    error = ((items.astype(float) - images) ** 2).sum()
    assert error <= 1.05 * ((vae.reconstruct(images).astype(float) - images) ** 2).sum()
    assert len(coarse) < 0.6 * len(compress(vae, images))
    content = compress(vae, images, exact=False, precision=2)
    np.testing.assert_array_equal(decompress(vae, content).items, rounded(vae, images, 2))


@pytest.mark.parametrize("n", [1, 2])
def test_single_images(vae, images, n):
    np.testing.assert_array_equal(
        decompress(vae, compress(vae, images[:n])).items, vae.reconstruct(images[:n])
    )


def test_another_process_writes_and_reads_the_same(vae, images, packed, tmp_path):
    vae.save(tmp_path / "run")
    np.save(tmp_path / "images.npy", images)
    (tmp_path / "here").write_bytes(packed)
    code = """
import sys, numpy as np, torch
from latentia import load
from latentia.explore import compress, decompress
torch.set_num_threads(2)
folder = sys.argv[1]
vae = load(folder + "/run")
images = np.load(folder + "/images.npy")
open(folder + "/there", "wb").write(compress(vae, images, names=[f"{i}.png" for i in range(len(images))]))
np.save(folder + "/items.npy", decompress(vae, open(folder + "/here", "rb").read()).items)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=120)
    assert (tmp_path / "there").read_bytes() == packed
    np.testing.assert_array_equal(np.load(tmp_path / "items.npy"), vae.reconstruct(images))


def test_every_cut_and_every_flipped_byte_is_noticed(vae, packed):
    made_with = fingerprint(vae)
    for length in range(len(packed)):
        with pytest.raises(DataError) as caught:
            unpack(packed[:length], made_with, 6)
        assert "\n" not in str(caught.value)
    random = np.random.default_rng(0)
    for place in range(len(packed)):
        damaged = bytearray(packed)
        damaged[place] ^= int(random.integers(1, 256))
        with pytest.raises(DataError):
            unpack(bytes(damaged), made_with, 6)
    with pytest.raises(DataError, match="truncated or altered"):
        unpack(packed + b"\0", made_with, 6)


def test_forged_files_are_refused_too(vae, packed):
    """With a checksum that fits, contents that do not make sense: an error of ours, or other pixels noticed."""
    random = np.random.default_rng(1)
    for place in random.integers(29, len(packed) - 8, size=40):
        forged = bytearray(packed[:-8])
        forged[place] ^= int(random.integers(1, 256))
        with pytest.raises((DataError, ConfigError)):
            decompress(vae, bytes(forged) + checksum(bytes(forged)))


def test_another_model_is_told_apart(vae, images, packed, tmp_path):
    other = VAE(latent_dim=6, max_epochs=1, random_state=1).fit(images)
    with pytest.raises(DataError, match="made with another model"):
        decompress(other, packed)
    assert fingerprint(load(vae.save(tmp_path / "run"))) == fingerprint(vae)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda v, x: decompress(v, b""), DataError, "begin with LTNC"),
        (lambda v, x: decompress(v, b"\x89PNG and so on"), DataError, "begin with LTNC"),
        (lambda v, x: decompress(v, b"LTNC\x02 and so on"), DataError, "version 2"),
        (lambda v, x: compress(v, x, precision=17), ConfigError, "precision=17"),
        (lambda v, x: rounded(v, x, -3), ConfigError, "precision=-3"),
        (lambda v, x: compress(v, x, names=["a"]), DataError, "1 names for 100"),
        (lambda v, x: compress(v, x[:1], names=["a\nb"]), DataError, "line break"),
        (lambda v, x: compress(v, x[:, :, :4]), DataError, "(1, 4, 8)"),
    ],
)
def test_what_cannot_be_done_is_refused(vae, images, call, error, words):
    with pytest.raises(error) as caught:
        call(vae, images)
    assert words in str(caught.value)


def test_tables_are_refused():
    X = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.raises(ConfigError, match="uint8 images"):
        compress(VAE(latent_dim=1, max_epochs=0, random_state=0).fit(X), X)


def test_a_missing_library_is_named(vae, images, monkeypatch):
    monkeypatch.setitem(sys.modules, "constriction", None)
    with pytest.raises(MissingExtraError, match=r"latentia\[compress\]"):
        compress(vae, images)
