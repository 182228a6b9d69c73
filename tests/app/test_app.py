# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The app as its unit runs it, sending traces to Datadog's test agent with all trace checks enabled."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fake_mysql
import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "flask_apm"
BIN = Path(sys.executable).parent
CHECKS = ("trace_count_header", "meta_tracer_version_header", "trace_content_length", "trace_stall",
          "trace_peer_service", "meta_events_is_valid_json", "trace_dd_service")  # fmt: skip
ROUTES = {
    "/": "Entrypoint to the Application",
    "/api/apm": "Getting APM Started",
    "/api/trace": "Posting Traces",
}
ROW = {"name": "shop", "user": "shop@localhost", "version": "8.0.0-fake", "time": "2026-11-26 12:00:00"}
PATIENCE = 30  # seconds


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def wait_for(what: Callable[[], Any]) -> Any:
    """Poll a function until it returns something true, and return that."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if found := what():
                return found
        except requests.ConnectionError:
            pass
        # Another process must be ready, and does not signal it.
        time.sleep(0.2)
    raise AssertionError(f"nothing came within {PATIENCE} s")


@contextmanager
def running(command: list[str], log: Path, **options: Any) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **options)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def unit(folder: Path, **variables: Any) -> str:
    """Return the unit that the role writes with these inputs."""
    given = {"datadog_tags_result": ["env:lab", "team:dogs"], **variables}
    template = {"src": f"{ROLE}/templates/flask_apm.service.j2", "dest": f"{folder}/unit", "mode": "0600"}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [f"{ROLE}/defaults/main.yml", f"{ROLE}/vars/main.yml"],
        "tasks": [
            {"kennel.fleet.check_inputs": {"roles": ["flask_apm"]}, "register": "__flask_apm_checked"},
            {"ansible.builtin.template": template},
        ],
    }
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    command = [BIN / "ansible-playbook", "-i", "localhost,", folder / "play.yml", "-e", json.dumps(given)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return (folder / "unit").read_text(encoding="utf-8")


def start_of(unit: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment of a unit's service, with the tests' libraries."""
    lines = unit.replace("\\\n", " ").replace("/opt/flask_apm/venv/bin", str(BIN)).splitlines()
    words = {name: [shlex.split(line.partition("=")[2]) for line in lines if line.startswith(f"{name}=")]
             for name in ("ExecStart", "Environment")}  # fmt: skip
    environment = dict(pair.replace("%%", "%").split("=", 1) for [pair] in words["Environment"])
    return words["ExecStart"][0], environment


@dataclass
class Traffic:
    """The results: responses by path, spans by trace, the app's log, and what DogStatsD and MySQL received."""

    answers: dict[str, requests.Response]
    away: requests.Response
    checks: dict[str, dict[str, int]]
    traces: list[list[dict[str, Any]]]
    log: str
    queries: list[str]
    packets: list[str]

    def trace(self, resource: str, error: int = 0) -> list[dict[str, Any]]:
        [found] = [trace for trace in self.traces if (trace[0]["resource"], trace[0]["error"]) == (resource, error)]
        return found


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """Request each route once, and the database's route again after the database stopped."""
    folder = tmp_path_factory.mktemp("app")
    receiver, otlp, grpc, port = free_ports(4)
    dogstatsd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dogstatsd.bind(("127.0.0.1", 0))
    dogstatsd.settimeout(PATIENCE)
    command, environment = start_of(
        unit(folder, flask_apm_port=port, flask_apm_agent_port=receiver,
             flask_apm_dogstatsd_port=dogstatsd.getsockname()[1],
             flask_apm_environment={"DD_TRACE_SAMPLING_RULES": '[{"sample_rate": 1, "name": "100%"}]'},
             flask_apm_database={"host": "x", "user": "x", "database": "x"},
             flask_apm_database_password="long-enough")
    )  # fmt: skip
    # The role's own folder belongs to root.
    assert environment["FLASK_APM_DATABASE"] == "/etc/flask_apm.yaml"
    environment["FLASK_APM_DATABASE"] = f"{folder}/database.yaml"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DD_", "FLASK_"))}
    at, agent = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{receiver}"
    ports = [f"--port={receiver}", f"--otlp-http-port={otlp}", f"--otlp-grpc-port={grpc}"]
    session = requests.Session()
    session.trust_env = False

    def ask(path: str) -> requests.Response:
        return session.get(at + path, timeout=PATIENCE)

    with (
        dogstatsd,
        running([str(BIN / "ddapm-test-agent"), *ports], folder / "agent.log", cwd=folder,
                env=kept | {"ENABLED_CHECKS": ",".join(CHECKS)}),
        running(command, folder / "app.log", cwd=ROLE / "files",
                env=kept | environment | {"PYTHONDONTWRITEBYTECODE": "1"}),
    ):  # fmt: skip
        wait_for(lambda: session.get(f"{agent}/info", timeout=5).ok)
        with fake_mysql.serve(ROW) as mysql:
            settings = f'"host": "127.0.0.1"\n"port": {mysql.port}\n"user": "shop"\n"password": "geheim"\n'
            (folder / "database.yaml").write_text(settings, encoding="utf-8")
            wait_for(lambda: session.get(f"{at}/nowhere", timeout=5).status_code == 404)
            answers = {path: ask(path) for path in (*ROUTES, "/health", "/api/mysql")}
        away = ask("/api/mysql")

        def traces() -> list[list[dict[str, Any]]]:
            found = session.get(f"{agent}/test/session/traces", timeout=5).json()
            found = [sorted(trace, key=lambda span: span["parent_id"] != 0) for trace in found]
            return found if len(found) > len(answers) + 1 else []

        found = wait_for(traces)
        # Each process sends its own metrics, every ten seconds.
        packets = [dogstatsd.recv(65535).decode() for _ in range(3)]
        checks = session.get(f"{agent}/test/trace_check/summary", timeout=5).json()
    log = (folder / "app.log").read_text(encoding="utf-8")
    return Traffic(answers, away, checks, found, log, mysql.queries, packets)


