# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the thresholds and options of a monitor, given its query and type. Pure.

Sources: what Datadog answers, as in https://github.com/DataDog/datadog-operator/issues/2106 and
https://github.com/DataDog/terraform-provider-datadog/issues (1202, 1401), and the models of datadog-api-client 2.62.0
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._query.monitor import CheckCondition, parse_monitor

# Old exports have these too, which say again what the query says.
OLD_THRESHOLDS = ("comparison", "period", "timeAggregator")
# By comparator: on which side of the threshold the warning is, and where a value has to come back to.
_SIDES = {">": "below", ">=": "below", "<": "above", "<=": "above"}
_RECOVERIES = ("critical_recovery", "warning_recovery")
_VALUES = {
    "on_missing_data": ("default", "resolve", "show_and_notify_no_data", "show_no_data"),
    "notification_preset_name": (
        "hide_all",
        "hide_handles",
        "hide_handles_and_footer",
        "hide_query",
        "hide_query_and_handles",
        "show_all",
        "show_only_snapshot",
    ),
}
_STATUSES = ("alert", "no data", "warn")
_LONGEST_FAILURE = 7200


def is_number(value: Any) -> bool:
    """Whether a threshold is a number, or a text of one, as it comes from a template."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def with_critical(thresholds: dict[str, Any], query: str, kind: str) -> dict[str, Any]:
    """Return thresholds with the critical one, which Datadog wants beside others, although the query says it."""
    try:
        limit = getattr(parse_monitor(query, kind), "threshold", None)
    except ValueError:
        return thresholds
    missing = limit is not None and not any(name.startswith("critical") for name in thresholds)
    return {**thresholds, "critical": limit} if thresholds and missing else thresholds


def threshold_problems(query: str, kind: str, options: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the thresholds of a monitor whose query is right."""
    thresholds = options.get("thresholds") or {}
    if not isinstance(thresholds, dict):
        return ["options.thresholds is not a dictionary. Write names and numbers."]
    problems = [
        f"options.thresholds.{name} is {value!r}. Write a number."
        for name, value in thresholds.items()
        # A threshold may be a query, named for example critical_query.
        if value is not None and not is_number(value) and name not in OLD_THRESHOLDS and not name.endswith("_query")
    ]
    limits = {name: float(value) for name, value in thresholds.items() if is_number(value)}
    try:
        condition = parse_monitor(query, kind)
    # A problem of the query, which is told already.
    except ValueError:
        return problems
    if isinstance(condition, CheckCondition):
        return problems + _check_problems(limits, condition)
    limit, comparator = getattr(condition, "threshold", None), getattr(condition, "comparator", "")
    if problems or limit is None or not limits:
        return problems
    if kind == "event-v2 alert":
        problems += [
            f"options.thresholds.{name} is not for event monitors. Remove it." for name in _RECOVERIES if name in limits
        ]
    critical = limits.setdefault("critical", limit)
    if critical != limit:
        return [*problems, f"options.thresholds.critical is {critical:g}, its query says {limit:g}. Make them equal."]
    return problems + _order_problems(limits, comparator)


def _check_problems(limits: Mapping[str, float], condition: CheckCondition) -> list[str]:
    """A check cannot fail more often in a row than in the runs that are looked at."""
    most = max(limits.values(), default=0)
    if condition.verdict != "count_by_status()" or most <= condition.last:
        return []
    return [f"query: last({condition.last}) is less than the highest threshold, {most:g}. Write last({most:g})."]


def _order_problems(limits: Mapping[str, float], comparator: str) -> list[str]:
    side = _SIDES.get(comparator)
    pairs = (("warning", "critical"), ("critical_recovery", "critical"), ("warning_recovery", "warning"))
    return [
        f"options.thresholds.{name} {limits[name]:g} is not {side} {bound} {limits[bound]:g},"
        f" as a query with {comparator} needs. {'Lower' if side == 'below' else 'Raise'} it."
        for name, bound in pairs
        if side and name in limits and bound in limits
        if (limits[name] >= limits[bound] if side == "below" else limits[name] <= limits[bound])
    ]


def option_problems(options: Mapping[str, Any]) -> list[str]:
    """Return which options have a value that Datadog does not take."""
    problems = [
        f"options.{name} is {options[name]!r}. Write one of {', '.join(values)}."
        for name, values in _VALUES.items()
        if options.get(name) is not None and options[name] not in values
    ]
    statuses = options.get("renotify_statuses")
    if isinstance(statuses, (list, tuple)):
        problems += [
            f"options.renotify_statuses has {each!r}. Write some of {', '.join(_STATUSES)}."
            for each in statuses
            if each not in _STATUSES
        ]
    duration: Any = options.get("min_failure_duration")
    if is_number(duration) and not 0 <= float(duration) <= _LONGEST_FAILURE:
        problems.append(f"options.min_failure_duration is {duration}. Write 0 to {_LONGEST_FAILURE} seconds.")
    return problems
