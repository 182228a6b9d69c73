# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stand-in's trace agent as a process, between genuine or hand-made senders and an intake that decodes."""

from __future__ import annotations

import http.client
import json
import struct
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from agent_process import KEY, Agent, eventually
from ddsketch.pb.ddsketch_pb2 import DDSketch

START = 1_900_000_000 * 10**9
MSGPACK = {"Content-Type": "application/msgpack", "Datadog-Meta-Lang": "go", "Datadog-Meta-Tracer-Version": "v1"}
FLASK = """
import time
from ddtrace.trace import tracer
# The tracer reads /info in the background, and says nothing when it has.
time.sleep(0.5)
for number in range(3):
    with tracer.trace("flask.request", service="NAME", resource="GET /", span_type="web") as span:
        span.set_tag("span.kind", "server")
        span.set_tag("http.status_code", "200")
        with tracer.trace("pymysql.query", service="NAME-db", resource="SELECT 'secret', 12", span_type="sql") as query:
            query.set_tag("span.kind", "client")
            query.error = int(number == 2)
tracer.shutdown()
"""


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    # The path is short, because socket paths are limited to about 100 characters.
    with tempfile.TemporaryDirectory(prefix="kennel-") as folder:
        found = Agent(Path(folder))
        try:
            found.start_traces()
            eventually(lambda: found.get("/info"))
            yield found
        finally:
            found.close()


def span(service: str, number: int, **fields: Any) -> dict[str, Any]:
    ids = {"trace_id": 77, "span_id": number, "parent_id": 0}
    about = {"service": service, "name": "web.request", "resource": "GET /x", "type": "web", "error": 0}
    return {**ids, **about, "start": START, "duration": 5_000_000, "meta": None, "metrics": None, **fields}


def send(agent: Agent, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
    """Return (status, text, headers) of a PUT with these bytes, in chunks if the body is a list."""
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=10)
    try:
        connection.request(
            "PUT", path, body, MSGPACK if headers is None else headers, encode_chunked=isinstance(body, list)
        )
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def test_info_lists_exactly_the_working_endpoints(agent: Agent) -> None:
    info = agent.get("/info")
    for endpoint in info["endpoints"]:
        status, _, headers = send(agent, endpoint, b"")
        assert status != 404
        assert headers["datadog-agent-version"] == info["version"]
    assert {"/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v0.6/stats"} <= set(info["endpoints"])
    assert not [endpoint for endpoint in info["endpoints"] if "config" in endpoint or "profiling" in endpoint]
    assert info["config"]["statsd_port"] == agent.statsd_port
    assert send(agent, "/v0.7/config", b"{}")[0] == 404


@pytest.mark.parametrize(
    ("version", "url"), [("v0.4", ""), ("v0.5", ""), ("v0.4", "unix://{folder}/apm.socket"), ("v0.5", "statistics")]
)
def test_genuine_tracer_sends_without_warnings(agent: Agent, version: str, url: str) -> None:
    name = f"shop{version[-1]}{url[:4]}"
    # By default, the tracer computes them once it has read /info: on a busy machine, that may be before the spans.
    own = {"DD_TRACE_STATS_COMPUTATION_ENABLED": "true" if url == "statistics" else "false"}
    address = url.format(folder=agent.folder) if url.startswith("unix") else f"http://127.0.0.1:{agent.port}"
    variables = {"DD_TRACE_AGENT_URL": address, "DD_TRACE_API_VERSION": version, "DD_ENV": "Shop", "DD_VERSION": "1.2"}
    agent.send(FLASK.replace("NAME", name), **variables, DD_SERVICE=name, **own)
    [entry] = [
        entry
        for entry in agent.get("/debug/vars", agent.debug_port)["receiver"]
        if (entry["Lang"], entry["EndpointVersion"]) == ("python", version)
    ]
    assert entry["TracesReceived"] >= 3
    assert entry["TracesDropped"] == {}


