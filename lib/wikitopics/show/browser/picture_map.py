"""The map of images in JupyterLab: thumbnails under the pointer, a brush that filters the browser below."""

from collections.abc import Mapping, Sequence

import ipywidgets as w
import numpy as np
import plotly.graph_objects as go

from wikitopics.errors import UserError
from wikitopics.evaluate.context import Context
from wikitopics.evaluate.map import Mapped
from wikitopics.evaluate.predictions import Predictions
from wikitopics.paths import judgements_folder
from wikitopics.show.browser import html as say
from wikitopics.show.browser.controls import boxed, button
from wikitopics.show.browser.mistakes import MistakeBrowser
from wikitopics.show.figures import CONFIG
from wikitopics.show.map_figures import layers, members, picture_map

STYLE = """<style>
.picture-map .pm-side { flex: 0 0 200px; padding: 40px 0 0 8px; }
.picture-map .pm-plot { flex: 1 1 560px; min-width: 420px; }
.picture-map .pm-plot > * { width: 100%; }
.picture-map .pm-side img { max-width: 190px; max-height: 190px; background: #fff; border-radius: 6px; }
.picture-map .pm-title { font-size: 13px; font-weight: 600; line-height: 1.4; overflow-wrap: anywhere; }
.picture-map .pm-side p { font-size: 12px; line-height: 1.4; margin: 4px 0 0; }
</style>"""
NOWHERE = {"type": "rect", "xref": "x", "yref": "y", "x0": 2e4, "x1": 2e4, "y0": 2e4, "y1": 2e4}
HINT = "<p>Point at a mark to see its image. Draw round some to see them in the browser below.</p>"


def mistakes_on_map(
    everything: Predictions, thresholds: np.ndarray, known: Context, on_map: Mapped, run: str
) -> w.Widget:
    """The browser of all predictions of a run of 04_evaluate below their map, as one widget.

    Verdicts go to the journals of `run`, at once.
    """
    arrays = (everything.truth, everything.scores, thresholds, everything.label_names, known.images)
    journals = judgements_folder("04_evaluate", run)
    browser = MistakeBrowser(everything.frame, *arrays, **known.beside, judgements=journals)
    return PictureMap(browser, on_map.titles, on_map.places, on_map.colourings, on_map.soft).widget


