# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Thresholds and options of monitors that Datadog refuses, and ones that it accepts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import Mark
from ansible_collections.kennel.fleet.plugins.module_utils._objects.monitors import Monitors

SCHEMA = Monitors()


def monitor(query: str, kind: str = "metric alert", **options: Any) -> dict[str, Any]:
    return {"key": "x", "name": "X", "type": kind, "query": query, "options": options}


def compared(comparator: str, **thresholds: Any) -> dict[str, Any]:
    return monitor(f"avg(last_5m):avg:x{{*}} {comparator} 800", thresholds=thresholds)


def check(last: int, **thresholds: Any) -> dict[str, Any]:
    query = f'"a.up".over("*").by("host").last({last}).count_by_status()'
    return monitor(query, "service check", thresholds=thresholds)


EVENTS = 'events("status:error").rollup("count").last("5m") >= 1'


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (compared(">", critical=900), "options.thresholds.critical is 900, and the query has 800. Make them equal."),
        (compared(">", critical=800, warning=900), "options.thresholds.warning 900 is not below critical 800"),
        (compared(">", critical=800, warning="800"), "options.thresholds.warning 800 is not below critical 800"),
        (
            compared("<", critical=800, warning=500),
            "800, as the comparator < requires. Increase it.",
        ),
        (compared(">", critical_recovery=850), "options.thresholds.critical_recovery 850 is not below critical 800"),
        (compared("<=", critical_recovery=750), "options.thresholds.critical_recovery 750 is not above critical 800"),
        (
            compared(">", warning=500, warning_recovery=500),
            "warning_recovery 500 is not below warning 500, as",
        ),
        (compared(">", critical="high"), "options.thresholds.critical is 'high'. Write a number."),
        (check(2, critical=3), "query: last(2) is less than the highest threshold, 3. Write last(3)."),
        (monitor(EVENTS, "event-v2 alert", thresholds={"critical": 1, "critical_recovery": 0}), "is not for event"),
        (monitor("avg(last_5m):avg:x{*} > 1", thresholds=5), "options.thresholds is not a dictionary."),
        (
            monitor("avg(last_5m):avg:x{*} > 1", on_missing_data="page"),
            "options.on_missing_data is 'page'. Write",
        ),
        (
            monitor("avg(last_5m):avg:x{*} > 1", renotify_statuses=["ok"]),
            "options.renotify_statuses has 'ok'. Use",
        ),
        (monitor("avg(last_5m):avg:x{*} > 1", min_failure_duration=9000), "is 9000. Write 0 to 7200 seconds."),
    ],
)
def test_options_that_datadog_refuses_are_a_problem(item: dict[str, Any], problem: str) -> None:
    [found] = SCHEMA.problems(item)
    assert problem in found


@pytest.mark.parametrize(
    "item",
    [
        compared(">", critical=800, warning=500, critical_recovery=750, warning_recovery=450),
        compared("<", critical=800, warning=900, critical_recovery=850, warning_recovery=950),
        compared(">"),
        compared("==", critical=800, warning=900),
        compared(">", critical=800, critical_query="a * 2"),
        check(4, critical=4, warning=1, ok=2),
        monitor("avg(last_5m):avg:x{*} > 1", on_missing_data="resolve", renotify_statuses=["alert", "no data"]),
    ],
)
def test_options_that_datadog_accepts_are_not_a_problem(item: dict[str, Any]) -> None:
    assert SCHEMA.problems(item) == []


def test_critical_threshold_is_sent_along_with_others() -> None:
    sent = SCHEMA.body(compared(">", warning=500), Mark("lab", "x"))["options"]["thresholds"]
    assert sent == {"warning": 500.0, "critical": 800.0}
    assert not SCHEMA.body(compared(">"), Mark("lab", "x"))["options"].get("thresholds")
