"""Writes the small files beside it, on which the commands of the README run; the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw
from sklearn.datasets import load_iris

from latentia.data.balls import Balls
from latentia.data.synthetic_tables import customers

HERE = Path(__file__).parent


def plants() -> None:
    """Fisher's irises: 140 of them, and ten that are new."""
    iris = load_iris(as_frame=True)
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    table = iris.data.set_axis(names, axis=1).assign(species=[iris.target_names[k] for k in iris.target])
    order = np.random.default_rng(0).permutation(len(table))
    table.iloc[order[:140]].to_csv(HERE / "plants.csv", index=False)
    table.iloc[order[130:]].to_csv(HERE / "new.csv", index=False)


def pictures(random: np.random.Generator) -> None:
    """Discs and squares of all greys, 16 x 16, a folder each."""
    greys = np.random.default_rng(1)
    for shape in ("discs", "squares"):
        (HERE / "pictures" / shape).mkdir(parents=True, exist_ok=True)
        for i in range(30):
            image = Image.new("L", (16, 16))
            x, y, side = random.integers(0, 8), random.integers(0, 8), random.integers(5, 8)
            draw = ImageDraw.Draw(image)
            paint, grey = draw.ellipse if shape == "discs" else draw.rectangle, int(greys.integers(60, 256))
            paint((x, y, x + side, y + side), fill=grey)
            image.save(HERE / "pictures" / shape / f"{i:02d}.png")


def counts(random: np.random.Generator) -> None:
    """Two types of communities: a table of counts, the same as BIOM, and what is known of the samples."""
    taxa = [
        "Bacteroides",
        "Prevotella",
        "Faecalibacterium",
        "Alistipes",
        "Ruminococcus",
        "Blautia",
        "Dialister",
        "Roseburia",
    ]
    means = np.array([[40, 2, 20, 10, 8, 8, 2, 10], [4, 45, 15, 3, 10, 6, 10, 7]], dtype=float)
    types = np.arange(60) % 2
    table = np.array(
        [random.multinomial(random.integers(800, 2000), random.dirichlet(means[k] / 2)) for k in types]
    )
    samples = [f"s{i:02d}" for i in range(60)]
    pd.DataFrame(table, columns=taxa).assign(sample=samples)[["sample", *taxa]].to_csv(
        HERE / "counts.csv", index=False
    )
    cells = [[int(j), int(i), int(table[i, j])] for j in range(8) for i in range(60) if table[i, j]]
    biom = {
        "id": None, "format": "Biological Observation Matrix 1.0.0", "format_url": "http://biom-format.org", "type": "OTU table",
        "generated_by": "latentia's examples", "date": "2026-01-01T00:00:00", "matrix_type": "sparse", "matrix_element_type": "int",
        "shape": [8, 60], "rows": [{"id": name, "metadata": None} for name in taxa],
        "columns": [{"id": name, "metadata": None} for name in samples], "data": cells,
    }  # fmt: skip
    (HERE / "table.biom").write_text(json.dumps(biom) + "\n")
    diet = np.where(random.random(60) < 0.85, types, 1 - types)
    pd.DataFrame({"sample": samples, "diet": np.where(diet, "fibre", "fat")}).to_csv(
        HERE / "metadata.tsv", sep="\t", index=False
    )


def reviews(random: np.random.Generator) -> None:
    """Sentences of a small grammar, a line each."""
    things, verbs = (
        ["the phone", "the camera", "the keyboard", "the screen", "the cable"],
        ["works", "broke", "arrived", "looks", "feels"],
    )
    hows, ends = (
        ["very well", "after a week", "too late", "as promised", "cheap", "better than the old one"],
        ["", " and I would buy it again", " and I sent it back"],
    )
    lines = [
        f"{random.choice(things)} {random.choice(verbs)} {random.choice(hows)}{random.choice(ends)}"
        for _ in range(300)
    ]
    (HERE / "reviews.txt").write_text("\n".join(lines) + "\n")


