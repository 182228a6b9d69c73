# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Timeboards and screenboards become dashboards that Datadog's own models accept."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._boards import dashboard, is_old
from ansible_collections.kennel.fleet.plugins.module_utils._objects.dashboards import Dashboards
from hypothesis import given
from hypothesis import strategies as st
from old_graphs import GRAPHS, Q

PLACE = {"x": 1, "y": 2, "width": 40, "height": 12}
TITLE = {"title": True, "title_text": "Mine", "title_size": 16, "title_align": "left"}
SHOWN = {"title": "Mine", "title_size": "16", "title_align": "left"}
WIDGETS = {
    "a graph": (
        {"type": "timeseries", "tile_def": {"viz": "timeseries", "requests": [Q]}, "timeframe": "4h", "legend": True}
        | TITLE,
        {"type": "timeseries", "requests": [Q], "show_legend": True, "time": {"live_span": "4h"}} | SHOWN,
    ),
    "no title": (
        {"type": "event_stream", "query": "*", "tags_execution": "and", "title": False, "timeframe": ""},
        {"type": "event_stream", "query": "*", "tags_execution": "and"},
    ),
    "a note": (
        {"type": "note", "html": "<b>Hi</b>", "bgcolor": "pink", "tick": True, "tick_pos": "50%", "font_size": 14},
        {
            "type": "note",
            "content": "<b>Hi</b>",
            "background_color": "pink",
            "show_tick": True,
            "tick_pos": "50%",
            "font_size": "14",
        },
    ),
    "an alert": (
        {"type": "alert_graph", "alert_id": 7, "viz_type": "toplist", "time": {"live_span": "1h"}} | TITLE,
        {"type": "alert_graph", "alert_id": "7", "viz_type": "toplist", "time": {"live_span": "1h"}} | SHOWN,
    ),
    "an old value": (
        {"type": "query_value", "query": Q["q"], "aggregator": "max", "precision": 1, "calc_func": "raw"},
        {"type": "query_value", "requests": [Q | {"aggregator": "max"}], "precision": 1},
    ),
    "a summary": (
        {"type": "manage_status", "params": {"text": "status:alert", "sort": "status,asc"}, "hideZeroCounts": True},
        {"type": "manage_status", "query": "status:alert", "sort": "status,asc", "hide_zero_counts": True},
    ),
    "a service": (
        {"type": "trace_service", "env": "prod", "serviceService": "shop", "serviceName": "http", "mustShowHits": True},
        {"type": "trace_service", "env": "prod", "service": "shop", "span_name": "http", "show_hits": True},
    ),
    "logs": (
        {"type": "log_stream", "query": "status:error", "columns": '["core_host"]'},
        {"type": "log_stream", "query": "status:error", "columns": ["core_host"]},
    ),
}


def one(body: dict[str, Any]) -> dict[str, Any]:
    """Return the only widget of a board, which the current models accept."""
    made = dashboard(body)
    assert Dashboards().problems(made) == []
    (widget,) = made["widgets"]
    return widget


@pytest.mark.parametrize(("old", "new"), GRAPHS.values(), ids=GRAPHS)
def test_graph_of_a_timeboard(old, new):
    # Datadog ignores a type outside the definition.
    widget = one({"title": "Board", "graphs": [{"title": "Mine", "definition": old, "viz": "toplist"}]})
    assert widget == {"definition": {"title": "Mine", **new}}


@pytest.mark.parametrize(("old", "new"), WIDGETS.values(), ids=WIDGETS)
def test_widget_of_a_screenboard(old, new):
    widget = one({"board_title": "Board", "widgets": [old | PLACE | {"url": "", "tick_edge": ""}]})
    assert widget == {"definition": new, "layout": PLACE}


def test_graph_on_a_screenboard_gets_a_position():
    widget = one({"board_title": "Board", "widgets": [{"title": "Mine", "definition": {"requests": [Q]}}]})
    assert widget["definition"] == {"title": "Mine", "type": "timeseries", "requests": [Q]}
    assert set(widget["layout"]) == {"x", "y", "width", "height"}


def test_fields_of_a_board():
    whole = {"name": "role", "prefix": "role", "default": "role:web"}
    variables = [{"name": "host", "prefix": "host", "default": ""}, "env", whole]
    made = dashboard({"title": "T", "description": None, "graphs": [], "template_variables": variables, "read_only": 1})
    assert made == {
        "title": "T",
        "layout_type": "ordered",
        "is_read_only": True,
        "template_variables": [
            {"name": "host", "prefix": "host"},
            {"name": "env", "prefix": "env"},
            {"name": "role", "prefix": "role", "default": "web"},
        ],
        "widgets": [],
    }
    assert dashboard({"board_title": "S", "widgets": []}) == {"title": "S", "layout_type": "free", "widgets": []}


@pytest.mark.parametrize("graph", ["text", {"title": "no definition"}, {"definition": "text"}])
def test_invalid_graph_is_refused(graph):
    with pytest.raises(ValueError, match=r"lists of dictionaries|no definition"):
        dashboard({"title": "T", "graphs": [graph]})


@pytest.mark.parametrize(
    ("body", "old"),
    [
        ({"title": "T", "graphs": []}, True),
        ({"board_title": "T", "widgets": []}, True),
        ({"title": "T", "layout_type": "ordered", "widgets": []}, False),
        ([], False),
    ],
)
def test_old_bodies_are_recognised(body, old):
    assert is_old(body) is old


NAMES = [
    "viz",
    "type",
    "requests",
    "style",
    "yaxis",
    "markers",
    "metadata",
    "conditional_formats",
    "q",
    "value",
    "title",
]
NAMES += ["tile_def", "time", "params", "precision", "columns", "log_query", "compute", "expression", "definition", "x"]
KINDS = [
    "timeseries",
    "query_value",
    "toplist",
    "hostmap",
    "scatterplot",
    "note",
    "manage_status",
    "log_stream",
    "process",
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "*", "6", "inf", "auto", *KINDS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=20,
)


@given(ANYTHING)
def test_other_bodies_are_refused_without_a_crash(anything):
    for body in (
        {"title": "T", "graphs": [{"title": "g", "definition": anything}], "template_variables": anything},
        {"title": "T", "graphs": anything},
        {"board_title": "T", "widgets": [anything]},
    ):
        try:
            assert isinstance(dashboard(body)["widgets"], list)
        except ValueError as error:
            assert str(error)
