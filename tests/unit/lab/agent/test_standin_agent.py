"""The stand-in Agent's aggregation, its schedule, and its queue while the intake is away."""

from __future__ import annotations

import http.server
import json
import logging
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[4] / "lab" / "agent"))

from standin_agent.aggregator import Kinds, Point, Sampler, series
from standin_agent.collector import beat
from standin_agent.config import Config
from standin_agent.forwarder import ERROR_TYPES, UNEXPECTED, UNREACHABLE, Forwarder

KEY = "0123456789abcdef0123456789abcdef"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def values(points: list[Point]) -> dict[str, float]:
    return {point.metric: point.value for point in points}


def run(kind: int, samples: list[list[float]], *, seconds: float = 10.0, first: bool = False) -> list[dict[str, float]]:
    """Return the points of runs `seconds` apart, each with these samples of a metric `m`."""
    clock = Clock()
    sampler = Sampler(clock)
    found = []
    for values_of_run in samples:
        for value in values_of_run:
            sampler.add(kind, "m", value, [], "h", first)
        found.append(values(sampler.commit()))
        clock.now += seconds
    return found


@pytest.mark.parametrize(
    ("kind", "samples", "expected"),
    [
        (Kinds.GAUGE, [[1, 2], [], [3]], [{"m": 2}, {}, {"m": 3}]),
        (Kinds.GAUGE, [[float("nan")], [float("inf")]], [{}, {}]),
        (Kinds.RATE, [[100], [150], [150]], [{}, {"m": 5}, {"m": 0}]),
        # A counter that was reset gives no rate, and counts from its new value.
        (Kinds.RATE, [[100], [20], [40]], [{}, {}, {"m": 2}]),
        (Kinds.RATE, [[100], [], [140]], [{}, {}, {"m": 2}]),
        (Kinds.COUNT, [[1, 2], [4]], [{"m": 3}, {"m": 4}]),
        (Kinds.MONOTONIC_COUNT, [[10], [15, 18], [18]], [{}, {"m": 8}, {"m": 0}]),
        (Kinds.MONOTONIC_COUNT, [[10], [3], [5]], [{}, {"m": 0}, {"m": 2}]),
        (Kinds.COUNTER, [[1, 1, 1], []], [{"m": 3}, {}]),
        # A sum that is not a number is dropped, and the check goes on.
        (Kinds.COUNT, [[1e308, 1e308], [1]], [{}, {"m": 1}]),
    ],
)
def test_points_of_successive_runs(kind: int, samples: list[list[float]], expected: list[dict[str, float]]) -> None:
    assert run(kind, samples) == expected


def test_monotonic_count_can_flush_its_first_value() -> None:
    assert run(Kinds.MONOTONIC_COUNT, [[10], [15], [4]], first=True) == [{"m": 10}, {"m": 5}, {"m": 4}]


def test_histogram_has_the_agents_default_aggregates() -> None:
    [found] = run(Kinds.HISTOGRAM, [[float(n) for n in range(1, 21)]])
    assert found == {"m.max": 20, "m.median": 10, "m.avg": 10.5, "m.95percentile": 19, "m.count": 20}


def test_context_is_metric_host_and_unordered_tags() -> None:
    sampler = Sampler(Clock())
    for tags, host in ((["a:1", "b:2"], "h"), (["b:2", "a:1", "a:1"], "h"), (["a:1"], "h"), (["a:1"], "other")):
        sampler.add(Kinds.COUNT, "m", 1, tags, host)
    found = {(point.tags, point.host): point.value for point in sampler.commit()}
    assert found == {(("a:1", "b:2"), "h"): 2, (("a:1",), "h"): 1, (("a:1",), "other"): 1}


def test_points_have_the_time_of_their_run() -> None:
    clock = Clock()
    sampler = Sampler(clock)
    found = []
    for clock.now in (1000.2, 1045.3, 1090.1):
        sampler.add(Kinds.GAUGE, "m", 1, ["a:b"], "h")
        found += sampler.commit()
    assert series(found) == [
        {
            "metric": "m",
            "type": 3,
            "interval": 0,
            "points": [{"timestamp": moment, "value": 1}],
            "tags": ["a:b"],
            "resources": [{"type": "host", "name": "h"}],
        }
        for moment in (1000, 1045, 1090)
    ]


