"""Events: posted, read and searched, in the v1 and the v2 form.

Source: https://docs.datadoghq.com/api/latest/events/
"""

import re
import uuid
from decimal import Decimal
from types import NoneType
from typing import Any
from urllib.parse import urlencode

from . import lucene
from .calls import Call, Handler, after, cursor
from .clock import Clock, epoch, iso
from .decode import Refused
from .documents import Documents

# Seconds: how far back and ahead an event may lie, and what a search looks at that says no time.
_OLDEST = 18 * 3600
_SEARCHED = 15 * 60
_NEWEST = 10 * 60
_PAGE = 10
_TEXTS = ("host", "alert_type", "priority", "source_type_name", "aggregation_key", "device_name")
_V1_PAGE = 1000
_LISTED = {"is_aggregate": False, "comments": [], "monitor_group_status": None}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_APP = "https://app.datadoghq.com"


def table(documents: Documents, clock: Clock) -> list[tuple[str, str, Handler]]:
    def keep(event: dict[str, Any]) -> dict[str, Any]:
        tags = event.get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise Refused(400, "The value provided for parameter 'tags' is invalid")
        event = {"id": documents.new_id("event"), "uid": uuid.uuid4().hex, **event}
        documents.put("event", event["id"], event)
        return event

    def post_v1(call: Call) -> tuple[int, dict[str, Any]]:
        sent, now = call.body, int(clock.now())
        if not isinstance(sent, dict):
            raise Refused(400, "Invalid JSON")
        for name in ("title", "text"):
            if not isinstance(sent.get(name), str):
                raise Refused(400, f"The parameter '{name}' is required")
        for name in _TEXTS:
            if not isinstance(sent.get(name), (str, NoneType)):
                raise Refused(400, f"The value provided for parameter '{name}' is invalid")
        happened = now if sent.get("date_happened") is None else int(sent["date_happened"])
        if happened < now - _OLDEST:
            raise Refused(400, "Event too far in the past")
        if happened > now + _NEWEST:
            raise Refused(400, "Event too far in the future")
        event = keep({**sent, "date_happened": happened})
        shown = {name: event.get(name) for name in ("title", "text", "priority", "tags", "related_event_id")}
        link = f"{_APP}/event/event?id={event['id']}"
        shown.update(_ids(event), url=link, handle=None, date_happened=happened)
        return 202, {"status": "ok", "event": shown}

    def post_v2(call: Call) -> tuple[int, dict[str, Any]]:
        sent = _attributes(call)
        event = keep(
            {
                "title": sent["title"],
                "text": sent.get("message", ""),
                "tags": sent.get("tags", []),
                "host": sent.get("host"),
                "aggregation_key": sent.get("aggregation_key"),
                "attributes": sent["attributes"],
                "category": sent["category"],
                "date_happened": int(epoch(sent["timestamp"]) if sent.get("timestamp") else clock.now()),
            }
        )
        evt = {"id": str(event["id"]), "uid": event["uid"]}
        data = {"id": "_", "type": "event", "attributes": {"attributes": {"evt": evt}}}
        return 202, {"data": data, "links": {"self": f"{_APP}/event/event?uid={event['uid']}"}}

    def get_v1(call: Call) -> dict[str, Any]:
        asked = int(call.path["id"])
        found = [event for event in documents.all("event") if asked in (event["id"], _rounded(event["id"]))]
        if not found:
            raise Refused(404, "No event matches that event_id.")
        return {"event": _v1(found[0])}

    def list_v1(call: Call) -> dict[str, Any]:
        start, end = (call.integer(name) for name in ("start", "end"))
        if start > end:
            # The API's own words.
            raise Refused(400, "start param must be greater than end param")
        wanted = {name: set(call.query[name].split(",")) for name in ("tags", "sources") if call.query.get(name)}
        priority = call.query.get("priority")
        found = [
            {**_v1(event), **_LISTED, "source": event.get("source_type_name") or "My Apps"}
            for event in reversed(documents.all("event"))
            if start <= event["date_happened"] <= end
            and (not priority or (event.get("priority") or "normal") == priority)
            and wanted.get("tags", set()) <= set(event.get("tags") or [])
            and ("sources" not in wanted or (event.get("source_type_name") or "") in wanted["sources"])
        ]
        page = call.integer("page", 0)
        return {"events": found[page * _V1_PAGE : (page + 1) * _V1_PAGE]}

    def search(chosen: dict[str, Any], asked: dict[str, Any], sort: str, path: str) -> dict[str, Any]:
        now = clock.now()
        start, end = moment(chosen.get("from"), now, now - _SEARCHED), moment(chosen.get("to"), now, now)
        within = [event for event in documents.all("event") if start <= event["date_happened"] <= end]
        found = list(filter(finder(str(chosen.get("query") or "")), within))
        found.sort(key=lambda event: event["date_happened"], reverse=sort.startswith("-"))
        if asked.get("cursor"):
            try:
                last, uids = after(asked["cursor"]), [event["uid"] for event in found]
            except (KeyError, TypeError, ValueError):
                wrong = "{'errors': [u\"input_validation_error(Field 'page' is invalid: invalid cursor)\"]}"
                raise Refused(400, wrong) from None
            found = found[uids.index(last) + 1 :] if last in uids else []
        limit = asked.get("limit", _PAGE)
        page = found[:limit]
        answer: dict[str, Any] = {"data": [_v2(event) for event in page]}
        if page:
            follows = cursor(page[-1]["uid"])
            query = {f"filter[{name}]": chosen[name] for name in ("from", "to", "query") if chosen.get(name)}
            query.update({"page[cursor]": follows, "page[limit]": limit})
            answer.update(meta={"page": {"after": follows}}, links={"next": f"{_APP}{path}?{urlencode(query)}"})
        return answer

    def list_v2(call: Call) -> dict[str, Any]:
        chosen = {name: call.query.get(f"filter[{name}]") for name in ("from", "to", "query")}
        page = {"cursor": call.query.get("page[cursor]"), "limit": call.integer("page[limit]", _PAGE)}
        return search(chosen, page, call.query.get("sort", ""), "/api/v2/events")

    def search_v2(call: Call) -> dict[str, Any]:
        sent = call.body or {}
        return search(sent.get("filter") or {}, sent.get("page") or {}, sent.get("sort", ""), "/api/v2/events/search")

    return [
        ("POST", "/api/v1/events", post_v1),
        ("GET", "/api/v1/events", list_v1),
        ("GET", "/api/v1/events/{id:id}", get_v1),
        ("POST", "/api/v2/events", post_v2),
        ("GET", "/api/v2/events", list_v2),
        ("POST", "/api/v2/events/search", search_v2),
    ]


