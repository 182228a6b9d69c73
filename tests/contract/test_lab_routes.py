"""The lab's own routes: failures on demand, the clock, and emptying the account."""

from __future__ import annotations

import http.client
import json

import pytest

QUERY = "/api/v1/hosts"


@pytest.fixture
def call(standin):
    """Make a call with both keys and a JSON body; return (status, decoded body or text)."""
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key}

    def make(method, path, body=None):
        status, answer = standin.request(method, path, json.dumps(body).encode() if body is not None else None, **keys)
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer.decode()

    yield make
    make("POST", "/lab/reset")
    make("PUT", "/lab/clock", {"offset": 0})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [("429", 429, "Too many"), ("429_html", 429, "<html"), ("500", 500, "Internal"), ("html", 502, "<html")],
)
def test_fails_the_next_call_before_or_after_its_work(call, name, kind, status, text, when):
    assert call("POST", "/lab/faults", {"kind": kind, "when": when, "method": "POST", "path": "/series"})[0] == 204
    point = {"series": [{"metric": name, "host": name, "points": [[1, 1]]}]}
    point["series"][0]["points"] = [[call("GET", "/lab/clock")[1]["epoch"] - 30, 1]]
    got, body = call("POST", "/api/v1/series", point)
    assert got == status and text in str(body)
    worked = call("GET", f"{QUERY}?filter={name}")[1]["total_matching"]
    assert worked == (when == "after")
    assert call("POST", "/api/v1/series", point)[0] == 202


def test_rate_limit_has_a_reset_time(standin, call):
    call("POST", "/lab/faults", {"kind": "429"})
    connection = http.client.HTTPConnection("127.0.0.1", standin.port, timeout=10)
    connection.request("GET", QUERY)
    answer = connection.getresponse()
    connection.close()
    assert (answer.status, answer.headers["x-ratelimit-reset"]) == (429, "1")


@pytest.mark.parametrize("when", ["before", "after"])
def test_cuts_the_connection(call, when):
    call("POST", "/lab/faults", {"kind": "cut", "when": when})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        call("GET", QUERY)
    assert call("GET", QUERY)[0] == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_answers_slowly(call, when):
    call("POST", "/lab/faults", {"kind": "slow", "seconds": 0.01, "when": when})
    assert call("GET", QUERY)[0] == 200


def test_lab_routes_need_both_keys_and_are_not_affected_by_faults(standin, call):
    assert standin.request("POST", "/lab/reset", b"")[0] == 403
    call("POST", "/lab/faults", {"kind": "500", "count": 5})
    assert call("GET", "/lab/clock")[0] == 200
    assert call("GET", QUERY)[0] == 500
    call("DELETE", "/lab/faults")
    assert call("GET", QUERY)[0] == 200


def test_sets_the_clock(call):
    assert call("PUT", "/lab/clock", {"now": "2027-02-06T12:00:00Z"})[1]["now"].startswith("2027-02-06T12:00:00")
    assert call("PUT", "/lab/clock", {"advance": 3600})[1]["now"].startswith("2027-02-06T13:00:0")
    assert call("PUT", "/lab/clock", {"now": "noon"})[0] == 400
