"""Widgets that show the states of monitors, service checks and services, and events.

Source: https://docs.datadoghq.com/dashboards/widgets/
"""

from collections import Counter
from typing import Any

from module_utils._query.metric import Query
from module_utils._query.monitor import MetricCondition

from ..alert import search
from ..alert.observe import ALERT, NO_DATA, OK, SKIPPED, WARN, condition, covered, stale
from ..errors import Refused
from ..query.evaluate import default_interval, evaluate
from ..query.events import Counted, finder, joined_tag
from ..query.formulas import bound
from ..query.lines import Window
from ..query.spans import resources
from ..wire.bodies import Json
from .model import View, chart, label, requests_of
from .tables import cell, table
from .units import SECONDS

_WORST = (ALERT, WARN, NO_DATA, SKIPPED, OK)
# The statuses of a service check: 0 to 3.
_CHECKED = (OK, WARN, ALERT, "Unknown")
_MOST_EVENTS = 50
_MOST_MONITORS = 50


# --------------------------------------------------------------------------------------------------------- monitors
def monitors(definition: Json, view: View, start: int, end: int) -> Json:
    """List the monitors that match a search, the worst first."""
    wanted = search.finder(bound(str(definition.get("query") or ""), view.variables))
    states = {state["id"]: state for state in view.documents.all("monitor_state")}
    every = view.documents.all("monitor")
    entries = (search.entry(_with_state(monitor, states.get(monitor["id"]))) for monitor in every)
    found = [one for one in entries if wanted(one)]
    found.sort(key=lambda one: (_rank(one["status"]), one["name"].lower()))
    counts = Counter(one["status"] for one in found)
    note = ", ".join(f"{counts[status]} {status}" for status in sorted(counts, key=_rank)) or "No monitor is found"
    most = int(definition.get("count") or _MOST_MONITORS)
    rows = [
        [cell(one["name"], address=f"/monitors/{one['id']}"), cell(one["status"], state=True)] for one in found[:most]
    ]
    return table(["Monitor", "Status"], rows, note)


def _rank(status: str) -> int:
    return _WORST.index(status) if status in _WORST else len(_WORST)


def _with_state(monitor: Json, state: Json | None) -> Json:
    usual = {"overall_state": NO_DATA, "overall_state_modified": None}
    return {**monitor, **{name: (state or {}).get(name) or value for name, value in usual.items()}}


def _monitor(definition: Json, view: View) -> Json:
    found = view.documents.get("monitor", str(definition["alert_id"]))
    if found is None:
        raise Refused(404, f"there is no monitor {definition['alert_id']}")
    return found


def monitor_graph(definition: Json, view: View, start: int, end: int) -> Json:
    return monitor_chart(_monitor(definition, view), view, start, end)


def monitor_chart(monitor: Json, view: View, start: int, end: int) -> Json:
    """Return the chart of a monitor's query, with its thresholds. Raises Refused(400)."""
    asked = condition(monitor["query"], monitor["type"])
    if not isinstance(asked, MetricCondition):
        raise Refused(400, f"a {monitor['type']} watches no metric")
    (lines,) = evaluate(Query((asked.expression,)), view.store, start, end)
    limits = monitor["options"].get("thresholds") or {}
    # The thresholds of an anomaly monitor are proportions of a window, not values.
    marks = [] if any(line.bounds for line in lines) else [("critical", "error"), ("warning", "warning")]
    marked = [(float(limits[name]), kind) for name, kind in marks if limits.get(name) is not None]
    return chart([(line, "line", label(line)) for line in lines], start, end, marked)


def monitor_value(definition: Json, view: View, start: int, end: int) -> Json:
    """Show the state of a monitor."""
    monitor = _monitor(definition, view)
    found = _with_state(monitor, view.documents.get("monitor_state", monitor["id"]))
    return {"kind": "value", "value": found["overall_state"], "unit": "", "how": "state", "state": True}


