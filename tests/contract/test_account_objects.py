"""An account's objects in the stand-in Datadog, through Datadog's own clients and over HTTP."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datadog
import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v1.api.dashboards_api import DashboardsApi
from datadog_api_client.v1.api.downtimes_api import DowntimesApi as DowntimesV1
from datadog_api_client.v1.api.events_api import EventsApi
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from datadog_api_client.v2.api.downtimes_api import DowntimesApi

BODIES = Path(__file__).with_name("bodies")
DASHBOARD = json.loads((BODIES / "a_dashboard_formulas.json").read_text(encoding="utf-8"))
MONITOR = json.loads((BODIES / "b_monitor_metric_alert.json").read_text(encoding="utf-8"))
SIMPLE = {"type": "metric alert", "query": "avg(last_5m):avg:system.load.1{env:prod} by {host} > 5"}


@pytest.fixture
def call(standin) -> Iterator[Callable[..., tuple[int, Any]]]:
    """Make a call with both keys; return (status, decoded body). The account is empty before and after the test."""
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key}

    def make(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, answer = standin.request(method, path, None if body is None else json.dumps(body).encode(), **keys)
        return status, json.loads(answer) if answer else None

    make("POST", "/lab/reset")
    yield make
    make("POST", "/lab/reset")
    make("PUT", "/lab/clock", {"offset": 0})


@pytest.fixture
def create(call) -> Callable[..., dict[str, Any]]:
    """Create a monitor from SIMPLE and the given fields."""

    def make(**fields: Any) -> dict[str, Any]:
        status, body = call("POST", "/api/v1/monitor", {**SIMPLE, **fields})
        assert status == 200, body
        return body

    return make


@pytest.fixture
def typed(standin, call) -> Iterator[ApiClient]:
    """Datadog's typed client, which raises an error if a response does not match its model."""
    keys = {"apiKeyAuth": standin.api_key, "appKeyAuth": standin.app_key}
    with ApiClient(Configuration(host=standin.url, api_key=keys, enable_retry=False)) as client:
        yield client


def v2(scope: str = "*", **attributes: Any) -> dict[str, Any]:
    """Return the body of a v2 downtime."""
    attributes = {"monitor_identifier": {"monitor_tags": ["*"]}, "schedule": {"start": None}, **attributes}
    return {"data": {"type": "downtime", "attributes": {"scope": scope, **attributes}}}


# ----------------------------------------------------------------------------------------------------------- clients
@pytest.mark.parametrize(
    "item", json.loads((BODIES / "INDEX.json").read_text(encoding="utf-8")), ids=lambda i: i["file"]
)
def test_accepts_every_body_that_the_real_api_accepts(call, create, name, item):
    body = json.loads((BODIES / item["file"]).read_text(encoding="utf-8"))
    method, path = item["request"].split()[:2]
    if "PATCH" in method:
        made = call("POST", "/api/v2/downtime", v2())[1]["data"]["id"]
        body["data"]["id"] = made
        path = path.replace("{id}", made)
    if method.startswith("POST|PUT"):
        call("POST", "/api/v1/series", {"series": [{"metric": name, "host": name, "points": [[time.time(), 1]]}]})
        method, path = "POST", path.replace("{host}", name).split("?")[0]
    path = path.replace("{id}", str(create()["id"])) if method == "PUT" else path
    status, answer = call(method, path, body)
    assert status in (200, 201, 202), answer


