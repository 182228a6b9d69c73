# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role datadog_objects refuses before anything is changed. Pure: inputs in, problems out.

A problem is a sentence that names the variable, the object's key and the mend. Inputs may be of any type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._objects.dashboards import Dashboards
from ansible_collections.kennel.fleet.plugins.module_utils._objects.downtimes import Downtimes
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import NAME, NAME_RULE
from ansible_collections.kennel.fleet.plugins.module_utils._objects.monitors import Monitors
from ansible_collections.kennel.fleet.plugins.module_utils._objects.schema import item_problems
from ansible_collections.kennel.fleet.plugins.module_utils._objects.series import zone
from ansible_collections.kennel.fleet.plugins.module_utils._query.monitor import parse_monitor
from ansible_collections.kennel.fleet.plugins.module_utils._query.rules import FORMULA, METRIC, query_problems
from ansible_collections.kennel.fleet.plugins.module_utils._tags import tag_problem


def objects_problems(inputs: Mapping[str, Any]) -> list[str]:
    """What is wrong with the inputs of the role datadog_objects, each under its variable's name without the prefix.

    :arg inputs: beside the variables, ``sources``: for dashboards, monitors and downtimes each a dictionary of
        variable to list of items.
    """
    sources = inputs["sources"]
    # Of those with one key the last counts.
    last = {
        str(item.get("key")): item for items in sources["monitors"].values() for item in items if isinstance(item, dict)
    }
    monitors = {key: item for key, item in last.items() if item.get("state", "present") == "present"}
    parts = Monitors().reference_problems(list(monitors.values()))
    problems = _settings(inputs)
    kinds = {"dashboards": Dashboards(), "monitors": Monitors(), "downtimes": Downtimes(datetime.now(timezone.utc))}
    for plural, kind in kinds.items():
        for variable, items in sources[plural].items():
            place = f"{variable}/{plural}" if variable == "datadog_objects_folder" else variable
            if not all(isinstance(item, dict) for item in items):
                problems.append(f"{place} holds something that is no object: each is a dictionary with a key.")
                continue
            problems += [f"{place}{problem}" for problem in item_problems(kind, items)]
            for item in items:
                if item.get("state", "present") == "present":
                    found = _queries(plural, item) if plural != "downtimes" else _monitor_key(item, monitors)
                    if item is last.get(str(item.get("key"))):
                        found += parts.get(str(item.get("key")), [])
                    problems += [f"{place}, {item.get('key')}: {problem}" for problem in found]
    return problems


def _settings(inputs: Mapping[str, Any]) -> list[str]:
    problems = []
    fleet, notify = inputs["fleet"], str(inputs["notify"])
    if not NAME.match(str(fleet)):
        problems.append(f"datadog_objects_fleet {fleet!r} is no name of a fleet: set it for all hosts, {NAME_RULE}.")
    if not any(word.startswith("@") and len(word) > 1 for word in notify.split()):
        problems.append(f"datadog_objects_notify {notify!r} reaches nobody: write for example '@ops@example.com'.")
    try:
        zone(inputs["timezone"])
    except ValueError as error:
        problems.append(f"datadog_objects_timezone: {error}.")
    for tag in inputs["tags"]:
        if tag != f"kennel_fleet:{fleet}" and (problem := tag_problem(str(tag))):
            problems.append(f"datadog_objects_tags: {tag!r} {problem}.")
    if inputs["service"] and (problem := tag_problem(f"service:{inputs['service']}")):
        problems.append(f"datadog_objects_service: {inputs['service']!r} {problem}.")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", str(inputs["operation"])):
        problems.append(
            f"datadog_objects_operation {inputs['operation']!r} is no operation: write for example flask.request."
        )
    if not 0 <= inputs["error_share"] < 1:
        problems.append(
            f"datadog_objects_error_share {inputs['error_share']:g} is no share: write one from 0 to below 1."
        )
    if not inputs["tags"]:
        problems.append("datadog_objects_tags is empty, which would be every host: name a tag of the fleet's hosts.")
    if not inputs["warning"] < inputs["alert"]:
        problems.append(
            f"datadog_objects_warning {inputs['warning']:g} is not below datadog_objects_alert {inputs['alert']:g}:"
            " a warning comes first."
        )
    if inputs["no_data_minutes"] < 2:
        problems.append("datadog_objects_no_data_minutes is less than 2, as Datadog looks once a minute: raise it.")
    if inputs["folder"] and not any(items.get("datadog_objects_folder") for items in inputs["sources"].values()):
        mend = "name one with dashboards.yml or monitors.yml"
        problems.append(f"datadog_objects_folder {inputs['folder']!r} has no objects: {mend}.")
    return problems


def _queries(plural: str, item: Mapping[str, Any]) -> list[str]:
    if plural == "dashboards":
        return [
            f"widget {title!r}: {problem}"
            for title, query, kind in graph_queries(item.get("widgets"))
            for problem in query_problems(query, kind)
        ]
    return _threshold(item)


def graph_queries(widgets: Any) -> Iterator[tuple[str, str, str]]:
    """Yield each metric query and formula of a dashboard's widgets, those within groups too: the widget's title, the
    text, and which of the two it is.
    """
    for definition in _dictionaries([widget.get("definition") for widget in _dictionaries(widgets)]):
        yield from graph_queries(definition.get("widgets"))
        requests = definition.get("requests")
        title = str(definition.get("title") or definition.get("type"))
        for request in _dictionaries(list(requests.values()) if isinstance(requests, dict) else requests):
            named = _dictionaries(request.get("queries"))
            texts = [query.get("query") for query in named if query.get("data_source") == "metrics"]
            formulas = [each.get("formula") for each in _dictionaries(request.get("formulas"))]
            yield from ((title, text, METRIC) for text in [request.get("q"), *texts] if isinstance(text, str))
            yield from ((title, text, FORMULA) for text in formulas if isinstance(text, str))


def _dictionaries(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, (list, tuple)) else []


def _threshold(item: Mapping[str, Any]) -> list[str]:
    """Datadog refuses a monitor whose query and options name different thresholds."""
    options = item.get("options")
    thresholds = options.get("thresholds") if isinstance(options, dict) else None
    limit = thresholds.get("critical") if isinstance(thresholds, dict) else None
    try:
        condition = parse_monitor(str(item.get("query")), str(item.get("type")))
        same = limit is None or getattr(condition, "threshold", None) in (None, float(limit))
    # A query or a threshold that is none: a problem already.
    except (TypeError, ValueError):
        return []
    mend = "make them equal"
    return [] if same else [f"options.thresholds.critical is {limit}, its query says {condition.threshold:g}: {mend}."]


def _monitor_key(item: Mapping[str, Any], monitors: Mapping[Any, Any]) -> list[str]:
    key = item.get("monitor_key")
    # A key that is no text is a problem already.
    known = not isinstance(key, str) or key in monitors
    return [] if known else [f"there is no monitor with the key {key!r}: monitor_key names one."]
