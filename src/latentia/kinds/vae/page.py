"""The page of a VAE's run."""

from __future__ import annotations

from latentia.kinds.latent_page import latent_content
from latentia.kinds.vae.run import VAERun
from latentia.report.exploring import explored
from latentia.report.page import Page
from latentia.report.sections import cards


def page(run: VAERun) -> Page:
    """What the report of a run shows, on its test part."""
    split = run.whole_or("test")
    train = run.split("train") if len(run.dataset.train) else run.split(split)
    exploration = None
    if run.estimator.columns_ is None:
        exploration = explored(run.estimator, run.split(split), train, run.estimator.form_.viewable)
    content = latent_content(
        run,
        rated=run.figures(split)["kl"] is not None,
        source="the prior" if run.estimator.sampler_ is None else "the aggregate posterior",
        exploration=exploration,
    )
    return Page(content, content.event_shape, cards(content))
