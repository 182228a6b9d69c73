# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schema of monitors, and what Datadog changes in them. Pure. Observed in recorded API traffic."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from .._query.monitor import MONITOR_TYPES, CompositeCondition, parse_monitor
from .._query.rules import query_problems
from .._query.scope import QuerySyntaxError
from .diff import without_nulls
from .marks import Mark, mark_in_tags, unmarked_tags
from .schema import Body, Schema, list_problems
from .thresholds import NUMBERS, OLD_THRESHOLDS, is_number, option_problems, threshold_problems, with_critical

# Options that somebody may have set, with their defaults. Other options are compared only if the item has them.
OPTIONS: Body = {
    "enable_logs_sample": False,
    "enable_samples": None,
    "escalation_message": "",
    "evaluation_delay": 0,
    "group_retention_duration": None,
    "groupby_simple_monitor": False,
    "include_tags": True,
    "locked": False,
    "min_failure_duration": 0,
    "min_location_failed": 1,
    "new_group_delay": None,
    "new_host_delay": 300,
    "no_data_timeframe": None,
    "notification_preset_name": "show_all",
    "notify_audit": False,
    "notify_by": [],
    "notify_no_data": False,
    "on_missing_data": "default",
    "renotify_interval": 0,
    "renotify_occurrences": None,
    "renotify_statuses": [],
    "require_full_window": None,
    "scheduling_options": {},
    "threshold_windows": {},
    "thresholds": {},
    "timeout_h": 0,
    "variables": [],
}
# Other options of the API (datadog-api-client, MonitorOptions), which are compared only if the item has them.
OTHER_OPTIONS = ("aggregation", "device_ids", "queryConfig", "synthetics_check_id")
# Fields that are not in every response, or have additions, with their defaults. Compared only if the item has them.
OPTIONAL: Body = {"assets": [], "draft_status": "published", "restricted_roles": []}
READ_ONLY_OPTIONS = ("silenced", "avalanche_window")
READ_ONLY = """
    id org_id created created_at modified deleted creator multi state overall_state overall_state_modified
    matching_downtimes restricted run_as classification restriction_policy
"""


class Monitors(Schema):
    """The monitors of an account."""

    name = "monitor"
    title = "name"
    fields = frozenset({"name", "type", "query", "message", "tags", "priority", "options", *OPTIONAL})
    read_only = frozenset(READ_ONLY.split())

    def problems(self, item: Body) -> list[str]:
        problems = []
        for name in ("name", "type", "query"):
            value = item.get(name)
            if value is None or (isinstance(value, str) and not value.strip()):
                problems.append(f"{name} is missing. Set it.")
            elif not isinstance(value, str) and name != "type":
                problems.append(f"{name} is {value!r}. Write a string.")
        if item.get("type") is not None and item["type"] != "" and item["type"] not in MONITOR_TYPES:
            problems.append(f"type is {item['type']!r}. Write one of {', '.join(MONITOR_TYPES)}.")
        elif not problems:
            problems += [f"query: {problem}" for problem in query_problems(item["query"], item["type"])]
        if not isinstance(item.get("message") or "", str):
            problems.append("message is not a string. Quote it.")
        problems += list_problems(item, ("tags", "restricted_roles")) + list_problems(item, ("assets",), dict)
        if isinstance(item.get("priority"), bool) or str(item.get("priority") or 0) not in tuple("012345"):
            problems.append(f"priority is {item['priority']!r}. Write 1 to 5, or null.")
        if item.get("restriction_policy") not in (None, {"bindings": []}):
            problems.append("restriction_policy cannot be compared. Remove it here, and set it in Datadog.")
        options = item.get("options") or {}
        if not isinstance(options, dict):
            return [*problems, "options is not a dictionary. Write option names and values."]
        problems += list_problems(options, ("notify_by", "renotify_statuses"), place="options.")
        # Datadog accepts unknown options and drops them.
        near = {name: difflib.get_close_matches(str(name), OPTIONS, 1, 0.8) for name in unknown_options(options)}
        problems += [
            f"options.{name} is not a known option. Did you mean {match[0]}?" for name, match in near.items() if match
        ]
        problems += option_problems(options)
        problems += threshold_problems(str(item.get("query")), str(item.get("type")), options)
        return problems

    def references(self, body: Body) -> frozenset[Any]:
        composite = _composite(body)
        return composite.monitors if composite else frozenset()

    def with_names(self, body: Body, names: Mapping[Any, Any]) -> Body:
        composite = _composite(body)
        return {**body, "query": str(composite.named(names))} if composite else body

    def reference_problems(self, items: list[Body]) -> dict[str, list[str]]:
        types = {str(item.get("key")): item.get("type") for item in items}
        problems: dict[str, list[str]] = {}
        for item in items:
            for key in sorted(each for each in self.references(item) if isinstance(each, str)):
                if key not in types:
                    near = difflib.get_close_matches(key, types, 1)
                    fix = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(sorted(types))}."
                    problem = f"query: there is no monitor with the key {key!r}. {fix}"
                # Source: https://docs.datadoghq.com/monitors/types/composite/#overview
                elif types[key] == "composite":
                    problem = f"query: the monitor {key!r} is a composite monitor itself. Refer to its monitors."
                else:
                    continue
                problems.setdefault(str(item.get("key")), []).append(problem)
        return problems

    def body(self, item: Body, mark: Mark) -> Body:
        return {
            "name": item["name"],
            "type": item["type"],
            "query": item["query"],
            "message": item.get("message") or "",
            "tags": unmarked_tags(item.get("tags") or []) + mark.tags,
            "priority": _priority(item.get("priority")),
            "options": _sent(item.get("options") or {}, item["query"], item["type"]),
            **{name: item[name] for name in OPTIONAL if item.get(name) is not None},
        }

    def mark(self, found: Body) -> Mark | None:
        return mark_in_tags(found.get("tags") or [])

    def comparable(self, body: Body) -> Body:
        kind = "query alert" if body.get("type") == "metric alert" else body.get("type")
        result = {
            "name": body.get("name"),
            "type": kind,
            "query": (body.get("query") or "").strip(),
            "message": (body.get("message") or "").strip(),
            "tags": unmarked_tags(body.get("tags") or []),
            "priority": _priority(body.get("priority")),
            "options": _options(body.get("options") or {}, body.get("query") or ""),
            **{name: body[name] for name in OPTIONAL if body.get(name) is not None},
        }
        if "restricted_roles" in result:
            result["restricted_roles"] = sorted(result["restricted_roles"])
        if "assets" in result:
            kept = ("category", "name", "url")
            result["assets"] = [{name: asset.get(name) for name in kept} for asset in result["assets"]]
        return result

    def aligned(self, actual: Body, wanted: Body) -> Body:
        options = {
            name: value for name, value in actual["options"].items() if name in OPTIONS or name in wanted["options"]
        }
        kept = {name: value for name, value in actual.items() if name not in OPTIONAL}
        asked = {name: actual.get(name, value) for name, value in OPTIONAL.items() if name in wanted}
        return {**kept, **asked, "options": options}

    def written(self, wanted: Body, item: Body) -> Body:
        options = dict(wanted["options"])
        if item.get("options"):
            sent = _sent(item["options"], item["query"], item["type"])
            options = {**sent, **options, **{name: sent[name] for name in ("thresholds",) if sent.get(name)}}
        options = {name: options[name] for name in sorted(options, key=str) if options[name] is not None}
        return super().written({**wanted, "options": options}, item)

    def exported(self, found: Body) -> Body:
        written = self.comparable({**found, "query": ""})
        written["query"] = found["query"].strip()
        return {name: value for name, value in written.items() if value not in (None, "", [], {}, OPTIONAL.get(name))}

    def page(self, found: Body) -> str:
        return f"/monitors/{found['id']}"

    def update_body(self, body: Body, found: Body, wanted: Body, actual: Body) -> Body:
        # Datadog has two names for the same type, and does not allow a change from one to the other.
        return {**body, "type": found["type"]}

    def replace_reason(self, wanted: Body, actual: Body, found: Body) -> str:
        if wanted["type"] != actual["type"]:
            return f"the type of a monitor cannot change ({actual['type']} to {wanted['type']})"
        return ""


