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


CURVES = (  # column, name, number of its colour, panel
    ("loss", "train", 0, 1),
    ("val_loss", "validation", 1, 1),
    ("val_macro_pr_auc", "macro average", 2, 2),
    ("val_micro_pr_auc", "micro average", 3, 2),
)
DASH = ("solid", "dash", "solid", "dash")


def history(
    table: pd.DataFrame, best: int, prevalence: float, loss: str = "cross-entropy", seed: int = 0
) -> go.Figure:
    """Loss (left) and validation PR-AUC (right) by epoch: of `seed` in colour, of other seeds in grey behind.

    table: seed, epoch, loss, val_loss, val_macro_pr_auc, val_micro_pr_auc; `loss` is its name; `best` is the
    epoch whose weights were kept, which is marked; `prevalence` is the share of positive (image, label)
    pairs in validation: the PR-AUC of a random order.
    """
    own = table[table["seed"] == seed]
    title = "How learning went" + (f", seed {seed}; grey: the other seeds" if len(own) < len(table) else "")
    figure = new_figure(title, x="epoch", columns=2, height=380)
    for _, other in table[table["seed"] != seed].groupby("seed"):
        for column, _, number, panel in CURVES:
            _line(figure, other, column, panel, {"color": MUTED, "dash": DASH[number], "width": 0.7})
    for column, name, number, panel in CURVES:
        beside = [other for other, _, _, where in CURVES if where == panel]
        highest = own[column].iloc[-1] == own[beside].iloc[-1].max()
        style = {"color": PALETTE[number], "dash": DASH[number], "width": 2.5}
        _line(figure, own, column, panel, style, name, "top left" if highest else "bottom left")
    _marks(figure, own, best, prevalence)
    figure.update_yaxes(title_text=f"{plain(loss.replace('_', ' '))} (nats)", row=1, col=1)
    figure.update_yaxes(title_text="PR-AUC on validation (0 to 1)", range=[0, 1], row=1, col=2)
    return figure


def _line(
    figure: go.Figure,
    table: pd.DataFrame,
    column: str,
    panel: int,
    style: dict,
    name: str = "",
    where: str = "top left",
) -> None:
    """A curve over epochs with its name at its end, where it has one."""
    figure.add_scatter(
        x=table["epoch"],
        y=table[column],
        mode="lines+text" if name else "lines",
        name=name,
        text=[""] * (len(table) - 1) + [name] if name else None,
        textposition=where,
        line=style,
        showlegend=False,
        row=1,
        col=panel,
    )


def _marks(figure: go.Figure, table: pd.DataFrame, best: int, prevalence: float) -> None:
    """The kept epoch on both panels, and what chance gives on the right one."""
    kept = table[table["epoch"] == best]
    for column, panel in (("val_loss", 1), ("val_macro_pr_auc", 2)):
        figure.add_scatter(
            x=kept["epoch"],
            y=kept[column],
            mode="markers+text" if panel == 1 else "markers",
            text=[f"kept: epoch {best}"] * len(kept) if panel == 1 else None,
            textposition="bottom center",
            marker={"color": INK, "size": 10, "symbol": "diamond"},
            showlegend=False,
            row=1,
            col=panel,
        )
    ends = pd.DataFrame({"epoch": [table["epoch"].min(), table["epoch"].max()], "chance": prevalence})
    _line(figure, ends, "chance", 2, {"color": MUTED, "dash": "dot"}, "a random order")
