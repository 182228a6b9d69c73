"""Create, update, mute and list monitors.

Source: https://docs.datadoghq.com/api/latest/monitors/, and the recordings that tests/contract/test_replay.py replays
"""

from collections.abc import Callable
from typing import Any

from ..alert.monitors import scopes
from ..clock import seconds
from ..errors import Refused
from ..wire.bodies import Json
from .calls import Call, Room, on

_GROUP_STATES = {"alert": "Alert", "warn": "Warn", "no data": "No Data", "ok": "OK"}
_ONE = "/api/v1/monitor/{id:id}"


class Monitors(Room):
    def _need(self, call: Call) -> Json:
        return self.monitors.need(call.path["id"])

    def _without_creator(self, monitor: Json) -> Json:
        return {name: value for name, value in self.monitors.shown(monitor).items() if name != "creator"}

    # ------------------------------------------------------------------------------------------------------ writing
    @on("POST", "/api/v1/monitor")
    def create(self, call: Call) -> Json:
        return self.monitors.shown(self.monitors.create(call.object()))

    @on("PUT", _ONE)
    def update(self, call: Call) -> Json:
        return self._without_creator(self.monitors.update(self._need(call), call.object()))

    @on("POST", "/api/v1/monitor/validate")
    @on("POST", _ONE + "/validate")
    def validate(self, call: Call) -> Json:
        self.monitors.validate(call.object(), self._need(call) if "id" in call.path else None)
        return {}

    @on("DELETE", _ONE)
    def delete(self, call: Call) -> Json:
        found = self._need(call)
        problems = self.monitors.references(found)
        if problems and not call.flag("force"):
            raise Refused(400, *problems)
        self.monitors.delete(found)
        return {"deleted_monitor_id": found["id"]}

    @on("GET", "/api/v1/monitor/can_delete")
    def can_delete(self, call: Call) -> Any:
        ids = [text for text in call.query.get("monitor_ids", "").split(",") if text]
        if not ids:
            raise Refused(400, "Invalid payload: must specify monitor_ids")
        found = {id_: self.documents.get("monitor", id_) for id_ in ids}
        problems = {id_: self.monitors.references(one) if one else ["Monitor not found"] for id_, one in found.items()}
        errors = {id_: texts for id_, texts in problems.items() if texts}
        answer = {"data": {"ok": [int(id_) for id_ in ids if id_ not in errors]}, "errors": errors or None}
        return (409, answer) if errors else answer

    @on("POST", _ONE + "/mute")
    def mute(self, call: Call) -> Json:
        """Mute a monitor, or a scope of it from the body or the query."""
        wish = call.wish()
        end = None if wish.get("end") is None else int(wish["end"])
        return self._silence(call, lambda own: {**own, **dict.fromkeys(_scopes(wish), end)})

    @on("POST", _ONE + "/unmute")
    def unmute(self, call: Call) -> Json:
        wish = call.wish()
        every, gone = str(wish.get("all_scopes", "")).lower() == "true", _scopes(wish)
        return self._silence(call, lambda own: {one: own[one] for one in own if not every and one not in gone})

    def _silence(self, call: Call, change: Callable[[Json], Json]) -> Json:
        found = self._need(call)
        own = self.downtimes.silenced(found["id"], self.downtimes.ahead())
        self.downtimes.silence(found["id"], change(own))
        return self._without_creator(found)

    # ------------------------------------------------------------------------------------------------------ reading
    @on("GET", _ONE)
    def read(self, call: Call) -> Json:
        found, ahead = self._need(call), self.downtimes.ahead()
        return self._read(found, ahead, _wanted_states(call), call.flag("with_downtimes"))

    @on("GET", "/api/v1/monitor")
    def every(self, call: Call) -> list[Json]:
        """Return the monitors that match name, tags, monitor_tags and monitor_ids; all, or a page of them."""
        ahead, query = self.downtimes.ahead(), call.query
        found = [monitor for monitor in self.monitors.all() if _chosen(monitor, query)]
        if "id_offset" in query:
            after = call.integer("id_offset", 0)
            found = [item for item in found if item["id"] > after][: call.integer("page_size", 100)]
        elif "page" in query or "page_size" in query:
            size = min(call.integer("page_size", 100), 1000)
            begin = call.integer("page", 0) * size
            found = found[begin : begin + size]
        wanted, asked = _wanted_states(call), query.get("with_downtimes", "").lower() != "false"
        return [self._read(monitor, ahead, wanted, asked) for monitor in found]

    def _read(self, monitor: Json, ahead: list[Json], wanted: set[str] | None, with_downtimes: bool) -> Json:
        shown = self.monitors.shown(monitor, ahead)
        answer = {name: value for name, value in shown.items() if name != "restriction_policy"}
        # No data since its creation.
        answer["overall_state_modified"] = answer["overall_state_modified"] or monitor["created"]
        if wanted is not None:
            state = self.monitors.state(monitor["id"])
            groups = state["groups"].items()
            answer["state"] = {"groups": {name: one for name, one in groups if not wanted or one["status"] in wanted}}
            # Not in Datadog: why the lab does not evaluate it.
            answer["state"].update({"reason": state["problem"]} if state["problem"] else {})
        if with_downtimes:
            answer["matching_downtimes"] = [
                {
                    "id": found["v1_id"],
                    "monitor_id": found["monitor_identifier"].get("monitor_id"),
                    "scope": [found["scope"]],
                    "groups": ["total"],
                    "active": True,
                    "start": seconds(found["schedule"].get("start") or found["created"]),
                    "end": seconds(found["schedule"].get("end")),
                }
                for found in self.downtimes.matching(monitor, ahead)
                if found["status"] == "active"
            ]
        return answer


def _scopes(wish: Json) -> list[str]:
    scope = wish.get("scope") or "*"
    return [scope] if isinstance(scope, str) else list(scope)


def _wanted_states(call: Call) -> set[str] | None:
    """Return the states in group_states=; empty for all, None if no groups are requested."""
    text = call.query.get("group_states")
    if not text:
        return None
    names = [name.strip().lower() for name in text.split(",")]
    if not set(names) <= {*_GROUP_STATES, "all"}:
        raise Refused(400, "Invalid group_state filters.")
    return set() if "all" in names else {_GROUP_STATES[name] for name in names}


def _chosen(monitor: Json, query: dict[str, str]) -> bool:
    """Whether a monitor matches the filters of a list: `monitor_tags` are its own tags, `tags` those of its query."""
    own = set(query.get("monitor_tags", "").lower().split(",")) - {""}
    scope = set(query.get("tags", "").lower().split(",")) - {""}
    ids = set(query.get("monitor_ids", "").split(",")) - {""}
    return (
        query.get("name", "").lower() in monitor["name"].lower()
        and own <= {tag.lower() for tag in monitor["tags"]}
        and scope <= {word.strip().lower() for part in scopes(monitor["query"]) for word in part.split(",")}
        and (not ids or str(monitor["id"]) in ids)
    )
