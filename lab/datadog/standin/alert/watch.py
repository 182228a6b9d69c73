"""Evaluate monitors: the status of each group, its changes, and notifications. All times come from the clock.

Source: https://docs.datadoghq.com/monitors/configuration/ and https://docs.datadoghq.com/monitors/downtimes/
"""

import copy
import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from module_utils._query.monitor import CompositeCondition, MetricCondition

from ..clock import Clock, epoch, iso
from ..errors import Refused
from ..store import Store
from ..store.documents import Documents
from ..store.hosts import Host
from ..wire.bodies import Json
from . import observe, schedule, template
from .mailbox import Mailbox
from .observe import ALERT, NO_DATA, OK, WARN, Asked, Observation

_WORST = (ALERT, WARN, NO_DATA, OK)
_WORDS = {ALERT: "Triggered", WARN: "Warn", NO_DATA: "No Data", OK: "Recovered"}
_NAMES = {ALERT: "alert", WARN: "warning", NO_DATA: "no_data", OK: "ok"}
# The state in the API of a monitor that has not been evaluated.
_UNKNOWN: Json = {"overall_state": NO_DATA, "overall_state_modified": None, "groups": {}, "problem": ""}
_LOG = logging.getLogger(__name__)
# The names in renotify_statuses and notify_end_states.
_OPTIONS = {ALERT: "alert", WARN: "warn", NO_DATA: "no data"}
# The number of newest changes to keep for each monitor.
_MOST_CHANGES = 500
# Seconds after which a silent group is forgotten.
# Source: https://docs.datadoghq.com/monitors/configuration/, group retention time.
_FORGOTTEN = 86400
# Datadog's clients expect numbers here: 0 means never.
_NEVER = {"last_triggered_ts": 0, "last_nodata_ts": 0, "last_notified_ts": 0, "last_resolved_ts": 0}


@dataclass(frozen=True)
class _Moment:
    """The context of an evaluation: time, hosts, active downtimes and those that have just ended."""

    now: float
    hosts: dict[str, Host]
    running: list[Json]
    ended: list[Json]


@dataclass(frozen=True)
class _Group:
    """A group of a monitor: what the API shows, and what the watch remembers."""

    monitor: Json
    asked: Asked
    tags: frozenset[str]
    shown: Json
    memory: Json


