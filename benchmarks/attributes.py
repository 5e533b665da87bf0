"""Attribute vectors on Fashion-MNIST: (mean code of boots - mean code of sneakers) added to sneakers of the test part.

A classifier fitted to real training images says what it sees in the decodings; its accuracy on real test images stands
beside. Control: random vectors of the same length.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from common import machine, options, publish, table
from latentia import VAE
from latentia.data import load
from latentia.explore import attribute_vector, check_attribute

SNEAKER, BOOT = 7, 9
PAIRS = ((SNEAKER, BOOT), (BOOT, SNEAKER), (0, 3), (2, 4))
STRENGTHS = (0.5, 1.0, 1.5)


def flat(items: np.ndarray) -> np.ndarray:
    return items.reshape(len(items), -1) / 255.0


def main() -> None:
    flags = options(__doc__ or "")
    data = load("fashion-mnist")
    rows, epochs = min(int(6000 * flags.scale), 55_000), min(max(3, int(6 * flags.scale)), 40)
    train, test = data.train.take(rows), data.test
    vae = VAE(latent_dim=10, max_epochs=epochs, random_state=0).fit(train.x)
    classifier = make_pipeline(
        FunctionTransformer(flat), StandardScaler(), LogisticRegression(max_iter=300, C=0.01)
    )
    classifier.fit(train.x, train.y)
    accuracy = classifier.score(test.x, test.y)
    codes = vae.transform(train.x)
    cells = []
    for source, target in PAIRS:
        vector = attribute_vector(codes[train.y == target], codes[train.y == source])
        items = test.x[test.y == source]
        for strength in STRENGTHS:
            check = check_attribute(vae, items, vector, classifier, target, strength=strength)
            names = f"{data.class_names[source]} -> {data.class_names[target]}"
            cells.append(
                (names, f"{strength:g}", f"{check.before:.3f}", f"{check.after:.3f}", f"{check.control:.3f}")
            )
    text = "\n".join(
        [
            f"Fashion-MNIST, {rows} training items, {epochs} epochs, 10 dimensions; {machine()}",
            f"classifier: {accuracy:.3f} of real test images right",
            "share of decodings that it takes for the target class",
            "",
            table(("attribute", "strength", "before", "after", "random vector"), cells),
        ]
    )
    publish("attributes", text, flags.save)


if __name__ == "__main__":
    main()