def _ids(event: dict[str, Any]) -> dict[str, Any]:
    """The id as a double holds it, and as it is."""
    return {"id": _rounded(event["id"]), "id_str": str(event["id"])}


def _rounded(id_: int) -> int:
    """An id as JavaScript writes it: the shortest digits that give the double, then zeros."""
    return int(Decimal(repr(float(id_))))


def _v1(event: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: event.get(name) for name in ("title", "text", "date_happened", "host", "device_name")},
        "alert_type": event.get("alert_type") or "info",
        "priority": event.get("priority") or "normal",
        "tags": event.get("tags") or [],
        "monitor_id": None,
        "monitor_groups": [],
        "resource": f"/api/v1/events/{event['id']}",
        **_ids(event),
        "url": f"/event/event?id={event['id']}",
    }


def _v2(event: dict[str, Any]) -> dict[str, Any]:
    statuses = {"error": "error", "warning": "warn", "success": "success"}
    happened = iso(event["date_happened"], "seconds").replace("+00:00", "Z")
    return {
        "id": event["uid"],
        "type": "event",
        "attributes": {
            "message": event["text"],
            "tags": event.get("tags") or [],
            "timestamp": happened,
            "attributes": {
                **(event.get("attributes") or {}),
                "title": event["title"],
                "hostname": event.get("host"),
                "service": "undefined",
                "aggregation_key": event.get("aggregation_key"),
                "priority": event.get("priority") or "normal",
                "status": statuses.get(event.get("alert_type") or "", "info"),
                "event_object": event.get("aggregation_key"),
                "timestamp": event["date_happened"] * 1000,
                "evt": {"id": str(event["id"]), "type": "api", "source_id": 100},
            },
        },
    }


def _attributes(call: Call) -> dict[str, Any]:
    data = call.body.get("data") if isinstance(call.body, dict) else None
    sent = data.get("attributes") if isinstance(data, dict) else None
    where = "$.data.attributes"
    if not isinstance(sent, dict):
        raise _invalid(f"{where}: required property is missing.")
    for name in ("title", "category", "attributes"):
        if name not in sent:
            raise _invalid(f"{where}: missing required property '{name}'.")
    if sent["category"] not in ("alert", "change"):
        raise _invalid(f'{where}.category: value must be one of: ["alert", "change"].')
    return sent


def _invalid(detail: str) -> Refused:
    """A refusal in the form of the v2 intake of events."""
    return Refused(400, {"status": "400", "title": "Bad Request", "detail": f"JSON validation failed at {detail}"})


def moment(text: str | int | None, now: float, default: float) -> float:
    """Seconds since the epoch of now, now-15m, ISO 8601 or milliseconds."""
    if not text:
        return default
    relative = re.fullmatch(r"now(?:-(\d+)([smhdw]))?", str(text))
    try:
        if relative:
            return now - int(relative[1] or 0) * _UNITS[relative[2] or "s"]
        return int(text) / 1000 if str(text).isdecimal() else epoch(str(text).replace(" ", "+"))
    except (OverflowError, ValueError):
        raise Refused(400, f"input_validation_error(Field 'filter' is invalid: {text})") from None


def finder(query: str) -> lucene.Test:
    """What a search asks of an event: words in its texts and tags, KEY:word in its tags. Raises Refused(400)."""

    def values(event: dict[str, Any], key: str) -> list[str]:
        tags = [*(event.get("tags") or []), f"host:{event.get('host')}"]
        if not key:
            return [event["title"], event["text"], *tags]
        return [tag.removeprefix(f"{key}:") for tag in tags if tag.startswith(f"{key}:")]

    try:
        return lucene.parse(query, values)
    except ValueError as error:
        raise Refused(400, f"input_validation_error(Field 'filter.query' is invalid: {error})") from None