def test_datadogpy_creates_lists_changes_and_deletes(standin, call):
    datadog.initialize(standin.api_key, standin.app_key, api_host=standin.url, mute=False, hostname_from_config=False)
    api = datadog.api
    made = api.Dashboard.create(**DASHBOARD)
    assert [item["id"] for item in api.Dashboard.get_all()["dashboards"]] == [made["id"]]
    assert api.Dashboard.update(made["id"], **{**DASHBOARD, "title": "Other"})["title"] == "Other"
    assert api.Dashboard.delete(made["id"]) == {"deleted_dashboard_id": made["id"]}

    monitor = api.Monitor.create(**MONITOR)
    assert [item["id"] for item in api.Monitor.get_all(name=MONITOR["name"])] == [monitor["id"]]
    assert api.Monitor.update(monitor["id"], name="Other")["query"] == monitor["query"]
    assert api.Monitor.search(query="other")["metadata"]["total_count"] == 1
    assert api.Monitor.mute(monitor["id"])["options"]["silenced"] == {"*": None}
    assert api.Monitor.unmute(monitor["id"])["options"]["silenced"] == {}

    downtime = api.Downtime.create(scope="env:prod", monitor_id=monitor["id"], end=int(time.time()) + 3600)
    assert api.Downtime.get(downtime["id"])["active"] is True
    assert api.Downtime.update(downtime["id"], message="why")["message"] == "why"
    api.Downtime.delete(downtime["id"])
    assert api.Downtime.get_all(current_only=True) == []
    assert api.Monitor.delete(monitor["id"]) == {"deleted_monitor_id": monitor["id"]}

    event = api.Event.create(title="Deployed", text="1.2", tags=["a:b"], attach_host_name=False)["event"]
    assert api.Event.get(event["id_str"])["event"]["title"] == "Deployed"
    assert len(api.Event.query(start=int(time.time()) - 60, end=int(time.time()) + 60, tags=["a:b"])["events"]) == 1


def test_typed_client_creates_lists_changes_and_deletes(typed):
    dashboards = DashboardsApi(typed)
    dashboard = dashboards.create_dashboard(body=DASHBOARD)
    assert [item.id for item in dashboards.list_dashboards().dashboards] == [dashboard.id]
    assert dashboards.update_dashboard(dashboard.id, body={**DASHBOARD, "title": "Other"}).title == "Other"
    assert dashboards.get_dashboard(dashboard.id).title == "Other"
    assert dashboards.delete_dashboard(dashboard.id).deleted_dashboard_id == dashboard.id

    monitors = MonitorsApi(typed)
    monitor = monitors.create_monitor(body=MONITOR)
    assert [item.id for item in monitors.list_monitors(monitor_tags=MONITOR["tags"][0])] == [monitor.id]
    assert monitors.update_monitor(monitor.id, body={"name": "Other"}).name == "Other"
    assert monitors.search_monitors(query="other").metadata.total_count == 1
    assert monitors.check_can_delete_monitor(monitor_ids=[monitor.id]).data.ok == [monitor.id]

    downtimes = DowntimesApi(typed)
    made = downtimes.create_downtime(body=v2(monitor_identifier={"monitor_id": monitor.id})).data
    assert [str(item.id) for item in downtimes.list_downtimes().data] == [str(made.id)]
    change = {"data": {"type": "downtime", "id": str(made.id), "attributes": {"message": "why"}}}
    assert downtimes.update_downtime(str(made.id), body=change).data.attributes.message == "why"
    assert downtimes.list_monitor_downtimes(monitor.id).data[0].attributes.scope == "*"
    with pytest.warns(DeprecationWarning, match="list_downtimes is deprecated"):
        (old,) = DowntimesV1(typed).list_downtimes()
    assert (old.monitor_id, old.message, old.active) == (monitor.id, "why", True)
    downtimes.cancel_downtime(str(made.id))
    assert str(downtimes.get_downtime(str(made.id)).data.attributes.status) == "canceled"
    assert monitors.delete_monitor(monitor.id).deleted_monitor_id == monitor.id

    event = EventsApi(typed).create_event(body={"title": "Deployed", "text": "1.2"}).event
    assert EventsApi(typed).get_event(event.id).event.text == "1.2"


@pytest.mark.parametrize("wrong", [None, "x", -1, [1], {"a": 1}, True, 1e30])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/monitor", MONITOR),
        ("/api/v1/dashboard", DASHBOARD),
        ("/api/v2/downtime", json.loads((BODIES / "d_downtime_weekend.json").read_text(encoding="utf-8"))),
        (
            "/api/v1/downtime",
            json.loads((BODIES / "d_downtime_v1_weeknights_deprecated.json").read_text(encoding="utf-8")),
        ),
        ("/api/v1/events", json.loads((BODIES / "e_event_v1.json").read_text(encoding="utf-8"))),
    ],
)
def test_field_of_the_wrong_type_is_refused_without_side_effects(call, path, body, wrong):
    for name in body if "data" not in body else body["data"]["attributes"]:
        changed = copy.deepcopy(body)
        (changed if "data" not in body else changed["data"]["attributes"])[name] = wrong
        status, answer = call("POST", path, changed)
        assert status in (200, 202) or (status in (400, 404) and answer["errors"]), (name, answer)
    for path in ("/api/v1/monitor", "/api/v1/dashboard", "/api/v2/downtime", "/api/v1/downtime", "/api/v2/events"):
        assert call("GET", path)[0] == 200
    assert call("POST", "/lab/evaluate")[0] == 204


