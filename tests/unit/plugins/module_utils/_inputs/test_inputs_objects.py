# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role datadog_objects refuses."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.objects import objects_problems

MONITOR = {
    "key": "high",
    "name": "High",
    "type": "metric alert",
    "query": "avg(last_5m):avg:my_metric{kennel_fleet:web} by {host} > 800",
    "options": {"thresholds": {"critical": 800, "warning": 500}},
}
CHECK = {"key": "up", "name": "Up", "type": "service check", "query": '"a.up".over("x:y").last(2).count_by_status()'}


BOTH = {"key": "both", "name": "Both", "type": "composite", "query": "high && !up"}


def graph(*queries: str, **definition: Any) -> dict[str, Any]:
    named = [{"name": f"q{n}", "data_source": "metrics", "query": query} for n, query in enumerate(queries)]
    return {"definition": {"type": "timeseries", "requests": [{"queries": named}], **definition}}


def formula(text: str) -> dict[str, Any]:
    return {"definition": {"type": "timeseries", "requests": [{"formulas": [{"formula": text}]}]}}


def board(*widgets: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"key": "board", "title": "Board", "layout_type": "ordered", "widgets": list(widgets), **fields}


def downtime(**fields: Any) -> dict[str, Any]:
    return {"key": "night", "monitor_key": "high", "scope": "*", "schedule": {}, **fields}


def problems(dashboards: Any = (), monitors: Any = (MONITOR,), downtimes: Any = (), **inputs: Any) -> list[str]:
    settings = {"fleet": "web", "notify": "@ops@example.com", "timezone": "Europe/Paris", "tags": ["kennel_fleet:web"],
                "service": "shop", "operation": "flask.request", "error_share": 0.05,
                "warning": 500.0, "alert": 800.0, "no_data_minutes": 10, "folder": ""}  # fmt: skip
    sources = {"dashboards": {"boards": list(dashboards)}, "monitors": {"mons": list(monitors)},
               "downtimes": {"downs": list(downtimes)}}  # fmt: skip
    return objects_problems({**settings, "sources": sources, **inputs})


def test_what_is_right_passes() -> None:
    good = board(graph("avg:my_metric{$host} by {host}"), graph("sum:x{*}.rollup(sum, 3600)"), formula("q0 / q1"))
    assert problems([good], [MONITOR, CHECK], [downtime()]) == []


