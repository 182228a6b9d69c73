# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stand-in Agent's DogStatsD: lines become points, and Datadog's own client works with the process."""

from __future__ import annotations

import json
import logging
import math
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_process import KEY, Agent, eventually
from datadog.dogstatsd import DogStatsd as Client
from standin_agent.aggregator import series
from standin_agent.config import Config
from standin_agent.dogstatsd import DogStatsD
from standin_agent.wire import SketchPayload


class Server(DogStatsD):
    """A server whose clock the test sets, initially to 1005 seconds."""

    def __init__(self, folder: Path) -> None:
        path = folder / "datadog.yaml"
        path.write_text(json.dumps({"api_key": KEY, "hostname": "h"}), encoding="utf-8")
        self.now = 1005.0
        super().__init__(Config(path), logging.getLogger("test"), clock=lambda: self.now)

    def flush(self, *lines: str) -> dict[str, Any]:
        """Map metrics to what ten seconds of these lines become: (type, value) at 1000 seconds."""
        self.handle("\n".join(lines).encode())
        self.now += 10
        found = series(self.take().points)
        return {entry["metric"]: (entry["type"], entry["points"][0]["value"]) for entry in found}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


RATE, GAUGE = 2, 3


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["m:1|g", "m:2.5|g"], {"m": (GAUGE, 2.5)}),
        (["m:3|c", "m:2|c"], {"m": (RATE, 0.5)}),
        (["m:1|c|@0.1"], {"m": (RATE, 1)}),
        (["m:1:2:3|c"], {"m": (RATE, 0.6)}),
        (["m:-4|g|@0.5|#a:b|c:ci-123|e:x|card:low"], {"m": (GAUGE, -4)}),
        (["m:a|s", "m:b|s", "m:a|s"], {"m": (GAUGE, 2)}),
        (["m:a:b|s"], {"m": (GAUGE, 1)}),
        (["m:1e308|c", "m:1e308|c", "n:1|g"], {"n": (GAUGE, 1)}),
        (
            ["m:1|h", "m:2|h", "m:3|h", "m:10|ms"],
            {
                "m.max": (GAUGE, 10),
                "m.median": (GAUGE, 2),
                "m.avg": (GAUGE, 4),
                "m.count": (RATE, 0.4),
                "m.95percentile": (GAUGE, 10),
            },
        ),
        (
            ["m:1|h|@0.25", "m:7|h"],
            {
                "m.max": (GAUGE, 7),
                "m.median": (GAUGE, 1),
                "m.avg": (GAUGE, 2.2),
                "m.count": (RATE, 0.5),
                "m.95percentile": (GAUGE, 7),
            },
        ),
    ],
)
def test_lines_become_points(server: Server, lines: list[str], expected: dict[str, Any]) -> None:
    found = server.flush(*lines)
    assert found.keys() == expected.keys()
    for name, (kind, value) in expected.items():
        assert found[name] == (kind, pytest.approx(value))


def test_points_are_grouped_by_bucket_tags_and_host(server: Server) -> None:
    server.handle(b"m:1|c|#b:2,a:1,a:1,\nm:1|c|#a:1,b:2\nm:1|c|#host:other,a:1\nm:1|c|#dd.internal.entity_id:x")
    assert server.take().points == []
    server.now = 1012
    server.handle(b"m:5|c|#a:1,b:2")
    first = {(point.tags, point.host): (point.timestamp, point.value, point.interval) for point in server.take().points}
    expected = {(("a:1", "b:2"), "h"): 0.2, (("a:1",), "other"): 0.1, ((), "h"): 0.1}
    assert first == {key: (1000, value, 10) for key, value in expected.items()}
    rest = {point.tags: point.value for point in server.take(everything=True).points}
    assert rest == {("a:1", "b:2"): 0.5}


def test_idle_counter_sends_zero_for_five_minutes(server: Server) -> None:
    server.handle(b"m:1|c\nother:1|g")
    server.now = 1345
    points = server.take().points
    assert [point.timestamp for point in points if point.metric == "m"] == list(range(1000, 1310, 10))
    assert [point.value for point in points if point.metric == "m"] == [0.1] + 30 * [0]
    assert len([point for point in points if point.metric == "other"]) == 1
    server.now = 1400
    assert server.take().points == []