class PictureMap:
    """A map above a browser; `.widget` is what a notebook displays, both in one.

    titles: of the n pictures, each with a prediction in `browser`; places: (n, 2), see evaluate.map.placed;
    colourings: what the pictures may be coloured by, name -> n kinds, the first one at the start; rest: kinds
    that are drawn soft. Without a browser: `.brush(points)`, `.browser.show_all()`, `.point_at(point)`,
    `.colour.value = ...`; `.chosen`: the brushed points. Raises UserError for a picture without prediction.
    """

    def __init__(
        self,
        browser: MistakeBrowser,
        titles: Sequence[str],
        places: np.ndarray,
        colourings: Mapping[str, Sequence[str]],
        rest: Sequence[str] = (),
    ) -> None:
        self.browser, self.titles, self.places = browser, list(titles), np.asarray(places)
        self.colourings, self.rest = colourings, rest
        self.images = browser.predictions.places_of(self.titles)
        if (self.images < 0).any():
            missing = self.titles[int(np.argmin(self.images))]
            raise UserError(
                f"a picture on the map must have a prediction in the browser, but {missing!r} has none; "
                "make both from the same run"
            )
        self.chosen = np.array([], dtype=np.int64)
        self._brushed: list[np.ndarray] = []
        self._build()
        browser.selection.listeners.append(self._cleared)

    def _build(self) -> None:
        names = list(self.colourings)
        self._most = max(len(set(kinds)) for kinds in self.colourings.values())
        self.figure = go.FigureWidget(self._drawn(names[0]))
        self.figure._config = self.figure._config | CONFIG
        self.figure.update_layout(dragmode="lasso", hovermode="closest", autosize=True)
        for trace in self.figure.data:
            trace.on_hover(self._hovered)
            trace.on_selection(self._selected)
            trace.on_deselect(lambda trace, points: self._deselected(points))
        self.colour = w.Dropdown(options=names, description="Colour by")
        self.colour.observe(lambda _: self._recolour(), names="value")
        self.show_all = button("Show all images", "pm-all", "undo")
        self.show_all.on_click(lambda _: self.browser.show_all())
        self.show_all.disabled = True
        self.side = w.HTML(HINT)
        self.side.add_class("pm-side")
        both = w.HBox([boxed(w.Box, [self.figure], "pm-plot"), self.side])
        controls = w.HBox([self.colour, self.show_all])
        parts = (w.HTML(STYLE), controls, both, self.browser.widget)
        self.widget = boxed(w.VBox, parts, "picture-map")

    def _drawn(self, colouring: str) -> go.Figure:
        figure = picture_map(self.places, self.colourings[colouring], self.titles, rest=self.rest)
        self._members = members(self.colourings[colouring], self.rest, self._most)
        for layer in self._layers(colouring)[len(figure.data) :]:
            figure.add_scatter(**layer)
        return figure

    def _layers(self, colouring: str) -> list[dict]:
        return layers(self.places, self.colourings[colouring], self.titles, self.rest, self._most)

    def _recolour(self) -> None:
        self._members = members(self.colourings[self.colour.value], self.rest, self._most)
        with self.figure.batch_update():
            for trace, layer in zip(self.figure.data, self._layers(self.colour.value), strict=True):
                trace.update(layer)
                trace.selectedpoints = None
        self._mark()

    # -- pointing and brushing ---------------------------------------------------------------------

    def point_at(self, point: int) -> None:
        """Show the image of a point, its title and what it is."""
        row = int(self.browser.predictions.rows[self.images[point]])
        told = "".join(
            f"<p>{say.told(name)}: {say.told(kinds[point])}</p>" for name, kinds in self.colourings.items()
        )
        title = f'<div class="pm-title">{say.told(self.titles[point])}</div>'
        self.side.value = say.picture(self.browser.thumbnails.jpeg(row), self.titles[point]) + title + told

    def brush(self, points: Sequence[int] | np.ndarray) -> None:
        """Show only the images of these points in the browser; of none: all of them."""
        self.chosen = np.unique(np.asarray(points, np.int64))
        if not len(self.chosen):
            self.browser.show_all()
            return
        self.show_all.disabled = False
        self.browser.show_only(self.images[self.chosen], "those brushed on the map")

    def _hovered(self, trace: go.Scatter, points, _) -> None:
        if points.point_inds:
            self.point_at(int(self._members[points.trace_index][points.point_inds[0]]))

    def _selected(self, trace: go.Scatter, points, _) -> None:
        """One brush is heard once for each trace, in their order."""
        self._brushed = [] if points.trace_index == 0 else self._brushed
        self._brushed.append(self._members[points.trace_index][points.point_inds])
        if points.trace_index == len(self.figure.data) - 1:
            self.brush(np.concatenate(self._brushed))

    def _deselected(self, points) -> None:
        if points.trace_index == 0 and len(self.chosen):
            self.browser.show_all()

    def _cleared(self) -> None:
        self.chosen, self.show_all.disabled = np.array([], dtype=np.int64), True
        # What was brushed is known to the page alone; a value must change here for the page to hear of it.
        for outlines, marked in (((NOWHERE,), []), ((), None)):
            with self.figure.batch_update():
                self.figure.layout.selections = outlines
                for trace in self.figure.data:
                    trace.selectedpoints = marked

    def _mark(self) -> None:
        """The brushed points stay marked when colours change."""
        if len(self.chosen):
            with self.figure.batch_update():
                for trace, members in zip(self.figure.data, self._members, strict=True):
                    trace.selectedpoints = np.flatnonzero(np.isin(members, self.chosen)).tolist()