# ---------------------------------------------------------------------------------------------------------- monitors
def test_adds_and_normalises_fields_like_the_real_api(create):
    made = create(message="Hi\n", priority="5", options={"thresholds": {"critical": 5, "warning": None}})
    assert (made["message"], made["priority"], made["multi"], made["overall_state"]) == ("Hi", 5, True, "No Data")
    defaults = {"notify_audit": False, "include_tags": True, "new_host_delay": 300, "notify_no_data": False}
    assert defaults.items() <= made["options"].items()
    assert made["options"]["thresholds"] == {"critical": 5.0} and made["options"]["silenced"] == {}
    assert made["name"] == "**system.load.1** over **env:prod** was **> 5.0** on average during the **last 5m**."
    assert "thresholds" not in create(options={"thresholds": {}})["options"]
    assert "notify_no_data" not in create(options={"on_missing_data": "default"})["options"]
    anomalies = "avg(last_4h):anomalies(avg:system.load.1{*}, 'basic', 2) >= 1"
    assert create(query=anomalies)["type"] == "query alert"


def test_update_replaces_options_but_keeps_muted_scopes(call, create):
    made = create(tags=["a:b"], options={"renotify_interval": 10, "silenced": {"host:a": None}})
    status, changed = call("PUT", f"/api/v1/monitor/{made['id']}", {"options": {"timeout_h": 1}})
    assert status == 200 and "creator" not in changed and changed["tags"] == ["a:b"]
    assert "renotify_interval" not in changed["options"] and changed["options"]["silenced"] == {"host:a": None}
    assert call("GET", "/api/v2/downtime")[1]["data"][0]["attributes"]["scope"] == "host:a"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"query": "avg:system.load.1{*} > 5"}, "The value provided for parameter 'query' is invalid"),
        (
            {"type": "log alert", "query": "query"},
            "The value provided for parameter 'query' is invalid: invalid operator specified: ",
        ),
        ({"type": "no alert"}, "The value provided for parameter 'type' is invalid"),
        ({"priority": 6}, "The value provided for parameter 'priority' is invalid"),
        (
            {"options": {"thresholds": {"critical": 90}}},
            "Alert threshold (90.0) does not match that used in the query (5.0).",
        ),
        ({"options": {"thresholds": {"warning": 4}}}, "Alert status is required."),
        (
            {"options": {"thresholds": {"critical": 5, "warning": 6}}},
            "Warning threshold (6.0) must be less than the alert threshold (5.0) with > comparison.",
        ),
    ],
)
def test_refuses_a_monitor_with_the_real_apis_message(call, create, fields, error):
    made = create()["id"]
    for path in ("/api/v1/monitor", "/api/v1/monitor/validate", f"/api/v1/monitor/{made}/validate"):
        if not (path.startswith(f"/api/v1/monitor/{made}") and "type" in fields):
            assert call("POST", path, {**SIMPLE, **fields}) == (400, {"errors": [error]})


def test_filters_paginates_and_searches(call, create):
    ids = [create(name=f"Load {n}", tags=[f"n:{n % 2}"], query=SIMPLE["query"])["id"] for n in range(5)]
    other = create(name="Disk", query=SIMPLE["query"].replace("env:prod", "env:dev"))["id"]

    def listed(query: str) -> list[int]:
        return [item["id"] for item in call("GET", f"/api/v1/monitor?{query}")[1]]

    assert listed("name=load&monitor_tags=n:1") == ids[1::2]
    assert listed("tags=env:dev") == [other]
    assert listed("page=1&page_size=2") == ids[2:4]
    assert listed(f"id_offset={ids[2]}&page_size=2") == ids[3:5]
    assert listed(f"monitor_ids={ids[0]},{other}") == [ids[0], other]
    found = call("GET", "/api/v1/monitor/search?query=status:(%22No%20Data%22%20OR%20Alert)%20n:0&per_page=2")[1]
    assert found["metadata"] == {"total_count": 3, "page": 0, "per_page": 2, "page_count": 2}
    assert found["counts"]["tag"] == [{"name": "n:0", "count": 3}]