def test_value_with_a_timestamp_is_not_aggregated(server: Server) -> None:
    server.handle(b"m:7|g|T900\nn:20|c|#a:b|T901\nm:8|g|T902\nh:1|h|T903\nm:1|g|T0\nm:1|g|Tsoon")
    points = [(point.metric, point.kind, point.timestamp, point.value, point.tags) for point in server.take().points]
    assert points == [("m", "gauge", 900, 7, ()), ("n", "rate", 901, 2, ("a:b",)), ("m", "gauge", 902, 8, ())]
    assert server.status()["MetricParseErrors"] == 3


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        *[(line, "Metric") for line in ("m", "m:|g", ":1|g", "m:1", "m:1|x", "m:one|g", "m:1|g|@often", "m:nan|g")],
        *[(line, "Metric") for line in ("m:inf|c", "m::|c", "\u00ff".encode("latin-1"))],
        *[(line, "Event") for line in ("_e{1,1}", "_e{0,1}:|a", "_e{5,5}:abc|def", "_e{x,1}:a|b", "_e{1,1}:a|b|d:now")],
        *[(line, "ServiceCheck") for line in ("_sc", "_sc|a", "_sc|a|5", "_sc||1", "_sc|a|0|d:now")],
    ],
)
def test_malformed_line_is_counted_and_hides_no_other(server: Server, line: str | bytes, kind: str) -> None:
    bad = line.encode() if isinstance(line, str) else line
    server.handle(b"before:1|g\n" + bad + b"\n\nafter:1|g\n")
    server.now += 10
    taken = server.take()
    assert {point.metric for point in taken.points} == {"before", "after"}
    assert (taken.events, taken.service_checks) == ([], [])
    status = server.status()
    assert (status[f"{kind}ParseErrors"], sum(count for name, count in status.items() if "Errors" in name)) == (1, 1)
    assert status["MetricPackets"] == 2


def test_events_and_service_checks_have_the_intakes_format(server: Server) -> None:
    server.handle("_e{2,8}:é|a\\n|b\\nc|d:99|h:there|k:key|p:low|s:mine|t:warning|#x:y|c:1\n_e{1,0}:a|".encode())
    server.handle(b"_sc|my.check|2|d:98|h:there|#x:y|m:down m\\: up\n_sc|my.check|0")
    taken = server.take()
    about = {"timestamp": 99, "host": "there", "aggregation_key": "key", "priority": "low", "alert_type": "warning"}
    text = {"msg_title": "é", "msg_text": "a\n|b\nc"[:7], "source_type_name": "mine", "tags": ["x:y"]}
    assert taken.events[0] == about | text
    plain = {"timestamp": 1005, "host": "h", "priority": "normal", "alert_type": "info", "tags": []}
    assert taken.events[1] == plain | {"msg_title": "a", "msg_text": ""}
    assert taken.service_checks == [
        {"check": "my.check", "status": 2, "timestamp": 98, "host_name": "there", "tags": ["x:y"]}
        | {"message": "down m: up"},
        {"check": "my.check", "status": 0, "timestamp": 1005, "host_name": "h", "tags": [], "message": ""},
    ]


def test_distributions_become_sketches_of_known_bins(server: Server) -> None:
    dice = random.Random(4)
    values = [dice.lognormvariate(3, 1) for _ in range(500)] + [0.0, -2.0, 1e-12]
    for value in values:
        server.handle(f"d:{value!r}|d|#a:b".encode())
    server.handle(b"d:1|d|@0.5|#a:b")
    server.now += 10
    [sketch] = SketchPayload.FromString(server.take().sketches).sketches
    assert (sketch.metric, sketch.host, list(sketch.tags)) == ("d", "h", ["a:b"])
    [bins] = sketch.dogsketches
    assert (bins.ts, bins.cnt, bins.min, bins.max) == (1000, 505, -2, max(values))
    assert bins.sum == pytest.approx(sum(values) + 2) and bins.avg == pytest.approx(bins.sum / 505)
    assert list(bins.k) == sorted(set(bins.k)) and sum(bins.n) == 505
    # Bins start at powers of 1 + 1/64, and number 1338 starts at 1; rounding may put a value into the next bin.
    above = [value for value in sorted(values) if value > 1]
    index, gamma = len(values) - len(above), 1 + 1 / 64
    flat = [key for key, count in zip(bins.k, bins.n, strict=True) for _ in range(count)]
    assert (flat[0], flat[1:3], flat.count(1338) >= 2) == (-(1338 + round(math.log(2, gamma))), [0, 0], True)
    for value, key in zip(above, flat[index + 2 :], strict=True):
        assert gamma ** (key - 1338) == pytest.approx(value, rel=1 / 100)


