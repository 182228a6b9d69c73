"""Datadog's first Python client, `datadog`, sends data to the stand-in and reads it back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import datadog
import pytest
from datadog.api.exceptions import ApiError


@pytest.fixture
def client(standin) -> Iterator[None]:
    """The client, initialised for the stand-in; its state is global."""
    datadog.initialize(
        api_key=standin.api_key, app_key=standin.app_key, api_host=standin.url, mute=False, hostname_from_config=False
    )
    yield
    datadog.api._api_key = datadog.api._application_key = datadog.api._api_host = None


@pytest.fixture
def now(client) -> int:
    """Seconds since the epoch."""
    return int(time.time())


@pytest.mark.parametrize("compress", [False, True])
def test_sends_and_queries_a_metric(now, name, compress):
    points = [(now - 30, 1.5), (now - 20, 2.5)]
    assert datadog.api.Metric.send(
        metric=name, points=points, host=name, tags=["env:Lab"], type="gauge", compress_payload=compress
    ) == {"status": "ok"}
    query = f"avg:{name}{{env:lab}} by {{host}}.rollup(avg, 1)"
    answer = datadog.api.Metric.query(start=now - 60, end=now, query=query)
    assert (answer["status"], answer["query"], answer["group_by"]) == ("ok", query, ["host"])
    assert (answer["from_date"], answer["to_date"]) == ((now - 60) * 1000, now * 1000)
    (series,) = answer["series"]
    assert series["pointlist"] == [[ts * 1000.0, value] for ts, value in points]
    assert series["tag_set"] == [f"host:{name}"]
    assert series["scope"] == f"env:lab,host:{name}"
    assert series["expression"] == f"avg:{name}{{env:lab,host:{name}}}"
    assert (series["metric"], series["aggr"], series["interval"], series["length"]) == (name, "avg", 1, 2)
    assert (series["start"], series["end"]) == ((now - 30) * 1000, (now - 19) * 1000 - 1)


def test_lists_active_metrics(now, name):
    datadog.api.Metric.send(
        metrics=[
            {"metric": f"{name}.{n}", "points": (now - age, 1), "host": host}
            for n, host, age in (("a", name, 5), ("b", "other", 5), ("c", name, 500))
        ]
    )
    answer = datadog.api.Metric.list(now - 60)
    assert answer["from"] == str(now - 60)
    assert [metric for metric in answer["metrics"] if metric.startswith(name)] == [f"{name}.a", f"{name}.b"]


def test_type_of_a_metric_is_kept(now, name):
    datadog.api.Metric.send(metric=name, points=(now, 1), type="count", interval=10)
    unsaid = dict.fromkeys(("description", "integration", "per_unit", "short_name", "unit"))
    assert datadog.api.Metadata.get(metric_name=name) == {**unsaid, "type": "count", "statsd_interval": 10}
    with pytest.raises(ApiError, match="Metric not found"):
        datadog.api.Metadata.get(metric_name=f"{name}.other")


def test_sends_a_service_check(standin, now, name):
    for status in (0, 2):
        answer = datadog.api.ServiceCheck.check(
            check="app.ok", host_name=name, status=status, message="m", tags=["port:1"], timestamp=now - 9 + status
        )
        assert answer == {"status": "ok"}
    runs = datadog.api.api_client.APIClient.submit("GET", "check_run", host_name=name, check="app.ok")
    assert runs == [
        {"check": "app.ok", "host_name": name, "status": 2, "timestamp": now - 7, "message": "m", "tags": ["port:1"]}
    ]


def test_hosts_appear_when_data_names_them(now, name):
    datadog.api.Metric.send(metric=name, points=(now, 1), host=f"{name}-a")
    datadog.api.ServiceCheck.check(check="app.ok", host_name=f"{name}-b", status=0)
    answer = datadog.api.Hosts.search(filter=name, sort_field="name", sort_dir="desc", count=1)
    assert (answer["total_matching"], answer["total_returned"]) == (2, 1)
    (host,) = answer["host_list"]
    assert (host["name"], host["host_name"], host["up"]) == (f"{name}-b", f"{name}-b", True)
    assert now <= host["last_reported_time"] <= time.time()


def test_adds_replaces_and_deletes_user_tags_of_a_host(now, name):
    with pytest.raises(ApiError, match="No host matches that host_id"):
        datadog.api.Tag.create(name, tags=["env:lab"])
    datadog.api.Metric.send(metric=name, points=(now - 20, 1), host=name)
    assert datadog.api.Tag.create(name, tags=["env:lab"]) == {"host": name, "tags": ["env:lab"]}
    datadog.api.Tag.create(name, tags=["role:web"])
    assert datadog.api.Tag.get(name)["tags"] == ["env:lab", "role:web"]
    assert name in datadog.api.Tag.get_all()["tags"]["role:web"]
    assert datadog.api.Hosts.search(filter=f"role:web {name}")["host_list"][0]["tags_by_source"]["Users"] == [
        "env:lab",
        "role:web",
    ]
    query = f"{name}{{role:web}}"
    assert datadog.api.Metric.query(start=now - 60, end=now, query=query)["series"][0]["scope"] == "role:web"
    datadog.api.Tag.update(name, tags=["env:test"])
    assert datadog.api.Tag.get(name, source="users")["tags"] == ["env:test"]
    datadog.api.Tag.delete(name)
    assert datadog.api.Tag.get(name)["tags"] == []
    assert datadog.api.Metric.query(start=now - 60, end=now, query=query)["series"] == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("avg:system.load.1", r"Error parsing query: unable to parse avg:system\.load\.1: expected a scope .* 18"),
        ("abs(avg:x{*}", "column 13"),
        ("forecast(avg:x{*}, 'linear', 1)", "forecast is not evaluated here"),
    ],
)
def test_invalid_query_is_an_error_with_a_reason(now, query, message):
    with pytest.raises(ApiError, match=message):
        datadog.api.Metric.query(start=now - 60, end=now, query=query)


@pytest.mark.parametrize(("start", "end"), [("x", 5), (5, 5), (None, 5), (10**30, 10**31), ("nan", 5)])
def test_invalid_time_is_an_error(client, start, end):
    with pytest.raises(ApiError, match=r"from"):
        datadog.api.Metric.query(start=start, end=end, query="avg:x{*}")


def test_wrong_key_is_an_error(standin, client):
    datadog.api._application_key = "0" * 40
    with pytest.raises(ApiError, match="Forbidden"):
        datadog.api.Hosts.search()
    datadog.api._api_key = "0" * 32
    with pytest.raises(ApiError, match="Forbidden"):
        datadog.api.Metric.send(metric="m", points=1)


def test_account_has_no_monitors(client):
    assert datadog.api.Monitor.get_all() == []


def test_searches_hosts_and_metrics(now, name):
    datadog.api.Metric.send(metric=f"{name}.metric", points=(now, 1), host=f"{name}-host")
    answers = [datadog.api.Infrastructure.search(q=f"{kind}{name}") for kind in ("", "metrics:", "hosts:")]
    both = {"metrics": [f"{name}.metric"], "hosts": [f"{name}-host"]}
    assert [answer["results"] for answer in answers] == [both, {"metrics": both["metrics"]}, {"hosts": both["hosts"]}]


def test_sends_distributions(now, name):
    assert datadog.api.Distribution.send(
        distributions=[{"metric": name, "host": name, "tags": ["env:lab"], "points": [(now - 20, [1.0, 2.0, 9.0])]}]
    ) == {"status": "ok"}
    for how, wanted in (("avg", 4.0), ("max", 9.0), ("count", 3.0), ("p50", 2.0)):
        answer = datadog.api.Metric.query(start=now - 60, end=now, query=f"{how}:{name}{{env:lab}}.rollup(1)")
        assert answer["series"][0]["pointlist"][0][1] == pytest.approx(wanted, rel=0.02)
    with pytest.raises(ApiError, match="expected pairs of timestamp and values"):
        datadog.api.api_client.APIClient.submit(
            "POST", "distribution_points", body={"series": [{"metric": name, "points": [[now, 1]]}]}
        )


def test_describes_a_metric(now, name):
    update = datadog.api.Metadata.update
    assert update(metric_name=name, type="count", description="Sold.", short_name="sold", unit="page") == {
        "type": "count",
        "description": "Sold.",
        "short_name": "sold",
        "unit": "page",
        **dict.fromkeys(("integration", "per_unit", "statsd_interval")),
    }
    datadog.api.Metric.send(metric=name, points=(now, 1), type="gauge")
    assert update(metric_name=name, description="Sold pages.")["unit"] == "page"
    assert datadog.api.Metadata.get(metric_name=name)["description"] == "Sold pages."
    with pytest.raises(ApiError, match="'type' is invalid"):
        update(metric_name=name, type="colour")


def test_comments_and_replies(now):
    first = datadog.api.Comment.create(message="Look at this", handle="a@example.com")["comment"]
    event = datadog.api.Event.get(first["id"])["event"]
    assert (event["text"], event["title"], event["handle"]) == ("Look at this", None, "a@example.com")
    changed = datadog.api.Comment.update(first["id"], message="Look at that")["comment"]
    assert (changed["message"], changed["handle"], changed["id"]) == ("Look at that", "a@example.com", first["id"])
    answer = datadog.api.Comment.create(message="Seen", related_event_id=first["id"])["comment"]
    assert answer["related_event_id"] == first["url"].rpartition("=")[2]
    with pytest.raises(ApiError, match="No event matches"):
        datadog.api.Comment.create(message="Lost", related_event_id=1)
    event = datadog.api.Event.create(title="t", text="x", attach_host_name=False)["event"]
    with pytest.raises(ApiError, match="No comment matches"):
        datadog.api.Comment.update(event["id"], message="no")
    assert any(one["text"] == "Seen" for one in datadog.api.Event.query(start=now - 60, end=now + 60)["events"])


def test_embeds_a_graph(client):
    graph = {"viz": "timeseries", "requests": [{"q": "avg:my_metric{$host}"}]}
    made = datadog.api.Embed.create(graph_json=json.dumps(graph), timeframe="1_hour", size="small", title="Mine")
    assert (made["template_variables"], made["graph_title"], made["revoked"]) == (["host"], "Mine", False)
    assert "host=web-1" in datadog.api.Embed.get(made["embed_id"], host="web-1")["html"]
    assert "successfully revoked" in datadog.api.Embed.revoke(made["embed_id"])["success"]
    assert [one["revoked"] for one in datadog.api.Embed.get_all()["embedded_graphs"]] == [True]
    assert "successfully enabled" in datadog.api.Embed.enable(made["embed_id"])["success"]
    with pytest.raises(ApiError, match="No embed matches"):
        datadog.api.Embed.get("0" * 64)


def test_snapshot_has_datadogs_address_and_a_status(standin, now, name):
    datadog.api.Metric.send(metric=name, points=(now - 30, 1))
    made = datadog.api.Graph.create(metric_query=f"avg:{name}{{*}}", start=now - 600, end=now)
    path = urlsplit(made["snapshot_url"]).path
    assert re.fullmatch(r"/snapshot/view/dd-snapshots-[\w-]+/org_\d+/\d{4}-\d\d-\d\d/[0-9a-f]{40}\.png", path)
    assert datadog.api.Graph.status(made["snapshot_url"]) == {"status_code": 200}
    assert datadog.api.Graph.status(made["snapshot_url"].replace(path[-9:], "0000.png")) == {"status_code": 404}
    assert standin.get(path)[1].startswith(b"\x89PNG")


def test_muting_a_host_returns_its_end_as_a_number(now, name):
    datadog.api.Metric.send(metric=name, points=(now, 1), host=name)
    assert datadog.api.Host.mute(name, end=str(now + 600))["end"] == now + 600
    assert datadog.api.Host.unmute(name)["action"] == "Unmuted"


def test_lists_tags_of_one_source(now, name):
    datadog.api.Metric.send(metric=name, points=(now, 1), host=name)
    datadog.api.Tag.create(name, tags=["owner:one"], source="users")
    assert datadog.api.Tag.get_all(source="users")["tags"]["owner:one"] == [name]
    assert datadog.api.Tag.get_all(source="datadog")["tags"].get("owner:one") is None
    with pytest.raises(ApiError, match="Provided source does not exist"):
        datadog.api.Tag.get_all(source=name)
