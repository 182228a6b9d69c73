# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Effective inputs of the role datadog_objects, and invalid ones."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Checked, Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_objects import check, reads

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
    named = [{"name": name, "data_source": "metrics", "query": "avg:x{*}"} for name in ("q0", "q1")]
    return {"definition": {"type": "timeseries", "requests": [{"queries": named, "formulas": [{"formula": text}]}]}}


def group(*widgets: dict[str, Any]) -> dict[str, Any]:
    return {"definition": {"type": "group", "layout_type": "ordered", "widgets": list(widgets)}}


def board(*widgets: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"key": "board", "title": "Board", "layout_type": "ordered", "widgets": list(widgets), **fields}


def downtime(**fields: Any) -> dict[str, Any]:
    return {"key": "night", "monitor_key": "high", "scope": "*", "schedule": {}, **fields}


def checked(files: dict[str, str | None] | None = None, **inputs: Any) -> Checked:
    settings = {"fleet": "web", "notify": "@ops@example.com", "timezone": "Europe/Paris", "tags": ["kennel_fleet:web"],
                "service": "shop", "operation": "flask.request", "error_share": 0.05,
                "warning": 500.0, "alert": 800.0, "warning_recovery": 450.0, "alert_recovery": 750.0,
                "no_data_minutes": 10, "folder": "", "hosts": [], "reports": "",
                "dashboards": [], "monitors": [MONITOR], "downtimes": [],
                "extra_dashboards": [], "extra_monitors": [], "extra_downtimes": []}  # fmt: skip
    return check({**settings, **inputs}, Host("localhost", files=files or {}))


def problems(**inputs: Any) -> list[str]:
    return checked(**inputs).problems


def test_valid_inputs() -> None:
    widgets = [graph("avg:my_metric{$host} by {host}"), graph("sum:x{*}.rollup(sum, 3600)"), formula("q0 / q1")]
    good = board(*widgets, template_variables=[{"name": "host"}])
    assert problems(dashboards=[good], monitors=[MONITOR, CHECK], downtimes=[downtime()]) == []


