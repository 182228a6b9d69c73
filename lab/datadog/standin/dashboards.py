"""Dashboards, their public shares and lists: what the API takes, refuses, adds and changes.

Source: https://docs.datadoghq.com/api/latest/dashboards/, and the recordings that tests/contract/test_replay.py replays
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

from . import account
from .calls import Call, Handler
from .clock import Clock, iso
from .decode import Refused
from .documents import Documents

_SUMMARY = (
    *("id", "title", "description", "layout_type", "url", "is_read_only"),
    *("created_at", "modified_at", "author_handle"),
)
_REQUIRED = {"title": str, "layout_type": str, "widgets": list}
_LONGEST_NAME = 80
_MOST_USAGES = 500
# More than the number of widgets that fit on a dashboard, less than JavaScript's integers hold.
_WIDGET_IDS = 2**53
_SHARE: dict[str, Any] = {
    **dict.fromkeys(("expiration", "last_accessed", "share_list", "selectable_template_vars")),
    "embeddable_domains": [],
    "viewing_preferences": {},
    "global_time_selectable_enabled": False,
    "status": "active",
    "experience_type": "default",
    "share_type": "open",
}
_AUTHOR = {"handle": account.HANDLE, "name": account.NAME}
_LISTED: dict[str, Any] = {
    **dict.fromkeys(("icon", "integration_id")),
    **dict.fromkeys(("is_favorite", "is_shared"), False),
    "author": _AUTHOR,
    "popularity": 0,
}


class Dashboards:
    """All dashboards; deleted ones are kept as "deleted dashboard", for they can be restored."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def create(self, call: Call) -> dict[str, Any]:
        """Make a dashboard of a body."""
        _check(call.body)
        return self._put(self._documents.new_id("dashboard"), call.body, iso(self._clock.now()))

    def update(self, call: Call) -> dict[str, Any]:
        """Put a body in the place of a dashboard. Its widgets get new ids."""
        _check(call.body)
        found = self.need(call.path["id"])
        return self._put(found["id"], call.body, found["created_at"])

    def _put(self, id_: str, body: dict[str, Any], created: str) -> dict[str, Any]:
        known: dict[Any, int] = {}
        made = {
            "description": None,
            "template_variables": None,
            "notify_list": None,
            "is_read_only": False,
            "restricted_roles": [],
            "experience_type": "default",
            "tags": [],
            **body,
            "id": id_,
            "url": _url(id_, body["title"]),
            "author_handle": account.HANDLE,
            "author_name": account.NAME,
            "created_at": created,
            "modified_at": iso(self._clock.now()),
            "widgets": _with_ids(body["widgets"], known),
        }
        if made["notify_list"]:
            made["notify_list"] = sorted(made["notify_list"])
        if made.get("tabs"):
            # A tab names its widgets by the ids they had, or by their place: "@1" is the first.
            places = {f"@{place}": widget["id"] for place, widget in enumerate(made["widgets"], 1)}
            made["tabs"] = [
                {**tab, "widget_ids": [{**known, **places}.get(name, name) for name in tab.get("widget_ids", [])]}
                for tab in made["tabs"]
            ]
        self._documents.put("dashboard", id_, made)
        return made

    def need(self, id_: str) -> dict[str, Any]:
        """The dashboard with this id. Raises Refused(404)."""
        found = self._documents.get("dashboard", id_)
        if found is None:
            raise Refused(404, f"Dashboard with ID {id_} not found")
        return found

    def every(self, call: Call) -> dict[str, Any]:
        """Summaries of the dashboards, or of those that are deleted or shared."""
        deleted = call.flag("filter[deleted]")
        found = self._documents.all("deleted dashboard" if deleted else "dashboard")
        if call.flag("filter[shared]"):
            shared = {share["dashboard_id"] for share in self._documents.all("public dashboard")}
            found = [item for item in found if item["id"] in shared]
        page = call.paged(found, "start", "count", 10**9)
        return {
            "dashboards": [
                {**{name: item[name] for name in _SUMMARY}, "deleted_at": item.get("deleted_at")} for item in page
            ]
        }

    def delete(self, call: Call) -> dict[str, Any]:
        """Delete one dashboard."""
        self._remove(self.need(call.path["id"]))
        return {"deleted_dashboard_id": call.path["id"]}

    def delete_many(self, call: Call) -> None:
        """Delete the dashboards that a body names, all or none."""
        for found in [self.need(id_) for id_ in _ids(call)]:
            self._remove(found)

    def _remove(self, found: dict[str, Any]) -> None:
        self._documents.delete("dashboard", found["id"])
        self._documents.put("deleted dashboard", found["id"], {**found, "deleted_at": iso(self._clock.now())})

    def restore(self, call: Call) -> None:
        """Bring back the deleted dashboards that a body names, all or none."""
        found = {id_: self._documents.get("deleted dashboard", id_) for id_ in _ids(call)}
        for id_, dashboard in found.items():
            if dashboard is None:
                raise Refused(404, f"Dashboard with ID {id_} not found")
        for id_, dashboard in found.items():
            self._documents.delete("deleted dashboard", id_)
            self._documents.put("dashboard", id_, {name: dashboard[name] for name in dashboard if name != "deleted_at"})

    # ----------------------------------------------------------------------------------------------- shares and lists
    def share(self, call: Call) -> dict[str, Any]:
        """Share a dashboard with everybody who has the address."""
        found = self._documents.get("dashboard", call.body["dashboard_id"])
        if found is None:
            raise Refused(404, f"{call.body['dashboard_type']} {call.body['dashboard_id']} not found")
        now, token = iso(self._clock.now()), f"{secrets.token_hex(8)}-{secrets.token_hex(16)}"
        invited = [
            {"email": email, "access_expiration": None, "last_accessed": None, "created_at": now}
            for email in call.body.get("share_list") or []
        ]
        made = {
            **_SHARE,
            "session_duration_in_days": 30 if invited else None,
            "invitees": invited,
            **call.body,
            "author": _AUTHOR,
            "title": found["title"],
            "token": token,
            "created": now,
            "public_url": f"https://p.datadoghq.com/sb/{token}",
        }
        self._documents.put("public dashboard", token, made)
        return made

    def unshare(self, call: Call) -> dict[str, Any]:
        """Take a share back."""
        if not self._documents.delete("public dashboard", call.path["token"]):
            raise Refused(404, "Public dashboard not found")
        return {"deleted_public_dashboard_token": call.path["token"]}

    def usage(self, call: Call) -> dict[str, Any]:
        """Who looks at a dashboard, or at each: nobody."""
        id_ = call.path.get("id")
        found = self._documents.all("dashboard") if id_ is None else [self._documents.get("dashboard", id_)]
        if None in found:
            raise Refused(404, f"Dashboard not found for dashboard_id={id_} in org_id={account.ORG} not found")
        if call.integer("page[limit]", _MOST_USAGES) > _MOST_USAGES:
            raise Refused(400, f"Input should be less than or equal to {_MOST_USAGES}")
        data = [_usage(one) for one in call.paged(found, "page[offset]", "page[limit]", _MOST_USAGES)]
        return {"data": data if id_ is None else data[0]}

    def create_list(self, call: Call) -> dict[str, Any]:
        """Make a list of dashboards."""
        name, now = _list_name(call), iso(self._clock.now())
        made = {
            "id": self._documents.new_id("dashboard list"),
            "name": name,
            "type": "manual_dashboard_list",
            "author": _AUTHOR,
            "created": now,
            "modified": now,
            "is_favorite": False,
            "dashboards": None,
            "dashboard_count": 0,
        }
        return self._put_list({**made, "items": []})

    def rename_list(self, call: Call) -> dict[str, Any]:
        """Give a list another name."""
        return self._put_list({**self._need_list(call), "name": _list_name(call), "modified": iso(self._clock.now())})

    def _put_list(self, made: dict[str, Any]) -> dict[str, Any]:
        self._documents.put("dashboard list", made["id"], made)
        return _without_items(made)

    def every_list(self, call: Call) -> dict[str, Any]:
        """All lists without their dashboards."""
        return {"dashboard_lists": [_without_items(found) for found in self._documents.all("dashboard list")]}

    def _need_list(self, call: Call) -> dict[str, Any]:
        found = self._documents.get("dashboard list", call.path["id"])
        if found is None:
            raise Refused(404, f"Manual Dashboard List with id {call.path['id']} not found")
        return found

    def delete_list(self, call: Call) -> dict[str, Any]:
        """Delete a list; its dashboards stay."""
        found = self._need_list(call)
        self._documents.delete("dashboard list", found["id"])
        return {"deleted_dashboard_list_id": found["id"]}

    def read_items(self, call: Call) -> dict[str, Any]:
        """The dashboards of a list that are there."""
        items = self._need_list(call)["items"]
        found = [
            {
                **{name: dashboard.get(name) for name in ("title", "url", "is_read_only", "tags")},
                **_LISTED,
                "created": dashboard["created_at"],
                "modified": dashboard["modified_at"],
                **item,
            }
            for item in items
            if (dashboard := self._documents.get("dashboard", item["id"]))
        ]
        return {"dashboards": found, "total": len(found)}

    def list_items(self, call: Call, how: str) -> list[dict[str, Any]]:
        """Add, replace or take away the dashboards of a list that a body names."""
        found = self._need_list(call)
        if "dashboards" not in call.body:
            raise Refused(400, "Required parameter 'dashboards' is missing")
        items = [{"type": item["type"], "id": item["id"]} for item in call.body["dashboards"]]
        kept = {
            "replace": items,
            "add": found["items"] + [item for item in items if item not in found["items"]],
            "remove": [item for item in found["items"] if item not in items],
        }[how]
        self._put_list({**found, "items": kept, "dashboard_count": len(kept)})
        return items

    def table(self) -> list[tuple[str, str, Handler]]:
        """The routes of dashboards."""
        lists, items = "/api/v1/dashboard/lists/manual", "/api/v2/dashboard/lists/manual/{id:id}/dashboards"
        return [
            ("POST", "/api/v1/dashboard/public", self.share),
            ("DELETE", "/api/v1/dashboard/public/{token}", self.unshare),
            ("POST", lists, self.create_list),
            ("GET", lists, self.every_list),
            ("GET", lists + "/{id:id}", lambda call: _without_items(self._need_list(call))),
            ("PUT", lists + "/{id:id}", self.rename_list),
            ("DELETE", lists + "/{id:id}", self.delete_list),
            ("GET", items, self.read_items),
            ("POST", items, lambda call: {"added_dashboards_to_list": self.list_items(call, "add")}),
            ("PUT", items, lambda call: {"dashboards": self.list_items(call, "replace")}),
            ("DELETE", items, lambda call: {"deleted_dashboards_from_list": self.list_items(call, "remove")}),
            ("GET", "/api/v2/dashboards/usage", self.usage),
            ("GET", "/api/v2/dashboards/{id}/usage", self.usage),
            ("GET", "/api/v1/dashboard", self.every),
            ("POST", "/api/v1/dashboard", self.create),
            ("DELETE", "/api/v1/dashboard", self.delete_many),
            ("PATCH", "/api/v1/dashboard", self.restore),
            ("GET", "/api/v1/dashboard/{id}", lambda call: self.need(call.path["id"])),
            ("PUT", "/api/v1/dashboard/{id}", self.update),
            ("DELETE", "/api/v1/dashboard/{id}", self.delete),
        ]


