"""Charts of a report, drawn by matplotlib as SVG: bars over time, in two widths.

Texts from outside, such as names of plans, do not come into a chart. They stand in its legend, which is HTML.
"""

import io
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from nvm_chain.index.report.markup import Markup, element, join
from nvm_chain.index.report.scales import Bars, find_steps, format_mark, label_bars
from nvm_chain.index.report.svg import PAINTS, dress_svg

SETTINGS: Final = {"svg.fonttype": "none", "svg.hashsalt": "nvm-chain", "font.family": "sans-serif", "font.size": 11.0}
"""Settings of matplotlib: text stays text, and the ids in the SVG are the same each time."""
BAR_WIDTH: Final = 0.78
DOTS: Final = 72
"""Dots to an inch: those of SVG, so that sizes here are pixels."""


class Series(NamedTuple):
    """One series of a chart: its name for the legend, and its value in each bar."""

    name: str
    values: Sequence[int]


class Chart(NamedTuple):
    """A chart: what it shows, its bars, its series, and how many decimals the values have.

    The series are stacked, or side by side if ``is_stacked`` is False.
    """

    key: str
    title: str
    summary: str
    bars: Bars
    series: Sequence[Series]
    decimals: int = 0
    is_stacked: bool = True


class Shape(NamedTuple):
    """Size of a drawing in pixels, its CSS class, and how many days it has room to name."""

    class_: str
    width: int
    height: int
    days: int


SHAPES: Final = (Shape("wide", 760, 210, 8), Shape("narrow", 335, 190, 4))


def draw_chart(chart: Chart) -> Markup:
    """Draw a chart with its title and legend, once for wide and once for narrow screens."""
    drawn = [
        dress_svg(_draw(chart, shape), f"{chart.key}-{shape.class_}", chart.title, chart.summary, shape.class_)
        for shape in SHAPES
    ]
    legend = _build_legend(chart.series) if len(chart.series) > 1 else join()
    return element("figure", element("figcaption", chart.title), legend, *drawn)


def _build_legend(series: Sequence[Series]) -> Markup:
    items = [
        element("li", element("i", class_=f"swatch s{number}", aria_hidden="true"), element("bdi", each.name))
        for number, each in enumerate(series)
    ]
    return element("ul", *items, class_="legend")


def _draw(chart: Chart, shape: Shape) -> str:
    with rc_context(SETTINGS):  # type: ignore[arg-type]  # typed for literal keys only
        figure = Figure(figsize=(shape.width / DOTS, shape.height / DOTS), dpi=DOTS)
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        _draw_bars(axes, chart)
        _draw_axes(axes, chart, shape)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _draw_bars(axes: Axes, chart: Chart) -> None:
    """Draw the series. Heights are shares of the highest mark, because base units may have 78 digits."""
    top = _find_steps(chart)[-1]
    width = BAR_WIDTH if chart.is_stacked else BAR_WIDTH / len(chart.series)
    floor = [0] * len(chart.bars.starts)
    for number, series in enumerate(chart.series):
        shift = -BAR_WIDTH / 2 + (0 if chart.is_stacked else number * width)
        boxes = [
            (position + shift, base / top, position + shift + width, (base + value) / top)
            for position, (base, value) in enumerate(zip(floor, series.values, strict=True))
            if value
        ]
        if boxes:
            axes.add_artist(PathPatch(_join_boxes(boxes), facecolor=PAINTS[f"s{number}"], linewidth=0))
        if chart.is_stacked:
            floor = [base + value for base, value in zip(floor, series.values, strict=True)]


def _join_boxes(boxes: Sequence[Sequence[Any]]) -> Path:
    """Return one path of all bars of a series, each from left and bottom to right and top."""
    corners = [[(x, y), (x, top), (right, top), (right, y), (x, y)] for x, y, right, top in boxes]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path([corner for box in corners for corner in box], codes * len(boxes))


def _find_steps(chart: Chart) -> list[int]:
    columns = list(zip(*(series.values for series in chart.series), strict=True))
    return find_steps(max(sum(column) if chart.is_stacked else max(column) for column in columns))


def _draw_axes(axes: Axes, chart: Chart, shape: Shape) -> None:
    steps = _find_steps(chart)
    marks = [format_mark(step, chart.decimals) for step in steps]
    left = 12 + 6.4 * max(map(len, marks))
    axes.set_position((left / shape.width, 26 / shape.height, 1 - (left + 6) / shape.width, 1 - 38 / shape.height))
    axes.set_xlim(-0.6, max(len(chart.bars.starts), 7) - 0.4)
    axes.set_ylim(0, 1)
    axes.set_yticks([step / steps[-1] for step in steps], marks, color=PAINTS["muted"])
    named = label_bars(chart.bars, shape.days)
    axes.set_xticks([position for position, _ in named], [day for _, day in named], color=PAINTS["muted"])
    axes.tick_params(length=0, pad=6)
    axes.grid(axis="y", color=PAINTS["line"], linewidth=1)
    axes.set_axisbelow(True)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(PAINTS["muted"])
