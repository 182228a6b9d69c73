"""Monitors: made, changed, muted and listed.

Source: https://docs.datadoghq.com/api/latest/monitors/, and the recordings that tests/contract/test_replay.py replays
"""

import re
from collections.abc import Callable
from typing import Any

from . import account
from .calls import Call, Handler
from .clock import Clock, iso, seconds
from .decode import Refused
from .documents import Documents
from .downtimes import Downtimes
from .monitor_bodies import NEW, checked

# What the evaluation knows of a monitor: overall_state, overall_state_modified and groups by name.
State = Callable[[int], dict[str, Any]]

GROUP_STATES = {"all": None, "alert": "Alert", "warn": "Warn", "no data": "No Data", "ok": "OK"}
# What else a monitor is made with.
_ADDED = {"deleted": None, "org_id": account.ORG, "creator": account.CREATOR, "run_as": None, "restricted": False}


class Monitors:
    """All monitors, with the state that the evaluation gives them."""

    def __init__(self, documents: Documents, downtimes: Downtimes, clock: Clock, state: State) -> None:
        self._documents = documents
        self._downtimes = downtimes
        self._clock = clock
        self.state = state

    def all(self) -> list[dict[str, Any]]:
        return self._documents.all("monitor")

    def need(self, call: Call) -> dict[str, Any]:
        return self._documents.need("monitor", call.path["id"], "Monitor not found")

    # ------------------------------------------------------------------------------------------------------- writing
    def create(self, call: Call) -> dict[str, Any]:
        sent = _body(call)
        id_, now = self._documents.new_id("monitor"), self._clock.now()
        times = {"created": iso(now), "modified": iso(now), "created_at": int(now) * 1000}
        return self.shown(self._put({"id": id_, **self._checked(sent, NEW, id_), **_ADDED, **times}, sent))

    def update(self, call: Call) -> dict[str, Any]:
        """Change the fields that a body names; `options` as a whole, but what is silenced stays."""
        found, sent = self.need(call), _body(call)
        changed = {**found, **self._checked(sent, found, found["id"]), "modified": iso(self._clock.now())}
        return self._without_creator(self._put(changed, sent))

    def _put(self, monitor: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
        self._documents.put("monitor", monitor["id"], monitor)
        wish = (sent.get("options") or {}).get("silenced")
        if wish is not None:
            self._downtimes.silence(monitor["id"], wish)
        return monitor

    def validate(self, call: Call) -> dict[str, Any]:
        """Check a body without keeping it; the fields that it does not have are those of the monitor in the path."""
        found = self.need(call) if "id" in call.path else NEW
        self._checked(_body(call), found, found.get("id", 0))
        return {}

    def _checked(self, sent: dict[str, Any], before: dict[str, Any], id_: int) -> dict[str, Any]:
        """The fields of a monitor, as `checked` has them; those that a composite is made of have to be there.

        Words: DataDog/terraform-provider-datadog issue 2440. That a composite among them is refused is in the
        documentation of composite monitors; in which words is not known.
        """
        result = checked(sent, before, id_)
        if result["type"] == "composite":
            parts = [self._documents.get("monitor", one) for one in re.findall(r"\d+", result["query"])]
            if any(part is None or part["type"] == "composite" for part in parts):
                raise Refused(400, "Some monitor IDs are invalid")
        return result

    def delete(self, call: Call) -> dict[str, Any]:
        found = self.need(call)
        problems = self._references(found)
        if problems and not call.flag("force"):
            raise Refused(400, *problems)
        self._documents.delete("monitor", found["id"])
        for downtime in self._downtimes.ahead():
            if downtime["monitor_identifier"].get("monitor_id") == found["id"]:
                self._downtimes.cancel(downtime)
        return {"deleted_monitor_id": found["id"]}

    def can_delete(self, call: Call) -> Any:
        ids = [text for text in call.query.get("monitor_ids", "").split(",") if text]
        if not ids:
            raise Refused(400, "Invalid payload: must specify monitor_ids")
        found = {id_: self._documents.get("monitor", id_) for id_ in ids}
        problems = {id_: self._references(one) if one else ["Monitor not found"] for id_, one in found.items()}
        errors = {id_: texts for id_, texts in problems.items() if texts}
        answer = {"data": {"ok": [int(id_) for id_ in ids if id_ not in errors]}, "errors": errors or None}
        return (409, answer) if errors else answer

    def _references(self, monitor: dict[str, Any]) -> list[str]:
        id_ = str(monitor["id"])
        others = [
            f"[{other['id']},{other['name']}]"
            for other in self.all()
            if other["type"] == "composite" and id_ in re.findall(r"\d+", other["query"])
        ]
        named = f"monitor [{id_},{monitor['name']}] is referenced in composite monitors: "
        return [named + ", ".join(others)] if others else []

    # -------------------------------------------------------------------------------------------------------- muting
    def mute(self, call: Call) -> dict[str, Any]:
        """Silence a monitor, or the scope of it that the body or the query names."""
        wish = {**call.query, **(call.body or {})}
        end = None if wish.get("end") is None else int(wish["end"])
        return self._silence(call, lambda own: {**own, **dict.fromkeys(_scopes(wish), end)})

    def unmute(self, call: Call) -> dict[str, Any]:
        wish = {**call.query, **(call.body or {})}
        every, gone = str(wish.get("all_scopes", "")).lower() == "true", _scopes(wish)
        return self._silence(call, lambda own: {one: own[one] for one in own if not every and one not in gone})

    def _silence(self, call: Call, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        found = self.need(call)
        own = self._downtimes.silenced(found["id"], self._downtimes.ahead())
        self._downtimes.silence(found["id"], change(own))
        return self._without_creator(found)

    # ------------------------------------------------------------------------------------------------------- reading
    def shown(self, monitor: dict[str, Any], ahead: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """A monitor as the API answers it; `ahead` are the downtimes, where the caller has them."""
        id_ = monitor["id"]
        overall = {name: value for name, value in self.state(id_).items() if name != "groups"}
        silenced = self._downtimes.silenced(id_, self._downtimes.ahead() if ahead is None else ahead)
        return {**monitor, "options": {**monitor["options"], "silenced": silenced}, **overall}

    def _without_creator(self, monitor: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in self.shown(monitor).items() if name != "creator"}

    def read(self, call: Call) -> dict[str, Any]:
        asked = call.flag("with_downtimes")
        return self._read(self.need(call), self._downtimes.ahead(), _wanted_states(call), asked)

    def every(self, call: Call) -> list[dict[str, Any]]:
        """The monitors that the filters choose: name, tags, monitor_tags, monitor_ids; all, or a page of them."""
        ahead, query = self._downtimes.ahead(), call.query
        found = [monitor for monitor in self.all() if _chosen(monitor, query)]
        if "id_offset" in query:
            after = call.integer("id_offset", 0)
            found = [item for item in found if item["id"] > after][: call.integer("page_size", 100)]
        elif "page" in query or "page_size" in query:
            size = min(call.integer("page_size", 100), 1000)
            begin = call.integer("page", 0) * size
            found = found[begin : begin + size]
        wanted, asked = _wanted_states(call), query.get("with_downtimes", "").lower() != "false"
        return [self._read(monitor, ahead, wanted, asked) for monitor in found]

    def _read(
        self, monitor: dict[str, Any], ahead: list[dict[str, Any]], wanted: set[str] | None, with_downtimes: bool
    ) -> dict[str, Any]:
        answer = {name: value for name, value in self.shown(monitor, ahead).items() if name != "restriction_policy"}
        # Without data since it was made.
        answer["overall_state_modified"] = answer["overall_state_modified"] or monitor["created"]
        if wanted is not None:
            groups = self.state(monitor["id"])["groups"]
            shown = {name: group for name, group in groups.items() if not wanted or group["status"] in wanted}
            answer["state"] = {"groups": shown}
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
                for found in self._downtimes.matching(monitor, ahead)
                if found["status"] == "active"
            ]
        return answer

    def table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/api/v1/monitor", self.every),
            ("POST", "/api/v1/monitor", self.create),
            ("POST", "/api/v1/monitor/validate", self.validate),
            ("GET", "/api/v1/monitor/can_delete", self.can_delete),
            ("GET", "/api/v1/monitor/{id:id}", self.read),
            ("PUT", "/api/v1/monitor/{id:id}", self.update),
            ("DELETE", "/api/v1/monitor/{id:id}", self.delete),
            ("POST", "/api/v1/monitor/{id:id}/validate", self.validate),
            ("POST", "/api/v1/monitor/{id:id}/mute", self.mute),
            ("POST", "/api/v1/monitor/{id:id}/unmute", self.unmute),
        ]


def _scopes(wish: dict[str, Any]) -> list[str]:
    scope = wish.get("scope") or "*"
    return [scope] if isinstance(scope, str) else list(scope)


def _wanted_states(call: Call) -> set[str] | None:
    """The states that group_states= asks for; empty for all of them, None where groups are not asked for."""
    text = call.query.get("group_states")
    if not text:
        return None
    names = [name.strip().lower() for name in text.split(",")]
    if not set(names) <= set(GROUP_STATES):
        raise Refused(400, "Invalid group_state filters.")
    return set() if "all" in names else {GROUP_STATES[name] for name in names}


def _chosen(monitor: dict[str, Any], query: dict[str, str]) -> bool:
    """Whether the filters of a list choose a monitor: `monitor_tags` are its own tags, `tags` those of its query."""
    own = set(query.get("monitor_tags", "").lower().split(",")) - {""}
    scope = set(query.get("tags", "").lower().split(",")) - {""}
    ids = set(query.get("monitor_ids", "").split(",")) - {""}
    return (
        query.get("name", "").lower() in monitor["name"].lower()
        and own <= {tag.lower() for tag in monitor["tags"]}
        and scope <= {word.strip().lower() for part in scopes(monitor["query"]) for word in part.split(",")}
        and (not ids or str(monitor["id"]) in ids)
    )


def scopes(query: str) -> list[str]:
    """The scopes of a query's metrics and checks, as they are written."""
    over = [part for text in re.findall(r"\.(?:over|by)\(([^)]*)\)", query) for part in re.findall(r'"([^"]*)"', text)]
    return [*re.findall(r"(?<!by )\{([^{}]*)\}", query), *over]


def _body(call: Call) -> dict[str, Any]:
    if not isinstance(call.body, dict):
        raise Refused(400, "Invalid JSON")
    return call.body
