# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role datadog_objects: the objects to manage, and problems with them. Pure."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from .._objects.dashboards import Dashboards
from .._objects.downtimes import Downtimes
from .._objects.marks import NAME, NAME_RULE
from .._objects.monitors import OPTIONS, Monitors, unknown_options
from .._objects.schema import Schema, input_doubts, item_problems
from .._objects.series import instant, zone
from .._plain import copied
from .._tags import normalise_tag, tag_problem
from .checked import Checked, Host
from .rules import folder_problems, is_host

# The objects belong to a fleet, regardless of its hosts.
PER_HOST = False
SEVERAL_LINES = ("datadog_objects_notify",)
KINDS = ("dashboards", "monitors", "downtimes")
# Kinds that the playbook kennel.fleet.export writes to files.
IN_FILES = ("dashboards", "monitors")


class Source(NamedTuple):
    """The origin of items: a variable or a file."""

    kind: str
    place: str
    items: list[Any]


def reads(inputs: Mapping[str, Any]) -> list[str]:
    """Return the files of the folder that contain objects."""
    folder = inputs["folder"]
    return [f"{folder}/{kind}*.yml" for kind in IN_FILES] if folder and isinstance(folder, str) else []


def writes(inputs: Mapping[str, Any]) -> list[str]:
    """Return the folder for the reports."""
    return [inputs["reports"]] if inputs["reports"] else []


def check(inputs: Mapping[str, Any], host: Host) -> Checked:
    """Merge the objects of variables and files; of objects with the same key, the last one wins."""
    scope = _scope_problems(inputs)
    settings = ("error_share", "warning", "alert", "warning_recovery", "alert_recovery", "no_data_minutes")
    numbers = _numbers(*(inputs[name] for name in settings))
    sources, problems = _sources(inputs, host.files)
    problems = scope + _other_problems(inputs) + problems
    problems += folder_problems("datadog_objects_reports", inputs["reports"], host.unwritable)
    schemas: dict[str, Schema] = dict(
        zip(KINDS, (Dashboards(), Monitors(), Downtimes(datetime.now(timezone.utc))), strict=True)
    )
    merged = {kind: _merged(source for source in sources if source.kind == kind) for kind in KINDS}
    present = {
        kind: {key: item for key, item in items.items() if item.get("state", "present") == "present"}
        for kind, items in merged.items()
    }
    references = schemas["monitors"].reference_problems([dict(item) for item in present["monitors"].values()])
    for kind, place, items in sources:
        # The role's own objects are built from settings, and each would repeat problems with those.
        if (scope or not numbers) and place == f"datadog_objects_{kind}":
            continue
        problems += [f"{place}{problem}" for problem in item_problems(schemas[kind], map(_without_notify, items))]
        for item in items:
            if isinstance(item, dict) and item.get("state", "present") == "present":
                key = str(item.get("key"))
                found = _rules(kind, item, present["monitors"])
                if kind == "monitors" and place.startswith("datadog_objects_"):
                    found += _unknown_options(item.get("options"))
                # Of items with the same key, only the last one is used.
                if kind == "monitors" and item is merged[kind].get(key):
                    found += references.get(key, [])
                problems += [f"{place}, {key}: {problem}" for problem in found]
    recurring = {key: item for key, item in present["downtimes"].items() if _recurs(item.get("schedule"))}
    keys = {"dashboards": present["dashboards"], "monitors": present["monitors"], "downtimes": recurring}
    effective = {kind: [_with_recipients(item, inputs) for item in merged[kind].values()] for kind in KINDS}
    # Worded as in the modules, so that Ansible shows each warning once.
    arguments = {**effective, "fleet": inputs["fleet"]}
    doubts = [] if problems else [doubt for kind in KINDS for doubt in input_doubts(schemas[kind], arguments)]
    return Checked(problems, effective, {"objects": {kind: list(items) for kind, items in keys.items()}}, doubts)


def _sources(inputs: Mapping[str, Any], files: Mapping[str, str | None]) -> tuple[list[Source], list[str]]:
    """Return the origins of objects, in ascending precedence, and problems with the files."""
    sources, problems = [], []
    for kind in KINDS:
        sources.append(Source(kind, f"datadog_objects_{kind}", copied(_list(inputs[kind]))))
        for path, text in sorted(files.items()) if kind in IN_FILES else ():
            if not posixpath.basename(path).startswith(kind):
                continue
            try:
                items = _parsed(text)
            except ValueError as error:
                problems.append(f"datadog_objects_folder: {path} {error}")
            else:
                sources.append(Source(kind, path, items))
        extra = f"extra_{kind}"
        sources.append(Source(kind, f"datadog_objects_{extra}", copied(_list(inputs[extra]))))
    if reads(inputs) and not files:
        problems.append(
            f"datadog_objects_folder {inputs['folder']!r} contains no objects."
            " Choose a folder with dashboards.yml or monitors.yml."
        )
    return sources, problems


def _parsed(text: str | None) -> list[Any]:
    """Return the items of a file. Raises ValueError, with a message that continues after the path."""
    if text is None:
        raise ValueError("cannot be read. Make it readable.")
    # A host may lack PyYAML; the controller has it through Ansible.
    import yaml

    try:
        items = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"is not valid YAML ({' '.join(str(error).split())}). Correct it.") from None
    if not isinstance(items, list):
        raise ValueError("is not a list of objects. Write one, as the playbook kennel.fleet.export does.")
    return items


