"""A user's objects in the account: a timeboard with every type of widget, monitors, downtimes and an event."""

from __future__ import annotations

from typing import Any

SPITE = "<img src=x onerror=alert(1)> {{7*7}} <b>my</b>"

MARKDOWN = """%%%
**Version 2** of the shop is out.

- less waiting
- [what is new](http://shop.example/news)

![Load]({picture})
%%%"""


def _metric(title: str, query: str, *, formula: str = "a", style: str = "line", **rest: Any) -> dict[str, Any]:
    queries = [{"name": "a", "data_source": "metrics", "query": query}]
    request = {"display_type": style, "response_format": "timeseries", "formulas": [{"formula": formula}]}
    definition = {"type": "timeseries", "title": title, "requests": [{**request, "queries": queries}], **rest}
    return {"definition": definition}


def _scalar(kind: str, title: str, query: str, **rest: Any) -> dict[str, Any]:
    queries = [{"name": "a", "data_source": "metrics", "query": query, "aggregator": "avg"}]
    request = {"response_format": "scalar", "formulas": [{"formula": "a"}], "queries": queries, **rest}
    return {"definition": {"type": kind, "title": title, "requests": [request], "time": {"live_span": "1h"}}}


TIMEBOARD: dict[str, Any] = {
    "title": "my_metric and MySQL (lab)",
    "description": "The custom metric and the databases of the fleet.",
    "layout_type": "ordered",
    "template_variables": [{"name": "host", "prefix": "host", "available_values": [], "defaults": ["*"]}],
    "widgets": [
        _metric("my_metric by host", "avg:my_metric{$host} by {host}", time={"live_span": "5m"}),
        _metric(
            "MySQL user time, with anomalies",
            "avg:mysql.performance.user_time{role:db,$host}",
            formula="anomalies(a, 'basic', 2)",
            time={"live_span": "1h"},
        ),
        _metric(
            "my_metric, sums of an hour",
            "sum:my_metric{$host}.rollup(sum, 3600)",
            style="bars",
            time={"live_span": "4h"},
        ),
        _metric(
            "CPU against its limit",
            "avg:system.cpu.user{$host} by {zone}",
            style="area",
            markers=[
                {"value": "y = 60", "display_type": "error dashed"},
                {"value": "y = 45", "display_type": "warning"},
            ],
        ),
        _scalar(
            "query_value",
            "my_metric, average",
            "avg:my_metric{$host}",
        ),
        {"definition": {"type": "note", "content": f"Read me first.\n{SPITE}"}},
        {"definition": {"type": "heatmap", "title": "Spread", "requests": [{"q": "avg:my_metric{*} by {host}"}]}},
        {"definition": {"type": "timeseries", "title": "Old form", "requests": [{"q": "avg:system.load.1{$host}"}]}},
        {
            "definition": {
                "type": "check_status",
                "title": "Databases by host",
                "check": "mysql.can_connect",
                "grouping": "cluster",
                "group_by": ["host"],
                "tags": ["*"],
            }
        },
        {
            "definition": {
                "type": "group",
                "title": "Memory",
                "layout_type": "ordered",
                "widgets": [_metric("Used", "avg:system.mem.used{$host}")],
            }
        },
    ],
}

MONITORS: list[dict[str, Any]] = [
    {
        "name": "my_metric is high on {{host.name}}",
        "type": "metric alert",
        "query": "avg(last_5m):avg:my_metric{*} by {host} > 800",
        "message": "{{#is_alert}}my_metric is {{value}} on {{host.name}}.{{/is_alert}}\n"
        "{{#is_no_data}}{{host.name}} has sent nothing.{{/is_no_data}} @ops@kennel.example",
        "tags": ["team:lab"],
        "options": {
            "thresholds": {"critical": 800.0, "warning": 500.0},
            "notify_no_data": True,
            "no_data_timeframe": 10,
            "require_full_window": False,
        },
    },
    {
        "name": f"Load {SPITE}",
        "type": "metric alert",
        "query": "avg(last_5m):avg:system.load.1{*} > 1000",
        "message": f"{SPITE} @ops@kennel.example",
        "tags": ["team:lab"],
        "options": {"thresholds": {"critical": 1000.0}},
    },
    {
        "name": "MySQL cannot be reached on {{host.name}}",
        "type": "service check",
        "query": '"mysql.can_connect".over("*").by("host").last(2).count_by_status()',
        "message": "@ops@kennel.example",
        "tags": [],
        "options": {"thresholds": {"critical": 1, "warning": 1, "ok": 1}},
    },
]


def downtimes(start: str) -> list[dict[str, Any]]:
    """Return downtimes for nights and weekends in New York from `start`, a local time."""
    shared = {"scope": "env:lab", "monitor_identifier": {"monitor_tags": ["*"]}, "display_timezone": "America/New_York"}
    nights = {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "duration": "14h", "start": f"{start}T19:00:00"}
    weekends = {"rrule": "FREQ=WEEKLY;BYDAY=SA,SU", "duration": "1d", "start": f"{start}T00:00:00"}
    zone = "America/New_York"
    return [
        {**shared, "message": "Nights. @ops@kennel.example", "schedule": {"timezone": zone, "recurrences": [nights]}},
        {**shared, "message": SPITE, "schedule": {"timezone": zone, "recurrences": [weekends]}},
    ]