def unknown_options(options: Body) -> list[str]:
    """Return the names of unknown options. An exported one may be newer than this list."""
    return [name for name in options if name not in (*OPTIONS, *OTHER_OPTIONS, *READ_ONLY_OPTIONS)]


def _composite(body: Body) -> CompositeCondition | None:
    """Return the condition of a composite monitor; None for another type, or for a query that cannot be parsed."""
    if body.get("type") != "composite":
        return None
    try:
        condition = parse_monitor(str(body.get("query")), "composite")
    except QuerySyntaxError:
        return None
    return condition if isinstance(condition, CompositeCondition) else None


def _priority(value: Any) -> int | None:
    return int(value or 0) or None


def _thresholds(options: Body) -> Body:
    given = (options.get("thresholds") or {}).items()
    return {
        name: float(value) if is_number(value) else value
        for name, value in given
        if value is not None and name not in OLD_THRESHOLDS
    }


def _sent(options: Body, query: str, kind: str) -> Body:
    """Return the options to send: numbers as numbers, and never an empty dictionary, which could mean no change."""
    result = {name: value for name, value in options.items() if name != "silenced"}
    for name in NUMBERS.split():
        if isinstance(result.get(name), str) and result[name].isdecimal():
            result[name] = int(result[name])
    if result.get("thresholds"):
        result["thresholds"] = with_critical(_thresholds(result), query, kind)
    return result or {"notify_audit": OPTIONS["notify_audit"]}


def _options(options: Body, query: str) -> Body:
    """Return the options without those that have their defaults, sorted by name."""
    result = without_nulls(options)
    for name in READ_ONLY_OPTIONS:
        result.pop(name, None)
    if isinstance(result.get("escalation_message"), str):
        result["escalation_message"] = result["escalation_message"].strip()
    for name in ("renotify_statuses", "notify_by"):
        result[name] = sorted(result.get(name) or [])
    thresholds = _thresholds(result)
    # The query contains it already, and Datadog rejects a different one here.
    limit = re.search(r"[<>=]\s*(-?[0-9.]+(?:e[+-]?[0-9]+)?)\s*\Z", query, re.IGNORECASE)
    if limit and is_number(limit[1]) and thresholds.get("critical") == float(limit[1]):
        del thresholds["critical"]
    result["thresholds"] = thresholds
    return {name: result[name] for name in sorted(result, key=str) if result[name] != OPTIONS.get(name)}
