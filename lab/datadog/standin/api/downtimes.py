"""Downtimes of the v2 API.

Source: https://docs.datadoghq.com/api/latest/downtimes/
"""

import math
import uuid
from collections.abc import Callable

from ..alert.downtimes import CHANGEABLE, written
from ..clock import iso
from ..errors import Refused
from ..wire import user
from ..wire.bodies import Json
from .calls import Call, Room, on

_ALL, _ONE = "/api/v2/downtime", "/api/v2/downtime/{id}"
_SHOWN = {*CHANGEABLE, "created", "modified", "canceled"}


class Downtimes(Room):
    @on("GET", _ALL)
    def every(self, call: Call) -> Json:
        found = self.downtimes.active() if call.flag("current_only") else self.downtimes.all()
        page = call.paged(found, "page[offset]", "page[limit]", 30)
        more = {"included": [user.USER]} if "created_by" in call.query.get("include", "") else {}
        data = [{**self._shown(one), **({"relationships": _related(one)} if more else {})} for one in page]
        return {"data": data, **more, "meta": {"page": {"total_filtered_count": len(found)}}}

    @on("POST", _ALL)
    def create(self, call: Call) -> Json:
        return self._whole(self.downtimes.schedule(self.downtimes.checked(_attributes(call))))

    @on("GET", _ONE)
    def read(self, call: Call) -> Json:
        found = self._need(call)
        return self._whole(found) if call.query.get("include") else {"data": self._shown(found)}

    @on("PATCH", _ONE)
    def update(self, call: Call) -> Json:
        found = self._need(call)
        if found["canceled"]:
            raise Refused(400, "Downtime has been canceled and cannot be changed")
        changed = self.downtimes.checked(_attributes(call), found)
        return self._whole(self.downtimes.change(found, changed))

    @on("DELETE", _ONE)
    def cancel(self, call: Call) -> None:
        self.downtimes.cancel(self._need(call, "Downtime {} not found"))

    @on("GET", "/api/v2/monitor/{monitor:id}/downtime_matches")
    def matches(self, call: Call) -> Json:
        monitor = self.monitors.need(call.path["monitor"], f"Monitor with id {call.path['monitor']} not found")
        found = self.downtimes.matching(monitor, self.downtimes.active())
        data = []
        for one in call.paged(found, "page[offset]", "page[limit]", 30):
            times = _times(self.downtimes.current(one), iso)
            attributes = {"groups": ["*"], "scope": one["scope"], **(times or {})}
            data.append({"type": "downtime_match", "id": one["id"], "attributes": attributes})
        return {"data": data, "meta": {"page": {"total_filtered_count": len(found)}}}

    def _need(self, call: Call, missing: str = "Downtime not found") -> Json:
        try:
            id_ = str(uuid.UUID(call.path["id"]))
        except ValueError:
            raise Refused(400, "Invalid URL param: downtime_id must be an uuid") from None
        return self.documents.need("downtime", id_, missing.format(id_))

    def _shown(self, found: Json) -> Json:
        attributes = {name: value for name, value in found.items() if name in _SHOWN}
        attributes["status"] = self.downtimes.status(found)
        if "recurrences" in found["schedule"]:
            current = _times(self.downtimes.current(found), written)
            attributes["schedule"] = {**found["schedule"], "current_downtime": current}
        return {"type": "downtime", "id": found["id"], "attributes": attributes}

    def _whole(self, found: Json) -> Json:
        included = [user.USER]
        own = self.documents.get("monitor", found["monitor_identifier"].get("monitor_id") or "")
        if own:
            included.append({"type": "monitor", "id": own["id"], "attributes": {"name": own["name"]}})
        return {"data": {**self._shown(found), "relationships": _related(found)}, "included": included}


def _attributes(call: Call) -> Json:
    data = call.data()
    sent = data.get("attributes")
    if not isinstance(sent, dict) or data.get("type") != "downtime":
        raise Refused(400, "'data' is a required property")
    return sent


def _times(window: tuple[float, float] | None, shown: Callable[[float], str]) -> Json | None:
    if window is None:
        return None
    start, end = window
    return {"start": shown(start), "end": None if end == math.inf else shown(end)}


def _related(found: Json) -> Json:
    id_ = found["monitor_identifier"].get("monitor_id")
    link = {"data": {"type": "monitor", "id": str(id_)} if id_ else None}
    return {"monitor": link, "created_by": user.USER_LINK}
