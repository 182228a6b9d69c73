"""Timeboards and screenboards: the deprecated endpoints for the same dashboards, in their former format.

A board is the dashboard with the same content, identified by a number that encodes its ID. What was sent is stored with
it, and returned as long as nobody has changed the dashboard.
Source: the recordings of /api/v1/dash and /api/v1/screen that tests/contract/test_replay.py replays, and for the errors
https://github.com/DataDog/datadogpy/issues/750 and https://github.com/DataDog/hiring-engineers/issues/397
"""

from collections.abc import Iterator
from typing import Any

from module_utils import _boards
from starlette.responses import JSONResponse, Response

from ..errors import Refused
from ..graph.model import mappings
from ..query.formulas import read
from ..wire import user
from ..wire.boards import graphs, screen
from ..wire.bodies import Json
from .calls import Call, on
from .dashboard_checks import check
from .dashboards import Dashboards

_DASHES, _DASH = "/api/v1/dash", "/api/v1/dash/{id:id}"
_SCREENS, _SCREEN = "/api/v1/screen", "/api/v1/screen/{id:id}"
_SHARE = "/api/v1/screen/share/{id:id}"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 9
# Fields that the server adds to a board.
_ADDED = ("id", "new_id", "created", "modified", "resource", "url")
_CREATED_BY: Json = {
    **{name: user.CREATOR[name] for name in ("handle", "name", "email")},
    **dict.fromkeys(("title", "role")),
    **dict.fromkeys(("disabled", "is_admin"), False),
    "access_role": "st",
    "verified": True,
    "icon": "",
}


class Boards(Dashboards):
    # ---------------------------------------------------------------------------------------------------- timeboards
    @on("GET", _DASHES)
    def timeboards(self, call: Call) -> Json:
        found = self._of("ordered")
        return {"dashes": [{**_summary(one, _DASHES), "id": str(_number(one["id"]))} for one in found]}

    @on("POST", _DASHES)
    @on("PUT", _DASH)
    def put_timeboard(self, call: Call) -> Json:
        sent = call.object()
        old = self._timeboard(call)["id"] if call.path else None
        if not isinstance(sent.get("graphs"), list):
            raise Refused(400, "The 'graphs' parameter is required to be a list")
        if not isinstance(sent.get("title"), str):
            raise Refused(400, "The 'title' parameter is required")
        return self._timeboard_shown(self._put(sent, old))

    @on("GET", _DASH)
    def read_timeboard(self, call: Call) -> Json:
        return self._timeboard_shown(self._timeboard(call))

    @on("DELETE", _DASH)
    def delete_timeboard(self, call: Call) -> None:
        self.delete(Call({"id": self._timeboard(call)["id"]}))

    def _timeboard(self, call: Call) -> Json:
        return self._board(call, "ordered", "No dashboard matches that dash_id.")

    def _timeboard_shown(self, found: Json) -> Json:
        sent, summary = self._sent(found), _summary(found, _DASHES)
        own = {
            "graphs": sent["graphs"] if sent else graphs(found["widgets"]),
            "template_variables": (sent or found).get("template_variables") or None,
        }
        resource = summary.pop("resource")
        address = f"/dash/{summary['id']}/{found['url'].rpartition('/')[2]}"
        return {"dash": {**summary, **own}, "url": address, "resource": resource}

    # -------------------------------------------------------------------------------------------------- screenboards
    @on("GET", _SCREENS)
    def screenboards(self, call: Call) -> Json:
        return {"screenboards": [_summary(one, _SCREENS) for one in self._of("free")]}

    @on("POST", _SCREENS)
    @on("PUT", _SCREEN)
    def put_screenboard(self, call: Call) -> Json:
        sent = call.object()
        old = self._screenboard(call)["id"] if call.path else None
        # `dog screenboard post` sends a title and graphs: what Datadog does with these is unknown.
        named = {"board_title": sent.get("title"), "widgets": sent.get("graphs"), **sent}
        for name, kind in (("board_title", str), ("widgets", list)):
            if not isinstance(named[name], kind):
                raise Refused(400, f"The '{name}' parameter is required")
        return self._screenboard_shown(self._put(named if "widgets" not in sent else sent, old))

    @on("GET", _SCREEN)
    def read_screenboard(self, call: Call) -> Json:
        return {**self._screenboard_shown(self._screenboard(call)), "created_by": _CREATED_BY}

    @on("DELETE", _SCREEN)
    def delete_screenboard(self, call: Call) -> Json:
        found = self._screenboard(call)
        self.delete(Call({"id": found["id"]}))
        return self._screenboard_shown(found)

    def _screenboard(self, call: Call) -> Json:
        return self._board(call, "free", f"Unable to find Screenboard for id {call.path['id']}")

    def _screenboard_shown(self, found: Json) -> Json:
        sent, summary = self._sent(found), _summary(found, _SCREENS)
        own = sent or {
            "widgets": screen(found["widgets"]),
            "template_variables": found["template_variables"],
        }
        server = {name: summary[name] for name in ("read_only", "description", "created", "new_id", "modified", "id")}
        return {"board_title": found["title"], **own, **server}

    @on("POST", _SHARE)
    def share_screenboard(self, call: Call) -> Json:
        found = self._screenboard(call)
        made = self._shares(found["id"]) or [
            self.share(Call(body={"dashboard_id": found["id"], "dashboard_type": "custom_screenboard"}))
        ]
        return {"board_id": call.path["id"], "public_url": made[0]["public_url"]}

    @on("DELETE", _SHARE)
    def revoke_screenboard(self, call: Call) -> Response:
        for share in self._shares(self._screenboard(call)["id"]):
            self.delete_share(Call({"token": share["token"]}))
        return JSONResponse(None)

    def _shares(self, id_: str) -> list[Json]:
        return [share for share in self.documents.all("public dashboard") if share["dashboard_id"] == id_]

    # --------------------------------------------------------------------------------------------------------- both
    def _of(self, layout: str) -> list[Json]:
        return [found for found in self.documents.all("dashboard") if found["layout_type"] == layout]

    def _board(self, call: Call, layout: str, missing: str) -> Json:
        found = self.documents.need("dashboard", dashboard_id(call.path["id"]), missing)
        if found["layout_type"] != layout:
            raise Refused(404, missing)
        return found

    def _put(self, sent: Json, old: str | None) -> Json:
        """Convert a board to a dashboard."""
        try:
            made = _boards.dashboard(sent)
        except ValueError as error:
            raise Refused(400, f"Invalid board: {error}") from None
        for text in _queries(made["widgets"]):
            try:
                read(text)
            except Refused as refused:
                words = str(refused.errors[0]).partition(": ")
                raise Refused(400, f"Error(s) found in query:\n{words[0]}: \n {words[2]}") from None
        # Widgets of screenboards were not validated: recordings contain incomplete ones.
        if made["layout_type"] == "ordered":
            check(made)
        found = self.keep(made, old)
        own = {name: value for name, value in sent.items() if name not in _ADDED}
        if "graphs" in own:
            own["graphs"] = [_kept(graph) for graph in own["graphs"]]
        self.documents.put("old board", found["id"], {"modified_at": found["modified_at"], "sent": own})
        return found

    def _sent(self, found: Json) -> Json | None:
        """Return what was sent as a board; None for a dashboard that was created or changed in another way."""
        kept = self.documents.get("old board", found["id"])
        if kept is None or kept["modified_at"] != found["modified_at"]:
            return None
        return dict(kept["sent"])