@pytest.mark.parametrize("definition", [None, {"requests": 5}, {"requests": [5, {"queries": 5, "formulas": [5]}]}])
def test_definitions_of_any_type_do_not_crash(definition: Any) -> None:
    assert problems(dashboards=[board({"definition": {"type": "x", **(definition or {})}})]) == []


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"fleet": ""}, "datadog_objects_fleet '' is not a valid name"),
        ({"service": "x" * 201}, "datadog_objects_service: 'service:xxx"),
        ({"operation": "flask request"}, "datadog_objects_operation 'flask request' is not an operation"),
        ({"error_share": 5.0}, "datadog_objects_error_share 5 is not a proportion"),
        ({"fleet": "My fleet"}, "datadog_objects_fleet"),
        ({"notify": ""}, "datadog_objects_notify '' has no recipient. Write one such as '@ops@example.com'"),
        ({"notify": "ops@example.com"}, "datadog_objects_notify"),
        ({"timezone": "Mars/Olympus"}, "datadog_objects_timezone: 'Mars/Olympus' is not a time zone"),
        ({"tags": []}, "datadog_objects_tags is empty"),
        ({"tags": ["web"]}, "datadog_objects_tags: 'web' is not of the form key:value"),
        ({"warning_recovery": 500.0}, "datadog_objects_warning_recovery 500 is not below datadog_objects_warning 500."),
        ({"alert_recovery": 900.0}, "datadog_objects_alert_recovery 900 is not below datadog_objects_alert 800. Lower"),
        ({"warning": 900.0}, "datadog_objects_warning 900 is not below datadog_objects_alert 800"),
        ({"folder": "export"}, "datadog_objects_folder 'export' contains no objects. Choose a folder"),
        ({"service": "My Shop"}, "Datadog stores 'service:My Shop' as 'service:my_shop'. Write it that way."),
        ({"tags": ["env:a b"]}, "datadog_objects_tags: Datadog stores 'env:a b' as 'env:a_b'. Write it that way."),
        ({"no_data_minutes": 1}, "datadog_objects_no_data_minutes"),
        ({"dashboards": [board(graph("avg:x{*"))]}, "dashboards[0] (board): widget 'timeseries': expected"),
        ({"dashboards": [board(graph("avg:x{*", title="CPU"))]}, "datadog_objects_dashboards[0] (board): widget 'CPU'"),
        ({"dashboards": [board(group(graph("nonsense(x{*})")))]}, "nonsense"),
        ({"dashboards": [board(formula("q0 / q2"))]}, "'q0 / q2' refers to q2, but no query has"),
        ({"dashboards": [board(formula("anomalies(q0, 'bassic', 2)"))]}, "algorithm of anomalies must be one of basic"),
        ({"dashboards": [board({"definition": {"type": "hostmap", "requests": {"fill": {"q": "x"}}}})]}, "hostmap"),
        ({"dashboards": [board(titel="x")]}, "[0] (board): titel is not a known field. Did you mean title?"),
        ({"dashboards": [board(), board()]}, "'board' is used twice"),
        ({"dashboards": ["x"]}, "datadog_objects_dashboards[0] is not a dictionary"),
        ({"monitors": [{**MONITOR, "query": "avg(last_5m):avg:my_metric{*} > "}]}, "(high): query: expected a number"),
        ({"monitors": [{**MONITOR, "type": "service check"}]}, "datadog_objects_monitors[0] (high): query"),
        ({"monitors": [{**MONITOR, "options": {"thresholds": {"critical": 900}}}]}, "is 900, and the query has 800"),
        ({"monitors": [MONITOR, BOTH]}, "monitors, both: query: there is no monitor with the key 'up'"),
        ({"monitors": [MONITOR, {"key": "up", "state": "absent"}, BOTH]}, "there is no monitor with the key 'up'"),
        ({"monitors": [MONITOR, {**BOTH, "query": "high || both"}]}, "'both' is a composite"),
        ({"monitors": [{**BOTH, "query": "high && ("}]}, "(both): query: expected the key or id of a monitor"),
        ({"monitors": [{**CHECK, "name": ""}]}, "datadog_objects_monitors[0] (up): name is missing"),
        ({"downtimes": [downtime(monitor_key="other")]}, "downtimes, night: there is no monitor with the key 'other'"),
        ({"monitors": [{"key": "high", "state": "absent"}], "downtimes": [downtime()]}, "no monitor with the key"),
        ({"downtimes": [downtime(scope="")]}, "datadog_objects_downtimes[0] (night): scope is missing"),
    ],
)  # fmt: skip
def test_invalid_inputs_are_reported(inputs: dict[str, Any], words: str) -> None:
    found = problems(**inputs)
    assert len(found) == 1 and words in found[0], found


def test_doubtful_inputs_are_warnings_unless_there_are_problems() -> None:
    strange = board({"definition": {"type": "hologram"}}, template_variables=[])
    found = checked(dashboards=[strange])
    assert not found.problems
    assert found.warnings == ["dashboard board: widgets[0].definition.type 'hologram': unknown, sent unchanged."]
    assert not checked(dashboards=[strange], fleet="A b").warnings


def test_all_problems_are_reported_together() -> None:
    boards = [board(graph("avg:x{"), graph("1 +"))]
    found = problems(
        dashboards=boards, monitors=[{**MONITOR, "query": "x"}], downtimes=[downtime(monitor_key="y")], notify=""
    )
    assert len(found) == 5


def test_invalid_scope_is_not_repeated_for_the_roles_objects() -> None:
    bad = {**MONITOR, "query": "avg(last_5m):avg:my_metric{} > 800"}
    assert len(problems(fleet="", monitors=[bad])) == 1
    assert len(problems(fleet="", monitors=[bad], extra_monitors=[bad])) == 2


def test_specification_errors_do_not_stop_other_checks() -> None:
    names = ("tags", "error_share", "warning", "alert", "alert_recovery", "no_data_minutes", "dashboards", "folder")
    wrong: dict[str, Any] = {name: {"a": 1} for name in names}
    found = problems(**wrong, notify=5, fleet=["x"], timezone=None)
    assert [problem.partition(" ")[0] for problem in found] == [
        "datadog_objects_fleet", "datadog_objects_tags", "datadog_objects_timezone:", "datadog_objects_notify"
    ]  # fmt: skip


def test_composite_may_name_monitors_from_any_variable() -> None:
    extra = [{**BOTH, "query": "up && high"}, CHECK]
    assert problems(extra_monitors=extra) == []
    # The last item with a key counts, and is the one in the message.
    [problem] = problems(monitors=[MONITOR, BOTH, CHECK], extra_monitors=[{**BOTH, "query": "hgih && up"}])
    assert problem.startswith(
        "datadog_objects_extra_monitors, both: query: there is no monitor with the key 'hgih'. Did you mean high?"
    )