class Watch:
    """The state of every monitor, kept as documents of kind "monitor_state" and "downtime_state".

    It includes the history, notified or not: {"time", "group", "from": None for a new group, "to"}.
    """

    def __init__(self, store: Store, documents: Documents, clock: Clock) -> None:
        self._store = store
        self._documents = documents
        self._clock = clock
        self._mailbox = Mailbox(documents, clock)
        self._lock = threading.RLock()
        self._states = {state["id"]: state for state in documents.all("monitor_state")}

    def state(self, monitor_id: int) -> Json:
        """Return overall_state, overall_state_modified (ISO 8601, None before the first change), groups by name, and
        why the monitor cannot be evaluated here, or "".
        """
        known = self._states.get(monitor_id, {})
        return {key: known.get(key, usual) for key, usual in _UNKNOWN.items()}

    def forget(self) -> None:
        """Forget all monitors, after the documents were deleted."""
        with self._lock:
            self._states.clear()

    def evaluate(self) -> None:
        """Evaluate all monitors now, and send notifications."""
        with self._lock:
            now = self._clock.now()
            moment = _Moment(now, {host.name: host for host in self._store.hosts()}, *self._downtimes(now))
            monitors = self._documents.all("monitor")
            # Composite monitors use the states of the others.
            for monitor in sorted(monitors, key=lambda monitor: monitor["type"] == "composite"):
                self._monitor(monitor, moment)
            for gone in set(self._states) - {monitor["id"] for monitor in monitors}:
                del self._states[gone]
                self._documents.delete("monitor_state", gone)

    # ------------------------------------------------------------------------------------------------- downtimes
    def _downtimes(self, now: float) -> tuple[list[Json], list[Json]]:
        """Return the active downtimes and those that ended since the last evaluation, and announce their changes."""
        running, ended = [], []
        for downtime in self._documents.all("downtime"):
            id_, cancelled = downtime["id"], bool(downtime.get("canceled"))
            active = any(begin <= now < end for begin, end in schedule.windows(downtime, now, now + 1))
            known = self._documents.get("downtime_state", id_)
            step = {"active": active, "cancelled": cancelled}
            if active:
                running.append(downtime)
            if known == step:
                continue
            self._documents.put("downtime_state", id_, step)
            before = known or {"active": False, "cancelled": False}
            if known is None:
                self._announce(downtime, "scheduled")
            if active and not before["active"]:
                self._announce(downtime, "started")
            if cancelled and not before["cancelled"]:
                self._announce(downtime, "canceled")
            elif before["active"] and not active:
                self._announce(downtime, "expired")
            if before["active"] and not active:
                ended.append(downtime)
        return running, ended

    def _announce(self, downtime: Json, step: str) -> None:
        monitor = (downtime.get("monitor_identifier") or {}).get("monitor_id")
        word, where = f"Downtime {step}", downtime.get("scope") or "*"
        self._mailbox.send(
            f"[{word}] {where}", downtime.get("message") or "", monitor_id=monitor, group=None, transition=word
        )

    # -------------------------------------------------------------------------------------------------- monitors
    def _monitor(self, monitor: Json, moment: _Moment) -> None:
        known = self._states.get(monitor["id"])
        same = known if known and known["query"] == monitor["query"] else None
        new = {"id": monitor["id"], "query": monitor["query"], "memory": {}, **_UNKNOWN}
        past = (known or {}).get("changes", [])
        state = copy.deepcopy({key: value for key, value in (same or new).items() if key != "changes"})
        if known and not same:
            # The API shows the state of the old query until the new one changes it.
            state |= {key: known[key] for key in ("overall_state", "overall_state_modified")}
        untouched = copy.deepcopy(state)
        try:
            asked = observe.condition(monitor["query"], monitor["type"])
            self._groups(monitor, asked, state, moment, fresh=not same)
            state["problem"] = ""
        except (Refused, ValueError, TypeError, ArithmeticError) as error:
            # Queries that the grammar knows and the stand-in does not evaluate, options that make no sense: the groups
            # of this monitor stay as they are, and the others are looked at.
            state = {**untouched, "problem": _problem(error)}
            if (same or {}).get("problem") != state["problem"]:
                _LOG.warning("Monitor %s, %r, %s", monitor["id"], monitor["name"], state["problem"])
        usual = observe.SKIPPED if state["problem"] else NO_DATA
        overall = min((group["status"] for group in state["groups"].values()), key=_WORST.index, default=usual)
        if overall != state["overall_state"] or not state["overall_state_modified"]:
            state |= {"overall_state": overall, "overall_state_modified": iso(moment.now)}
        before = {name: group["status"] for name, group in same["groups"].items()} if same else {}
        changes = [
            {"time": int(moment.now), "group": name, "from": before.get(name), "to": group["status"]}
            for name, group in state["groups"].items()
            if before.get(name) != group["status"]
        ]
        state["changes"] = [*past, *changes][-_MOST_CHANGES:]
        # Write to the disk first: a state that is only known here would never be written.
        if not same or _worth_keeping(state) != _worth_keeping(same):
            self._documents.put("monitor_state", monitor["id"], state)
        self._states[monitor["id"]] = state

    def _groups(self, monitor: Json, asked: Asked, state: Json, moment: _Moment, *, fresh: bool) -> None:
        options = monitor.get("options") or {}
        seen = self._seen(asked, options, moment)
        many = observe.grouped(asked)
        delay = float(options.get("new_group_delay") or 0) if many else 0
        shared = observe.scope_tags(asked)
        for name in {**state["memory"], **seen, **({} if many else {"*": None})}:
            one = seen.get(name)
            start = 0.0 if fresh or not many else moment.now
            memory = state["memory"].setdefault(name, {"first": start, "tags": [], "told": OK, "again": 0})
            memory["last_data"] = one.last_data if one else memory.get("last_data") or epoch(monitor["created"])
            if one:
                memory["tags"] = list(one.tags)
            if many and moment.now - memory["last_data"] > _FORGOTTEN:
                del state["memory"][name]
                state["groups"].pop(name, None)
                continue
            before = state["groups"].get(name, {}).get("status")
            after = _judge(asked, options, one, before, moment.now - memory["last_data"])
            if after is None or moment.now - memory["first"] < delay:
                continue
            shown = state["groups"].setdefault(name, {"name": name, "status": after, **_NEVER})
            host = moment.hosts.get(_host_name(memory["tags"]))
            tags = shared | set(memory["tags"]) | (host.every_tag if host else set())
            self._move(_Group(monitor, asked, tags, shown, memory), one, before, after, moment)

    def _seen(self, asked: Asked, options: Json, moment: _Moment) -> dict[str, Observation]:
        if not isinstance(asked, CompositeCondition):
            found = observe.observe(asked, options, self._store, int(moment.now))
            return {",".join(one.tags) or "*": one for one in found}
        if not asked.monitors <= set(self._states):
            return {}
        statuses = {id_: self._states[id_]["overall_state"] for id_ in asked.monitors}
        if skipped := [id_ for id_, status in statuses.items() if status == observe.SKIPPED]:
            raise Refused(400, f"the monitor {skipped[0]} is not evaluated here")
        return {"*": Observation((), moment.now, status=observe.joined(asked, statuses))}

    def _move(self, group: _Group, seen: Observation | None, before: str | None, after: str, moment: _Moment) -> None:
        """Change the status of a group, and notify."""
        options, shown, memory, now = group.monitor.get("options") or {}, group.shown, group.memory, int(moment.now)
        changed = after != (before or OK)
        shown["status"] = after
        if changed:
            memory["again"] = 0
            shown["last_resolved_ts" if after == OK else "last_triggered_ts"] = now
            if after == NO_DATA:
                shown["last_nodata_ts"] = now
        told = memory["told"]
        if after == OK:
            memory["told"] = OK
        # No data only notifies if the monitor asks for it, and so does its end.
        if NO_DATA in (after, before if after == OK else None) and not _missing(group.asked, options)[2]:
            return
        covering = [one for one in moment.running if schedule.covers(one, group.monitor, group.tags)]
        if covering:
            # During a downtime, a recovery from an alert that was notified before notifies once.
            first = changed and after == OK and told != OK
            due = first and not any(one.get("mute_first_recovery_notification") for one in covering)
        else:
            due = changed or self._ended(group, after, moment) or _again(options, shown, memory, after, now)
        if due:
            memory["told"] = after
            self._tell(group, seen, before or OK, after, moment, again=not changed and memory["again"] > 0)
            shown["last_notified_ts"] = now

    def _ended(self, group: _Group, status: str, moment: _Moment) -> bool:
        """Whether a downtime has just ended that notifies of groups that are still in `status`."""
        return any(
            _OPTIONS.get(status) in (one.get("notify_end_states") or ())
            and ("canceled" if one.get("canceled") else "expired") in (one.get("notify_end_types") or ())
            and schedule.covers(one, group.monitor, group.tags)
            for one in moment.ended
        )

    # ----------------------------------------------------------------------------------------------- notifications
    def _tell(
        self, group: _Group, seen: Observation | None, before: str, after: str, moment: _Moment, *, again: bool
    ) -> None:
        monitor, options = group.monitor, group.monitor.get("options") or {}
        values = self._values(group, seen, moment)
        holds = _conditions(before, after, again, monitor.get("priority"))
        texts = [options.get("escalation_message") if again else "", monitor.get("message") or ""]
        name = template.render(monitor["name"], values, holds)
        where = group.shown["name"]
        scope = f" on {{{where}}}" if where != "*" and options.get("include_tags", True) else ""
        word = f"{'Re-' if again else ''}{_WORDS[after]}"
        body = template.render("\n\n".join(filter(None, texts)), values, holds).strip()
        self._mailbox.send(f"[{word}{scope}] {name}", body, monitor_id=monitor["id"], group=where, transition=word)

    def _values(self, group: _Group, seen: Observation | None, moment: _Moment) -> dict[str, str]:
        values: dict[str, list[str]] = {}
        for tag in sorted(group.tags):
            key, colon, value = tag.partition(":")
            if colon:
                values.setdefault(f"{key}.name", []).append(value)
        # The tags of the group itself take precedence over others with the same keys.
        own = {f"{key}.name": value for key, _, value in (tag.partition(":") for tag in group.memory["tags"])}
        found = {**{key: ",".join(some) for key, some in values.items()}, **own}
        host = moment.hosts.get(_host_name(group.memory["tags"]))
        if host:
            found["host.ip"] = _address(host)
            found |= {f"host.metadata_{key}": str(value) for key, value in host.meta.items() if key != "gohai"}
        limits = (group.monitor.get("options") or {}).get("thresholds") or {}
        asked = group.asked
        critical = limits.get("critical", asked.threshold if isinstance(asked, MetricCondition) else None)
        for name, limit in (("", critical), ("warn_", limits.get("warning")), ("ok_", limits.get("ok"))):
            if limit is not None:
                found[f"{name}threshold"] = str(float(limit))
        if seen and seen.value is not None:
            found["value"] = str(round(seen.value, 3))
        since = group.shown["last_triggered_ts"]
        if since:
            found["last_triggered_at"] = template.utc(since)
            found["last_triggered_at_epoch"] = str(since * 1000)
            found["triggered_duration_sec"] = str(int(moment.now) - since)
        found["comparator"] = getattr(asked, "comparator", "")
        found["check_message"] = seen.message if seen else ""
        return found