def _list_name(call: Call) -> str:
    if not call.body.get("name"):
        raise Refused(400, "'name' parameter can't be empty")
    return call.body["name"]


def _without_items(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "items"}


def _ids(call: Call) -> list[str]:
    data = call.body.get("data") if isinstance(call.body, dict) else None
    if not isinstance(data, list) or not data or not all(isinstance(item, dict) and "id" in item for item in data):
        raise Refused(400, "'data' is a required property")
    return [str(item["id"]) for item in data]


def _url(id_: str, title: str) -> str:
    name = re.sub(r"\s+", "-", re.sub(r"[^a-z0-9\s-]", "", title.lower()).strip())
    return f"/dashboard/{id_}/{name[:_LONGEST_NAME]}"


def widgets(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every widget, those inside of groups too."""
    for widget in found:
        yield widget
        yield from widgets(widget["definition"].get("widgets") or [])


def _with_ids(found: list[dict[str, Any]], known: dict[Any, int]) -> list[dict[str, Any]]:
    """Widgets with ids of their own; `known` is given the new id for each that was sent."""
    result = []
    for widget in found:
        id_ = secrets.randbelow(_WIDGET_IDS)
        known[widget.get("id")] = id_
        definition = dict(widget["definition"])
        if "widgets" in definition:
            definition["widgets"] = _with_ids(definition["widgets"], known)
        result.append({**widget, "definition": definition, "id": id_})
    return result


def _usage(found: dict[str, Any]) -> dict[str, Any]:
    kinds = Counter(widget["definition"]["type"] for widget in widgets(found["widgets"]))
    return {
        "id": found["id"],
        "type": "dashboards-usages",
        "attributes": {
            "org_id": account.ORG,
            "title": found["title"],
            "teams": [],
            "total_views": 0,
            "viewed_at": None,
            "viewer": None,
            "total_views_by_type": None,
            "dashboard_quality_score": None,
            "created_at": found["created_at"],
            "edited_at": found["modified_at"],
            "widget_count": kinds.total(),
            "widget_count_by_type": dict(kinds),
            "author": {**_AUTHOR, "id": str(account.USER_ID), "is_disabled": False},
        },
    }


# ------------------------------------------------------------------------------------------------------------ checks
def _check(body: Any) -> None:
    """Raise Refused(400) for what is no dashboard."""
    if not isinstance(body, dict):
        raise Refused(400, "Invalid JSON")
    if body.get("layout_type") not in (None, "ordered", "free"):
        raise Refused(400, "Value of parameter 'layout_type' should be any of these ['ordered', 'free']")
    for name, kind in _REQUIRED.items():
        if not isinstance(body.get(name), kind):
            raise Refused(400, f"The parameter '{name}' is required")
    _check_widgets(body["widgets"])
    for tag in body.get("tags") or []:
        if not str(tag).startswith("team:"):
            raise Refused(400, "Invalid tag format. Valid tag keys are: team.")
    for variable in body.get("template_variables") or []:
        if not isinstance(variable, dict) or None not in (variable.get("default"), variable.get("defaults")):
            raise Refused(400, "'template_variables' is invalid")
        _check_values(variable, "defaults")
    for preset in body.get("template_variable_presets") or []:
        for variable in preset.get("template_variables") or []:
            if {"value", "values"} <= set(variable):
                raise Refused(400, f"'template_variables' value '{variable}' is invalid")
            _check_values(variable, "values")


def _check_values(variable: dict[str, Any], name: str) -> None:
    values = variable.get(name)
    if values == []:
        raise Refused(400, f"Minimum number of elements in parameter '{name}' should be 1")
    if values and "" in values:
        raise Refused(400, f"Minimum length of parameter '{name}' should be 1")


def _check_widgets(found: Any) -> None:
    for widget in found if isinstance(found, list) else [None]:
        definition = widget.get("definition") if isinstance(widget, dict) else None
        if not isinstance(definition, dict) or not isinstance(definition.get("type"), str):
            raise Refused(400, "Invalid widget definition: 'type' is a required property")
        _check_widgets(definition.get("widgets") or [])
