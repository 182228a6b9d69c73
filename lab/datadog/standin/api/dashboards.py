"""Dashboards and their public shares: what the API accepts, rejects, adds and changes.

Source: https://docs.datadoghq.com/api/latest/dashboards/, and the recordings that tests/contract/test_replay.py replays
"""

import re
import secrets
from collections import Counter
from typing import Any

from ..clock import iso
from ..errors import Refused
from ..graph.model import nested
from ..wire import user
from ..wire.bodies import Json
from .calls import Call, Room, on
from .dashboard_checks import check, judge_widgets

_ALL, _ONE, _SHARES = "/api/v1/dashboard", "/api/v1/dashboard/{id}", "/api/v1/dashboard/public"
_SUMMARY = (
    *("id", "title", "description", "layout_type", "url", "is_read_only"),
    *("created_at", "modified_at", "author_handle", "deleted_at"),
)
_LONGEST_NAME = 80
_MOST_USAGES = 500
# More than the widgets of any dashboard, but a safe integer in JavaScript.
_WIDGET_IDS = 2**53
# Fields of a new dashboard and of a new share.
_DASHBOARD: Json = {
    **dict.fromkeys(("description", "template_variables", "notify_list")),
    "is_read_only": False,
    "restricted_roles": [],
    "experience_type": "default",
    "tags": [],
}
_SHARE: Json = {
    **dict.fromkeys(
        ("expiration", "last_accessed", "share_list", "selectable_template_vars", "session_duration_in_days")
    ),
    "author": user.AUTHOR,
    "embeddable_domains": [],
    "viewing_preferences": {},
    "global_time_selectable_enabled": False,
    "status": "active",
    "experience_type": "default",
    "share_type": "open",
}


class Dashboards(Room):
    def _need(self, id_: str) -> Json:
        return self.documents.need("dashboard", id_, f"Dashboard with ID {id_} not found")

    @on("GET", _ALL)
    def every(self, call: Call) -> Json:
        found = self.documents.all("deleted dashboard" if call.flag("filter[deleted]") else "dashboard")
        if call.flag("filter[shared]"):
            shared = {share["dashboard_id"] for share in self.documents.all("public dashboard")}
            found = [item for item in found if item["id"] in shared]
        page = call.paged(found, "start", "count", 10**9)
        return {"dashboards": [{name: item.get(name) for name in _SUMMARY} for item in page]}

    @on("GET", _ONE)
    def read(self, call: Call) -> Json:
        return self._need(call.path["id"])

    @on("POST", f"{_ALL}/widgets/validate")
    def validate(self, call: Call) -> Json:
        return judge_widgets(call.body)

    @on("POST", _ALL)
    @on("PUT", _ONE)
    def put(self, call: Call) -> Json:
        check(call.body)
        return self.keep(call.body, call.path.get("id"))

    def keep(self, body: Json, id_: str | None) -> Json:
        """Return the dashboard of a validated body; it replaces the one with this ID, if there is one."""
        now, known = iso(self.clock.now()), dict[Any, int]()
        created = self._need(id_)["created_at"] if id_ else now
        id_ = id_ or self.documents.new_id("dashboard")
        made = {
            **_DASHBOARD,
            **body,
            "id": id_,
            "url": _url(id_, body["title"]),
            "author_handle": user.HANDLE,
            "author_name": user.NAME,
            "created_at": created,
            "modified_at": now,
            "widgets": _with_ids(body["widgets"], known),
        }
        if made["notify_list"]:
            made["notify_list"] = sorted(made["notify_list"])
        if made.get("tabs"):
            # A tab refers to widgets by their former IDs, or by position: "@1" is the first.
            places = {f"@{place}": widget["id"] for place, widget in enumerate(made["widgets"], 1)}
            made["tabs"] = [
                {**tab, "widget_ids": [{**known, **places}.get(name, name) for name in tab.get("widget_ids", [])]}
                for tab in made["tabs"]
            ]
        self.documents.put("dashboard", id_, made)
        return made

    @on("DELETE", _ALL)
    @on("DELETE", _ONE)
    def delete(self, call: Call) -> Json | None:
        """Delete one dashboard, or those in the body. They are kept as "deleted dashboard" and can be restored."""
        for found in [self._need(id_) for id_ in ([call.path["id"]] if call.path else _ids(call))]:
            self.documents.delete("dashboard", found["id"])
            self.documents.put("deleted dashboard", found["id"], {**found, "deleted_at": iso(self.clock.now())})
        return {"deleted_dashboard_id": call.path["id"]} if call.path else None

    @on("PATCH", _ALL)
    def restore(self, call: Call) -> None:
        missing = "Dashboard with ID {} not found"
        for found in [self.documents.need("deleted dashboard", id_, missing.format(id_)) for id_ in _ids(call)]:
            self.documents.delete("deleted dashboard", found["id"])
            kept = {name: value for name, value in found.items() if name != "deleted_at"}
            self.documents.put("dashboard", found["id"], kept)

    @on("GET", "/api/v2/dashboards/usage")
    def usages(self, call: Call) -> Json:
        if call.integer("page[limit]", _MOST_USAGES) > _MOST_USAGES:
            raise Refused(400, f"Input should be less than or equal to {_MOST_USAGES}")
        page = call.paged(self.documents.all("dashboard"), "page[offset]", "page[limit]", _MOST_USAGES)
        return {"data": [_usage(found) for found in page]}

    @on("GET", "/api/v2/dashboards/{id}/usage")
    def usage(self, call: Call) -> Json:
        id_ = call.path["id"]
        missing = f"Dashboard not found for dashboard_id={id_} in org_id={user.ORG} not found"
        return {"data": _usage(self.documents.need("dashboard", id_, missing))}

    # ------------------------------------------------------------------------------------------------ public shares
    @on("POST", _SHARES)
    def share(self, call: Call) -> Json:
        id_, token = call.body["dashboard_id"], f"{secrets.token_hex(8)}-{secrets.token_hex(16)}"
        found = self.documents.need("dashboard", id_, f"{call.body['dashboard_type']} {id_} not found")
        new = {"title": found["title"], "token": token, "public_url": f"https://p.datadoghq.com/sb/{token}"}
        return self._put_share({**_SHARE, **new, "created": iso(self.clock.now())}, call.body)

    @on("GET", _SHARES + "/{token}")
    def read_share(self, call: Call) -> Json:
        return self.documents.need("public dashboard", call.path["token"], "Public dashboard not found")

    @on("PUT", _SHARES + "/{token}")
    def change_share(self, call: Call) -> Json:
        return self._put_share(self.read_share(call), call.body)

    @on("DELETE", _SHARES + "/{token}")
    def delete_share(self, call: Call) -> Json:
        self.documents.delete("public dashboard", self.read_share(call)["token"])
        return {"deleted_public_dashboard_token": call.path["token"]}

    def _put_share(self, found: Json, body: Json) -> Json:
        created = {"access_expiration": None, "last_accessed": None, "created_at": iso(self.clock.now())}
        invited = [{"email": email, **created} for email in body.get("share_list") or []]
        days = 30 if invited else found["session_duration_in_days"]
        made = {**found, **body, "invitees": invited, "session_duration_in_days": days, "token": found["token"]}
        self.documents.put("public dashboard", made["token"], made)
        return made


