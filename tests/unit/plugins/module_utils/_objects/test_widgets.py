# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards that Datadog refuses, ones that it accepts, and ones with unknown parts."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._objects.dashboards import Dashboards
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[5]
SCHEMA = Dashboards()
QUERY = {"name": "a", "data_source": "metrics", "query": "avg:x{$host} by {host}"}
REQUEST = {"display_type": "line", "response_format": "timeseries", "queries": [QUERY], "formulas": [{"formula": "a"}]}
GRAPH = {"type": "timeseries", "title": "Load", "time": {"live_span": "1h"}, "requests": [REQUEST]}
NOTE = {"type": "note", "content": "Read me"}
PRESET = {"name": "p", "template_variables": [{"name": "host", "value": "*", "values": ["*"]}]}
PLACE = {"x": 0, "y": 0, "width": 6, "height": 2}


def board(*definitions: Any, layout: Any = None, **fields: Any) -> dict[str, Any]:
    widgets = [{"definition": copy.deepcopy(each), **({"layout": layout} if layout else {})} for each in definitions]
    variables = [{"name": "host", "prefix": "host", "defaults": ["*"]}]
    return {
        "key": "shop",
        "title": "Shop",
        "layout_type": "ordered",
        "template_variables": variables,
        "widgets": widgets,
        **fields,
    }


def changed(value: Any, path: str, new: Any) -> Any:
    """Return the value with the part at a path, such as requests.0.q, replaced, or removed if None."""
    value = copy.deepcopy(value)
    *inner, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    found = value
    for part in inner:
        found = found[part]
    if new is None:
        del found[last]
    else:
        found[last] = new
    return value


@pytest.mark.parametrize(
    ("path", "new", "problem"),
    [
        ("type", "timeserie", "widgets[0].definition.type is 'timeserie'. Did you mean timeseries?"),
        ("type", None, "widgets[0].definition has no type. Add it."),
        ("requests", None, "widgets[0].definition has no requests. Add it."),
        ("requests", {}, "widgets[0].definition.requests is not a list. Write a list."),
        ("requests.0", "avg:x{*}", "widgets[0].definition.requests[0] is 'avg:x{*}'. Write a dictionary."),
        (
            "requests.0.display_type",
            "lines",
            "widgets[0].definition.requests[0].display_type is 'lines'. Write one of area, bars, line, overlay.",
        ),
        ("show_legnd", True, "widgets[0].definition.show_legnd is not a known field. Did you mean show_legend?"),
        ("show_legend", "yes", "widgets[0].definition.show_legend is 'yes'. Write true or false."),
        ("requests", [], "widgets[0].definition.requests has 0 items. Write 1 or more."),
        ("requests.0", {"style": {"palette": "cool"}}, "widget 'Load': a request has no queries. Add a query."),
        ("title", 5, "widgets[0].definition.title is 5. Write a string."),
        ("time.live_span", "2h", "widgets[0].definition.time.live_span is '2h'. Write one of 10m, 15m, 1d,"),
        ("requests.0.queries.0.data_source", "metric", "queries[0].data_source is 'metric'. Did you mean metrics?"),
        ("requests.0.queries.0.query", None, "widgets[0].definition.requests[0].queries[0] has no query. Add it."),
        ("requests.0.queries.0.aggregator", "mean", "aggregator is 'mean'. Write one of area, avg, l2norm, last,"),
        ("requests.0.formulas.0.formula", "b * 2", "widget 'Load': the formula 'b * 2' refers to b, but no query"),
        ("requests.0.formulas.0.limit", {"count": "5"}, "limit.count is '5'. Write a number."),
    ],
)
def test_invalid_graph_is_refused_with_its_position(path: str, new: Any, problem: str) -> None:
    [found] = SCHEMA.problems(board(changed(GRAPH, path, new)))
    assert problem in found


