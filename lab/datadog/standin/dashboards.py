"""Dashboards, their public shares and lists: what the API takes, refuses, adds and changes.

Source: https://docs.datadoghq.com/api/latest/dashboards/, and the recordings that tests/contract/test_replay.py replays
"""

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
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
_AUTHOR = {"handle": account.HANDLE, "name": account.NAME}
# What a dashboard, a share, a list and an item of a list are made with.
_DASHBOARD: dict[str, Any] = {
    **dict.fromkeys(("description", "template_variables", "notify_list")),
    "is_read_only": False,
    "restricted_roles": [],
    "experience_type": "default",
    "tags": [],
}
_SHARE: dict[str, Any] = {
    **dict.fromkeys(
        ("expiration", "last_accessed", "share_list", "selectable_template_vars", "session_duration_in_days")
    ),
    "author": _AUTHOR,
    "embeddable_domains": [],
    "viewing_preferences": {},
    "global_time_selectable_enabled": False,
    "status": "active",
    "experience_type": "default",
    "share_type": "open",
}
_LIST: dict[str, Any] = {"type": "manual_dashboard_list", "is_favorite": False, "dashboards": None}
_ITEM: dict[str, Any] = {
    **dict.fromkeys(("icon", "integration_id")),
    **dict.fromkeys(("is_favorite", "is_shared"), False),
    "author": _AUTHOR,
    "popularity": 0,
}


