# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validate the thresholds and options of a monitor, given its query and type. Pure.

Sources: responses of Datadog, as in https://github.com/DataDog/datadog-operator/issues/2106 and
https://github.com/DataDog/terraform-provider-datadog/issues (1202, 1401), and the models of datadog-api-client 2.62.0
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from .._query.monitor import CheckCondition, parse_monitor

# Old exports also have these, which repeat what is in the query.
OLD_THRESHOLDS = ("comparison", "period", "timeAggregator")
# By comparator: the side of the threshold on which the warning is, and to which a value recovers.
_SIDES = {">": "below", ">=": "below", "<": "above", "<=": "above"}
_RECOVERIES = ("critical_recovery", "warning_recovery")
_PRESETS = """
    hide_all hide_handles hide_handles_and_footer hide_query hide_query_and_handles show_all show_only_snapshot
"""
_VALUES: dict[str, Sequence[str]] = {
    "on_missing_data": ("default", "resolve", "show_and_notify_no_data", "show_no_data"),
    "notification_preset_name": _PRESETS.split(),
}
_STATUSES = ("alert", "no data", "warn")
_THRESHOLDS = ("critical", "critical_recovery", "warning", "warning_recovery", "ok", "unknown")
SWITCHES = """
    enable_logs_sample enable_samples groupby_simple_monitor include_tags locked notify_audit notify_no_data
    require_full_window
"""
# Hours after which a monitor is resolved even if it still alerts: "between 0 and 24 hours".
_LONGEST_TIMEOUT = 24
# Options that are whole numbers. If Ansible has templated them, they may be strings.
NUMBERS = """
    evaluation_delay min_failure_duration min_location_failed new_group_delay new_host_delay no_data_timeframe
    renotify_interval renotify_occurrences timeout_h
"""
_LONGEST_FAILURE = 7200


def is_number(value: Any) -> bool:
    """Whether a threshold is a number, or a string with a number, as templates produce it."""
    try:
        return not isinstance(value, bool) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def with_critical(thresholds: dict[str, Any], query: str, kind: str) -> dict[str, Any]:
    """Return thresholds with the critical one, which Datadog requires with others although the query contains it."""
    try:
        limit = getattr(parse_monitor(query, kind), "threshold", None)
    except ValueError:
        return thresholds
    missing = limit is not None and not any(name.startswith("critical") for name in thresholds)
    return {**thresholds, "critical": limit} if thresholds and missing else thresholds


def threshold_problems(query: str, kind: str, options: Mapping[str, Any]) -> list[str]:
    """Return problems with the thresholds of a monitor whose query is valid."""
    thresholds = options.get("thresholds") or {}
    if not isinstance(thresholds, dict):
        return ["options.thresholds is not a dictionary. Write names and numbers."]
    # A threshold may be a query, named for example critical_query.
    given = {
        name: value
        for name, value in thresholds.items()
        if value is not None and name not in OLD_THRESHOLDS and not str(name).endswith("_query")
    }
    problems = []
    for name, value in given.items():
        if name not in _THRESHOLDS:
            near = difflib.get_close_matches(str(name), _THRESHOLDS, 1)
            fix = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(_THRESHOLDS)}."
            problems.append(f"options.thresholds.{name} is not a known threshold. {fix}")
        elif not is_number(value):
            problems.append(f"options.thresholds.{name} is {value!r}. Write a number.")
    limits = {name: float(value) for name, value in given.items() if is_number(value)}
    try:
        condition = parse_monitor(query, kind)
    # A problem with the query, which is reported already.
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
        return [
            *problems,
            f"options.thresholds.critical is {critical:g}, and the query has {limit:g}. Make them equal.",
        ]
    return problems + _order_problems(limits, comparator)


def _check_problems(limits: Mapping[str, float], condition: CheckCondition) -> list[str]:
    """Return a problem if a threshold is above the number of runs that are evaluated."""
    most = max(limits.values(), default=0)
    if condition.verdict != "count_by_status()" or most <= condition.last:
        return []
    return [f"query: last({condition.last}) is less than the highest threshold, {most:g}. Write last({most:g})."]


def _order_problems(limits: Mapping[str, float], comparator: str) -> list[str]:
    """Return problems if a warning does not come before the alert, or a recovery is on the wrong side."""
    side = _SIDES.get(comparator)
    if not side:
        return []
    problems = []
    fix = "Lower" if side == "below" else "Increase"
    pairs = (("warning", "critical"), ("critical_recovery", "critical"), ("warning_recovery", "warning"))
    for name, bound in pairs:
        one, other = limits.get(name), limits.get(bound)
        if one is None:
            continue
        if other is None:
            problems.append(f"options.thresholds.{name} has no {bound} to recover from. Set {bound}, or remove it.")
        elif one >= other if side == "below" else one <= other:
            problems.append(
                f"options.thresholds.{name} {one:g} is not {side} {bound} {other:g},"
                f" as the comparator {comparator} requires. {fix} it."
            )
    return problems


def option_problems(options: Mapping[str, Any]) -> list[str]:
    """Return problems with options whose value Datadog would reject."""
    given = {name: value for name, value in options.items() if value is not None}
    problems = [
        f"options.{name} is {given[name]!r}. Write one of {', '.join(values)}."
        for name, values in _VALUES.items()
        if name in given and given[name] not in values
    ]
    problems += [
        f"options.{name} is {given[name]!r}. Write true or false."
        for name in SWITCHES.split()
        if not isinstance(given.get(name, False), bool)
    ]
    for name in NUMBERS.split():
        value = given.get(name, 0)
        if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 9:
            problems.append(f"options.{name} is {value!r}. Write a whole number.")
        elif name == "timeout_h" and int(value) > _LONGEST_TIMEOUT:
            problems.append(f"options.{name} is {value}. Write hours from 0 to {_LONGEST_TIMEOUT}.")
        elif name == "min_failure_duration" and int(value) > _LONGEST_FAILURE:
            problems.append(f"options.{name} is {value}. Write 0 to {_LONGEST_FAILURE} seconds.")
    statuses = given.get("renotify_statuses", ())
    if isinstance(statuses, (list, tuple)):
        problems += [
            f"options.renotify_statuses has {each!r}. Use {', '.join(_STATUSES)}."
            for each in statuses
            if isinstance(each, str) and each not in _STATUSES
        ]
    if not isinstance(given.get("escalation_message", ""), str):
        problems.append(f"options.escalation_message is {given['escalation_message']!r}. Write a string.")
    return problems
