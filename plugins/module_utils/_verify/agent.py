# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why data is missing according to the Agent of the host, each cause with its fix. Pure.

Based on the result of ``datadog_agent_info``, with texts of datadog-agent 7.70 to 7.84,
comp/forwarder/defaultforwarder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .signals import METRIC, PRESENT, SERVICE_CHECK, Signal

DOWN = "`journalctl -u datadog-agent` on the host shows why; the playbook kennel.fleet.hosts starts it."
REFUSED = (
    "Datadog rejects the API key. Set datadog_api_key and datadog_site, since a key is valid at one site only, and run"
    " the playbook kennel.fleet.hosts."
)
KEY_UNCHECKED = {
    "Unable to reach the API Key validation endpoint": "Allow it to connect, directly or through a proxy, to port 443"
    " of the host whose name starts with `api.` at its site.",
    "Unexpected response code from the API Key validation endpoint": "The server that answers is not Datadog's API."
    " Check datadog_agent_site, datadog_agent_dd_url and proxies.",
}
# By type of failure, ordered by proximity to the cause, since a failure may be counted twice.
DELIVERY = {
    "DNSErrors": "it cannot resolve host names. Check /etc/resolv.conf, datadog_agent_site and datadog_agent_dd_url.",
    "TLSErrors": "it does not trust the certificate. Check the clock there, the package ca-certificates, and whether a"
    " proxy inspects TLS.",
    "ConnectionErrors": "it cannot connect. Check the firewall for TCP port 443, the setting proxy, and"
    " datadog_agent_dd_url.",
    "WroteRequestErrors": "connections break while it sends. Look for a proxy or firewall with a short timeout.",
    "SentRequestErrors": "connections break while it sends. Look for a proxy or firewall with a short timeout.",
    "401|403": "the API key is rejected. Set datadog_api_key and datadog_site, and run the playbook"
    " kennel.fleet.hosts.",
    "407": "a proxy requires a password. Set it in datadog_agent_secrets, for the setting proxy.",
    "413": "payloads are too large for a proxy on the way. Increase its limit to 5 MB or more.",
    "429": "Datadog limits the rate. Check the usage of the account; the Agent retries.",
    "400": "payloads arrive malformed. Check that no proxy changes them, and that datadog_agent_dd_url is an intake.",
    "5..": "Datadog, or a proxy on the way, fails. Check the status page of the site; the Agent retries.",
    ".+": "the server that answers is not Datadog's intake. Check datadog_agent_site, datadog_agent_dd_url and"
    " proxies.",
}


def agent_cause(signal: Signal, state: str, agent: Mapping[str, Any] | None) -> str:
    """Return the cause of a problem with a signal; empty if the Agent does not know it."""
    if agent is None:
        return ""
    if not agent["active"]:
        return DOWN
    if "invalid" in agent["key"].lower():
        return REFUSED
    if signal.kind in (METRIC, PRESENT, SERVICE_CHECK) and state != "failing":
        for check, error in sorted(agent["checks"].items()):
            if _may_come_from(signal, check):
                return f"The check {check} fails there: {error.rstrip('.')}. Fix that, and verify again."
    if state in ("absent", "old", "stale", "waiting"):
        unchecked = KEY_UNCHECKED.get(agent["key"], "")
        return _undelivered(agent["delivery"]) or (f"{agent['key']}. {unchecked}" if unchecked else "")
    return ""


def _may_come_from(signal: Signal, check: str) -> bool:
    """Whether a check with this name may report the signal: ``queue_length`` may report ``queue.length.max``."""
    words = signal.name.replace(".", "_")
    return f"{words}_".startswith(f"{check}_") or check.startswith(f"{signal.family}_")


def _undelivered(failures: Mapping[str, int]) -> str:
    """Return why deliveries fail: the cause of the most frequent failure."""
    if not failures:
        return ""
    kinds = {kind: next(known for known in DELIVERY if re.fullmatch(known, kind)) for kind in failures}
    order = sorted(kinds, key=lambda kind: (-failures[kind], list(DELIVERY).index(kinds[kind])))
    counted = ", ".join(f"{'HTTP ' if kind.isdigit() else ''}{kind}: {failures[kind]}" for kind in order)
    return f"The Agent does not deliver ({counted}, since its start): {DELIVERY[kinds[order[0]]]}"
