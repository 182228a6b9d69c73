# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Causes of missing data that a host's Agent reports, each with its fix."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._verify import signals as arrival
from ansible_collections.kennel.fleet.plugins.module_utils._verify.agent import DELIVERY, agent_cause
from ansible_collections.kennel.fleet.plugins.module_utils._verify.signals import Signal

AGENT = {"active": True, "key": "API Key valid", "delivery": {}, "checks": {}}


def tell(agent: dict[str, Any], name: str = "my_metric", kind: str = arrival.METRIC, state: str = "absent") -> str:
    return agent_cause(Signal("web1", "web1.lab", kind, name), state, {**AGENT, **agent})


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ({}, []),
        ({"active": False, "key": "API Key invalid"}, ["journalctl -u datadog-agent"]),
        (
            {"key": "API Key invalid", "delivery": {"503": 1}},
            ["rejects the API key", "datadog_api_key", "datadog_site"],
        ),
        ({"key": "Unable to reach the API Key validation endpoint"}, ["Unable to reach", "port 443", "`api.`"]),
        (
            {"key": "Unexpected response code from the API Key validation endpoint"},
            ["Unexpected", "datadog_agent_site"],
        ),
        ({"key": "Fake API Key that skips validation"}, []),
        ({"delivery": {"403": 12}}, ["(HTTP 403: 12, since its start)", "key is rejected", "datadog_site"]),
        ({"delivery": {"413": 1}}, ["HTTP 413: 1", "too large", "limit"]),
        ({"delivery": {"400": 1}}, ["HTTP 400: 1", "malformed"]),
        ({"delivery": {"404": 1}}, ["HTTP 404: 1", "not Datadog's intake", "datadog_agent_dd_url"]),
        ({"delivery": {"407": 1}}, ["HTTP 407: 1", "proxy requires a password", "datadog_agent_secrets"]),
        ({"delivery": {"429": 1}}, ["HTTP 429: 1", "usage"]),
        ({"delivery": {"503": 7}}, ["HTTP 503: 7", "status page"]),
        ({"delivery": {"DNSErrors": 4}}, ["DNSErrors: 4", "/etc/resolv.conf"]),
        ({"delivery": {"TLSErrors": 4}}, ["TLSErrors: 4", "ca-certificates"]),
        ({"delivery": {"ConnectionErrors": 4}}, ["ConnectionErrors: 4", "firewall", "proxy"]),
        ({"delivery": {"WroteRequestErrors": 4}}, ["WroteRequestErrors: 4", "timeout"]),
        ({"delivery": {"SomethingNew": 4}}, ["SomethingNew: 4"]),
        # The most frequent error is the cause; of equally frequent ones, the more basic one.
        ({"delivery": {"ConnectionErrors": 2, "403": 9}}, ["(HTTP 403: 9, ConnectionErrors: 2,", "key is rejected"]),
        ({"delivery": {"ConnectionErrors": 9, "DNSErrors": 9}}, ["(DNSErrors: 9, ConnectionErrors: 9,", "resolv.conf"]),
    ],
)
def test_cause_of_missing_data(agent: dict[str, Any], words: list[str]) -> None:
    told = tell(agent)
    assert bool(told) == bool(words)
    assert all(word in told for word in words), told
    assert not told or (told.endswith(".") and ".." not in told)


def test_every_kind_of_failed_delivery_is_recognised() -> None:
    assert list(DELIVERY)[-1] == ".+"


@pytest.mark.parametrize(
    ("check", "name", "kind", "named"),
    [
        ("my_metric", "my_metric", arrival.METRIC, True),
        ("mysql", "mysql.net.connections", arrival.PRESENT, True),
        ("mysql", "mysql.can_connect", arrival.SERVICE_CHECK, True),
        ("queue_length", "queue.length.max", arrival.PRESENT, True),
        ("queue_custom", "queue.size", arrival.PRESENT, True),
        ("my", "mysql.can_connect", arrival.SERVICE_CHECK, False),
        ("load", "system.load.1", arrival.PRESENT, False),
        ("mysql", "tags", arrival.TAGS, False),
    ],
)
def test_error_of_the_check_that_submits_the_metric(check: str, name: str, kind: str, named: bool) -> None:
    told = tell({"checks": {check: "timed out"}}, name, kind)
    assert told == (f"The check {check} fails there: timed out. Fix that, and verify again." if named else "")


def test_arriving_data_has_no_cause() -> None:
    assert tell({"delivery": {"403": 1}, "key": "Unable to reach the API Key validation endpoint"}, state="range") == ""


def test_without_an_agent_there_is_no_cause() -> None:
    assert agent_cause(Signal("web1", "web1.lab", arrival.METRIC, "my_metric"), "absent", None) == ""
