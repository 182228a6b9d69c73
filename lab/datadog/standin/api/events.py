"""Post, read and search events, in the v1 and v2 formats.

Source: https://docs.datadoghq.com/api/latest/events/
"""

import uuid
from decimal import Decimal
from types import NoneType
from typing import Any
from urllib.parse import urlencode

from ..clock import epoch, iso, moment
from ..errors import Refused
from ..query.events import finder
from ..wire.bodies import Json
from .calls import Call, Room, after, cursor, on

# Seconds: how far an event may be in the past and in the future, and the default time range of a search.
_OLDEST = 18 * 3600
_SEARCHED = 15 * 60
_NEWEST = 10 * 60
_PAGE = 10
_TEXTS = ("host", "alert_type", "priority", "source_type_name", "aggregation_key", "device_name")
_V1_PAGE = 1000
_LISTED = {"is_aggregate": False, "comments": [], "monitor_group_status": None}
_STATUSES = {"error": "error", "warning": "warn", "success": "success"}
_APP = "https://app.datadoghq.com"


class Events(Room):
    def keep(self, event: Json) -> Json:
        """Store an event with a new ID. Raises Refused(400)."""
        tags = event.get("tags") or []
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise Refused(400, "The value provided for parameter 'tags' is invalid")
        event = {"id": self.documents.new_id("event"), "uid": uuid.uuid4().hex, **event}
        self.documents.put("event", event["id"], event)
        return event

    # ----------------------------------------------------------------------------------------------------------- v1
    @on("POST", "/api/v1/events", needs="api_key")
    def post_v1(self, call: Call) -> tuple[int, Json]:
        sent, now = call.object(), int(self.clock.now())
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
        event = self.keep({**sent, "date_happened": happened})
        shown = {name: event.get(name) for name in ("title", "text", "priority", "tags", "related_event_id")}
        link = f"{_APP}/event/event?id={event['id']}"
        shown.update(_ids(event), url=link, handle=None, date_happened=happened)
        return 202, {"status": "ok", "event": shown}

    @on("GET", "/api/v1/events/{id:id}")
    def read_v1(self, call: Call) -> Json:
        return {"event": _v1(self.need(call.path["id"]))}

    def need(self, id_: int) -> Json:
        """Return the event with an ID, exact or as JavaScript writes it. Raises Refused(404)."""
        found = [event for event in self.documents.all("event") if id_ in (event["id"], rounded(event["id"]))]
        if not found:
            raise Refused(404, "No event matches that event_id.")
        return found[0]

    @on("GET", "/api/v1/events")
    def list_v1(self, call: Call) -> Json:
        start, end = (call.integer(name) for name in ("start", "end"))
        if start > end:
            # The API's own words.
            raise Refused(400, "start param must be greater than end param")
        wanted = {name: set(call.query[name].split(",")) for name in ("tags", "sources") if call.query.get(name)}
        priority = call.query.get("priority")
        found = [
            {**_v1(event), **_LISTED, "source": event.get("source_type_name") or "My Apps"}
            for event in reversed(self.documents.all("event"))
            if start <= event["date_happened"] <= end
            and (not priority or (event.get("priority") or "normal") == priority)
            and wanted.get("tags", set()) <= set(event.get("tags") or [])
            and ("sources" not in wanted or (event.get("source_type_name") or "") in wanted["sources"])
        ]
        page = call.integer("page", 0)
        return {"events": found[page * _V1_PAGE : (page + 1) * _V1_PAGE]}

    # ----------------------------------------------------------------------------------------------------------- v2
    @on("POST", "/api/v2/events", needs="api_key")
    def post_v2(self, call: Call) -> tuple[int, Json]:
        sent = call.data().get("attributes")
        if not isinstance(sent, dict):
            raise _invalid(": required property is missing.")
        for name in ("title", "category", "attributes"):
            if name not in sent:
                raise _invalid(f": missing required property '{name}'.")
        if sent["category"] not in ("alert", "change"):
            raise _invalid('.category: value must be one of: ["alert", "change"].')
        happened = epoch(sent["timestamp"]) if sent.get("timestamp") else self.clock.now()
        event = self.keep(
            {
                **{name: sent[name] for name in ("title", "attributes", "category")},
                **{name: sent.get(name) for name in ("host", "aggregation_key")},
                "text": sent.get("message", ""),
                "tags": sent.get("tags", []),
                "date_happened": int(happened),
            },
        )
        evt = {"id": str(event["id"]), "uid": event["uid"]}
        data = {"id": "_", "type": "event", "attributes": {"attributes": {"evt": evt}}}
        return 202, {"data": data, "links": {"self": f"{_APP}/event/event?uid={event['uid']}"}}

    @on("GET", "/api/v2/events")
    def list_v2(self, call: Call) -> Json:
        chosen = {name: call.query.get(f"filter[{name}]") for name in ("from", "to", "query")}
        page = {"cursor": call.query.get("page[cursor]"), "limit": call.integer("page[limit]", _PAGE)}
        return self._search(chosen, page, call.query.get("sort", ""), "/api/v2/events")

    @on("POST", "/api/v2/events/search")
    def search_v2(self, call: Call) -> Json:
        sent, path = call.body or {}, "/api/v2/events/search"
        return self._search(sent.get("filter") or {}, sent.get("page") or {}, sent.get("sort", ""), path)

    def _search(self, chosen: Json, asked: Json, sort: str, path: str) -> Json:
        now = self.clock.now()
        start, end = moment(chosen.get("from"), now, now - _SEARCHED), moment(chosen.get("to"), now, now)
        within = [event for event in self.documents.all("event") if start <= event["date_happened"] <= end]
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
        answer: Json = {"data": [_v2(event) for event in page]}
        if page:
            follows = cursor(page[-1]["uid"])
            query = {f"filter[{name}]": chosen[name] for name in ("from", "to", "query") if chosen.get(name)}
            query.update({"page[cursor]": follows, "page[limit]": limit})
            answer.update(meta={"page": {"after": follows}}, links={"next": f"{_APP}{path}?{urlencode(query)}"})
        return answer


