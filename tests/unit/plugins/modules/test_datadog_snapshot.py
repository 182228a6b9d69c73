# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that takes snapshots of graphs, with a small API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import datadog_snapshot
from fake_datadog import Answer, FakeApi

Run = Callable[..., dict[str, Any]]
PICTURE: Answer = (200, b"\x89PNG\r\n\x1a\n...", {"Content-Type": "image/png"})
QUERY = "avg:my_metric{*} by {host}"


@pytest.fixture
def pictures(fake_api: FakeApi) -> list[Answer]:
    """The successive responses at the picture's address; the last one is repeated."""
    answers = [PICTURE]
    fake_api.routes["/api/v1/graph/snapshot"] = lambda query: (200, {"snapshot_url": f"{fake_api.url}/p/1.png"})
    fake_api.routes["/p/1.png"] = lambda query: answers.pop(0) if len(answers) > 1 else answers[0]
    return answers


@pytest.fixture
def snapshot(fake_api: FakeApi, pictures: list[Answer], run_module: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    now = [0.0]
    # Only for the module: other threads of the process need the real clock.
    clock = SimpleNamespace(
        sleep=lambda seconds: now.__setitem__(0, now[0] + seconds), monotonic=lambda: now[0], time=time.time
    )
    monkeypatch.setattr(datadog_snapshot, "time", clock)

    def run(**arguments: Any) -> dict[str, Any]:
        keys = {"api_key": fake_api.api_key, "app_key": fake_api.app_key, "api_url": fake_api.url}
        result = run_module(datadog_snapshot, **{**keys, **arguments})
        assert fake_api.api_key not in str(result) and fake_api.app_key not in str(result)
        return result

    return run


def asked(fake_api: FakeApi) -> dict[str, str]:
    return next(query for path, query in fake_api.calls if path.endswith("/graph/snapshot"))


def test_takes_a_snapshot_of_a_query(snapshot: Run, fake_api: FakeApi) -> None:
    result = snapshot(metric_query=QUERY, span="5m", title="A & B", event_query="*", width=600, height=200)
    assert result["changed"] and result["snapshot_url"] == f"{fake_api.url}/p/1.png"
    assert abs(result["end"] - time.time()) < 5 and result["start"] == result["end"] - 300
    sent = asked(fake_api)
    assert (int(sent.pop("start")), int(sent.pop("end"))) == (result["start"], result["end"])
    assert sent == {"metric_query": QUERY, "title": "A & B", "event_query": "*", "width": "600", "height": "200"}


def test_takes_a_snapshot_of_a_definition(snapshot: Run, fake_api: FakeApi) -> None:
    definition = {"viz": "timeseries", "requests": [{"q": QUERY}]}
    snapshot(graph_def=definition, start=1764000000, end=1764003600)
    sent = asked(fake_api)
    assert (sent["start"], sent["end"]) == ("1764000000", "1764003600")
    assert json.loads(sent["graph_def"]) == definition and "\n" not in sent["graph_def"]


def test_waits_for_the_picture_without_sending_keys(snapshot: Run, fake_api: FakeApi, pictures: list[Answer]) -> None:
    pictures[:0] = [(404, ""), (200, "<html>", {"Content-Type": "text/html"}), (200, b"GIF", PICTURE[2])]
    assert not snapshot(metric_query=QUERY, span="1h")["failed"]
    looks = [headers for (path, _query), headers in zip(fake_api.calls, fake_api.headers, strict=True) if "/p/" in path]
    assert len(looks) == 4 and not any("dd-" in name for headers in looks for name in headers)


def test_wait_is_limited(snapshot: Run, fake_api: FakeApi, pictures: list[Answer]) -> None:
    pictures[:] = [(404, "", {"Content-Type": "text/plain; charset=utf-8"})]
    result = snapshot(metric_query=QUERY, span="1h", wait_timeout=12)
    assert result["failed"] and f"{fake_api.url}/p/1.png after 12 s (404 text/plain)" in result["msg"]


def test_wait_is_optional(snapshot: Run, fake_api: FakeApi) -> None:
    assert snapshot(metric_query=QUERY, span="1h", wait_timeout=0)["snapshot_url"]
    assert len(fake_api.calls) == 1


def test_check_mode_takes_no_snapshot(snapshot: Run, fake_api: FakeApi) -> None:
    result = snapshot(metric_query=QUERY, span="1h", check=True)
    assert result["changed"] and result["snapshot_url"] is None and not fake_api.calls


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"metric_query": "avg:my_metric{", "span": "5m"}, "metric_query: expected a tag"),
        ({"metric_query": "", "span": "5m"}, "metric_query: expected"),
        ({"metric_query": QUERY, "span": "5 minutes"}, "span '5 minutes' is not a length of time"),
        ({"metric_query": QUERY, "start": 2, "end": 2}, "start (2) is not before end (2)"),
        ({"metric_query": QUERY, "span": "5m", "width": 0}, "width is not greater than 0"),
        ({"metric_query": QUERY, "span": "5m", "wait_timeout": -1}, "wait_timeout is negative"),
        ({"metric_query": QUERY}, "start, span"),
        ({"metric_query": QUERY, "graph_def": {}, "span": "5m"}, "mutually exclusive"),
        ({"metric_query": QUERY, "start": 1, "span": "5m"}, "mutually exclusive"),
        ({"span": "5m"}, "metric_query, graph_def"),
    ],
)
def test_invalid_arguments_are_refused_without_a_call(
    snapshot: Run, fake_api: FakeApi, arguments: dict[str, Any], words: str
) -> None:
    result = snapshot(check=True, **arguments)
    assert result["failed"] and words in result["msg"] and not fake_api.calls