def test_routes_respond_with_the_documented_texts(traffic: Traffic) -> None:
    assert {path: traffic.answers[path].text for path in ROUTES} == ROUTES
    assert traffic.answers["/health"].json() == {"status": "ok"}


def test_test_agent_accepts_all_traces(traffic: Traffic) -> None:
    assert traffic.checks.keys() == set(CHECKS)
    assert [name for name, counts in traffic.checks.items() if counts["Failed_Checks"]] == []
    assert traffic.checks["trace_count_header"]["Passed_Checks"] > 0


def test_each_route_is_a_resource_of_the_service(traffic: Traffic) -> None:
    for path in traffic.answers:
        root = traffic.trace(f"GET {path}")[0]
        assert (root["name"], root["service"], root["type"]) == ("flask.request", "flask-apm", "web")
        assert root["meta"]["http.route"] == path


def test_spans_have_env_and_those_of_the_service_its_version(traffic: Traffic) -> None:
    spans = [span for trace in traffic.traces for span in trace]
    found = {(span["service"], span["meta"]["env"], span["meta"].get("version")) for span in spans}
    # The database is a separate service, whose version the app does not know.
    assert found == {("flask-apm", "lab", "1.0.0"), ("pymysql", "lab", None)}


def test_mysql_query_is_a_span_that_can_be_matched_with_the_database(traffic: Traffic) -> None:
    assert traffic.answers["/api/mysql"].json() == ROW
    trace = traffic.trace("GET /api/mysql")
    [query] = [span for span in trace if span["name"] == "pymysql.query"]
    assert query["resource"].startswith("SELECT DATABASE()")
    assert (query["type"], query["meta"]["db.user"]) == ("sql", "shop")
    # Database Monitoring reads this comment in MySQL's statements.
    [sent] = [text for text in traffic.queries if "SELECT DATABASE()" in text]
    assert f"traceparent='00-{trace[0]['meta']['_dd.p.tid']}{query['trace_id']:016x}-" in sent
    assert "ddps='flask-apm'" in sent


def test_unreachable_database_only_fails_its_route(traffic: Traffic) -> None:
    assert (traffic.away.status_code, traffic.away.text) == (503, "The database does not answer")
    trace = traffic.trace("GET /api/mysql", error=1)
    assert trace[0]["meta"]["http.status_code"] == "503"
    assert "pymysql.err.OperationalError" in {span["meta"].get("error.type") for span in trace if span["error"]}
    assert {trace[0]["resource"] for trace in traffic.traces if trace[0]["error"]} == {"GET /api/mysql"}


def test_log_lines_have_trace_ids(traffic: Traffic) -> None:
    line = r"\[dd\.service=flask-apm dd\.env=lab dd\.version=1\.0\.0 dd\.trace_id=(\w+) dd\.span_id=\d+\] - GET {} 200"
    for path in traffic.answers:
        root = traffic.trace(f"GET {path}")[0]
        [trace_id] = re.findall(line.format(re.escape(path)), traffic.log)
        assert trace_id == f"{root['meta']['_dd.p.tid']}{root['trace_id']:016x}"


def test_log_contains_no_password(traffic: Traffic) -> None:
    assert "Can't connect to MySQL server" in traffic.log
    assert "geheim" not in traffic.log + str(traffic.traces)


def test_runtime_metrics_have_the_tags_of_the_service(traffic: Traffic) -> None:
    [packet, *_] = [packet for packet in traffic.packets if "runtime.python" in packet]
    assert all(tag in packet for tag in ("service:flask-apm", "env:lab", "version:1.0.0"))