def _ids(event: Json) -> Json:
    """Return the ID as a double, and the exact one."""
    return {"id": rounded(event["id"]), "id_str": str(event["id"])}


def rounded(id_: int) -> int:
    """Format an ID as JavaScript does: the shortest digits that give the double, then zeros."""
    return int(Decimal(repr(float(id_))))


def _v1(event: Json) -> Json:
    return {
        **{name: event.get(name) for name in ("text", "date_happened", "host", "device_name")},
        # A comment does not have one.
        "title": event["title"] or None,
        **({"handle": event["handle"]} if event.get("handle") else {}),
        "alert_type": event.get("alert_type") or "info",
        "priority": event.get("priority") or "normal",
        "tags": event.get("tags") or [],
        "monitor_id": None,
        "monitor_groups": [],
        "resource": f"/api/v1/events/{event['id']}",
        **_ids(event),
        "url": f"/event/event?id={event['id']}",
    }


def _v2(event: Json) -> Json:
    attributes: dict[str, Any] = {
        **(event.get("attributes") or {}),
        "title": event["title"],
        "hostname": event.get("host"),
        "service": "undefined",
        "aggregation_key": event.get("aggregation_key"),
        "priority": event.get("priority") or "normal",
        "status": _STATUSES.get(event.get("alert_type") or "", "info"),
        "event_object": event.get("aggregation_key"),
        "timestamp": event["date_happened"] * 1000,
        "evt": {"id": str(event["id"]), "type": "api", "source_id": 100},
    }
    happened = iso(event["date_happened"], "seconds").replace("+00:00", "Z")
    outer = {"message": event["text"], "tags": event.get("tags") or [], "timestamp": happened}
    return {"id": event["uid"], "type": "event", "attributes": {**outer, "attributes": attributes}}


def _invalid(problem: str) -> Refused:
    """Return an error in the format of the v2 event intake."""
    detail = f"JSON validation failed at $.data.attributes{problem}"
    return Refused(400, {"status": "400", "title": "Bad Request", "detail": detail})