def test_invalid_widget_in_a_group_is_refused_with_its_position() -> None:
    group = {"type": "group", "layout_type": "ordered", "widgets": [{"definition": {"type": "note"}}]}
    assert SCHEMA.problems(board(NOTE, group)) == [
        "widgets[1].definition.widgets[0].definition has no content. Add it."
    ]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (board(NOTE, layout_type="free"), "widgets[0] has no layout, which a free dashboard requires."),
        (board(NOTE, reflow_type="fixed"), "widgets[0] has no layout, which reflow_type fixed requires."),
        (board(NOTE, layout=PLACE, reflow_type="auto"), "widgets[0] has a layout, but reflow_type auto places widgets"),
        (board(NOTE, layout={**PLACE, "x": 8}, reflow_type="fixed"), "layout reaches from column 8 to 14 of 12."),
        (board(NOTE, layout={"x": 0, "y": 0}, layout_type="free"), "widgets[0].layout has no height. Add it."),
        (board(NOTE, layout=PLACE, layout_type="free", reflow_type="fixed"), "reflow_type is for ordered dashboards."),
        (board(reflow_type="flow"), "reflow_type is 'flow'. Write auto or fixed."),
        (board({"type": "query_value", "requests": [REQUEST] * 2}), "requests has 2 items. Write 1."),
        (board(template_variables=[{"name": "a", "prefix": 5}]), "template_variables[0].prefix is 5. Write a string."),
        (
            board(template_variables=[{"name": "a", "defaults": [""]}]),
            "variable a: defaults contains an empty string.",
        ),
        (board(template_variable_presets=[PRESET]), "preset p, host: both value and values are set. Remove value."),
        (board(tags=[f"team:{number}" for number in range(6)]), "tags has 6 tags, but Datadog allows 5."),
    ],
)
def test_invalid_layout_or_too_many_tags_are_refused(item: dict[str, Any], problem: str) -> None:
    assert any(each.startswith(problem) or problem in each for each in SCHEMA.problems(item)), SCHEMA.problems(item)


@pytest.mark.parametrize(
    "item",
    [
        board(NOTE, layout={**PLACE, "x": 6}, reflow_type="fixed"),
        board(NOTE, layout={**PLACE, "x": 60}, layout_type="free"),
        board(NOTE, layout=PLACE),
        board(NOTE, GRAPH, reflow_type="auto"),
        board({"type": "timeseries", "requests": [{"q": "avg:x{*}", "style": {"palette": "dog_classic"}}]}),
        board({"type": "hostmap", "requests": {"fill": {"q": "avg:x{*} by {host}"}}}),
        board(changed(GRAPH, "time", {})),
        board(changed(GRAPH, "requests.0.formulas.0.formula", "anomalies(a, 'basic', 2)")),
        board(changed(GRAPH, "requests.0.formulas.0.formula", "timeshift(a, -3600) + top(a, 5, mean, desc)")),
    ],
)
def test_valid_dashboards(item: dict[str, Any]) -> None:
    assert SCHEMA.problems(item) == [] and SCHEMA.doubts(item, "lab") == []


@pytest.mark.parametrize(
    ("item", "doubt"),
    [
        (board({"type": "hologram", "depth": 3}), "widgets[0].definition.type 'hologram': unknown, sent unchanged"),
        (board({**NOTE, "pause_auto_refresh": True}), "widgets[0].definition.pause_auto_refresh: unknown"),
        (
            board(changed(GRAPH, "requests.0.queries.0", {"data_source": "quantum", "name": "a"})),
            "'quantum': unknown",
        ),
        (board(*[{**NOTE, "new": 1}] * 9), "widgets[0].definition.new: unknown, sent unchanged."),
        (board(*[{**NOTE, f"new_{n}": 1} for n in range(7)]), "widgets[4].definition.new_4 and 2 more: unknown"),
        (board(GRAPH, template_variables=[]), "queries use $host, which are not in template_variables. Add them"),
        (
            board(changed(GRAPH, "requests.0.queries.0.query", "avg:x{kennel_fleet:web}")),
            "queries kennel_fleet:web",
        ),
    ],
)
def test_unknown_or_doubtful_parts_cause_one_warning(item: dict[str, Any], doubt: str) -> None:
    assert SCHEMA.problems(item) == []
    [found] = SCHEMA.doubts(item, "lab")
    assert doubt in found


def test_all_problems_are_reported_together() -> None:
    found = SCHEMA.problems(board({"type": "note"}, changed(GRAPH, "requests.0.q", "avg:x{"), layout_type="free"))
    assert [each.partition(" ")[0] for each in found] == ["widgets[0].definition", "widgets[0]", "widgets[1]", "widget"]


def test_exclusion_of_another_fleet_is_not_doubtful() -> None:
    item = board(changed(GRAPH, "requests.0.queries.0.query", "avg:x{!kennel_fleet:web,kennel_fleet:lab}"))
    assert SCHEMA.doubts(item, "lab") == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "timeseries", "metrics", "live"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "requests", "widgets", "queries", "time", "definition", "x"]), inner)
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_definitions_of_any_type_do_not_crash(definition: Any) -> None:
    item = board(definition)
    if SCHEMA.problems(item) == []:
        json.dumps([SCHEMA.comparable(item), SCHEMA.doubts(item, "lab")])


def test_models_equal_the_clients() -> None:
    script = ROOT / "tests" / "widget_models.py"
    subprocess.run([sys.executable, script, "--check"], check=True)