def test_each_job_keeps_its_own_schedule() -> None:
    beats: dict[str, list[float]] = {"quick": [], "slow": [], "ends": []}
    stop = threading.Event()

    def run(name: str, interval: float, *, takes: float = 0, goes_on: bool = True) -> None:
        def job() -> bool:
            beats[name].append(time.monotonic())
            time.sleep(takes)
            return goes_on

        threading.Thread(target=beat, args=(interval, 0.05, job, stop), daemon=True).start()

    run("quick", 0.1)
    run("slow", 0.2, takes=0.25)  # Takes longer than its interval: every second run is skipped.
    run("ends", 0.1, goes_on=False)
    time.sleep(1.3)
    stop.set()
    assert len(beats["ends"]) == 1
    for name, interval in (("quick", 0.1), ("slow", 0.4)):
        start, count = beats[name][0], len(beats[name])
        assert count >= 3
        drift = [abs(beat - start - interval * turn) for turn, beat in enumerate(beats[name])]
        assert max(drift) < 0.09, (name, drift)


class Intake:
    """An intake on a loopback port that can go away and come back. It responds with status `code`."""

    def __init__(self) -> None:
        # Status codes for payloads, for payloads to one path, and for the validation of the key.
        self.code, self.codes, self.validity = 202, dict[str, int](), 200
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.targets: list[str] = []
        self._server: http.server.ThreadingHTTPServer | None = None
        self.port = 0
        self.up()

    def up(self) -> None:
        intake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                intake.targets.append(self.path)
                self._answer(intake.validity)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                intake.headers.append(dict(self.headers))
                intake.targets.append(self.path)
                code = intake.codes.get(self.path, intake.code)
                if code == 202:
                    intake.bodies.append(json.loads(zlib.decompress(body)))
                self._answer(code)

            def _answer(self, code: int) -> None:
                self.send_response(code)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        assert self._server
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def intake() -> Iterator[Intake]:
    found = Intake()
    yield found
    found.down()


MakeForwarder = Callable[..., Forwarder]


