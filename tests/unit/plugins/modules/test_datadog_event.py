# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that posts events, with a small API."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import datadog_event
from fake_datadog import FakeApi

Run = Callable[..., dict[str, Any]]


class Stream:
    """The event stream of the fake API, which rounds IDs as Datadog does, and drops the aggregation key."""

    def __init__(self, fake: FakeApi) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.fake = fake
        fake.routes |= {"POST /api/v1/events": self.post, "/api/v1/events": self.list}

    @property
    def posted(self) -> list[dict[str, Any]]:
        return [body for _call, body in self.fake.writes]

    def post(self, body: dict[str, Any]) -> tuple[int, Any]:
        number = 6327818702635911562 + len(self.events)
        event = {name: value for name, value in body.items() if name != "aggregation_key"}
        self.events.append(
            {**event, "id": int(float(number)), "id_str": str(number), "url": f"/event/event?id={number}"}
        )
        return 202, {"status": "ok", "event": self.events[-1]}

    def list(self, query: dict[str, str]) -> tuple[int, Any]:
        self.asked.append(query)
        tags = set(filter(None, query.get("tags", "").split(",")))
        span = range(int(query["start"]), int(query["end"]) + 1)
        return 200, {"events": [e for e in self.events if e["date_happened"] in span and tags <= set(e["tags"])]}


@pytest.fixture
def stream(fake_api: FakeApi) -> Stream:
    return Stream(fake_api)


@pytest.fixture
def event(fake_api: FakeApi, stream: Stream, run_module: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def run(**arguments: Any) -> dict[str, Any]:
        keys = {"api_key": fake_api.api_key, "app_key": fake_api.app_key, "api_url": fake_api.url}
        return run_module(datadog_event, **{**keys, "title": "Deployed", "text": "Web 1.4", **arguments})

    return run


def test_posts_and_returns_the_exact_id(event: Run, stream: Stream, fake_api: FakeApi) -> None:
    result = event(tags=["env:lab"], alert_type="success", source_type_name="ansible", related_event_id=2**62 + 1)
    assert result["changed"] and result["id"] == "6327818702635911562"
    assert result["url"] == f"{fake_api.url}/event/event?id=6327818702635911562"
    (body,) = stream.posted
    assert abs(body.pop("date_happened") - time.time()) < 5
    assert body == {
        "title": "Deployed",
        "text": "Web 1.4",
        "alert_type": "success",
        "priority": "normal",
        "tags": ["env:lab"],
        "source_type_name": "ansible",
        "related_event_id": 2**62 + 1,
    }
    assert socket.gethostname() not in str(body) and not stream.asked


def test_host_is_only_sent_if_given(event: Run, stream: Stream) -> None:
    event(host="web1", date_happened=1764000000)
    assert (stream.posted[0]["host"], stream.posted[0]["date_happened"]) == ("web1", 1764000000)


def test_posts_in_each_run_by_default(event: Run, stream: Stream) -> None:
    assert [event(aggregation_key="web")["changed"] for _ in range(2)] == [True, True]
    assert [body["tags"] for body in stream.posted] == [["aggregation_key:web"]] * 2


def test_unless_within_posts_once(event: Run, stream: Stream) -> None:
    first = event(aggregation_key="web", unless_within=600)
    again = event(aggregation_key="web", unless_within=600, title="Other words")
    assert first["changed"] and not again["changed"]
    assert {name: again[name] for name in ("id", "url", "date_happened")} == {
        name: first[name] for name in ("id", "url", "date_happened")
    }
    assert stream.asked[0]["unaggregated"] == "true"
    assert event(aggregation_key="app", unless_within=600)["changed"]


def test_unless_within_finds_the_newest_and_ignores_old_ones(event: Run, stream: Stream) -> None:
    now = int(time.time())
    ids = [event(aggregation_key="web", date_happened=now - age)["id"] for age in (500, 300, 400)]
    assert event(aggregation_key="web", unless_within=600)["id"] == ids[1]
    assert event(aggregation_key="web", unless_within=200)["changed"]


def test_check_mode_reports_the_same_and_posts_nothing(event: Run, stream: Stream) -> None:
    planned = event(aggregation_key="web", unless_within=600, check=True)
    assert planned["changed"] and planned["id"] is None and not stream.posted
    posted = event(aggregation_key="web", unless_within=600)
    found = event(aggregation_key="web", unless_within=600, check=True)
    assert not found["changed"] and found["id"] == posted["id"]
    assert event(check=True)["changed"] and len(stream.posted) == 1


@pytest.mark.parametrize("lost", [(500, "<h1>no</h1>"), (202, "{", {"Content-Length": "99"})])
@pytest.mark.parametrize("key", [None, "web"])
def test_lost_response_causes_no_second_event(
    event: Run, stream: Stream, fake_api: FakeApi, lost: Any, key: str | None
) -> None:
    stream.events.append(
        {"title": "Deployed", "date_happened": int(time.time()) - 9, "tags": [], "id": 1, "id_str": "1"}
    )
    fake_api.late_faults = [lost]
    result = event(title="Deployed ", aggregation_key=key)
    assert result["changed"] and result["id"] == stream.events[1]["id_str"]
    assert len(stream.posted) == 1


def test_lost_request_is_retried(event: Run, stream: Stream, fake_api: FakeApi) -> None:
    fake_api.faults = [(503, "")]
    assert event()["changed"] and len(stream.posted) == 2 and len(stream.events) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"title": " "}, "title is empty"),
        ({"text": "x" * 4001}, "text has 4001 characters. Shorten it to 4000."),
        ({"aggregation_key": "x" * 101}, "aggregation_key has 101 characters"),
        ({"unless_within": 60}, "unless_within needs aggregation_key"),
        ({"unless_within": -1}, "unless_within is negative"),
        ({"unless_within": 60, "aggregation_key": "Web deploy"}, "aggregation_key 'Web deploy' is not a valid tag"),
    ],
)
def test_invalid_arguments_are_refused_without_a_call(
    event: Run, fake_api: FakeApi, arguments: dict[str, Any], words: str
) -> None:
    result = event(check=True, **arguments)
    assert result["failed"] and words in result["msg"] and not fake_api.calls


def test_refusal_has_datadogs_message(event: Run, fake_api: FakeApi) -> None:
    fake_api.routes["POST /api/v1/events"] = lambda body: (400, {"errors": ["Event too far in the past"]})
    result = event(date_happened=1)
    assert result["failed"] and "400 Event too far in the past" in result["msg"]
    assert fake_api.api_key not in str(result) and fake_api.app_key not in str(result)