V05_TEXTS = ["", "table", "web.request", "GET /x", "web", "k", "v", "_sampling_priority_v1"]
V05_SPAN = [1, 2, 3, 77, 4, 0, START, 5_000_000, 1, {5: 6}, {7: 2}, 4]


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v0.2/traces", json.dumps([[span("json2", 1)]]).encode(), {}),
        ("/v0.3/traces", json.dumps([[span("json3", 1)]]).encode(), {"Content-Type": "application/json"}),
        ("/v0.3/traces", msgpack.packb([[span("three", 1)]]), MSGPACK | {"Datadog-Client-Computed-Stats": "false"}),
        ("/v0.4/traces", msgpack.packb([[span("four", 2, trace_id=-1, unknown=[1])]]), MSGPACK),
        ("/v0.4/traces", [msgpack.packb([[span("chunks", 3)]])[:9], msgpack.packb([[span("chunks", 3)]])[9:]], MSGPACK),
        ("/v0.5/traces", msgpack.packb([V05_TEXTS, [[V05_SPAN]]]), MSGPACK),
    ],
    ids=["v0.2 JSON", "v0.3 JSON", "v0.3", "v0.4", "in chunks", "v0.5"],
)
def test_response_depends_on_the_api_version(agent: Agent, path: str, body: Any, headers: dict[str, str]) -> None:
    status, text, _ = send(agent, path, body, headers)
    assert status == 200
    if path < "/v0.4":
        assert text == "OK\n"
    else:
        assert json.loads(text) == {"rate_by_service": {"service:,env:": 1.0}}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v0.4/traces", b"", MSGPACK, 400),
        ("/v0.4/traces", msgpack.packb([[span("x", 1)]])[:-3], MSGPACK, 400),
        ("/v0.4/traces", msgpack.packb([[span("x", 1, start="soon")]]), MSGPACK, 400),
        ("/v0.4/traces", msgpack.packb({"a": 1}), MSGPACK, 400),
        ("/v0.4/traces", b"[" * 100_000, {"Content-Type": "application/json"}, 400),
        ("/v0.5/traces", msgpack.packb([[""], [[[1] * 9 + [{}, {}, 1]]]]), MSGPACK, 400),
        ("/v0.5/traces", msgpack.packb([[""], [[[0] * 11]]]), MSGPACK, 400),
        ("/v0.6/stats", msgpack.packb([1]), MSGPACK, 400),
        ("/v0.6/stats", msgpack.packb({"Stats": [{"Stats": [{}]}]}), MSGPACK, 400),
        ("/v0.2/traces", msgpack.packb([]), MSGPACK, 415),
        ("/v0.4/traces", b"", MSGPACK | {"Content-Length": "26214401"}, 413),
        ("/v0.4/traces", b"", MSGPACK | {"Content-Length": "many"}, 400),
        ("/v0.4/traces", b"\x90", MSGPACK | {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/telemetry/proxy/api/v2/apmtelemetry", b"{}", {"Content-Type": "application/json"}, 202),
    ],
)
def test_bad_request_is_refused_and_the_receiver_goes_on(
    agent: Agent, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert send(agent, path, body, headers)[0] == status
    assert send(agent, "/v0.4/traces", b"\x90")[0] == 200


def test_one_connection_serves_many_requests(agent: Agent) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=10)
    connection.connect()
    first = connection.sock
    for number in range(20):
        connection.request("POST", "/v0.4/traces", msgpack.packb([[span("kept", number + 1)]]), MSGPACK)
        assert connection.getresponse().read()
        assert connection.sock is first
    connection.close()


def test_invalid_traces_are_dropped_and_counted(agent: Agent) -> None:
    mad = [
        [],
        [span("mad", 1, trace_id=0)],
        [span("mad", 0)],
        [span("mad", 1), span("mad", 2, trace_id=78)],
        [span("rejected", 1, metrics={"_sampling_priority_v1": -1})],
        [span("", 1, name="", resource="", start=5, duration=-1, meta={"http.status_code": "OK"})],
    ]
    headers = MSGPACK | {"Datadog-Meta-Lang": "cobol"}
    assert send(agent, "/v0.4/traces", msgpack.packb(mad), headers)[0] == 200
    status = agent.get("/debug/vars", agent.debug_port)
    [entry] = [entry for entry in status["receiver"] if entry["Lang"] == "cobol"]
    assert entry["TracesDropped"] == {"EmptyTrace": 1, "TraceIDZero": 1, "SpanIDZero": 1, "ForeignSpan": 1}
    assert (entry["TracesReceived"], entry["TracesFiltered"], entry["SpansReceived"]) == (6, 1, 6)


def test_stats_computed_by_a_tracer_are_forwarded(agent: Agent) -> None:
    entry = {
        "Service": "Own Stats",
        "Name": "a b",
        "Resource": "SELECT 7",
        "Type": "sql",
        "Hits": 4,
        "OkSummary": b"\1",
    }
    body = {"Hostname": "", "Env": "", "Version": "9", "Stats": [{"Start": START, "Duration": 1, "Stats": [entry]}]}
    assert send(agent, "/v0.6/stats", msgpack.packb(body))[0] == 200
    payload = eventually(
        lambda: [found for found in agent.documents("/api/v0.2/stats") if found["Stats"][0].get("Version") == "9"]
    )[0]
    assert (payload["AgentHostname"], payload["AgentEnv"], payload["ClientComputed"]) == (
        "agent-name",
        "test_env",
        True,
    )
    [client] = payload["Stats"]
    assert (client["Env"], client["Lang"], client["TracerVersion"]) == ("test_env", "go", "v1")
    expected = {"Service": "own_stats", "Name": "a_b", "Resource": "SELECT ?", "Type": "sql", "Hits": 4}
    assert client["Stats"][0]["Stats"] == [expected | {"OkSummary": b"\1"}]