def test_part_of_a_composite_cannot_be_deleted(call, create):
    part = create(name="part")
    whole = create(name="whole", type="composite", query=f"{part['id']} && !{part['id']}")
    needed = f"monitor [{part['id']},part] is referenced in composite monitors: [{whole['id']},whole]"
    status, answer = call("GET", f"/api/v1/monitor/can_delete?monitor_ids={part['id']},{whole['id']}")
    assert (status, answer["data"], answer["errors"]) == (409, {"ok": [whole["id"]]}, {str(part["id"]): [needed]})
    assert call("DELETE", f"/api/v1/monitor/{part['id']}") == (400, {"errors": [needed]})
    assert call("DELETE", f"/api/v1/monitor/{part['id']}?force=true")[0] == 200


def test_refuses_a_composite_of_missing_or_composite_monitors(call, create):
    part = create(name="part")["id"]
    whole = create(name="whole", type="composite", query=f"{part}")["id"]
    for query in ("12345", f"{part} && 12345", f"!{whole}"):
        body = {"name": "x", "type": "composite", "query": query}
        for path in ("monitor", "monitor/validate"):
            assert call("POST", f"/api/v1/{path}", body) == (400, {"errors": ["Some monitor IDs are invalid"]})
        assert call("PUT", f"/api/v1/monitor/{whole}", {"query": query})[0] == 400
    keys = {"name": "x", "type": "composite", "query": "part"}
    assert call("POST", "/api/v1/monitor", keys)[1]["errors"] == ["The value provided for parameter 'query' is invalid"]


# --------------------------------------------------------------------------------------------------------- downtimes
def test_weekly_downtime_shows_its_next_start_and_follows_the_clock(call):
    weekend = {"rrule": "FREQ=WEEKLY;BYDAY=SA,SU", "duration": "1d", "start": "2027-02-06T00:00:00"}
    schedule = {"timezone": "Europe/Paris", "recurrences": [weekend]}
    call("PUT", "/lab/clock", {"now": "2027-02-05T12:00:00Z"})
    made = call("POST", "/api/v2/downtime", v2(schedule=schedule))[1]["data"]
    current = {"start": "2027-02-05T23:00:00+00:00", "end": "2027-02-06T23:00:00+00:00"}
    assert made["attributes"]["schedule"] == {**schedule, "current_downtime": current}
    assert made["attributes"]["status"] == "scheduled"
    call("PUT", "/lab/clock", {"now": "2027-02-06T12:00:00Z"})
    path = f"/api/v2/downtime/{made['id']}"
    assert call("GET", path)[1]["data"]["attributes"]["status"] == "active"
    same = v2(schedule=schedule)
    assert call("PATCH", path, same) == (400, {"errors": ["Scheduled downtime start cannot be in the past"]})
    del same["data"]["attributes"]["schedule"]
    assert call("PATCH", path, same)[0] == 200
    assert [call("DELETE", path)[0] for _ in range(2)] == [204, 204]


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"scope": "prod"}, "All values must have a key"),
        ({"schedule": {"start": "2020-01-01T00:00:00Z"}}, "start cannot be in the past"),
        ({"schedule": {"recurrences": []}}, "1 to 5 recurrences"),
        ({"schedule": {"timezone": "Mars/Base", "recurrences": []}}, "Invalid timezone: Mars/Base"),
        ({"monitor_identifier": {}}, "is not valid under any of the given schemas"),
        ({"notify_end_types": ["gone"]}, "'gone' is not one of"),
        ({"color": "red"}, "Additional properties are not allowed ('color' was unexpected)"),
    ],
)
def test_refuses_a_downtime_with_a_reason(call, attributes, error):
    status, answer = call("POST", "/api/v2/downtime", v2(**attributes))
    assert status == 400 and error in answer["errors"][0]


