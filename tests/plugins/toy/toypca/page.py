"""Its page."""

from latentia.report.cards import Card
from latentia.report.head import head_of
from latentia.report.page import Page


def page(run):
    figures = run.figures("test")
    head = head_of(run, figures, run.kind.words, about="a toy", settings=run.estimator.get_params())
    shares = run.estimator.pca_.explained_variance_ratio_
    rows = [("direction", "share"), *((str(i), f"{share:.1%}") for i, share in enumerate(shares))]
    return Page(
        head, run.event_shape, [Card("shares", "Shares of variance", "By direction.", table=tuple(rows))]
    )