def fields(body: bytes) -> dict[int, list[Any]]:
    """Map field numbers of a protobuf message to values, parsed without a definition."""
    found: dict[int, list[Any]] = defaultdict(list)
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            value |= (body[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if not body[at - 1] & 0x80:
                return value

    while at < len(body):
        tag = varint()
        if tag & 7 == 0:
            found[tag >> 3].append(varint())
            continue
        size = {1: 8, 5: 4}.get(tag & 7) or varint()
        found[tag >> 3].append(body[at : at + size])
        at += size
    return found


def test_data_is_complete_when_the_agent_stops(agent: Agent) -> None:
    """Last of the tests with this Agent, because it stops it."""
    rich = span(
        "rich",
        9,
        parent_id=8,
        error=1,
        meta={"env": "Own", "version": "3", "_dd.origin": "synthetics-1", "_dd.p.dm": "-4", "_dd.hostname": "h2"},
        metrics={"_sampling_priority_v1": 2, "_dd.measured": 1, "_sample_rate": 0.25},
        meta_struct={"m": b"\x81"},
        span_links=[{"trace_id": 5, "span_id": 6, "attributes": {"a": "b"}}],
        span_events=[{"time_unix_nano": START, "name": "e", "attributes": {"n": {"type": 2, "int_value": 7}}}],
    )
    headers = MSGPACK | {"Datadog-Container-ID": "c1", "Datadog-Meta-Lang-Version": "1.99"}
    assert send(agent, "/v0.4/traces", msgpack.packb([[rich]]), headers)[0] == 200
    counted = MSGPACK | {"Datadog-Client-Computed-Stats": "yes"}
    assert send(agent, "/v0.4/traces", msgpack.packb([[span("counted", 1)]]), counted)[0] == 200
    agent.stop()
    posts = [post for post in agent.posts if post.path == "/api/v0.2/traces"]
    for post in posts:
        assert (post.document.hostName, post.document.env, post.document.agentVersion) == (
            *("agent-name", "test_env"),
            "7.99.0",
        )
        assert (post.headers["dd-api-key"], post.headers["content-type"]) == (KEY, "application/x-protobuf")
        assert post.headers["content-encoding"] == "gzip"
    assert posts[-1].headers["x-datadog-reported-languages"].split("|") == ["", "cobol", "go", "python"]

    tracers = [tracer for post in posts for tracer in post.document.tracerPayloads]
    chunks = [(tracer, chunk) for tracer in tracers for chunk in tracer.chunks]
    services = [chunk.spans[0].service for _, chunk in chunks]
    for name in ("json2", "json3", "three", "four", "table", "chunks", "rich", "counted", "unnamed-cobol-service"):
        assert services.count(name) == 1, name
    assert services.count("kept") == 20
    assert not {"mad", "rejected", "x"} & set(services)
    for name in ("shop4", "shop5", "shop4unix", "shop5stat"):
        own = [(tracer, chunk) for tracer, chunk in chunks if chunk.spans[0].service == name]
        assert len(own) == 3
        for tracer, chunk in own:
            assert (tracer.languageName, tracer.env, tracer.appVersion, tracer.hostname) == (
                "python",
                "shop",
                "1.2",
                "",
            )
            assert tracer.tracerVersion and tracer.runtimeID
            assert chunk.priority == 1
            [request, query] = chunk.spans
            assert (request.name, request.resource, request.type) == ("flask.request", "GET /", "web")
            assert (query.resource, query.parent_id) == ("SELECT ?, ?", request.span_id)
            assert request.metrics["_top_level"] == 1
            assert 0 < query.duration <= request.duration
    [(tracer, chunk)] = [pair for pair in chunks if pair[1].spans[0].service == "four"]
    assert chunk.spans[0].trace_id == 2**64 - 1
    assert chunk.priority == -128

    # By field number, according to the public definitions.
    payload = fields(next(post.body for post in posts if b"rich" in post.body))
    assert payload[1] == [b"agent-name"]
    [tracer] = [found for found in map(fields, payload[5]) if found[1] == [b"c1"]]
    assert [tracer[number] for number in (2, 3, 4, 8, 9, 10)] == [
        [b"go"],
        [b"1.99"],
        [b"v1"],
        [b"own"],
        [b"h2"],
        [b"3"],
    ]
    chunk = fields(tracer[6][0])
    assert (chunk[1], chunk[2], fields(chunk[4][0])) == ([2], [b"synthetics-1"], {1: [b"_dd.p.dm"], 2: [b"-4"]})
    sent = fields(chunk[3][0])
    assert [sent[number] for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12)] == [
        *([b"rich"], [b"web.request"], [b"GET /x"], [77], [9], [8], [START], [5_000_000], [1]),
        [b"web"],
    ]
    assert {1: [b"version"], 2: [b"3"]} in map(fields, sent[10])
    assert {1: [b"_dd.measured"], 2: [struct.pack("<d", 1)]} in map(fields, sent[11])
    assert fields(sent[13][0]) == {1: [b"m"], 2: [b"\x81"]}
    assert fields(sent[14][0])[3] == [6]
    event = fields(sent[15][0])
    assert (event[1], event[2]) == ([struct.pack("<Q", START)], [b"e"])
    assert fields(fields(event[3][0])[2][0]) == {1: [2], 4: [7]}


def test_stats_count_the_received_spans(agent: Agent) -> None:
    """After the Agent has stopped, and so has sent the open buckets."""
    groups = defaultdict(list)
    for payload in agent.documents("/api/v0.2/stats"):
        for client in payload["Stats"]:
            for bucket in client["Stats"]:
                for group in bucket["Stats"]:
                    groups[group["Service"]].append((payload["ClientComputed"], client, bucket, group))
    for name in ("shop4", "shop5", "shop4unix"):
        [(computed, client, bucket, group)] = groups[name]
        assert (computed, client["Hostname"], client["Env"], client["Version"]) == (False, "agent-name", "shop", "1.2")
        assert (bucket["Duration"], bucket["Start"] % 10**10) == (10**10, 0)
        about = (group["Name"], group["Resource"], group["Type"], group["HTTPStatusCode"], group["SpanKind"])
        assert about == ("flask.request", "GET /", "web", 200, "server")
        assert (group["Hits"], group["Errors"], group["TopLevelHits"], group["Synthetics"]) == (3, 0, 3, False)
        [(_, _, _, queries)] = groups[f"{name}-db"]
        assert (queries["Hits"], queries["Errors"]) == (3, 1)
        ok, wrong = (sum_of(queries[which]) for which in ("OkSummary", "ErrorSummary"))
        assert (ok, wrong) == (2, 1)
    # After this tracer has read /info, it computes stats itself: each span is counted exactly once.
    assert sum(group["Hits"] for *_, group in groups["shop5stat"]) == 3
    assert "counted" not in groups
    assert groups["three"][0][3]["Hits"] == 1
    # Spans that the user has rejected count; a span sampled by the tracer stands for four.
    assert groups["rejected"][0][3]["Hits"] == 1
    [(_, client, bucket, group)] = groups["rich"]
    assert (client["Hostname"], client["ContainerID"], bucket["Start"]) == ("h2", "c1", START)
    assert (group["Hits"], group["Errors"], group["Duration"], group["Synthetics"]) == (4, 4, 20_000_000, True)
    assert "mad" not in groups


def sum_of(summary: bytes) -> float:
    """Return the number of values in a sketch."""
    sketch = DDSketch.FromString(summary)
    store = sketch.positiveValues
    return sum(store.binCounts.values()) + sum(store.contiguousBinCounts) + sketch.zeroCount


@pytest.mark.parametrize("settings", [{"apm_config": {"enabled": False}}, {"api_key": ""}])
def test_trace_agent_exits_if_disabled_or_without_a_key(tmp_path: Path, settings: dict[str, Any]) -> None:
    """With success if disabled, so that systemd does not restart it; with an error without a key."""
    found = Agent(tmp_path, **settings)
    try:
        assert found.start_traces().wait(10) == (1 if "api_key" in settings else 0)
        with pytest.raises(OSError):
            found.get("/info")
    finally:
        found.close()


def test_port_in_use_is_an_error(tmp_path: Path) -> None:
    found = Agent(tmp_path)
    try:
        found.start_traces()
        eventually(lambda: found.get("/info"))
        assert found.start_traces().wait(10) == 1
    finally:
        found.close()


def test_agent_status_includes_the_trace_agent(tmp_path: Path) -> None:
    found = Agent(tmp_path)
    try:
        found.start_core()

        def stats() -> dict[str, Any]:
            return dict(json.loads(found.verb("status", "--json"))["apmStats"])

        alone = eventually(stats)
        assert (alone["port"], "error" in alone) == (found.debug_port, True)
        found.start_traces()
        eventually(lambda: found.get("/info"))
        send(found, "/v0.4/traces", msgpack.packb([[span("seen", 1)]]))
        [entry] = eventually(stats)["receiver"]
        assert (entry["Lang"], entry["EndpointVersion"], entry["TracesReceived"]) == ("go", "v0.4", 1)
    finally:
        found.close()
