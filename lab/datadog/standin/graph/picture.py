"""Draw the model of a graph as an image."""

import io
import math
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any

from ..wire.bodies import Json

_DPI = 100
# Maximum number of lines in a legend.
_MOST_LABELS = 12
_LIMITS = {"error": "#d62728", "warning": "#e6a817"}
# matplotlib's fonts are not thread-safe.
_ONE_AT_A_TIME = threading.Lock()


def draw(model: Json, title: str, span: tuple[int, int], size: tuple[int, int], events: Iterable[float] = ()) -> bytes:
    """Return the model of a widget (see model.py) as PNG; `size` is in pixels, times are in seconds."""
    target = io.BytesIO()
    with _ONE_AT_A_TIME:
        _figure(model, title, span, size, events).savefig(target, format="png")
    return target.getvalue()


def _figure(model: Json, title: str, span: tuple[int, int], size: tuple[int, int], events: Iterable[float]) -> Any:
    # Imported here, since loading it takes a second and most labs never draw.
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    width, height = size
    figure: Any = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    if title:
        axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    if model["kind"] in _OTHERS:
        _OTHERS[model["kind"]](axes, model, height)
    else:
        _plot(axes, model["chart"], max(1, width // 250))
        for happened in events:
            axes.axvline(_time(1000 * happened), color="#c77cff", linewidth=2, alpha=0.6)
        locator = AutoDateLocator(tz=timezone.utc)
        dates = ConciseDateFormatter(locator, tz=timezone.utc)
        dates.offset_formats = ["UTC", *(f"{one} UTC" for one in dates.offset_formats[1:])]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates)
        axes.set_xlim(*(_time(1000 * moment) for moment in span))
        axes.tick_params(labelsize=8, colors="#555555")
        axes.xaxis.get_offset_text().set(fontsize=8, color="#555555")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e5e5e5")
        axes.set_axisbelow(True)
    return figure


def _value(axes: Any, model: Json, height: int) -> None:
    axes.axis("off")
    text = f"{model['value']} {model['unit']}".strip()
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=height / 8, parse_math=False)


def _table(axes: Any, model: Json, height: int) -> None:
    """Draw rows as bars of their first number, as many as fit."""
    numbered = [(row[0]["text"], row[1].get("number") or 0.0, row[1]["text"]) for row in model["rows"] if len(row) > 1]
    shown = numbered[: max(1, height // 25)]
    bars = axes.barh([*range(len(shown))], [value for _name, value, _text in shown], color="C0", alpha=0.6)
    axes.invert_yaxis()
    axes.set_yticks([*range(len(shown))], [""] * len(shown))
    for bar, (name, _value, said) in zip(bars, shown, strict=True):
        text = f" {name}: {said}"
        axes.text(0, bar.get_y() + bar.get_height() / 2, text, va="center", fontsize=8, parse_math=False)
    _bare(axes, bool(shown))


def _tiles(axes: Any, model: Json, height: int) -> None:
    """Draw the tiles of all groups as bars."""
    rows = [[{"text": tile["name"]}, tile] for group in model["groups"] for tile in group["tiles"]]
    _table(axes, {"rows": rows}, height)


def _bins(axes: Any, model: Json, height: int) -> None:
    lows, widths = [one["low"] for one in model["bins"]], [one["high"] - one["low"] for one in model["bins"]]
    axes.bar(lows, [one["count"] for one in model["bins"]], width=widths, align="edge", color="C0", edgecolor="white")
    _bare(axes, bool(model["bins"]))


def _heat(axes: Any, model: Json, height: int) -> None:
    if model["bins"]:
        shares = [[one["share"] if one else math.nan for one in row] for row in model["cells"]]
        low, high = model["bins"][0]["low"], model["bins"][-1]["high"]
        ends = (0, len(model["starts"]), low, high if high > low else low + 1)
        axes.imshow(shares, aspect="auto", origin="lower", extent=ends, cmap="Purples", vmin=0, vmax=1)
        axes.set_xticks([])
    _bare(axes, bool(model["bins"]))


def _bare(axes: Any, known: bool) -> None:
    axes.tick_params(labelsize=8, colors="#555555")
    axes.spines[["top", "right"]].set_visible(False)
    if not known:
        axes.text(0.5, 0.5, "(no data)", transform=axes.transAxes, ha="center", va="center", color="#777777")


# Models that are not drawn over time.
_OTHERS: dict[str, Callable[[Any, Json, int], None]] = {
    "value": _value,
    **dict.fromkeys(("table", "parts", "scatter"), _table),
    "tiles": _tiles,
    "bins": _bins,
    "heat": _heat,
}
# The kinds of models that can be drawn.
PICTURED = ("chart", *_OTHERS)


def _plot(axes: Any, drawn: Json, columns: int) -> None:
    for index, line in enumerate(drawn["lines"]):
        colour, times = f"C{index % 10}", [_time(moment) for moment in line["x"]]
        values = [math.nan if value is None else value for value in line["y"]]
        # A label that starts with an underscore would be left out of the legend.
        named = {"color": colour, "label": f"\u200b{line['name']}"}
        if "band" in line:
            band = line["band"]
            axes.fill_between([_time(moment) for moment in band["x"]], band["lower"], band["upper"], color="#d9d9d9")
        if line["style"] == "bars":
            axes.bar(times, values, width=line["interval"] / 86_400_000 * 0.9, align="edge", **named)
        else:
            axes.plot(times, values, linewidth=1.4, marker="." if len(times) == 1 else "", **named)
        if line["style"] == "area":
            axes.fill_between(times, values, color=colour, alpha=0.3)
        if "odd" in line:
            axes.plot([_time(moment) for moment in line["odd"]["x"]], line["odd"]["y"], ".", color="#d62728", zorder=4)
    for value, kind in drawn["limits"]:
        axes.axhline(value, color=_LIMITS.get(kind, "grey"), linestyle="--", linewidth=1)
    if drawn["lines"]:
        handles, labels = (found[:_MOST_LABELS] for found in axes.get_legend_handles_labels())
        place = {"loc": "outside lower left", "ncols": columns, "frameon": False}
        for text in axes.figure.legend(handles, labels, fontsize=7, **place).get_texts():
            text.set_parse_math(False)
    else:
        axes.text(0.5, 0.5, "(no data)", transform=axes.transAxes, ha="center", va="center", color="#777777")


def _time(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
