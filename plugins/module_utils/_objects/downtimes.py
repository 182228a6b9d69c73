# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schema of downtimes, and what version 2 of the API changes in them. Pure. Observed in recorded API traffic."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from .._query.scope import QuerySyntaxError, parse_scope
from .marks import NAME, NAME_RULE, Mark, mark_in_text, marked_text, unmarked_text
from .rules import rule_problems
from .schedule import downtime_schedule
from .schema import Body, Schema
from .series import instant, next_start, same_series, zone

# In the order of reports and diffs.
FIELDS = """
    scope monitor_identifier schedule message display_timezone mute_first_recovery_notification notify_end_states
    notify_end_types
"""
READ_ONLY = "id status created modified canceled active_child_id current_downtime"
END_STATES = ("alert", "no data", "warn")
END_TYPES = ("canceled", "expired")
# If this clock is behind Datadog's, a downtime that starts now appears not to have started yet.
SKEW = timedelta(minutes=1)
# A tag that monitors can be searched for.
_TAG = re.compile(r"[^\s,(){}\"]+\Z")


class Downtimes(Schema):
    """The downtimes of an account that are active or scheduled.

    :arg now: the current time, with a time zone.
    """

    name = "downtime"
    title = "message"
    fields = frozenset({*FIELDS.split(), "monitor_key"})
    read_only = frozenset(READ_ONLY.split())

    def __init__(self, now: datetime) -> None:
        self.now = now

    def problems(self, item: Body) -> list[str]:
        problems = _scope_problems(item.get("scope"))
        if not isinstance(item.get("message") or "", str):
            problems.append("message is not a string. Quote it.")
        problems += _identifier_problems(item)
        for name, known in (("notify_end_states", END_STATES), ("notify_end_types", END_TYPES)):
            value = [] if item.get(name) is None else item[name]
            if not isinstance(value, (list, tuple)) or not all(each in known for each in value):
                problems.append(f"{name} is {value!r}. Write a list of {', '.join(known)}.")
        if not isinstance(item.get("mute_first_recovery_notification") or False, bool):
            problems.append("mute_first_recovery_notification is not a boolean. Write true or false.")
        try:
            zone(item.get("display_timezone") or "UTC")
        except ValueError as error:
            problems.append(f"display_timezone: {error}")
        try:
            wrong = _schedule_problems(self._schedule(item))
        except ValueError as error:
            wrong = [str(error)]
        return problems + [f"schedule: {problem}" for problem in wrong]

    def _local(self, schedule: Body) -> datetime:
        return self.now.astimezone(zone(schedule.get("timezone") or "UTC")).replace(tzinfo=None)

    def _schedule(self, item: Body) -> Any:
        """Return the schedule in the format of the API, from this or the simpler format. Raises ValueError."""
        schedule = item.get("schedule") or {}
        said = isinstance(schedule, (list, tuple)) or (isinstance(schedule, dict) and "days" in schedule)
        return downtime_schedule(schedule, self.now) if said else schedule

    def body(self, item: Body, mark: Mark) -> Body:
        body = {name: item[name] for name in FIELDS.split() if item.get(name) is not None}
        if schedule := self._schedule(item):
            body["schedule"] = schedule
        body["message"] = marked_text(item.get("message"), mark)
        number = body.get("monitor_identifier", {}).get("monitor_id")
        if number is not None:
            body["monitor_identifier"] = {"monitor_id": int(number)}
        if item.get("monitor_key"):
            body["monitor_identifier"] = {"monitor_tags": Mark(mark.fleet, item["monitor_key"]).tags}
        return body

    def mark(self, found: Body) -> Mark | None:
        return mark_in_text(found.get("message"))

    def matches(self, item: Body, found: Body) -> bool:
        return unmarked_text(item.get("message")) == unmarked_text(found.get("message")) and (
            item.get("scope") == found.get("scope")
        )

    def comparable(self, body: Body) -> Body:
        identifier = body.get("monitor_identifier") or {}
        if "monitor_tags" in identifier:
            identifier = {"monitor_tags": sorted(set(identifier["monitor_tags"]))}
        elif "monitor_id" in identifier:
            identifier = {"monitor_id": int(identifier["monitor_id"])}
        return {
            "scope": body.get("scope"),
            "monitor_identifier": identifier,
            "schedule": _comparable_schedule(body.get("schedule") or {}),
            "message": unmarked_text(body.get("message")),
            "display_timezone": body.get("display_timezone") or "UTC",
            "mute_first_recovery_notification": bool(body.get("mute_first_recovery_notification")),
            "notify_end_states": sorted(_or(body.get("notify_end_states"), END_STATES)),
            "notify_end_types": sorted(_or(body.get("notify_end_types"), ["expired"])),
        }

    def aligned(self, actual: Body, wanted: Body) -> Body:
        return {**actual, "schedule": self._aligned_schedule(actual["schedule"], wanted["schedule"])}

    def _aligned_schedule(self, actual: Body, wanted: Body) -> Body:
        """Return the actual schedule with the wanted starts if there is no difference from now on."""
        if "recurrences" in actual and "recurrences" in wanted:
            pairs = list(zip(wanted["recurrences"], actual["recurrences"], strict=False))
            now = self._local(wanted)
            alike = len(wanted["recurrences"]) == len(actual["recurrences"])
            same = alike and all(same_series(mine, other, now) for mine, other in pairs)
            return {**actual, "recurrences": wanted["recurrences"]} if same else actual
        if "recurrences" in actual or "recurrences" in wanted:
            return actual
        clocks = ((wanted, self.now), (actual, self.now + SKEW))
        if "start" not in wanted or all("start" in side and instant(side["start"]) <= now for side, now in clocks):
            actual = {name: value for name, value in actual.items() if name != "start"}
            return {**({"start": wanted["start"]} if "start" in wanted else {}), **actual}
        return actual

    def new_note(self, wanted: Body) -> str:
        """Return when it starts: a downtime that is created during a weekend starts on the next one."""
        schedule = wanted["schedule"]
        begins = [each["start"] for each in schedule.get("recurrences", ()) if each.get("start")]
        return f"begins {min(begins)[:16]}, {schedule.get('timezone', 'UTC')}" if begins else ""

    def expired(self, wanted: Body) -> bool:
        end = wanted["schedule"].get("end")
        return end is not None and instant(end) <= self.now

    def age(self, found: Body) -> tuple[Any, ...]:
        return (found.get("created") or "", found["id"])

    def page(self, found: Body) -> str:
        return f"/monitors/downtimes/{found['id']}"

    def refusals(self, body: Body, found: Body) -> list[str]:
        schedule = self.comparable(body)["schedule"]
        if found and self._aligned_schedule(self.comparable(found)["schedule"], schedule) == schedule:
            return []
        return [
            f"schedule: start {each['start']} is past. Write the next start."
            for each in schedule.get("recurrences", [])
            if each.get("start") and next_start(each, self._local(schedule)) is None
        ]

    def create_body(self, body: Body) -> Body:
        """Return what to send: of what has already started, the API accepts only the part in the future."""
        schedule = self._ahead(body.get("schedule") or {})
        return {name: value for name, value in {**body, "schedule": schedule}.items() if name != "schedule" or value}

    def _ahead(self, schedule: Body) -> Body:
        schedule = _comparable_schedule(schedule)
        if "recurrences" in schedule:
            now = self._local(schedule)
            recurrences = [
                {**each, "start": next_start(each, now)} if each.get("start") else each
                for each in schedule["recurrences"]
            ]
            return {**schedule, "recurrences": recurrences}
        return {name: value for name, value in schedule.items() if name != "start" or instant(value) > self.now}

    def update_body(self, body: Body, found: Body, wanted: Body, actual: Body) -> Body:
        """Return what to send: only changes, since the API does not accept a past start again."""
        changed = {name: value for name, value in wanted.items() if value != actual.get(name)}
        # The mark may be new even if the text is not.
        if found.get("message") != body["message"]:
            changed["message"] = body["message"]
        if "schedule" in changed:
            changed["schedule"] = self._ahead(wanted["schedule"])
            if "recurrences" not in changed["schedule"]:
                # Fields that are not sent stay unchanged; a start of null means now.
                changed["schedule"].setdefault("end", None)
                if "start" in wanted["schedule"] and instant(actual["schedule"]["start"]) > self.now:
                    changed["schedule"].setdefault("start", None)
        return changed

    def replace_reason(self, wanted: Body, actual: Body, found: Body) -> str:
        for name in ("monitor_identifier", "schedule"):
            if _form(wanted[name]) != _form(actual[name]):
                return f"{name} cannot change from {_form(actual[name])} to {_form(wanted[name])}"
        schedule, old = wanted["schedule"], actual["schedule"]
        starts = "recurrences" in schedule or schedule.get("start") != old.get("start")
        if found.get("status") == "active" and schedule != old and starts:
            return "the start of a downtime cannot change while it is active"
        return ""