def _merged(sources: Iterator[Source]) -> dict[str, Mapping[str, Any]]:
    """Return the last item of each key, in the order of first appearance."""
    items = (item for source in sources for item in source.items)
    return {str(item["key"]): item for item in items if isinstance(item, dict) and "key" in item}


def _recurs(schedule: Any) -> bool:
    return isinstance(schedule, list) or (isinstance(schedule, dict) and bool({"days", "recurrences"} & set(schedule)))


def _without_notify(item: Any) -> Any:
    """Return an item in the format of the modules, without ``notify``, which only the role has."""
    return {name: value for name, value in item.items() if name != "notify"} if isinstance(item, dict) else item


def _with_recipients(item: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
    """Return an item in the format of the modules, with the recipients after its message if ``notify`` is set."""
    body = _without_notify(item)
    if item.get("notify"):
        body["message"] = f"{body.get('message') or ''}\n{inputs['notify']}".lstrip("\n")
    return body


def _scope_problems(inputs: Mapping[str, Any]) -> list[str]:
    """Return problems with the settings that queries and schedules are built from."""
    problems = []
    fleet, tags = inputs["fleet"], _list(inputs["tags"])
    if not NAME.match(str(fleet)):
        problems.append(
            f"datadog_objects_fleet {fleet!r} is not a valid name. Write {NAME_RULE}, the same for all hosts."
        )
    for tag in tags:
        # Problems with the name of the fleet are reported already.
        if tag != f"kennel_fleet:{fleet}":
            problems += _stored_otherwise("datadog_objects_tags", str(tag))
    if not tags:
        problems.append("datadog_objects_tags is empty, which would cover every host. Add a tag of the fleet's hosts.")
    if inputs["service"]:
        problems += _stored_otherwise("datadog_objects_service", f"service:{inputs['service']}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", str(inputs["operation"])):
        problems.append(
            f"datadog_objects_operation {inputs['operation']!r} is not an operation. Write one such as flask.request."
        )
    try:
        zone(inputs["timezone"])
    except ValueError as error:
        problems.append(f"datadog_objects_timezone: {error}")
    return problems


def _other_problems(inputs: Mapping[str, Any]) -> list[str]:
    """Return problems with the other settings."""
    problems, notify = [], str(inputs["notify"])
    if not any(word.startswith("@") and len(word) > 1 for word in notify.split()):
        problems.append(f"datadog_objects_notify {notify!r} has no recipient. Write one such as '@ops@example.com'.")
    # The argument specification refuses values that are not numbers.
    share, warning, alert, minutes = (inputs[name] for name in ("error_share", "warning", "alert", "no_data_minutes"))
    if _numbers(share) and not 0 <= share < 1:
        problems.append(f"datadog_objects_error_share {share:g} is not a proportion. Write a number from 0 to below 1.")
    if _numbers(warning, alert) and not warning < alert:
        problems.append(f"datadog_objects_warning {warning:g} is not below datadog_objects_alert {alert:g}. Lower it.")
    for name in ("warning", "alert"):
        limit, recovery = inputs[name], inputs[f"{name}_recovery"]
        # The recovery thresholds are computed from the thresholds, so skip them if those are wrong.
        if _numbers(warning, alert, recovery) and warning < alert and not recovery < limit:
            problems.append(
                f"datadog_objects_{name}_recovery {recovery:g} is not below datadog_objects_{name} {limit:g}. Lower it."
            )
    problems += [
        f"datadog_objects_hosts has {name!r}, which is not a host name. Write it as Datadog shows it."
        for name in _list(inputs["hosts"])
        if not is_host(name)
    ]
    if _numbers(minutes) and minutes < 2:
        problems.append("datadog_objects_no_data_minutes is below 2, but Datadog evaluates once a minute. Increase it.")
    return problems


def _stored_otherwise(variable: str, tag: str) -> list[str]:
    """Return problems with a tag of which Datadog may change nothing but the case."""
    if problem := tag_problem(tag):
        return [f"{variable}: {tag!r} {problem}"]
    stored = normalise_tag(tag)
    return [] if stored == tag.lower() else [f"{variable}: Datadog stores {tag!r} as {stored!r}. Write it that way."]


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


def _rules(kind: str, item: Mapping[str, Any], monitors: Mapping[str, Any]) -> list[str]:
    """Return problems with an item that its schema does not cover."""
    if kind == "downtimes":
        key = item.get("monitor_key")
        # The schema reports a key that is not a string.
        known = not isinstance(key, str) or not NAME.match(key) or key in monitors
        return (
            _past(item.get("schedule"))
            if known
            else [f"there is no monitor with the key {key!r}. Name one in monitor_key."]
        )
    return []


def _unknown_options(options: Any) -> list[str]:
    """Return options that Datadog would drop. Files are exempt, since their options come from Datadog itself."""
    unknown = unknown_options(options) if isinstance(options, dict) else []
    near = [name for name in unknown if difflib.get_close_matches(str(name), OPTIONS, 1, 0.8)]
    # Options that resemble a known one are reported already.
    return [f"options.{name} is not a known option. Remove it." for name in unknown if name not in near]


def _past(schedule: Any) -> list[str]:
    """Return a problem if a downtime is over: it would never mute anything."""
    try:
        over = isinstance(schedule, dict) and instant(str(schedule["end"])) <= datetime.now(timezone.utc)
    # There is no end, or the schema reports a problem with it.
    except (KeyError, ValueError):
        return []
    return [f"schedule: end {schedule['end']} is past. Write a later one, or remove the downtime."] if over else []


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