def _usage(found: Json) -> Json:
    kinds = Counter(widget["definition"]["type"] for widget in nested(found["widgets"]))
    attributes = {
        **dict.fromkeys(("viewed_at", "viewer", "total_views_by_type", "dashboard_quality_score")),
        "org_id": user.ORG,
        "title": found["title"],
        "teams": [],
        "total_views": 0,
        "created_at": found["created_at"],
        "edited_at": found["modified_at"],
        "widget_count": kinds.total(),
        "widget_count_by_type": dict(kinds),
        "author": {**user.AUTHOR, "id": str(user.USER_ID), "is_disabled": False},
    }
    return {"id": found["id"], "type": "dashboards-usages", "attributes": attributes}


def _ids(call: Call) -> list[str]:
    data = call.body.get("data") if isinstance(call.body, dict) else None
    if not isinstance(data, list) or not data or not all(isinstance(item, dict) and "id" in item for item in data):
        raise Refused(400, "'data' is a required property")
    return [str(item["id"]) for item in data]


def _url(id_: str, title: str) -> str:
    name = re.sub(r"\s+", "-", re.sub(r"[^a-z0-9\s-]", "", title.lower()).strip())
    return f"/dashboard/{id_}/{name[:_LONGEST_NAME]}"


def _with_ids(found: list[Json], known: dict[Any, int]) -> list[Json]:
    """Return widgets with new IDs; adds the new ID of each sent ID to `known`."""
    result = []
    for widget in found:
        id_ = secrets.randbelow(_WIDGET_IDS)
        known[widget.get("id")] = id_
        definition = dict(widget["definition"])
        if "widgets" in definition:
            definition["widgets"] = _with_ids(definition["widgets"], known)
        result.append({**widget, "definition": definition, "id": id_})
    return result
