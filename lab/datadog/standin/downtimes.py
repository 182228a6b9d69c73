"""Downtimes of the v2 API, and what keeps them: a document is {"id", "v1_id", and the attributes of v2}.

Source: https://docs.datadoghq.com/api/latest/downtimes/
"""

import math
import re
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from module_utils.datadog_scope import QuerySyntaxError

from . import account, schedule
from .calls import Call, Handler
from .clock import Clock, epoch, iso, seconds
from .decode import Refused
from .documents import Documents

PAST = "Scheduled downtime start cannot be in the past"
_DEFAULTS: dict[str, Any] = {
    "message": None,
    "display_timezone": "UTC",
    "mute_first_recovery_notification": False,
    "notify_end_states": ["alert", "no data", "warn"],
    "notify_end_types": ["expired"],
}
_TYPES = {"message": str, "mute_first_recovery_notification": bool, "schedule": dict}
_CHANGEABLE = {*_DEFAULTS, "monitor_identifier", "schedule", "scope"}
_SHOWN = {*_CHANGEABLE, "created", "modified", "canceled"}
_CHOICES = {"notify_end_states": {"alert", "no data", "warn"}, "notify_end_types": {"canceled", "expired"}}
_MOST_RECURRENCES = 5
# Seconds for which a cancelled downtime is still shown, and how late a start that means now may arrive.
_KEPT = 48 * 3600
_LATE = 60
# Seconds ahead in which the next time of a recurrence is looked for: rules may begin years from now.
_AHEAD = 20 * 366 * 86400
_SIMPLE_SCOPE = re.compile(r'\*|[^\s(){}!,"]+:[^\s(){}!,"]+')