def _summary(found: Json, path: str) -> Json:
    number = _number(found["id"])
    return {
        "read_only": found["is_read_only"],
        "resource": f"{path}/{number}",
        "description": found["description"],
        "title": found["title"],
        "created": found["created_at"],
        "new_id": found["id"],
        "id": number,
        "created_by": _CREATED_BY,
        "modified": found["modified_at"],
    }


def _kept(graph: Json) -> Json:
    """Return a graph as the API does: with the limits of its axis as strings."""
    definition = graph.get("definition")
    axis = definition.get("yaxis") if isinstance(definition, dict) else None
    if not isinstance(axis, dict):
        return graph
    ends = {name: str(axis[name]) for name in ("min", "max") if isinstance(axis.get(name), (int, float))}
    return {**graph, "definition": {**graph["definition"], "yaxis": {**axis, **ends}}}


def _queries(part: Any) -> Iterator[str]:
    """Yield the metric queries of requests in the old format, at any depth."""
    for requests in (one["requests"] for one in mappings(part) if "requests" in one):
        named = requests.values() if isinstance(requests, dict) else requests
        yield from (one["q"] for one in named if isinstance(one, dict) and isinstance(one.get("q"), str))


def _number(id_: str) -> int:
    """Return the number of a dashboard: abc-def-ghi, read as digits."""
    return int(id_.replace("-", ""), len(_DIGITS))


def dashboard_id(number: int) -> str:
    """Return the ID of the dashboard with a number; empty if there is none."""
    text = ""
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return "-".join(text[at : at + 3] for at in range(0, _LENGTH, 3)) if not number else ""