@pytest.mark.parametrize("definition", [None, {"requests": 5}, {"requests": [5, {"queries": 5, "formulas": [5]}]}])
def test_definitions_may_be_anything(definition: Any) -> None:
    assert problems([board({"definition": {"type": "x", **(definition or {})}})]) == []


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"fleet": ""}, "datadog_objects_fleet '' is no name"),
        ({"service": "x" * 201}, "datadog_objects_service: 'xxx"),
        ({"operation": "flask request"}, "datadog_objects_operation 'flask request' is no operation"),
        ({"error_share": 5.0}, "datadog_objects_error_share 5 is no share"),
        ({"fleet": "My fleet"}, "datadog_objects_fleet"),
        ({"notify": ""}, "datadog_objects_notify '' reaches nobody: write for example '@ops@example.com'"),
        ({"notify": "ops@example.com"}, "datadog_objects_notify"),
        ({"timezone": "Mars/Olympus"}, "datadog_objects_timezone: 'Mars/Olympus' is not a time zone"),
        ({"tags": []}, "datadog_objects_tags is empty"),
        ({"tags": ["web"]}, "datadog_objects_tags: 'web' is not of the form key:value"),
        ({"warning": 900.0}, "datadog_objects_warning 900 is not below datadog_objects_alert 800"),
        ({"folder": "export"}, "datadog_objects_folder 'export' has no objects"),
        ({"no_data_minutes": 1}, "datadog_objects_no_data_minutes"),
        ({"dashboards": [board(graph("avg:x{*"))]}, "boards, board: widget 'timeseries': expected"),
        ({"dashboards": [board(graph("avg:x{*", title="CPU"))]}, "boards, board: widget 'CPU'"),
        ({"dashboards": [board({"definition": {"type": "group", "widgets": [graph("nonsense(x{*})")]}})]}, "nonsense"),
        ({"dashboards": [board(formula("anomalies(q0, 'bassic', 2)"))]}, "algorithm of anomalies is one of basic"),
        ({"dashboards": [board({"definition": {"type": "hostmap", "requests": {"fill": {"q": "x"}}}})]}, "hostmap"),
        ({"dashboards": [board(titel="x")]}, "boards[0] (board): titel is not a known field. Did you mean title?"),
        ({"dashboards": [board(), board()]}, "'board' is used twice"),
        ({"dashboards": ["x"]}, "boards holds something that is no object"),
        ({"monitors": [{**MONITOR, "query": "avg(last_5m):avg:my_metric{*} > "}]}, "(high): query: expected a number"),
        ({"monitors": [{**MONITOR, "type": "service check"}]}, "mons[0] (high): query"),
        ({"monitors": [{**MONITOR, "options": {"thresholds": {"critical": 900}}}]}, "is 900, its query says 800"),
        ({"monitors": [MONITOR, BOTH]}, "mons, both: query: there is no monitor with the key 'up'"),
        ({"monitors": [MONITOR, {"key": "up", "state": "absent"}, BOTH]}, "there is no monitor with the key 'up'"),
        ({"monitors": [MONITOR, {**BOTH, "query": "high || both"}]}, "'both' is composite"),
        ({"monitors": [{**BOTH, "query": "high && ("}]}, "mons[0] (both): query: expected the key or id of a monitor"),
        ({"monitors": [{**CHECK, "name": ""}]}, "mons[0] (up): name is missing"),
        ({"downtimes": [downtime(monitor_key="other")]}, "downs, night: there is no monitor with the key 'other'"),
        ({"monitors": [{"key": "high", "state": "absent"}], "downtimes": [downtime()]}, "no monitor with the key"),
        ({"downtimes": [downtime(scope="")]}, "downs[0] (night): scope is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(inputs: dict[str, Any], words: str) -> None:
    found = problems(**inputs)
    assert len(found) == 1 and words in found[0], found


def test_all_problems_are_listed_at_once() -> None:
    found = problems(
        [board(graph("avg:x{"), graph("1 +"))], [{**MONITOR, "query": "x"}], [downtime(monitor_key="y")], notify=""
    )
    assert len(found) == 5


def test_a_composite_may_name_monitors_of_any_variable() -> None:
    sources = {"monitors": {"mine": [BOTH], "theirs": [MONITOR, CHECK]}, "dashboards": {}, "downtimes": {}}
    assert problems(sources=sources) == []
    # The last of one key counts, and is the one that is named.
    sources["monitors"]["more"] = [{**BOTH, "query": "hgih && up"}]
    [problem] = problems(sources=sources)
    assert problem.startswith("more, both: query: there is no monitor with the key 'hgih'. Did you mean high?")


@pytest.mark.parametrize("value", [5, [[]], {"a": 1}])
def test_what_is_of_a_wrong_type_stops_no_other_check(value: Any) -> None:
    definitions = {"requests": value}, {"requests": [{"queries": value}]}
    odd = board(*({"definition": {"type": "toplist", **each}} for each in definitions), template_variables=0)
    found = problems([odd], [MONITOR, {**MONITOR, "key": value}], [downtime(monitor_key=value)])
    assert [problem.partition(" ")[0] for problem in found] == ["boards[0]", "mons[1].key", "downs[0]"], found


def test_what_is_to_be_absent_needs_nothing_but_its_key() -> None:
    gone = {"key": "gone", "state": "absent"}
    assert problems([gone], [MONITOR, gone], [gone]) == []