def test_count_of_a_bin_is_limited(server: Server) -> None:
    server.handle(b"\n".join([b"d:1|d|@0.000000002"] * 9))
    [sketch] = SketchPayload.FromString(server.take(everything=True).sketches).sketches
    assert list(sketch.dogsketches[0].n) == [2**32 - 1]


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    # The path is short, because socket paths are limited to about 100 characters.
    with tempfile.TemporaryDirectory(prefix="kennel-") as folder:
        found = Agent(Path(folder))
        try:
            found.start_core()
            eventually(lambda: found.verb("status"))
            yield found
        finally:
            found.close()


def test_genuine_client_works_through_the_agent(agent: Agent) -> None:
    for place in ({"host": "127.0.0.1", "port": agent.statsd_port}, {"socket_path": f"{agent.folder}/dsd.socket"}):
        way = "udp" if "port" in place else "unix"
        # Without buffering, each call is a packet, too many for a Unix socket's queue.
        client = Client(**place, disable_buffering=way == "udp", constant_tags=[f"way:{way}"], disable_telemetry=True)
        client.gauge("client.gauge", 5, tags=["a:b"])
        for _ in range(50):
            client.increment("client.count")
        client.histogram("client.histogram", 4)
        client.timing("client.timing", 9)
        client.distribution("client.distribution", 7)
        client.set("client.set", "x")
        client.gauge_with_timestamp("client.then", 3, 1_700_000_000)
        client.event("Title", "two\nlines", alert_type="error", tags=["e:1"])
        client.service_check("client.check", client.WARNING, message="m: hi\nyou", tags=["s:1"])
        client.flush()
        client.close_socket()

    def counts() -> dict[str, int]:
        return dict(json.loads(agent.verb("status", "--json"))["dogstatsdStats"])

    eventually(lambda: counts()["ServiceCheckPackets"] == 2 and counts())
    status = counts()
    assert (status["MetricPackets"], status["EventPackets"], status["MetricParseErrors"]) == (112, 2, 0)
    assert status["UdsPackets"] < 10 < 58 == status["UdpPackets"]
    agent.stop()
    entries = [entry for body in agent.documents("/api/v2/series") for entry in body["series"]]
    for way in ("way:udp", "way:unix"):
        own = [entry for entry in entries if way in entry["tags"]]
        sums = {entry["metric"]: sum(point["value"] for point in entry["points"]) for entry in own}
        kinds = {entry["metric"]: (entry["type"], entry["interval"]) for entry in own}
        assert (kinds["client.count"], sums["client.count"]) == ((2, 10), pytest.approx(5))
        assert (kinds["client.gauge"], kinds["client.histogram.count"]) == ((3, 10), (2, 10))
        assert (sums["client.histogram.max"], sums["client.timing.95percentile"], sums["client.set"]) == (4, 9, 1)
        [then] = [entry["points"] for entry in own if entry["metric"] == "client.then"]
        assert then == [{"timestamp": 1_700_000_000, "value": 3}]
    sketches = [sketch for payload in agent.documents("/api/beta/sketches") for sketch in payload.sketches]
    assert {(sketch.metric, *sketch.tags, sketch.dogsketches[0].sum) for sketch in sketches} == {
        ("client.distribution", "way:udp", 7),
        ("client.distribution", "way:unix", 7),
    }
    [post, *_] = [post for post in agent.posts if post.path == "/api/beta/sketches"]
    assert (post.headers["dd-api-key"], post.headers["content-type"]) == (KEY, "application/x-protobuf")
    events = [event for body in agent.documents("/intake/") for event in body.get("events", {}).get("api", [])]
    assert {(event["msg_title"], event["msg_text"], event["alert_type"], event["host"]) for event in events} == {
        ("Title", "two\nlines", "error", "agent-name")
    }
    checks = [entry for body in agent.documents("/api/v1/check_run") for entry in body]
    own_checks = [entry for entry in checks if entry["check"] == "client.check"]
    assert [(entry["status"], entry["message"], entry["tags"][0]) for entry in own_checks] == [
        (1, "m: hi\nyou", "s:1")
    ] * 2


def test_dogstatsd_can_be_disabled(tmp_path: Path) -> None:
    found = Agent(tmp_path, use_dogstatsd=False)
    try:
        found.start_core()
        eventually(lambda: found.verb("status"))
        assert not (tmp_path / "dsd.socket").exists()
    finally:
        found.close()
