"""The body of a monitor: what the API rejects, adds and changes. Pure.

Source: https://docs.datadoghq.com/api/latest/monitors/, and the recordings that tests/contract/test_replay.py replays
"""

import re
from typing import Any

from module_utils._query.monitor import (
    MONITOR_TYPES,
    CheckCondition,
    CompositeCondition,
    MetricCondition,
    parse_monitor,
)
from module_utils._query.rules import query_problems

from ..errors import Refused
from ..wire.bodies import Json

METRIC_TYPES = ("metric alert", "query alert")
# Fields that some recorded account adds. No account adds all of them, and a client has to ignore each.
_OPTIONS: Json = {
    "notify_audit": False,
    "include_tags": True,
    "new_host_delay": 300,
    "locked": False,
    "avalanche_window": 10,
}
# Types of monitors with an option to send one notification for all groups.
_GROUPED = {
    *("log alert", "rum alert", "ci-pipelines alert", "ci-tests alert", "error-tracking alert"),
    *("llm-observability alert", "event-v2 alert", "audit alert", "trace-analytics alert"),
}
FIELDS: Json = {
    "name": None,
    "message": "",
    "tags": [],
    "priority": None,
    "restricted_roles": None,
    "restriction_policy": None,
    "draft_status": "published",
    "assets": [],
}
# Defaults of a new monitor.
NEW: Json = {**FIELDS, "options": {}}
_TYPES = {"name": str, "message": str, "query": str, "tags": list, "options": dict, "assets": list}
_OPERATORS = {"<": "greater", "<=": "greater", ">": "less", ">=": "less"}
_ASSET: Json = {"template_variables": {}, "options": {}, "resource_key": None, "resource_type": None}
_BAD_QUERY = "The value provided for parameter 'query' is invalid"


def checked(sent: Json, before: Json, id_: int) -> Json:
    """Return the fields of a monitor after `sent` has changed `before`. Raises Refused(400) if that is not allowed."""
    for name, kind in _TYPES.items():
        if sent.get(name) is not None and not isinstance(sent[name], kind):
            raise Refused(400, f"The value provided for parameter '{name}' is invalid")
    if not all(isinstance(tag, str) for tag in sent.get("tags") or []):
        raise Refused(400, "The value provided for parameter 'tags' is invalid")
    result = {name: before[name] for name in FIELDS}
    result.update({name: FIELDS[name] if sent[name] is None else sent[name] for name in FIELDS if name in sent})
    result["query"] = (sent.get("query") or before.get("query") or "").rstrip()
    result["type"] = _type(sent.get("type"), before.get("type"), result["query"])
    condition = _condition(result["query"], result["type"])
    options = sent.get("options")
    if options is None:
        options = before["options"]
    result["options"] = _options(options, result["type"])
    _check_thresholds(result["options"].get("thresholds", {}), condition, result["type"])
    result["message"] = result["message"].rstrip()
    result["name"] = result["name"] or _name(result["query"], condition)
    if str(result["priority"] or 0) not in tuple("012345"):
        raise Refused(400, "The value provided for parameter 'priority' is invalid")
    result["priority"] = int(result["priority"] or 0) or None
    result["multi"] = bool(re.search(r"\bby ?\{|\.by\(", result["query"]))
    result["assets"] = [{**_ASSET, **asset, "monitor_id": id_} for asset in result["assets"]]
    return result


def _type(sent: str | None, before: str | None, query: str) -> str:
    """Return the type of a monitor: `metric alert` and `query alert` are the same, chosen by the query at creation."""
    if sent and sent not in MONITOR_TYPES:
        raise Refused(400, "The value provided for parameter 'type' is invalid")
    if before:
        both = {sent, before} <= set(METRIC_TYPES)
        if sent and sent != before and not both:
            raise Refused(400, "Monitor type change not allowed")
        return sent if sent == "query alert" else before
    if not sent:
        raise Refused(400, "The parameter 'type' is required")
    if sent == "query alert" and query.startswith("formula("):
        return "metric alert"
    complicated = re.search(r"\((?:current_(?!1h)\w+)\):|(?:anomalies|forecast|outliers)\(", query)
    return "query alert" if sent == "metric alert" and complicated else sent