def _problem(error: Exception) -> str:
    """Return why a monitor cannot be evaluated, in readable form."""
    why = "; ".join(map(str, error.errors)) if isinstance(error, Refused) else f"its options, {error!r}"
    return f"cannot be evaluated here: {why.replace(' is not evaluated here', '')}"


def _worth_keeping(state: Json) -> Json:
    """Return a state with times rounded to minutes: changes within a minute are not worth a write."""
    memory = {name: {**one, "last_data": one["last_data"] // 60} for name, one in state["memory"].items()}
    return {**state, "memory": memory}


def _missing(asked: Asked, options: Json) -> tuple[str | None, float, bool]:
    """Return the status of a group without data (None: unchanged), after how many seconds, and whether it notifies."""
    window = asked.window if isinstance(asked, MetricCondition) else observe.CHECK_MISSED
    wish = options.get("on_missing_data")
    if wish in ("show_no_data", "show_and_notify_no_data", "resolve"):
        return (OK if wish == "resolve" else NO_DATA), window, wish != "show_no_data"
    if options.get("notify_no_data"):
        usual = 2 * window if isinstance(asked, MetricCondition) else window
        return NO_DATA, float(options.get("no_data_timeframe") or usual / 60) * 60, True
    return None, 0, False


def _judge(asked: Asked, options: Json, seen: Observation | None, before: str | None, silence: float) -> str | None:
    """Return the status of a group that has had no data for this number of seconds; None if it has none yet."""
    if isinstance(asked, CompositeCondition):
        if seen is None or (seen.status == NO_DATA and not options.get("notify_no_data")):
            return before
        return seen.status
    status, after, _told = _missing(asked, options)
    if status and silence >= after:
        return status if before or status != OK else None
    if seen is None or (options.get("require_full_window") and not seen.full):
        return before
    return observe.status(asked, options, seen, before or OK)


def _again(options: Json, shown: Json, memory: Json, status: str, now: int) -> bool:
    """Whether to renotify about a group that stays in `status`; counts the notification."""
    every, most = options.get("renotify_interval"), options.get("renotify_occurrences")
    if not every or _OPTIONS.get(status) not in (options.get("renotify_statuses") or ("alert", "no data")):
        return False
    if now - (shown["last_notified_ts"] or shown["last_triggered_ts"] or now) < every * 60 or (
        most and memory["again"] >= most
    ):
        return False
    memory["again"] += 1
    return True


def _conditions(before: str, after: str, again: bool, priority: Any) -> set[str]:
    found = {f"is_{_NAMES[after]}"} if after != OK else {"is_recovery", f"is_{_NAMES[before]}_recovery"}
    if before != after:
        found.add(f"is_{_NAMES[before]}_to_{_NAMES[after]}")
    if again:
        found.add("is_renotify")
    return found | {f"is_priority:P{priority}"}


def _host_name(tags: Iterable[str]) -> str:
    return next((tag.removeprefix("host:") for tag in tags if tag.startswith("host:")), "")


def _address(host: Host) -> str:
    try:
        return str(json.loads(host.meta.get("gohai") or "{}")["network"]["ipaddress"])
    except (KeyError, TypeError, ValueError):
        return ""
