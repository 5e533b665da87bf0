"""The estimator."""

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA

from latentia.estimators.folder import params_of, save_fitted


class ToyPCA(BaseEstimator):
    """x = W z + mean + noise, z standard normal."""

    def __init__(self, model="toy-pca", *, n_directions=None, random_state=None):
        self.model = model
        self.n_directions = n_directions
        self.random_state = random_state

    save = save_fitted

    def fit(self, X, y=None):
        self.pca_ = PCA(self.n_directions or 2, random_state=self.random_state).fit(X)
        self.event_shape_ = (self.pca_.n_features_in_,)
        return self

    def transform(self, X):
        return self.pca_.transform(X)

    def score_samples(self, X):
        return self.pca_.score_samples(X)

    def sample(self, n, seed):
        return np.random.default_rng(seed).multivariate_normal(self.pca_.mean_, self.pca_.get_covariance(), n)

    def describe(self):
        parts = ("components_", "mean_", "explained_variance_", "explained_variance_ratio_")
        tensors = {name: torch.from_numpy(np.array(getattr(self.pca_, name))) for name in parts}
        return {"noise": float(self.pca_.noise_variance_), "n": self.pca_.n_samples_}, tensors, []

    @classmethod
    def rebuild(cls, config, tensors, curves):
        self = cls(**params_of(config))
        self.pca_ = PCA(len(tensors["components_"]))
        for name, value in tensors.items():
            setattr(self.pca_, name, value.numpy())
        self.pca_.noise_variance_, self.pca_.n_samples_ = config["noise"], config["n"]
        self.pca_.n_components_, self.pca_.n_features_in_ = tensors["components_"].shape
        self.event_shape_ = (self.pca_.n_features_in_,)
        return self