class Downtimes:
    """All downtimes; times are those of the clock."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def all(self) -> list[dict[str, Any]]:
        """Every downtime but those cancelled long ago."""
        oldest = self._clock.now() - _KEPT
        found = self._documents.all("downtime")
        return [item for item in found if not item["canceled"] or epoch(item["canceled"]) >= oldest]

    def need(self, id_: str, missing: str) -> dict[str, Any]:
        """The downtime with this v2 id. Raises Refused(404) in the words `missing`."""
        return self._documents.need("downtime", id_, missing)

    def monitor(self, id_: str | int | None) -> dict[str, Any] | None:
        return self._documents.get("monitor", str(id_))

    def schedule(self, attributes: dict[str, Any]) -> dict[str, Any]:
        now, ids = iso(self._clock.now()), [self._documents.new_id(kind) for kind in ("downtime", "downtime_v1")]
        made = {"id": ids[0], "v1_id": ids[1], **_DEFAULTS, **attributes}
        made.update(created=now, modified=now, canceled=None)
        self._documents.put("downtime", ids[0], made)
        return made

    def change(self, found: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
        changed = {**self._documents.get("downtime", found["id"]), **attributes, "modified": iso(self._clock.now())}
        self._documents.put("downtime", found["id"], changed)
        return changed

    def cancel(self, found: dict[str, Any]) -> None:
        """End a downtime for good; one that is cancelled stays as it is."""
        if not found["canceled"]:
            self.change(found, {"canceled": iso(self._clock.now())})

    def status(self, found: dict[str, Any]) -> str:
        """active, scheduled, ended or canceled."""
        if found["canceled"]:
            return "canceled"
        current = self.current(found)
        return "ended" if current is None else "active" if current[0] <= self._clock.now() else "scheduled"

    def current(self, found: dict[str, Any]) -> tuple[float, float] | None:
        """The (begin, end) of the time in which a downtime is active, or will next be."""
        now = self._clock.now()
        for ahead in (8 * 86400, _AHEAD) if "recurrences" in found["schedule"] else (math.inf,):
            times = schedule.windows(found, now, now + ahead)
            if times:
                return times[0]
        return None

    def active(self) -> list[dict[str, Any]]:
        """Those that silence something now."""
        return [found for found in self.ahead() if found["status"] == "active"]

    def ahead(self) -> list[dict[str, Any]]:
        """Those that silence something now or later, each with its "status"."""
        found = [{**item, "status": self.status(item)} for item in self.all()]
        return [item for item in found if item["status"] in ("active", "scheduled")]

    def checked(
        self, sent: dict[str, Any], old: dict[str, Any] | None = None, schedule: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The attributes of a v2 request, normalised; `schedule` is one that is checked. Raises Refused(400)."""
        for name in sent:
            if name not in _CHANGEABLE:
                raise Refused(400, f"Additional properties are not allowed ('{name}' was unexpected)")
        for name in () if old else ("monitor_identifier", "scope"):
            if name not in sent:
                raise Refused(400, f"'{name}' is a required property")
        for name, kind in _TYPES.items():
            if sent.get(name) is not None and not isinstance(sent[name], kind):
                raise Refused(400, f"{sent[name]!r} is not of type '{kind.__name__}'")
        result = {name: _DEFAULTS.get(name) if value is None else value for name, value in sent.items()}
        if "display_timezone" in result:
            result["display_timezone"] = _zone(result["display_timezone"] or "UTC")
        for name, choices in _CHOICES.items():
            for value in result.get(name, ()):
                if value not in choices:
                    raise Refused(400, f"'{value}' is not one of {sorted(choices)}")
        if "scope" in result:
            check_scope(result["scope"])
        if "monitor_identifier" in result:
            _check_identifier(result["monitor_identifier"])
        if schedule:
            result["schedule"] = schedule
        elif old is None or result.get("schedule") is not None:
            wish = result.get("schedule") or {}
            result["schedule"] = self._recurring(wish) if "recurrences" in wish else self._once(wish, old)
        else:
            result.pop("schedule", None)
        return result

    def _once(self, sent: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
        now, before = self._clock.now(), (old or {}).get("schedule", {}).get("start")
        running = bool(before) and epoch(before) <= now
        start, end = (None if sent.get(name) is None else _moment(sent[name]) for name in ("start", "end"))
        if start is not None and start < now - _LATE:
            raise Refused(400, PAST)
        if running and start is not None and start != epoch(before):
            raise Refused(400, "Cannot change the start of a downtime that has started")
        begin = epoch(before) if running else now if start is None else start
        if end is not None and end <= max(begin, now):
            raise Refused(400, "Scheduled downtime end must be in the future and after its start")
        # A start that was not sent has the fraction of a second that now has.
        return {"start": _shown(begin), "end": None if end is None else _shown(end)}

    def _recurring(self, sent: dict[str, Any]) -> dict[str, Any]:
        zone, recurrences = _zone(sent.get("timezone") or "UTC"), sent["recurrences"]
        if not isinstance(recurrences, list) or not 1 <= len(recurrences) <= _MOST_RECURRENCES:
            raise Refused(400, f"A downtime has 1 to {_MOST_RECURRENCES} recurrences")
        here = datetime.fromtimestamp(self._clock.now(), ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)
        result = []
        for recurrence in recurrences:
            filled = {**recurrence, "start": recurrence.get("start") or here.isoformat()}
            start = check_recurrence(filled, zone)
            if start.replace(tzinfo=ZoneInfo(zone)).timestamp() < self._clock.now() - _LATE:
                raise Refused(400, PAST)
            result.append(filled)
        return {"timezone": zone, "recurrences": result}

    def matching(self, monitor: dict[str, Any], among: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of `among` that are for this monitor, whatever part of it their scope chooses."""
        return [found for found in among if schedule.covers({**found, "scope": "*"}, monitor, ())]

    def silenced(self, monitor: int, ahead: Iterable[dict[str, Any]]) -> dict[str, int | None]:
        """What `options.silenced` of a monitor says: {scope: end} of its own downtimes with a plain scope."""
        return {
            found["scope"]: seconds(found["schedule"].get("end"))
            for found in ahead
            if found["monitor_identifier"].get("monitor_id") == monitor and _SIMPLE_SCOPE.fullmatch(found["scope"])
        }

    def silence(self, monitor: int, wish: dict[str, int | None]) -> None:
        """Make the downtimes that `options.silenced` asks for, in the place of the monitor's own."""
        ahead = self.ahead()
        before = self.silenced(monitor, ahead)
        for found in ahead:
            mine = found["monitor_identifier"].get("monitor_id") == monitor and found["scope"] in before
            if mine and wish.get(found["scope"], -1) != before[found["scope"]]:
                self.cancel(found)
        for scope, end in wish.items():
            if before.get(scope, -1) != end:
                self.mute(scope, end, {"monitor_id": monitor})

    def mute(self, scope: str, end: int | None, monitors: dict[str, Any], message: str | None = None) -> dict[str, Any]:
        times = {"start": None, "end": None if end is None else iso(int(end))}
        sent = {"scope": scope, "schedule": times, "monitor_identifier": monitors, "message": message}
        return self.schedule(self.checked(sent))


def check_recurrence(recurrence: dict[str, str], zone: str) -> datetime:
    """The local time at which a recurrence begins. Raises Refused(400) for what is none."""
    try:
        start = datetime.fromisoformat(recurrence["start"])
        if start.tzinfo:
            raise ValueError("start: no offset is allowed, the timezone gives it")
        schedule.duration(recurrence["duration"])
        schedule.rule(recurrence["rrule"], recurrence["start"], zone)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(400, f"Invalid recurrence: {error}") from None
    return start


def check_scope(text: Any) -> None:
    if not isinstance(text, str) or not text.strip():
        raise Refused(400, "Invalid scope parameter")
    try:
        schedule.scope(text)
    except QuerySyntaxError as error:
        raise Refused(400, f"Invalid scope: {error}") from None
    # What key:(one OR other) writes has a key.
    bare = re.sub(r'[^\s(){}!,]+:(\([^()]*\)|"[^"]*"|[^\s(){}!,]*)', "", text)
    if set(re.findall(r"[^\s(){}!,*]+", bare)) - {"AND", "OR", "NOT"}:
        raise Refused(400, "All values must have a key")


def _check_identifier(sent: Any) -> None:
    kinds = {"monitor_id": int, "monitor_tags": list}
    fits = isinstance(sent, dict) and len(sent) == 1 and all(isinstance(sent[k], kinds.get(k, ())) for k in sent)
    if not fits or not all(isinstance(tag, str) for tag in sent.get("monitor_tags", ())):
        raise Refused(400, f"{sent} is not valid under any of the given schemas")


def _zone(name: Any) -> str:
    try:
        return ZoneInfo(name).key
    except (TypeError, ValueError, ZoneInfoNotFoundError, OSError):
        raise Refused(400, f"Invalid timezone: {name}") from None


def _moment(text: Any) -> float:
    try:
        return epoch(text)
    except (AttributeError, TypeError, ValueError):
        raise Refused(400, f"{text!r} is not a 'date-time'") from None


def _shown(moment: float) -> str:
    return iso(moment, "seconds" if moment == int(moment) else "microseconds")


def _times(window: tuple[float, float], shown: Callable[[float], str]) -> dict[str, str | None]:
    return {name: None if at == math.inf else shown(at) for name, at in zip(("start", "end"), window, strict=True)}


# ------------------------------------------------------------------------------------------------------------ routes
def table(downtimes: Downtimes) -> list[tuple[str, str, Handler]]:
    def shown(found: dict[str, Any]) -> dict[str, Any]:
        attributes = {name: value for name, value in found.items() if name in _SHOWN}
        attributes["status"] = downtimes.status(found)
        if "recurrences" in found["schedule"]:
            current = downtimes.current(found)
            times = _times(current, _shown) if current else None
            attributes["schedule"] = {**found["schedule"], "current_downtime": times}
        return {"type": "downtime", "id": found["id"], "attributes": attributes}

    def related(found: dict[str, Any]) -> dict[str, Any]:
        id_ = found["monitor_identifier"].get("monitor_id")
        link = {"data": {"type": "monitor", "id": str(id_)} if id_ else None}
        return {"monitor": link, "created_by": account.USER_LINK}

    def whole(found: dict[str, Any]) -> dict[str, Any]:
        included, own = [account.USER], downtimes.monitor(found["monitor_identifier"].get("monitor_id"))
        if own:
            included.append({"type": "monitor", "id": own["id"], "attributes": {"name": own["name"]}})
        return {"data": {**shown(found), "relationships": related(found)}, "included": included}

    def attributes(call: Call) -> dict[str, Any]:
        data = call.body.get("data") if isinstance(call.body, dict) else None
        sent = data.get("attributes") if isinstance(data, dict) else None
        if not isinstance(sent, dict) or data.get("type") != "downtime":
            raise Refused(400, "'data' is a required property")
        return sent

    def one(call: Call, missing: str = "Downtime not found") -> dict[str, Any]:
        try:
            id_ = str(uuid.UUID(call.path["id"]))
        except ValueError:
            raise Refused(400, "Invalid URL param: downtime_id must be an uuid") from None
        return downtimes.need(id_, missing.format(id_))

    def get(call: Call) -> dict[str, Any]:
        found = one(call)
        return whole(found) if call.query.get("include") else {"data": shown(found)}

    def every(call: Call) -> dict[str, Any]:
        current = call.flag("current_only")
        found = downtimes.active() if current else downtimes.all()
        page = call.paged(found, "page[offset]", "page[limit]", 30)
        more = {"included": [account.USER]} if "created_by" in call.query.get("include", "") else {}
        data = [{**shown(item), **({"relationships": related(item)} if more else {})} for item in page]
        return {"data": data, **more, "meta": {"page": {"total_filtered_count": len(found)}}}

    def update(call: Call) -> dict[str, Any]:
        found = one(call)
        if found["canceled"]:
            raise Refused(400, "Downtime has been canceled and cannot be changed")
        return whole(downtimes.change(found, downtimes.checked(attributes(call), found)))

    def matches(call: Call) -> dict[str, Any]:
        own = downtimes.monitor(call.path["monitor"])
        if own is None:
            raise Refused(404, f"Monitor with id {call.path['monitor']} not found")
        found = downtimes.matching(own, downtimes.active())
        page = call.paged(found, "page[offset]", "page[limit]", 30)
        return {
            "data": [
                {
                    "type": "downtime_match",
                    "id": item["id"],
                    "attributes": {"groups": ["*"], "scope": item["scope"], **_times(downtimes.current(item), iso)},
                }
                for item in page
            ],
            "meta": {"page": {"total_filtered_count": len(found)}},
        }

    return [
        ("GET", "/api/v2/downtime", every),
        ("POST", "/api/v2/downtime", lambda call: whole(downtimes.schedule(downtimes.checked(attributes(call))))),
        ("GET", "/api/v2/downtime/{id}", get),
        ("PATCH", "/api/v2/downtime/{id}", update),
        ("DELETE", "/api/v2/downtime/{id}", lambda call: downtimes.cancel(one(call, "Downtime {} not found"))),
        ("GET", "/api/v2/monitor/{monitor:id}/downtime_matches", matches),
    ]