@pytest.mark.parametrize("value", [5, [[]], {"a": 1}])
def test_wrong_types_do_not_stop_other_checks(value: Any) -> None:
    # A widget of unknown type, so that only the dashboard's own fields are checked.
    definitions = {"requests": value}, {"requests": [{"queries": value}]}
    odd = board(*({"definition": {"type": "new", **each}} for each in definitions), template_variables=0)
    found = problems(
        dashboards=[odd], monitors=[MONITOR, {**MONITOR, "key": value}], downtimes=[downtime(monitor_key=value)]
    )
    assert [problem.partition(" ")[0] for problem in found] == [
        "datadog_objects_dashboards[0]", "datadog_objects_monitors[1].key", "datadog_objects_downtimes[0]"
    ], found  # fmt: skip


def test_absent_items_only_need_a_key() -> None:
    gone = {"key": "gone", "state": "absent"}
    result = checked(dashboards=[gone], monitors=[MONITOR, gone], downtimes=[gone])
    assert result.problems == []
    assert result.inputs["dashboards"] == [gone]
    assert result.expects == {"objects": {"dashboards": [], "monitors": ["high"], "downtimes": []}}


def test_last_item_with_a_key_counts() -> None:
    files: dict[str, str | None] = {
        "/f/monitors.yml": yaml.safe_dump([{**MONITOR, "name": "File"}, CHECK]),
        "/f/monitors_a.yml": yaml.safe_dump([{**CHECK, "name": "Second file"}]),
        "/f/dashboards.yml": yaml.safe_dump([board()]),
    }
    result = checked(files, folder="/f", extra_monitors=[{"key": "high", "state": "absent"}])
    assert result.problems == []
    assert result.inputs["monitors"] == [{"key": "high", "state": "absent"}, {**CHECK, "name": "Second file"}]
    assert result.expects["objects"] == {"dashboards": ["board"], "monitors": ["up"], "downtimes": []}


def test_braces_in_files_are_kept_for_datadog() -> None:
    text = "- {key: note, title: '{{ no }} {# template #}', layout_type: ordered, widgets: []}"
    assert checked({"f/dashboards.yml": text}, folder="f").inputs["dashboards"][0]["title"] == "{{ no }} {# template #}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "/f/monitors.yml cannot be read"),
        ("- a: [", "/f/monitors.yml is not valid YAML (while parsing"),
        ("- !!python/object:os.system {}", "/f/monitors.yml is not valid YAML"),
        ("key: high", "/f/monitors.yml is not a list of objects"),
        ("", "/f/monitors.yml is not a list of objects"),
        ("- {key: x, nme: y}", "/f/monitors.yml[0] (x): nme is not a known field. Did you mean name?"),
    ],
)
def test_problems_name_their_file(text: str | None, words: str) -> None:
    found = problems(files={"/f/monitors.yml": text}, folder="/f")
    assert words in found[0]


def test_reads_the_files_in_its_folder() -> None:
    assert reads({"folder": ""}) == reads({"folder": ["x"]}) == []
    assert reads({"folder": "export"}) == ["export/dashboards*.yml", "export/monitors*.yml"]


def test_recipients_are_appended_to_messages() -> None:
    loud, mute = ({**MONITOR, "notify": True, "message": "High."}, {**CHECK, "message": "Up? @me"})
    result = checked(monitors=[loud, mute, {**CHECK, "key": "bare", "notify": True}])
    assert result.problems == []
    messages = [item.get("message") for item in result.inputs["monitors"]]
    assert messages == ["High.\n@ops@example.com", "Up? @me", "@ops@example.com"]
    assert all("notify" not in item for item in result.inputs["monitors"])


@pytest.mark.parametrize(
    ("schedule", "recurs"),
    [
        ({"days": ["mon"], "all_day": True}, True),
        ([{"days": ["mon"], "all_day": True}], True),
        ({"recurrences": [{"rrule": "FREQ=DAILY", "duration": "1h"}]}, True),
        ({"end": "2099-01-01T00:00:00Z"}, False),
        (None, False),
    ],
)
def test_recurring_downtimes_are_expected(schedule: Any, recurs: bool) -> None:
    result = checked(downtimes=[downtime(schedule=schedule)])
    assert result.problems == [] and result.expects["objects"]["downtimes"] == (["night"] if recurs else [])