def table(documents: Documents, clock: Clock) -> list[tuple[str, str, Handler]]:
    """The routes of dashboards; deleted ones are kept as "deleted dashboard", for they can be restored."""

    def need(id_: str, kind: str = "dashboard") -> dict[str, Any]:
        return documents.need(kind, id_, f"Dashboard with ID {id_} not found")

    def put(call: Call) -> dict[str, Any]:
        _check(call.body)
        body, now, known = call.body, iso(clock.now()), dict[Any, int]()
        before = need(call.path["id"]) if call.path else {"id": documents.new_id("dashboard"), "created_at": now}
        id_ = before["id"]
        made = {
            **_DASHBOARD,
            **body,
            "id": id_,
            "url": _url(id_, body["title"]),
            "author_handle": account.HANDLE,
            "author_name": account.NAME,
            "created_at": before["created_at"],
            "modified_at": now,
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
        documents.put("dashboard", id_, made)
        return made

    def every(call: Call) -> dict[str, Any]:
        found = documents.all("deleted dashboard" if call.flag("filter[deleted]") else "dashboard")
        if call.flag("filter[shared]"):
            shared = {share["dashboard_id"] for share in documents.all("public dashboard")}
            found = [item for item in found if item["id"] in shared]
        page = call.paged(found, "start", "count", 10**9)
        return {"dashboards": [{name: item.get(name) for name in (*_SUMMARY, "deleted_at")} for item in page]}

    def delete(call: Call) -> dict[str, Any] | None:
        # All or none.
        for found in [need(id_) for id_ in ([call.path["id"]] if call.path else _ids(call))]:
            documents.delete("dashboard", found["id"])
            documents.put("deleted dashboard", found["id"], {**found, "deleted_at": iso(clock.now())})
        return {"deleted_dashboard_id": call.path["id"]} if call.path else None

    def restore(call: Call) -> None:
        for found in [need(id_, "deleted dashboard") for id_ in _ids(call)]:
            documents.delete("deleted dashboard", found["id"])
            documents.put("dashboard", found["id"], {name: found[name] for name in found if name != "deleted_at"})

    def usage(call: Call) -> dict[str, Any]:
        id_ = call.path["id"]
        missing = f"Dashboard not found for dashboard_id={id_} in org_id={account.ORG} not found"
        return {"data": _usage(documents.need("dashboard", id_, missing))}

    def usages(call: Call) -> dict[str, Any]:
        if call.integer("page[limit]", _MOST_USAGES) > _MOST_USAGES:
            raise Refused(400, f"Input should be less than or equal to {_MOST_USAGES}")
        page = call.paged(documents.all("dashboard"), "page[offset]", "page[limit]", _MOST_USAGES)
        return {"data": [_usage(found) for found in page]}

    return [
        *_shares(documents, clock),
        *_lists(documents, clock),
        ("GET", "/api/v2/dashboards/usage", usages),
        ("GET", "/api/v2/dashboards/{id}/usage", usage),
        ("GET", "/api/v1/dashboard", every),
        ("POST", "/api/v1/dashboard", put),
        ("DELETE", "/api/v1/dashboard", delete),
        ("PATCH", "/api/v1/dashboard", restore),
        ("GET", "/api/v1/dashboard/{id}", lambda call: need(call.path["id"])),
        ("PUT", "/api/v1/dashboard/{id}", put),
        ("DELETE", "/api/v1/dashboard/{id}", delete),
    ]


def _shares(documents: Documents, clock: Clock) -> list[tuple[str, str, Handler]]:
    def need(call: Call) -> dict[str, Any]:
        return documents.need("public dashboard", call.path["token"], "Public dashboard not found")

    def put(share: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        invited = [
            {"email": email, "access_expiration": None, "last_accessed": None, "created_at": iso(clock.now())}
            for email in body.get("share_list") or []
        ]
        days = 30 if invited else share["session_duration_in_days"]
        made = {**share, **body, "invitees": invited, "session_duration_in_days": days, "token": share["token"]}
        documents.put("public dashboard", made["token"], made)
        return made

    def create(call: Call) -> dict[str, Any]:
        id_, token = call.body["dashboard_id"], f"{secrets.token_hex(8)}-{secrets.token_hex(16)}"
        found = documents.need("dashboard", id_, f"{call.body['dashboard_type']} {id_} not found")
        new = {"title": found["title"], "token": token, "public_url": f"https://p.datadoghq.com/sb/{token}"}
        return put({**_SHARE, **new, "created": iso(clock.now())}, call.body)

    def delete(call: Call) -> dict[str, Any]:
        documents.delete("public dashboard", need(call)["token"])
        return {"deleted_public_dashboard_token": call.path["token"]}

    shares = "/api/v1/dashboard/public"
    return [
        ("POST", shares, create),
        ("GET", shares + "/{token}", need),
        ("PUT", shares + "/{token}", lambda call: put(need(call), call.body)),
        ("DELETE", shares + "/{token}", delete),
    ]


def _lists(documents: Documents, clock: Clock) -> list[tuple[str, str, Handler]]:
    def need(call: Call) -> dict[str, Any]:
        id_ = call.path["id"]
        return documents.need("dashboard list", id_, f"Manual Dashboard List with id {id_} not found")

    def shown(found: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in found.items() if name != "items"}
        return {**_LIST, **kept, "author": _AUTHOR, "dashboard_count": len(found["items"])}

    def put(made: dict[str, Any]) -> dict[str, Any]:
        documents.put("dashboard list", made["id"], {**made, "modified": iso(clock.now())})
        return shown(documents.get("dashboard list", made["id"]))

    def named(call: Call) -> str:
        if not call.body.get("name"):
            raise Refused(400, "'name' parameter can't be empty")
        return call.body["name"]

    def create(call: Call) -> dict[str, Any]:
        name, id_ = named(call), documents.new_id("dashboard list")
        return put({"id": id_, "name": name, "created": iso(clock.now()), "items": []})

    def delete(call: Call) -> dict[str, Any]:
        documents.delete("dashboard list", need(call)["id"])
        return {"deleted_dashboard_list_id": call.path["id"]}

    def items(call: Call) -> dict[str, Any]:
        found = [(item, documents.get("dashboard", item["id"])) for item in need(call)["items"]]
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

    def change(answer: str, kept: Callable[[list[Any], list[Any]], list[Any]]) -> Handler:
        """A handler that turns the items of a list and those of a body into the new items."""

        def handle(call: Call) -> dict[str, Any]:
            found = need(call)
            if "dashboards" not in call.body:
                raise Refused(400, "Required parameter 'dashboards' is missing")
            sent = [{"type": item["type"], "id": item["id"]} for item in call.body["dashboards"]]
            put({**found, "items": kept(found["items"], sent)})
            return {answer: sent}

        return handle

    lists, in_list = "/api/v1/dashboard/lists/manual", "/api/v2/dashboard/lists/manual/{id:id}/dashboards"
    add = change("added_dashboards_to_list", lambda old, sent: old + [item for item in sent if item not in old])
    remove = change("deleted_dashboards_from_list", lambda old, sent: [item for item in old if item not in sent])
    return [
        ("GET", lists, lambda call: {"dashboard_lists": [shown(found) for found in documents.all("dashboard list")]}),
        ("POST", lists, create),
        ("GET", lists + "/{id:id}", lambda call: shown(need(call))),
        ("PUT", lists + "/{id:id}", lambda call: put({**need(call), "name": named(call)})),
        ("DELETE", lists + "/{id:id}", delete),
        ("GET", in_list, items),
        ("POST", in_list, add),
        ("PUT", in_list, change("dashboards", lambda old, sent: sent)),
        ("DELETE", in_list, remove),
    ]


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
    attributes = {
        **dict.fromkeys(("viewed_at", "viewer", "total_views_by_type", "dashboard_quality_score")),
        "org_id": account.ORG,
        "title": found["title"],
        "teams": [],
        "total_views": 0,
        "created_at": found["created_at"],
        "edited_at": found["modified_at"],
        "widget_count": kinds.total(),
        "widget_count_by_type": dict(kinds),
        "author": {**_AUTHOR, "id": str(account.USER_ID), "is_disabled": False},
    }
    return {"id": found["id"], "type": "dashboards-usages", "attributes": attributes}


# ------------------------------------------------------------------------------------------------------------ checks
def _check(body: Any) -> None:
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