def scenes(random: np.random.Generator) -> None:
    """None to two squares on black, 24 x 24, and how many there are."""
    images, numbers = np.zeros((200, 1, 24, 24), np.uint8), random.integers(0, 3, 200)
    for image, n in zip(images, numbers, strict=True):
        for _ in range(n):
            x, y = random.integers(0, 17, 2)
            image[0, y : y + 7, x : x + 7] = 255
    np.savez_compressed(HERE / "scenes.npz", x=images, counts=numbers)


def tables() -> None:
    """Customers, some of whose rows are wrong in one of four ways."""
    drawn = customers(300, planted=8)
    frame = drawn.frame.assign(plan=drawn.complete["plan"])  # what is looked at as classes has no gaps
    frame.to_csv(HERE / "customers.csv", index=False)


def vitals(random: np.random.Generator) -> None:
    """Pulse and temperature of forty patients by the hour, with gaps."""
    rows = ["patient,hour,pulse,temperature"]
    for patient in range(40):
        fever, phase = random.normal(), random.uniform(0, 6)
        for hour in range(10 + patient % 6):
            pulse = 70 + 8 * fever + 6 * np.sin(hour / 2 + phase) + random.normal()
            warm = 37 + 0.8 * fever + 0.3 * np.sin(hour / 2 + phase) + 0.1 * random.normal()
            rows.append(f"p{patient:02d},{hour},{pulse:.0f},{'' if random.random() < 0.2 else f'{warm:.1f}'}")
    (HERE / "vitals.csv").write_text("\n".join(rows) + "\n")


def pairs(random: np.random.Generator) -> None:
    """Questions and what they ask, in a small language of forms; some more questions."""
    asked = {"which {} are in {}": "{0} ( loc ( {1} ) )", "how many {} does {} have": "count ( {0} ( loc ( {1} ) ) )",
             "name the longest {} of {}": "longest ( {0} ( loc ( {1} ) ) )"}  # fmt: skip
    things = ["rivers", "cities", "lakes", "mountains"]
    drawn = [
        (random.choice(list(asked)), random.choice(things), f"s{random.integers(0, 20)}") for _ in range(320)
    ]
    lines = [f"{form.format(what, where)}\t{asked[form].format(what, where)}" for form, what, where in drawn]
    (HERE / "pairs.tsv").write_text("question\tform\n" + "\n".join(lines[:300]) + "\n")
    (HERE / "questions.txt").write_text("\n".join(line.split("\t")[0] for line in lines[300:]) + "\n")


def clips() -> None:
    """A ball in a box, 16 x 16, thirty films of 20 frames."""
    (HERE / "clips").mkdir(exist_ok=True)
    films = Balls("billiards", n=1, size=16, frames=20).sample(30, seed=0).x
    for i, film in enumerate(films):
        first, *others = [Image.fromarray(frame[0]) for frame in film]
        first.save(HERE / "clips" / f"{i:02d}.gif", save_all=True, append_images=others, duration=100, loop=0)


def bars(random: np.random.Generator) -> None:
    """Bright columns, 8 x 8, in the levels 0 to 16: images that are no digits."""
    images = np.zeros((100, 1, 8, 8), np.uint8)
    images[np.arange(100), :, :, random.integers(0, 8, 100)] = 16
    np.save(HERE / "bars.npy", images)


def visits(random: np.random.Generator) -> None:
    """Visits of 120 patients with their dates: half of them come every week or so, half every month."""
    rows = ["patient,date,code"]
    for patient in range(120):
        day, every = random.integers(0, 300), (7, 30)[patient % 2]
        for _ in range(random.integers(4, 9)):
            date = np.datetime64("2024-01-01") + int(day)
            rows.append(f"p{patient:03d},{date},{random.choice(['checkup', 'blood', 'scan', 'advice'])}")
            day += round(every * np.exp(0.3 * random.normal()))
    (HERE / "visits.csv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    seeded = np.random.default_rng(0)
    plants()
    for make in (pictures, counts, reviews, scenes, vitals, pairs, bars, visits):
        make(seeded)
    tables()
    clips()
