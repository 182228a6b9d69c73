"""Datadog's addresses redirect to the stand-in's pages, and the pages of old boards show a deprecation."""

from __future__ import annotations

import importlib

import pytest
import standin_client

bodies = importlib.import_module("standin.wire.bodies")
GRAPH = {"title": "Load", "definition": {"viz": "timeseries", "requests": [{"q": "avg:system.load.1{*}"}]}}


@pytest.fixture
def client(tmp_path):
    found = standin_client.Client(tmp_path)
    found.store.add_samples(
        [bodies.Sample(bodies.Key("m", "web 1", ()), "gauge", 0, {1_800_000_000: 1.0})], 1_800_000_000
    )
    return found


@pytest.mark.parametrize(("name", "address"), [("web 1", "/hosts/web%201"), ("web", "/?filter=web"), ("", "/?filter=")])
def test_infrastructure_list_redirects_to_a_host(client, name, address):
    status, head, _body = client.call("GET", "/infrastructure", {"filter": name}, headers=[])
    assert (status, head["location"]) == (307, address)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("dash", {"title": "Mine", "graphs": [GRAPH]}),
        ("screen", {"board_title": "Mine", "widgets": [{"type": "note", "html": "Hi", "x": 1, "y": 1}]}),
    ],
)
def test_old_board_is_redirected_and_shows_a_deprecation(client, kind, body):
    made = client.json("POST", f"/api/v1/{kind}", body=body)
    board = made["dash"] if kind == "dash" else made
    for address in (f"/{kind}/{board['id']}", f"/{kind}/{board['id']}/mine"):
        status, head, _body = client.call("GET", address, headers=[])
        assert (status, head["location"]) == (307, f"/dashboard/{board['new_id']}")
    page = client.call("GET", head["location"], headers=[])[2].decode()
    assert f"Deprecation: this was made by /api/v1/{kind}" in page
    plain = client.json("POST", "/api/v1/dashboard", body={"title": "P", "layout_type": "ordered", "widgets": []})
    assert "Deprecation" not in client.call("GET", plain["url"], headers=[])[2].decode()