def _condition(query: str, kind: str) -> Any:
    if kind == "synthetics alert":
        return None
    if query_problems(query, kind):
        lacks_operator = kind not in (*METRIC_TYPES, "service check", "composite") and not re.search("[<>=]", query)
        raise Refused(400, _BAD_QUERY + (": invalid operator specified: " if lacks_operator else ""))
    condition = parse_monitor(query, kind)
    # Only Kennel has keys.
    if isinstance(condition, CompositeCondition) and not all(isinstance(one, int) for one in condition.monitors):
        raise Refused(400, _BAD_QUERY)
    return condition


def _options(sent: Json, kind: str) -> Json:
    """Return the options of a monitor as the server changes them; `silenced` is stored elsewhere."""
    result = {name: value for name, value in sent.items() if name != "silenced"}
    # Thresholds of checks count runs; all others are compared with values.
    number = (lambda value: value) if kind == "service check" else float
    try:
        limits = {name: number(value) for name, value in (sent.get("thresholds") or {}).items() if value is not None}
    except (TypeError, ValueError):
        raise Refused(400, "The value provided for parameter 'thresholds' is invalid") from None
    result.pop("thresholds", None)
    if limits:
        result["thresholds"] = limits
    if isinstance(result.get("escalation_message"), str):
        result["escalation_message"] = result["escalation_message"].rstrip()
    defaults = dict(_OPTIONS)
    if "on_missing_data" not in result:
        defaults["notify_no_data"] = False
    elif result["on_missing_data"] == "default":
        del result["on_missing_data"]
    if kind in _GROUPED:
        defaults["groupby_simple_monitor"] = False
    return {**defaults, **result}


def _check_thresholds(thresholds: Json, condition: Any, kind: str) -> None:
    """Source: responses of the API that are quoted in issues 1202 and 1401 of terraform-provider-datadog."""
    counted = isinstance(condition, CheckCondition) and condition.verdict == "count_by_status()"
    if counted and max(thresholds.values(), default=0) > condition.last:
        raise Refused(400, "Last field should be larger than or equal to max threshold defined in monitor options")
    recoveries = [name for name in ("critical_recovery", "warning_recovery") if name in thresholds]
    if kind == "event-v2 alert" and recoveries:
        raise Refused(400, f"Invalid threshold statuses found: {', '.join(recoveries)}.")
    limit, operator = getattr(condition, "threshold", None), getattr(condition, "comparator", "")
    if not thresholds or limit is None or kind == "service check":
        return
    critical = thresholds.get("critical")
    if critical is None:
        raise Refused(400, "Alert status is required.")
    if critical != limit:
        raise Refused(400, f"Alert threshold ({critical}) does not match that used in the query ({float(limit)}).")
    word = _OPERATORS.get(operator)
    warning = thresholds.get("warning")
    limits: tuple[tuple[str, Any, str, Any], ...] = (
        ("Warning", warning, "alert", critical),
        ("Alert recovery", thresholds.get("critical_recovery"), "alert", critical),
        ("Warning recovery", thresholds.get("warning_recovery"), "warning", warning),
    )
    for name, value, other, bound in limits:
        if None in (word, value, bound) or (value < bound if word == "less" else value > bound):
            continue
        where = f"{word} than the {other} threshold ({bound}) with {operator} comparison."
        raise Refused(400, f"{name} threshold ({value}) must be {where}")


def _name(query: str, condition: Any) -> str:
    metric = re.search(r"([\w.]+)\{([^{}]*)\}", query)
    if not isinstance(condition, MetricCondition) or not metric or condition.threshold is None:
        return query
    words = {"avg": "on average", "min": "at all times", "max": "at least once", "sum": "in total"}
    bound = f"{condition.comparator} {float(condition.threshold)}"
    how, window = words.get(condition.aggregation, condition.aggregation), condition.window_text.replace("_", " ")
    return f"**{metric[1]}** over **{metric[2]}** was **{bound}** {how} during the **{window}**."
