"""Lists of dashboards, and the dashboards in them.

Source: https://docs.datadoghq.com/api/latest/dashboard-lists/
"""

from ..clock import iso
from ..errors import Refused
from ..wire import user
from ..wire.bodies import Json
from .calls import Call, Room, on

_ALL, _ONE = "/api/v1/dashboard/lists/manual", "/api/v1/dashboard/lists/manual/{id:id}"
_ITEMS = "/api/v2/dashboard/lists/manual/{id:id}/dashboards"
# Fields of a list and of an item.
_LIST: Json = {"type": "manual_dashboard_list", "is_favorite": False, "dashboards": None, "author": user.AUTHOR}
_ITEM: Json = {
    **dict.fromkeys(("icon", "integration_id")),
    **dict.fromkeys(("is_favorite", "is_shared"), False),
    "author": user.AUTHOR,
    "popularity": 0,
}


class DashboardLists(Room):
    def _need(self, call: Call) -> Json:
        id_ = call.path["id"]
        return self.documents.need("dashboard list", id_, f"Manual Dashboard List with id {id_} not found")

    def _put(self, made: Json) -> Json:
        changed = {**made, "modified": iso(self.clock.now())}
        self.documents.put("dashboard list", made["id"], changed)
        return _shown(changed)

    @on("GET", _ALL)
    def every(self, call: Call) -> Json:
        return {"dashboard_lists": [_shown(found) for found in self.documents.all("dashboard list")]}

    @on("POST", _ALL)
    def create(self, call: Call) -> Json:
        name, id_ = _name(call), self.documents.new_id("dashboard list")
        return self._put({"id": id_, "name": name, "created": iso(self.clock.now()), "items": []})

    @on("GET", _ONE)
    def read(self, call: Call) -> Json:
        return _shown(self._need(call))

    @on("PUT", _ONE)
    def rename(self, call: Call) -> Json:
        return self._put({**self._need(call), "name": _name(call)})

    @on("DELETE", _ONE)
    def delete(self, call: Call) -> Json:
        self.documents.delete("dashboard list", self._need(call)["id"])
        return {"deleted_dashboard_list_id": call.path["id"]}

    # -------------------------------------------------------------------------------------------------------- items
    @on("GET", _ITEMS)
    def items(self, call: Call) -> Json:
        found = [(item, self.documents.get("dashboard", item["id"])) for item in self._need(call)["items"]]
        there = [
            {
                **{name: dashboard.get(name) for name in ("title", "url", "is_read_only", "tags")},
                **_ITEM,
                "created": dashboard["created_at"],
                "modified": dashboard["modified_at"],
                **item,
            }
            for item, dashboard in found
            if dashboard
        ]
        return {"dashboards": there, "total": len(there)}

    @on("POST", _ITEMS)
    @on("PUT", _ITEMS)
    @on("DELETE", _ITEMS)
    def change(self, call: Call) -> Json:
        """Add the dashboards in the body to the list, replace those in the list by them, or remove them from it."""
        found = self._need(call)
        if "dashboards" not in call.body:
            raise Refused(400, "Required parameter 'dashboards' is missing")
        sent = [{"type": item["type"], "id": item["id"]} for item in call.body["dashboards"]]
        others = [item for item in found["items"] if item not in sent]
        name, kept = {
            "POST": (
                "added_dashboards_to_list",
                found["items"] + [item for item in sent if item not in found["items"]],
            ),
            "PUT": ("dashboards", sent),
            "DELETE": ("deleted_dashboards_from_list", others),
        }[call.method]
        self._put({**found, "items": kept})
        return {name: sent}


def _name(call: Call) -> str:
    if not call.body.get("name"):
        raise Refused(400, "'name' parameter can't be empty")
    return str(call.body["name"])


def _shown(found: Json) -> Json:
    kept = {name: value for name, value in found.items() if name != "items"}
    return {**_LIST, **kept, "dashboard_count": len(found["items"])}
