"""HTTP details that clients do not show: keys, sizes, logs, restarts."""

from __future__ import annotations

import json
import signal
import socket
import time

import pytest

READING = [
    "/api/v1/query?from=1&to=2&query=avg:x{*}",
    "/api/v1/hosts",
    "/api/v1/tags/hosts",
    "/api/v1/tags/hosts/h",
    "/api/v1/metrics?from=1",
    "/api/v1/metrics/m",
    "/api/v1/check_run?host_name=h",
    "/api/v2/spans/events",
    "/api/v2/apm/services?filter[env]=*",
    "/api/v2/trace/1",
    "/lab/apm/resources?service=s",
]
SENDING = ["/api/v1/series", "/api/v2/series", "/api/v1/check_run", "/intake/", "/api/v1/metadata"]
SENDING += ["/api/v0.2/traces", "/api/v0.2/stats", "/api/beta/sketches"]


def errors(answer):
    status, body = answer
    return status, json.loads(body)["errors"]


@pytest.mark.parametrize("key", [None, "0" * 32])
@pytest.mark.parametrize("path", SENDING)
def test_sending_needs_the_api_key(standin, path, key):
    headers = {"dd_api_key": key} if key else {}
    assert errors(standin.request("POST", path, b"{}", **headers)) == (403, ["Forbidden"])


@pytest.mark.parametrize("path", READING)
def test_reading_needs_both_keys(standin, path):
    path = path.replace("{", "%7B").replace("}", "%7D")
    for headers in (
        {},
        {"dd_api_key": standin.api_key},
        {"dd_application_key": standin.app_key},
        {"dd_api_key": standin.api_key, "dd_application_key": "0" * 40},
    ):
        assert errors(standin.get(path, **headers)) == (403, ["Forbidden"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_changing_tags_needs_both_keys(standin, method):
    answer = standin.request(method, "/api/v1/tags/hosts/h", b"{}", dd_api_key=standin.api_key)
    assert errors(answer) == (403, ["Forbidden"])


def test_validates_a_key_in_header_or_query(standin):
    assert standin.get("/api/v1/validate", dd_api_key=standin.api_key) == (200, b'{"valid":true}')
    assert standin.get(f"/api/v1/validate?api_key={standin.api_key}") == (200, b'{"valid":true}')
    assert standin.request("POST", "/api/v1/validate", b"", dd_api_key=standin.api_key)[0] == 200
    assert errors(standin.get("/api/v1/validate?api_key=wrong")) == (403, ["Forbidden"])
    assert errors(standin.get("/api/v1/validate")) == (403, ["API key required"])


def test_accepts_an_agents_probe_and_host_metadata(standin, name):
    key = {"dd_api_key": standin.api_key}
    assert standin.request("POST", "/api/v2/series", b"{}", **key) == (202, b'{"errors":[]}')
    report = {
        "internalHostname": name,
        "agentVersion": "7.99.0",
        "host-tags": {"system": ["env:lab"]},
        "meta": {"socket-hostname": "node", "host_aliases": ["other"]},
        "systemStats": {"cpuCores": 2},
        "gohai": "{}",
    }
    assert standin.request("POST", "/intake/?api_key=" + standin.api_key, json.dumps(report).encode())[0] == 202
    status, body = standin.get(f"/api/v1/hosts?filter=host:{name}", dd_application_key=standin.app_key, **key)
    (host,) = json.loads(body)["host_list"]
    assert status == 200
    assert host["tags_by_source"] == {"Datadog": ["env:lab", f"host:{name}"]}
    assert host["aliases"] == [name, "other"]
    assert host["meta"] == {
        "agent_version": "7.99.0",
        "socket-hostname": "node",
        "cpuCores": 2,
        "gohai": "{}",
        "host_id": host["id"],
    }


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b'{"series": [{}]}', {}, 400),
        (b'{"series": [{"metric": "\\ud800", "points": [{"timestamp": %d, "value": 1}]}]}' % time.time(), {}, 400),
        (b"{}", {"content_encoding": "gzip"}, 400),
        (b"{}", {"content_encoding": "br"}, 400),
        (b"\x0a\x00", {"content_type": "application/x-protobuf"}, 400),
        (b" " * 512_001, {}, 413),
    ],
)
def test_refuses_invalid_bodies_with_a_list_of_errors(standin, body, headers, status):
    answer = standin.request("POST", "/api/v2/series", body, dd_api_key=standin.api_key, **headers)
    assert errors(answer)[0] == status


def test_accepts_protobuf_only_where_agents_send_it(standin):
    headers = {"dd_api_key": standin.api_key, "content_type": "application/x-protobuf"}
    assert errors(standin.request("POST", "/api/v1/series", b"", **headers))[0] == 415
    assert standin.request("POST", "/api/v2/series", b"", **headers) == (202, b'{"errors":[]}')


def test_unknown_paths_and_methods_return_errors(standin):
    assert errors(standin.get("/api/v1/nothing")) == (404, ["Not Found"])
    for path, what in (
        ("/api/v2/roles/1", "roles"),
        ("/api/v1/slo", "service level"),
        ("/api/v1/notebooks", "notebooks"),
    ):
        status, (text,) = errors(standin.get(path))
        assert status == 404 and f"The stand-in Datadog has no {what}" in text
    assert errors(standin.request("PUT", "/api/v1/hosts", b"{}"))[0] == 405


def test_output_has_no_keys_and_no_errors_of_disconnected_clients(standin):
    with socket.create_connection(("127.0.0.1", standin.port)) as client:
        client.sendall(
            b"POST /api/v2/series HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n"
            b"dd-api-key: " + standin.api_key.encode() + b"\r\n\r\n{"
        )
    standin.get(f"/api/v1/hosts?api_key={standin.api_key}&application_key={standin.app_key}")
    assert standin.output == ""


def test_data_survives_a_restart(standin, name):
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key}
    now = int(time.time())
    body = {"series": [{"metric": name, "points": [{"timestamp": now - 30, "value": 1}]}]}
    assert standin.request("POST", "/api/v2/series", json.dumps(body).encode(), **keys)[0] == 202
    assert standin.stop() == -signal.SIGTERM  # uvicorn's exit status after an orderly shutdown
    standin.start()
    status, answer = standin.get(f"/api/v1/query?from={now - 60}&to={now}&query={name}%7B*%7D.rollup(avg,1)", **keys)
    assert status == 200
    assert json.loads(answer)["series"][0]["pointlist"] == [[(now - 30) * 1000.0, 1.0]]


def test_page_needs_no_key_and_shows_none(standin, name):
    body = {"check": "c", "host_name": name, "status": 0}
    standin.request("POST", "/api/v1/check_run", json.dumps(body).encode(), dd_api_key=standin.api_key)
    status, page = standin.get("/")
    assert status == 200
    assert name.encode() in page
    assert standin.api_key.encode() not in page
