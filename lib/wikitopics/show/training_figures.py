"""Figures of 03_train: what there is to learn from, and how learning went."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from PIL import Image

from wikitopics.show.figures import new_figure, plain
from wikitopics.show.pictures import contact_sheet
from wikitopics.show.theme import INK, MUTED, PALETTE


def label_counts(table: pd.DataFrame) -> go.Figure:
    """Bars: training and validation images of each label, the most frequent on top.

    table: label, train, validation (counts).
    """
    table = table.sort_values("train")
    names = [plain(label) for label in table["label"]]
    figure = new_figure("Images to learn from", x="images", y="label", height=160 + 26 * len(table))
    for number, split in enumerate(("validation", "train")):
        colour = PALETTE[1 - number]
        figure.add_bar(x=table[split], y=names, name=split, orientation="h", marker_color=colour)
    return figure.update_layout(barmode="group", legend_traceorder="reversed")


def shown(pictures: np.ndarray, views: np.ndarray, titles: list[str]) -> Image.Image:
    """Some training pictures as training sees them: all in one row, or the first three each with its views.

    pictures: (n, s, s, 3) uint8; views: (n, v, s, s, 3) uint8, v = 1 and equal where nothing is augmented.
    """
    if np.array_equal(pictures, views[:, 0]):
        return contact_sheet(list(pictures), titles, columns=len(titles))
    rows = list(zip(pictures, views, titles, strict=True))[:3]
    images = [image for picture, own, _ in rows for image in (picture, *own)]
    names = [f"view {number + 1}" for number in range(views.shape[1])]
    captions = [caption for *_, title in rows for caption in (title, *names)]
    return contact_sheet(images, captions, columns=views.shape[1] + 1)


def history(table: pd.DataFrame, best: int, prevalence: float, loss: str = "cross-entropy") -> go.Figure:
    """Loss (left) and validation PR-AUC (right) by epoch, the epoch whose weights were kept marked.

    table: epoch, loss, val_loss, val_macro_pr_auc, val_micro_pr_auc; `loss` is its name;
    `prevalence` is the share of positive (image, label) pairs in validation: the PR-AUC of a random order.
    """
    figure = new_figure("How learning went", x="epoch", columns=2, height=380)
    lines = (
        ("loss", "train", 0, 1),
        ("val_loss", "validation", 1, 1),
        ("val_macro_pr_auc", "macro PR-AUC, validation", 2, 2),
        ("val_micro_pr_auc", "micro PR-AUC, validation", 3, 2),
    )
    for column, name, number, panel in lines:
        style = {"color": PALETTE[number], "dash": ("solid", "dash", "solid", "dash")[number]}
        figure.add_scatter(
            x=table["epoch"], y=table[column], mode="lines", name=name, line=style, row=1, col=panel
        )
    _marks(figure, table, best, prevalence)
    figure.update_yaxes(title_text=f"{plain(loss.replace('_', ' '))} (nats)", row=1, col=1)
    figure.update_yaxes(title_text="PR-AUC (0 to 1)", range=[0, 1], row=1, col=2)
    return figure


def _marks(figure: go.Figure, table: pd.DataFrame, best: int, prevalence: float) -> None:
    """The kept epoch on both panels, and what chance gives on the right one."""
    kept = table[table["epoch"] == best]
    for column, panel in (("val_loss", 1), ("val_macro_pr_auc", 2)):
        marker = {"color": INK, "size": 10, "symbol": "diamond"}
        figure.add_scatter(
            x=kept["epoch"],
            y=kept[column],
            mode="markers",
            name=f"kept: epoch {best}",
            marker=marker,
            showlegend=panel == 1,
            row=1,
            col=panel,
        )
    figure.add_scatter(
        x=[table["epoch"].min(), table["epoch"].max()],
        y=[prevalence, prevalence],
        mode="lines",
        name="prevalence (a random order)",
        line={"color": MUTED, "dash": "dot"},
        row=1,
        col=2,
    )
