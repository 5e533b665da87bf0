"""The words of the page, explained in a sentence each."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "nat": "The unit of information when logarithms are natural: 1 nat is 1.44 bits. Densities of continuous data can "
    "exceed 1, so their log-likelihood in nats can be positive.",
    "log-likelihood": "log p(x), how probable the model holds an item to be, in nats; higher is better. Of a mixture or an autoregressive model it "
    "is exact; of an autoencoder it is estimated by importance weighting: with more importance samples the estimate rises towards the true value.",
    "elbo": "Evidence lower bound, log p(x|z) − KL: what a variational autoencoder maximises. It never exceeds the "
    "log-likelihood.",
    "distortion": "−log p(x|z): what is lost when an item is rebuilt from its code, in nats.",
    "rate": "KL(q(z|x) ‖ p(z)): what the code says about the item beyond the prior, in nats. Also called KL. "
    "Distortion plus rate is the negative ELBO.",
    "active unit": "A latent dimension whose posterior mean changes from item to item; an inactive one carries nothing.",
    "bits per dimension": "Negative log-likelihood in bits, divided by the number of pixels and channels; lower is "
    "better. It is comparable between models of the same images.",
    "squared error": "Sum of squared differences between an item and its reconstruction, over all pixels or features.",
    "sigma²": "Variance of the Gaussian likelihood: the mean squared residual where it is the optimal one.",
    "posterior collapse": "The decoder has learned to do without the code: rate and active units fall to zero.",
    "information overload": "The code carries more than the prior can supply: reconstructions are good, samples are not.",
    "prior": "The distribution of codes that samples are drawn from, usually a standard normal.",
    "code": "A whole number that stands for a vector of the codebook; an item is a map or a list of them.",
    "perplexity": "Effective number of codes in use: exp of the entropy of their frequencies. So many codes, all equally "
    "frequent, would be as varied.",
    "t-SNE": "A method that lays points out in a plane so that neighbours stay neighbours. Sizes of groups and "
    "distances between them mean little.",
    "R²": "Share of a feature's variance that the reconstruction keeps: 1 is all, 0 no better than the mean.",
    "component": "One of the K distributions that a mixture adds up; its weight is the share of items that it makes.",
    "responsibility": "p(k|x), the probability that component k made the item.",
    "sampler": "Draws one number after another, each given those before it.",
    "levels": "The values that a number can take.",
    "criterion": "AIC, BIC, ICL and Laplace weigh the likelihood of the training items against the number of "
    "parameters; smaller is better. They compare numbers of components on the same data.",
}

_SAME = {
    "n components": "component",
    "n levels": "levels",
    "aic": "criterion",
    "bic": "criterion",
    "icl": "criterion",
    "laplace": "criterion",
    "train log likelihood": "log-likelihood",
    "kl": "rate",
    "used codes": "code",
    "uniform bits per dim": "bits per dimension",
    "log likelihood": "log-likelihood",
    "negative elbo": "elbo",
    "bound": "elbo",
    "evidence lower bound": "elbo",
    "active units": "active unit",
    "bits dim": "bits per dimension",
    "bits/dim": "bits per dimension",
    "bits per dim": "bits per dimension",
    "sse": "squared error",
    "squared error per sample": "squared error",
    "sigma2": "sigma²",
    "optimal sigma": "sigma²",
    "optimal sigma²": "sigma²",
    "nats": "nat",
}


def explain(name: str) -> str:
    """The sentence for a name from the table of figures, or an empty one.

    >>> explain("active_units")[:18], explain("seconds")
    ('A latent dimension', '')
    """
    words = " ".join(name.lower().replace("_", " ").split())
    return GLOSSARY.get(_SAME.get(words, words), "")


_WRITTEN = {
    "aic": "AIC",
    "bic": "BIC",
    "icl": "ICL",
    "elbo": "ELBO",
    "kl": "KL",
    "sse": "SSE",
    "sigma2": "sigma²",
}


def label(name: str) -> str:
    """A figure's name as words: no underscores, the field's abbreviations in capitals.

    >>> label("active_units"), label("elbo")
    ('Active units', 'ELBO')
    """
    words = [_WRITTEN.get(word, word) for word in name.replace("_", " ").split()]
    text = " ".join(words)
    return text if words and words[0] in _WRITTEN.values() else text[:1].upper() + text[1:]