def _or(value: Any, default: Iterable[str]) -> list[str]:
    return list(default if value is None else value)


def _form(value: Body) -> str:
    if "monitor_id" in value or "monitor_tags" in value:
        return "monitor_id" if "monitor_id" in value else "monitor_tags"
    return "recurrences" if "recurrences" in value else "one time"


def _comparable_schedule(schedule: Body) -> Body:
    if schedule.get("recurrences"):
        names = ("start", "duration", "rrule")
        recurrences = [{name: each[name] for name in names if each.get(name)} for each in schedule["recurrences"]]
        return {"timezone": schedule.get("timezone") or "UTC", "recurrences": recurrences}
    times = {name: instant(str(schedule[name])) for name in ("start", "end") if schedule.get(name)}
    return {name: time.astimezone(timezone.utc).isoformat() for name, time in times.items()}


def _scope_problems(scope: Any) -> list[str]:
    fix = "Write one such as 'env:prod', or '*' for everything."
    if scope is None or (isinstance(scope, str) and not scope.strip()):
        return [f"scope is missing. {fix}"]
    if not isinstance(scope, str):
        return [f"scope is {scope!r}. {fix}"]
    try:
        parse_scope(scope)
    except QuerySyntaxError as error:
        return [f"scope {scope!r}: {error}. {fix}"]
    return [f"scope {scope!r} has a template variable, which only dashboards support. {fix}"] if "$" in scope else []