def check_status(definition: Json, view: View, start: int, end: int) -> Json:
    """Show the last status of a service check for each group that has run it in the time range, which must end now.

    Datadog counts groups by status, rather than the checks in them, and only supports such ranges:
    https://docs.datadoghq.com/dashboards/widgets/check_status/
    Our choice: a group has the status of its worst check, and a stale one keeps its last status, with a mark.
    """
    if end < int(view.now):
        return table([], [], "A check has a status now, not in the past: choose a span that ends now")
    over = [bound(str(tag), view.variables) for tag in definition.get("tags") or () if tag]
    keys = list(definition.get("group_by") or ()) if definition.get("grouping") != "check" else []
    only = set(filter(None, bound(str(definition.get("group") or ""), view.variables).split(",")))
    groups: dict[str, list[tuple[str, bool]]] = {}
    for tags, runs in covered(view.store, str(definition["check"]), 2, over):
        if only <= {*tags, "*"} and runs[0].timestamp >= start:
            group = ", ".join(joined_tag(key, tags) for key in keys) or "*"
            groups.setdefault(group, []).append((_CHECKED[runs[0].status], stale(runs, view.now)))
    rows, counts = [], Counter[str]()
    for group, some in sorted(groups.items()):
        statuses, gone = [status for status, _ in some], sum(old for _, old in some)
        worst = min(statuses, key=_rank)
        counts.update(statuses if group == "*" else [worst])
        numbers = (float(statuses.count(OK)), float(len(some)), float(gone))
        rows.append([cell(group), cell(worst, state=True, stale=gone == len(some)), *map(cell, numbers)])
    note = ", ".join(f"{counts[status]} {status}" for status in sorted(counts, key=_rank))
    return table(["Group", "Status", "OK", "Reporting", "Stale"], rows, note or "The check has not reported")


def service(definition: Json, view: View, start: int, end: int) -> Json:
    """Show the traffic of a service by resource, the busiest first."""
    env, name = (bound(str(definition.get(field) or "*"), view.variables) for field in ("env", "service"))
    found = resources(view.store, name.removeprefix("service:"), start, end, env.removeprefix("env:"))
    rows = [
        [
            cell(one["resource_name"] or "*"),
            *(cell(float(one[how])) for how in ("hits", "errors")),
            *(cell(one[how], unit=SECONDS) for how in ("avg", "p95", "max")),
        ]
        for one in found
        if definition.get("span_name") in (None, one["operation"])
    ]
    return table(["Resource", "Hits", "Errors", "Average", "p95", "Longest"], rows)


# ----------------------------------------------------------------------------------------------------------- events
def events(definition: Json, view: View, start: int, end: int) -> Json:
    """List the events that match a search, the newest first."""
    return _listed(str(definition.get("query") or ""), view, start, end)


def _listed(text: str, view: View, start: int, end: int) -> Json:
    wanted = finder(bound(text, view.variables))
    within = [event for event in view.events if start <= event["date_happened"] <= end and wanted(event)]
    found = sorted(within, key=lambda event: -event["date_happened"])
    return {"kind": "events", "events": found[:_MOST_EVENTS], "total": len(found)}


def stream(definition: Json, view: View, start: int, end: int) -> Json:
    """List the results of a request: only events, since the lab has no logs."""
    query: Any = requests_of(definition)[0]["query"]
    if query["data_source"] != "event_stream":
        raise Refused(400, f"the data source {query['data_source']} is not evaluated here")
    return _listed(str(query.get("query_string") or ""), view, start, end)


def timeline(definition: Json, view: View, start: int, end: int) -> Json:
    """Count the events that match a search over time."""
    source = Counted(view.events, bound(str(definition.get("query") or ""), view.variables), ())
    lines = source.lines(Window(start, end, default_interval(end - start)))
    return chart([(line, "bars", "events") for line in lines], start, end)