@pytest.fixture
def make_forwarder(intake: Intake, tmp_path: Path) -> Iterator[MakeForwarder]:
    made: list[Forwarder] = []

    def make(**settings: Any) -> Forwarder:
        path = tmp_path / "datadog.yaml"
        document = {
            "api_key": KEY,
            "dd_url": f"http://127.0.0.1:{intake.port}",
            "hostname": "h",
            "forwarder_backoff_base": 0.05,
            "forwarder_backoff_max": 0.1,
            **settings,
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        forwarder = Forwarder(Config(path), logging.getLogger("test"))
        made.append(forwarder)
        return forwarder

    yield make
    for forwarder in made:
        forwarder.stop(0)


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "still false after the time limit"
        time.sleep(0.01)


def transactions(forwarder: Forwarder) -> dict[str, Any]:
    return dict(forwarder.status()["Transactions"])


def test_no_points_are_lost_while_the_intake_is_away(intake: Intake, make_forwarder: MakeForwarder) -> None:
    forwarder = make_forwarder()
    forwarder.start()
    forwarder.submit("/api/v2/series", 0, points=1)
    eventually(lambda: intake.bodies == [0])
    intake.down()
    for number in range(1, 6):
        forwarder.submit("/api/v2/series", number, points=1)
    eventually(lambda: transactions(forwarder)["Errors"] >= 2)
    found = transactions(forwarder)
    assert found["ErrorsByType"] == dict.fromkeys(ERROR_TYPES, 0) | {"ConnectionErrors": found["Errors"]}
    intake.code = 503
    intake.up()
    eventually(lambda: "503" in transactions(forwarder)["HTTPErrorsByCode"])
    # The forwarder retries after all other status codes from 401.
    intake.code = 429
    eventually(lambda: "429" in transactions(forwarder)["HTTPErrorsByCode"])
    intake.code = 404
    eventually(lambda: "404" in transactions(forwarder)["HTTPErrorsByCode"])
    intake.code = 202
    eventually(lambda: intake.bodies == [0, 1, 2, 3, 4, 5])
    eventually(lambda: transactions(forwarder)["RetryQueueSize"] == 0)
    found = transactions(forwarder)
    assert (found["Dropped"], found["RetryQueueBytes"], found["Success"]) == (0, 0, 6)
    assert found["HTTPErrors"] == sum(found["HTTPErrorsByCode"].values())
    assert found["Requeued"] == found["Retried"] == found["Errors"]


def test_failing_endpoint_does_not_delay_others(intake: Intake, make_forwarder: MakeForwarder) -> None:
    forwarder = make_forwarder(forwarder_backoff_base=60, forwarder_backoff_max=60)
    intake.codes["/api/beta/sketches"] = 404
    forwarder.start()
    forwarder.submit("/api/beta/sketches", 0)
    forwarder.submit("/api/v2/series", 1)
    eventually(lambda: intake.bodies == [1])
    # The forwarder counts after the answer.
    eventually(lambda: transactions(forwarder)["RetryQueueSize"] == 1)


def test_full_queue_drops_the_oldest_and_logs_it(intake: Intake, make_forwarder: MakeForwarder) -> None:
    forwarder = make_forwarder(forwarder_retry_queue_payloads_max_size=100)
    for number in range(50):
        forwarder.submit("/api/v2/series", [number], points=2)
    waiting = transactions(forwarder)
    assert waiting["RetryQueueBytes"] <= 100
    assert waiting["Dropped"] + waiting["RetryQueueSize"] == 50
    assert waiting["DroppedPoints"] == 2 * waiting["Dropped"]
    forwarder.start()
    eventually(lambda: bool(intake.bodies) and intake.bodies[-1] == [49])
    assert intake.bodies == [[n] for n in range(50 - waiting["RetryQueueSize"], 50)]


@pytest.mark.parametrize("code", [400, 403, 413])
def test_payload_that_the_intake_refuses_is_dropped(intake: Intake, make_forwarder: MakeForwarder, code: int) -> None:
    forwarder = make_forwarder()
    intake.code = code
    forwarder.start()
    forwarder.submit("/intake/", {})
    eventually(lambda: transactions(forwarder)["Dropped"] == 1)
    found = transactions(forwarder)
    assert (found["HTTPErrorsByCode"], found["Errors"], found["Success"]) == ({str(code): 1}, 0, 0)
    # Even 403 does not make the key invalid: only its validation does.
    assert list(forwarder.status()["APIKeyStatus"].values()) == ["API Key valid"]
    intake.code = 202
    forwarder.submit("/intake/", {"a": 1})
    eventually(lambda: intake.bodies == [{"a": 1}])


@pytest.mark.parametrize(
    ("validity", "status", "failure"),
    [(200, "API Key valid", None), (403, None, "API Key invalid"), (500, UNEXPECTED, None), (0, UNREACHABLE, None)],
)
def test_rejected_key_is_a_failure_without_a_status(
    intake: Intake, make_forwarder: MakeForwarder, validity: int, status: str | None, failure: str | None
) -> None:
    forwarder, label = make_forwarder(), f"API key ending with {KEY[-4:]}"
    assert (forwarder.status()["APIKeyStatus"], forwarder.status()["APIKeyFailure"]) == ({}, {})
    intake.validity = validity
    if not validity:
        intake.down()
    forwarder.start()
    found = {}
    eventually(lambda: bool(found.update(forwarder.status()) or found["APIKeyStatus"] or found["APIKeyFailure"]))
    assert found["APIKeyStatus"] == ({label: status} if status else {})
    assert found["APIKeyFailure"] == ({label: failure} if failure else {})
    assert forwarder.key_rejected == (validity == 403)
    # A validation does not count as a transaction, whatever its result.
    assert found["Transactions"]["HTTPErrors"] == sum(found["Transactions"]["ErrorsByType"].values()) == 0
    if not validity:
        intake.up()


def test_key_is_sent_in_a_header_and_only_to_validate_in_the_query(
    intake: Intake, make_forwarder: MakeForwarder
) -> None:
    forwarder = make_forwarder()
    forwarder.start()
    forwarder.submit("/api/v2/series", {"series": []})
    eventually(lambda: len(intake.bodies) == 1)
    assert intake.targets == [f"/api/v1/validate?api_key={KEY}", "/api/v2/series"]
    assert {name.lower(): value for name, value in intake.headers[0].items()}["dd-api-key"] == KEY


def test_stop_flushes_the_queue_and_never_hangs(intake: Intake, make_forwarder: MakeForwarder) -> None:
    forwarder = make_forwarder()
    forwarder.start()
    forwarder.submit("/api/v2/series", 1)
    forwarder.stop(3)
    assert intake.bodies == [1]
    intake.down()
    lonely = make_forwarder(forwarder_backoff_base=60, forwarder_backoff_max=60)
    lonely.start()
    lonely.submit("/api/v2/series", 2)
    started = time.monotonic()
    lonely.stop(0.5)
    assert time.monotonic() - started < 2
    intake.up()
