"""The stand-in's responses that equal the real API's word for word, and malformed bodies."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qsl

import pytest
from standin_client import Client

BOARD = {"title": "The shop", "layout_type": "ordered", "widgets": []}
LISTS, ITEMS = "/api/v1/dashboard/lists/manual", "/api/v2/dashboard/lists/manual/{}/dashboards"
DOWNTIME = {"data": {"type": "downtime", "attributes": {"scope": "*", "monitor_identifier": {"monitor_tags": ["*"]}}}}
MONITOR = {"name": "Load", "type": "query alert", "query": "avg(last_5m):avg:system.load.1{*} > 4"}


@pytest.fixture
def client(tmp_path) -> Client:
    return Client(tmp_path)


def test_dashboard_list_is_renamed_and_shows_its_items(client):
    board, made = client.json("POST", "/api/v1/dashboard", BOARD), client.json("POST", LISTS, {"name": "Mine"})
    item = {"id": board["id"], "type": "custom_timeboard"}
    client.json("POST", ITEMS.format(made["id"]), {"dashboards": [item, {**item, "id": "abc-def-ghi"}]})
    assert client.json("PUT", f"{LISTS}/{made['id']}", {"name": "Ours"})["name"] == "Ours"
    shown = client.json("GET", ITEMS.format(made["id"]))
    assert [(one["title"], one["type"], one["created"]) for one in shown["dashboards"]] == [
        ("The shop", "custom_timeboard", board["created_at"])
    ]
    assert shown["total"] == 1
    (listed,) = client.json("GET", LISTS)["dashboard_lists"]
    assert (listed["name"], listed["dashboard_count"], "items" in listed) == ("Ours", 2, False)


def test_invitations_to_a_shared_dashboard_last_a_month(client):
    board = client.json("POST", "/api/v1/dashboard", BOARD)
    body = {"dashboard_id": board["id"], "dashboard_type": "custom_timeboard", "share_list": ["a@example.com"]}
    shared = client.json("POST", "/api/v1/dashboard/public", body)
    assert [one["email"] for one in shared["invitees"]] == ["a@example.com"]
    path = f"/api/v1/dashboard/public/{shared['token']}"
    changed = client.json("PUT", path, {"share_type": "open", "share_list": []})
    assert changed == {**shared, "share_type": "open", "share_list": [], "invitees": []} == client.json("GET", path)
    assert shared["session_duration_in_days"] == changed["session_duration_in_days"] == 30


def test_v1_recurring_downtime_without_end_never_ends(client):
    sent = {"scope": "env:dev", "start": int(time.time()), "recurrence": {"type": "weeks", "period": 1}}
    made = client.json("POST", "/api/v1/downtime", sent)
    assert (made["active"], made["end"], made["recurrence"]["type"]) == (True, None, "weeks")
    changed = client.json("PUT", f"/api/v1/downtime/{made['id']}", {"message": "still"})
    assert (changed["active"], changed["end"], changed["recurrence"]["type"]) == (True, None, "weeks")


def test_downtime_includes_the_name_of_its_monitor(client):
    monitor = client.json("POST", "/api/v1/monitor", MONITOR)
    attributes = {"scope": "*", "monitor_identifier": {"monitor_id": monitor["id"]}}
    made = client.json("POST", "/api/v2/downtime", {"data": {"type": "downtime", "attributes": attributes}})
    assert made["included"][1:] == [{"type": "monitor", "id": monitor["id"], "attributes": {"name": "Load"}}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/api/v1/tags/hosts/none", None, 404, "No host matches that host_id"),
        ("GET", "/api/v1/tags/hosts?source=nowhere", None, 404, "Provided source does not exist"),
        (
            "GET",
            f"/api/v1/hosts/totals?from={2**32 - 1}",
            None,
            400,
            "The value provided for parameter 'from' is invalid",
        ),
        ("GET", "/api/v1/events/1", None, 404, "No event matches that event_id."),
        ("GET", "/api/v1/events?start=345&end=123", None, 400, "start param must be greater than end param"),
        ("GET", "/api/v1/graph/snapshot", None, 400, "metric_query or graph_def param required"),
        ("GET", "/api/v2/dashboards/usage?page[limit]=501", None, 400, "Input should be less than or equal to 500"),
        (
            *("PUT", "/api/v1/dashboard/abc-def-ghi", {"layout_type": ""}, 400),
            "Value of parameter 'layout_type' should be any of these ['ordered', 'free']",
        ),
        ("POST", LISTS, {"name": ""}, 400, "'name' parameter can't be empty"),
        ("PUT", f"{LISTS}/1", {"name": "x"}, 404, "Manual Dashboard List with id 1 not found"),
        ("POST", "/api/v1/downtime/cancel/by_scope", {"scope": ""}, 400, "Expected scope"),
        ("POST", "/api/v1/monitor/validate", {"query": "", "type": ""}, 400, "The parameter 'type' is required"),
    ],
)
def test_errors_have_the_real_apis_text(client, method, path, body, status, error):
    path, _, query = path.partition("?")
    got, _, answer = client.call(method, path, dict(parse_qsl(query)), body)
    assert (got, json.loads(answer)) == (status, {"errors": [error]})


def test_type_of_a_monitor_cannot_change(client):
    made = client.json("POST", "/api/v1/monitor", MONITOR)
    status, _, answer = client.call("PUT", f"/api/v1/monitor/{made['id']}", body={"type": "composite"})
    assert (status, json.loads(answer)["errors"]) == (400, ["Monitor type change not allowed"])


def test_forbidden_has_the_real_apis_form(client):
    status, _, answer = client.call("GET", "/api/v1/monitor", headers=[])
    said = json.loads(answer)
    assert (status, said["status"], said["code"], said["errors"]) == (403, "error", 403, ["Forbidden"])


# -------------------------------------------------------------------------------------------------- malformed bodies
@pytest.mark.parametrize("wrong", ["\ud800", [["x"]], [None], 10**400, ["*", {"a": 1}]])
def test_malformed_downtime_does_not_break_lists(client, wrong):
    client.json("POST", "/api/v1/monitor", MONITOR)
    body = json.loads(json.dumps(DOWNTIME))
    body["data"]["attributes"]["monitor_identifier"]["monitor_tags"] = wrong
    assert client.call("POST", "/api/v2/downtime", body=body)[0] == 400
    assert client.json("GET", "/api/v2/downtime")["data"] == []
    assert len(client.json("GET", "/api/v1/monitor")) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/monitor", {**MONITOR, "message": "half \ud800"}),
        ("/api/v1/dashboard", {**BOARD, "half \ud800": 1}),
        ("/api/v1/downtime", {"scope": "env:dev", "timezone": "x" * 5000}),
        ("/api/v1/downtime", {"scope": "env:dev", "end": 10**18}),
        ("/api/v1/host/web-1/mute", {"end": 10**18}),
        (LISTS, None),
        ("/api/v1/dashboard/public", None),
    ],
)
def test_refuses_what_cannot_be_stored(client, path, body):
    assert client.call("POST", path, body=body)[0] == 400


def test_huge_numbers_are_refused(client):
    assert client.call("GET", "/api/v1/monitor/" + "9" * 5000)[0] == 404
    assert client.call("GET", "/api/v2/events", {"filter[from]": "9" * 400})[0] == 400