def _identifier_problems(item: Body) -> list[str]:
    identifier, key = item.get("monitor_identifier"), item.get("monitor_key")
    if (identifier is None) == (key is None):
        return ["it does not have exactly one of monitor_identifier and monitor_key. Set one, to select monitors."]
    if key is not None:
        fine = isinstance(key, str) and NAME.match(key)
        return [] if fine else [f"monitor_key {key!r} is not a valid key. Use {NAME_RULE}."]
    if isinstance(identifier, dict) and len(identifier) == 1:
        tags = identifier.get("monitor_tags")
        if isinstance(tags, (list, tuple)) and tags and all(isinstance(tag, str) and _TAG.match(tag) for tag in tags):
            return []
        if re.fullmatch("[1-9][0-9]{0,17}", str(identifier.get("monitor_id", "")), re.ASCII):
            return []
    return ["monitor_identifier is not valid. Write {monitor_id: NUMBER} or {monitor_tags: [TAG, ...]}."]


def _schedule_problems(schedule: Any) -> list[str]:
    if not isinstance(schedule, dict):
        return ["it is not a dictionary. Write start and end, or recurrences."]
    if "recurrences" not in schedule:
        return _once_problems(schedule)
    known = {"recurrences", "timezone", "current_downtime"}
    problems = [f"{name} cannot be combined with recurrences. Remove it." for name in schedule if name not in known]
    try:
        zone(schedule.get("timezone") or "UTC")
    except ValueError as error:
        problems.append(f"timezone: {error}")
    recurrences = schedule["recurrences"]
    if not isinstance(recurrences, (list, tuple)) or not 1 <= len(recurrences) <= 5:
        return [*problems, "recurrences is not a list of one to five items. Write one."]
    for number, recurrence in enumerate(recurrences):
        problems += [f"recurrences[{number}]: {problem}" for problem in _recurrence_problems(recurrence)]
    return problems


def _once_problems(schedule: Body) -> list[str]:
    problems = [
        f"{name} is not a known field. Write start and end, or recurrences and timezone."
        for name in schedule
        if name not in ("start", "end")
    ]
    times = {}
    for name in ("start", "end"):
        try:
            if schedule.get(name):
                times[name] = instant(str(schedule[name]))
        except ValueError:
            problems.append(f"{name} is {schedule[name]!r}. Write a time such as 2027-01-31T19:00:00+01:00.")
    if len(times) == 2 and times["end"] <= times["start"]:
        problems.append("end is not after start. Write a later end.")
    return problems


def _recurrence_problems(recurrence: Any) -> list[str]:
    if not isinstance(recurrence, dict):
        return ["it is not a dictionary. Write rrule, duration and start."]
    known = ("rrule", "duration", "start")
    problems = [f"{name} is not a known field. Write {', '.join(known)}." for name in recurrence if name not in known]
    problems += rule_problems(recurrence.get("rrule"))
    if not re.match(r"[1-9][0-9]*[mhdw]\Z", str(recurrence.get("duration"))):
        problems.append(f"duration is {recurrence.get('duration')!r}. Write a number and m, h, d or w, such as 14h.")
    start = recurrence.get("start")
    if start is None:
        return problems
    try:
        fine = isinstance(start, str) and "T" in start and datetime.fromisoformat(start).tzinfo is None
    except ValueError:
        fine = False
    if not fine:
        return [*problems, f"start is {start!r}. Write a time without an offset, such as 2027-01-31T19:00:00."]
    return problems
