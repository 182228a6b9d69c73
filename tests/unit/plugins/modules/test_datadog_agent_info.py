# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that queries an Agent's status, with fake systemctl and Agent scripts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import datadog_agent_info

Run = Callable[..., dict[str, Any]]
# The parts of a genuine status that the module reads: pkg/status/collector/fixtures/status_info.json and the templates
# in comp/forwarder/defaultforwarder/status_templates (datadog-agent 7.84), with two of our checks and a failed run.
TRACEBACK = json.dumps([{"message": '(2003, "Can\'t connect")\nto MySQL', "traceback": "Traceback ..."}])
STATUS: dict[str, Any] = {
    "autoConfigStats": {"ConfigErrors": {}, "ResolveWarnings": {}},
    "checkSchedulerStats": {"LoaderErrors": {}, "RunErrors": {}},
    "forwarderStats": {
        "APIKeyFailure": {},
        "APIKeyStatus": {"API key ending with abcd": "API Key valid"},
        "Transactions": {
            "Dropped": 0,
            "DroppedByEndpoint": {},
            "Errors": 3,
            "ErrorsByType": {
                "ConnectionErrors": 3, "DNSErrors": 0, "SentRequestErrors": 0, "TLSErrors": 0, "WroteRequestErrors": 0,
            },
            "HTTPErrors": 1,
            "HTTPErrorsByCode": {"503": 1},
            "Requeued": 4,
            "Retried": 4,
            "RetryQueueSize": 0,
            "Success": 5,
        },
    },
    "pyLoaderStats": {"ConfigureErrors": {}, "Py3Warnings": {}},
    "pythonInit": {"Errors": []},
    "runnerStats": {
        "Checks": {
            "mysql": {"mysql:1": {"LastError": ""}, "mysql:2": {"LastError": TRACEBACK}},
            "my_metric": {"my_metric:1": {"LastError": ""}},
        },
        "Runs": 4,
    },
}  # fmt: skip


@pytest.fixture
def ask(run_module: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run the module on a host whose Agent returns `status` (text or document), is stopped, or is not installed."""

    def call(
        status: Any = STATUS,
        state: str = "active",
        hostname: str = "echo web1.lab",
        since: str = "2026-11-24 00:37:53.5",
        before: str = "",
        requests: list[str] | None = None,
    ) -> dict[str, Any]:
        text = status if isinstance(status, str) else json.dumps(status)
        (tmp_path / "status").write_text(text, encoding="utf-8")
        scripts = {
            "systemctl": f"echo LoadState=loaded; echo ActiveState={state};"
            f" echo 'ActiveEnterTimestamp=Tue {since} UTC'",
            "runuser": 'shift 3; exec "$@"',
            "datadog-agent": f'[ "$1" = hostname ] && {{ {hostname}; exit; }}; {before} cat {tmp_path / "status"}',
        }
        for name, script in scripts.items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        result = run_module(datadog_agent_info, requests=requests or [])
        assert not result["failed"] and not result["changed"]
        return result

    return call


def test_agent_with_a_failing_check(ask: Run) -> None:
    result = ask()
    assert (result["active"], result["since"], result["hostname"]) == (True, 1795480673.5, "web1.lab")
    assert (result["key"], result["delivery"]) == ("API Key valid", {})
    assert result["checks"] == {"mysql": '(2003, "Can\'t connect") to MySQL'}


def test_refused_key_and_waiting_payloads(ask: Run) -> None:
    forwarder = STATUS["forwarderStats"]
    result = ask(
        {
            "forwarderStats": {
                "APIKeyFailure": {"API key ending with abcd": "API Key invalid"},
                "APIKeyStatus": {},
                "Transactions": {**forwarder["Transactions"], "RetryQueueSize": 2},
            }
        }
    )
    assert (result["key"], result["delivery"]) == ("API Key invalid", {"503": 1, "ConnectionErrors": 3})


def test_passwords_in_errors_are_masked(ask: Run) -> None:
    failed = json.dumps([{"message": "no connection to amqp://app:geheim@broker", "traceback": ""}])
    result = ask({"runnerStats": {"Checks": {"broker": {"broker:1": {"LastError": failed}}}}})
    assert result["checks"] == {"broker": "no connection to amqp://app:********@broker"}


@pytest.mark.parametrize("status", ["", "not JSON", "[]", '{"runnerStats": {"Checks": null}}', '{"forwarderStats": 5}'])
def test_incomplete_status(ask: Run, status: str) -> None:
    result = ask(status)
    assert (result["key"], result["delivery"], result["checks"]) == ("", {}, {})


def test_agent_that_just_started_has_time_to_respond(ask: Run, tmp_path: Path) -> None:
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    first = f"[ -e {tmp_path}/asked ] || {{ touch {tmp_path}/asked; exit 255; }};"
    assert ask(since=started, before=first)["key"] == "API Key valid"


def test_stopped_agent_still_reports_its_hostname(ask: Run) -> None:
    result = ask(state="inactive")
    assert (result["active"], result["since"], result["hostname"]) == (False, 0.0, "web1.lab")
    assert result["checks"] == {}


def test_host_without_an_agent(ask: Run) -> None:
    assert ask(state="inactive", hostname="exit 127")["hostname"] == ""


@pytest.fixture
def service() -> Iterator[tuple[str, list[str]]]:
    """A service on the host: its address, and the requested paths. One path responds with an error."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(503 if self.path == "/broken" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_request_is_sent_three_times(
    ask: Run, service: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = service
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    before = time.time()
    result = ask(requests=[f"{address}/", f"{address}/broken"])
    assert sorted(asked) == 3 * ["/"] + 3 * ["/broken"]
    assert before <= result["requested"] <= time.time()
    assert result["unanswered"] == {f"{address}/broken": "HTTP Error 503: Service Unavailable"}
    assert result["key"] == "API Key valid"


def test_unreachable_services_are_named(ask: Run) -> None:
    result = ask(requests=["http://127.0.0.1:1/", "nonsense"])
    assert "refused" in result["unanswered"]["http://127.0.0.1:1/"]
    assert "unknown url type" in result["unanswered"]["nonsense"]
    assert result["key"] == "API Key valid"


def test_no_requests_by_default(ask: Run) -> None:
    result = ask()
    assert (result["requested"], result["unanswered"]) == (None, {})