def test_v1_and_v2_show_the_same_downtime(call, create):
    monitor = create(tags=["a:b"])["id"]
    start = int(time.time()) + 3600
    recurrence = {"type": "weeks", "period": 1, "week_days": ["Sat", "Sun"]}
    sent = {"scope": ["env:prod"], "start": start, "end": start + 600, "recurrence": recurrence}
    made = call("POST", "/api/v1/downtime", {**sent, "monitor_tags": ["a:b"], "timezone": "UTC"})[1]
    assert (made["start"], made["end"], made["recurrence"]["week_days"]) == (start, start + 600, ["Sat", "Sun"])
    shown = call("GET", f"/api/v2/downtime/{made['uuid']}")[1]["data"]["attributes"]
    (rule,) = shown["schedule"]["recurrences"]
    assert (rule["rrule"], rule["duration"]) == ("FREQ=WEEKLY;INTERVAL=1;BYDAY=SA,SU", "10m")
    assert (shown["scope"], shown["monitor_identifier"]) == ("env:prod", {"monitor_tags": ["a:b"]})
    once = {"scope": "*", "monitor_tags": ["a:b"]}
    running = call("POST", "/api/v1/downtime", once)[1]["id"]
    (matching,) = call("GET", f"/api/v1/monitor/{monitor}?with_downtimes=true")[1]["matching_downtimes"]
    assert (matching["id"], matching["active"]) == (running, True)
    call("DELETE", f"/api/v2/downtime/{made['uuid']}")
    assert call("GET", f"/api/v1/downtime/{made['id']}")[1]["disabled"] is True


# -------------------------------------------------------------------------------------------------------- dashboards
def test_dashboard_gets_ids_a_url_and_sorted_recipients(call):
    group = {"definition": {"type": "group", "layout_type": "ordered", "widgets": DASHBOARD["widgets"][:1]}}
    body = {"title": "A b_c!", "layout_type": "ordered", "widgets": [group], "notify_list": ["b@x.org", "a@x.org"]}
    made = call("POST", "/api/v1/dashboard", body)[1]
    assert made["url"] == f"/dashboard/{made['id']}/a-bc"
    assert (made["notify_list"], made["description"], made["template_variables"]) == (
        ["a@x.org", "b@x.org"],
        None,
        None,
    )
    changed = call("PUT", f"/api/v1/dashboard/{made['id']}", body)[1]
    ids = [
        (found["widgets"][0]["id"], found["widgets"][0]["definition"]["widgets"][0]["id"]) for found in (made, changed)
    ]
    assert len({*ids[0], *ids[1]}) == 4
    assert changed["created_at"] == made["created_at"] != changed["modified_at"]


def test_deleted_dashboard_can_be_restored(call):
    made = call("POST", "/api/v1/dashboard", DASHBOARD)[1]["id"]
    named = {"data": [{"id": made, "type": "dashboard"}]}
    assert call("DELETE", "/api/v1/dashboard", named)[0] == 204
    gone = {"errors": [f"Dashboard with ID {made} not found"]}
    assert call("GET", f"/api/v1/dashboard/{made}") == (404, gone)
    assert call("GET", "/api/v1/dashboard?filter[deleted]=true")[1]["dashboards"][0]["id"] == made
    assert call("PATCH", "/api/v1/dashboard", named)[0] == 204
    assert call("GET", f"/api/v1/dashboard/{made}")[1]["title"] == DASHBOARD["title"]


# ------------------------------------------------------------------------------------------------------------ events
def test_event_has_an_exact_and_a_rounded_id(call):
    event = call("POST", "/api/v1/events", {"title": "t", "text": "x", "host": "h"})[1]["event"]
    assert event["id"] != int(event["id_str"]) and float(event["id"]) == float(event["id_str"])
    for id_ in (event["id"], event["id_str"]):
        assert call("GET", f"/api/v1/events/{id_}")[1]["event"]["host"] == "h"
    assert call("GET", "/api/v2/events?filter[query]=host:h")[1]["data"][0]["attributes"]["message"] == "x"
