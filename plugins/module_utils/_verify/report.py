# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reports for people and machines: rows, a table, files, and what is missing with its likely cause."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from .agent import agent_cause
from .signals import AGENT, MONITOR, PRESENT, Signal, Verdict

# What remains of 79 columns if a message is indented.
WIDTH = 71
# Maximum widths of the columns before the last: signal and result.
LIMITS = (28, 7)
# With more hosts, a host that is as expected has one line.
FEW_HOSTS = 5
# Results by the state of a verdict.
RESULTS = {
    "failing": "FAILING",
    "down": "DOWN",
    "refused": "REFUSED",
    **dict.fromkeys(("interval", "gaps", "range", "clock"), "WRONG"),
}

Found = Mapping[Signal, Verdict]

_CAUSES = {
    "absent": "Other data of this host arrives. Look for errors of the check with `{status}` on {host}.",
    "old": "The check has not run since the Agent's start. Look for its errors with `{status}` on {host}.",
    "stale": "It has stopped. Look for errors of the check with `{status}` on {host}.",
    "interval": "The Agent runs it at a different interval. Check min_collection_interval under instances in the"
    " check's conf.yaml, and that the Agent has been restarted since.",
    "gaps": "Points are lost. Look for failed or slow runs in the Agent's log.",
    "waiting": "Increase the timeout to more than two intervals.",
    "range": "Correct the values that the check sends, or min and max.",
    "clock": "Correct the clock of the host or of this machine.",
    "tags": "Check tags in datadog.yaml there; new tags of a host can take some minutes to appear.",
    "status": "Run the check to see its error: `{run}` on {host}.",
    "failing": "The check fails there now. Fix the error, and verify again. More: `{run}` on {host}.",
    "unreadable": "Add a monitor that watches it, or expect a metric of the check.",
    "untraced": "Check on the host that the service runs and that its tracer reaches the Agent: port 8126 answers if"
    " `apm_config.enabled` is true, and `datadog-agent status` shows a receiver under APM Agent.",
    "unmade": "Run the playbook kennel.fleet.objects, which creates it.",
    "unevaluated": "Datadog evaluates new monitors and new hosts after some minutes (new_host_delay). Verify again.",
    "ended": "Run the playbook kennel.fleet.objects, which schedules it again.",
    "unread": "Datadog did not respond. See the error.",
}
_STATUS = "sudo datadog-agent status"
_RUN = "sudo -u dd-agent datadog-agent check {check}"
_NOTHING = (
    "Check there that the Agent runs (`{status}`), its API key and site or dd_url, the firewall,"
    " and that `datadog-agent hostname` says '{host}'."
)
_GONE = "Nothing has arrived since the Agent's start. Check there that it runs (`journalctl -u datadog-agent`)."


def explain(
    found: Found, known_hosts: Collection[str] = (), agents: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[Signal, str]:
    """Return the likely cause, with its fix, of every signal that is not ok.

    :arg known_hosts: the names of hosts that Datadog lists, in lowercase, to suggest a similar one.
    :arg agents: results of ``datadog_agent_info``, by the host's name in the inventory.
    """
    causes = {}
    # Do not suggest other hosts of this run.
    strangers = set(known_hosts) - {signal.agent_host.lower() for signal in found}
    for signals in _by_host(found).values():
        states = {found[signal].state for signal in signals if signal.kind != AGENT}
        for signal in signals:
            if found[signal].ok:
                continue
            said = agent_cause(signal, found[signal].state, (agents or {}).get(signal.host))
            if said:
                causes[signal] = said
            elif states <= {"absent", "untraced"}:
                causes[signal] = _NOTHING.format(host=signal.agent_host, status=_STATUS) + _near(signal, strangers)
            elif states <= {"absent", "untraced", "old"}:
                causes[signal] = _GONE
            else:
                commands = {"status": _STATUS, "run": _RUN.format(check=signal.family)}
                causes[signal] = _CAUSES[found[signal].state].format(host=signal.host, **commands)
    return causes


def _near(signal: Signal, known_hosts: Collection[str]) -> str:
    names = {name for name in (signal.host.lower(),) if name in known_hosts}
    names.update(difflib.get_close_matches(signal.agent_host.lower(), known_hosts, n=3, cutoff=0.7))
    return f" Datadog lists {' and '.join(repr(name) for name in sorted(names))}." if names else ""


def rows(found: Found, causes: Mapping[Signal, str], urls: Mapping[Signal, str]) -> list[dict[str, Any]]:
    """Return a dictionary for each signal, sorted by host and signal."""
    return [
        {
            "host": signal.host,
            "agent_host": signal.agent_host,
            "signal": signal.label,
            "ok": verdict.ok,
            "value": verdict.value,
            "age": None if verdict.age is None else round(verdict.age, 1),
            "detail": verdict.detail,
            "cause": causes.get(signal, ""),
            "url": urls.get(signal),
        }
        for signal, verdict in _ordered(found)
    ]


def missing(found: Found, causes: Mapping[Signal, str]) -> list[str]:
    """Return a line for each problem; signals of the same host with the same cause share a line."""
    lines = []
    for (host, agent_host), signals in _by_host(found).items():
        called = host if host == agent_host else f"{host} (in Datadog {agent_host})"
        wrong: dict[tuple[str, ...], list[Signal]] = {}
        key: tuple[str, ...]
        for signal in signals:
            if signal in causes:
                alike: tuple[str, ...] = (causes[signal],) if len({causes.get(each) for each in signals}) == 1 else ()
                key = alike or (causes[signal], signal.kind, signal.family if signal.kind == PRESENT else signal.name)
                wrong.setdefault(key, []).append(signal)
        for key, together in wrong.items():
            names = ", ".join(signal.label for signal in together)
            details = {found[signal].detail for signal in together}
            alone = [found[signal].detail for signal in together if signal.kind == AGENT]
            detail = "nothing has arrived" if len(key) == 1 and len(together) > 1 else min(details)
            detail = alone[0] if alone else detail
            lines.append(f"{called}: {names}: {detail}. {key[0]}")
    return lines


def table(found: Found) -> list[str]:
    """Return aligned lines of at most 71 columns below the name of each host; metrics of one family share a line."""
    hosts = _by_host(found)
    lines: list[tuple[str, ...]] = []
    for (host, agent_host), signals in hosts.items():
        if len(hosts) > FEW_HOSTS and all(found[signal].ok for signal in signals):
            lines.append((f"{host}: ok, {len(signals)} signals",))
            continue
        lines.append((host if host == agent_host else f"{host} ({agent_host})",))
        groups: dict[tuple[str, ...], list[tuple[Signal, Verdict]]] = {}
        for signal in signals:
            key = (signal.kind, signal.family if signal.kind == PRESENT else signal.name)
            groups.setdefault(key, []).append((signal, found[signal]))
        lines += map(_line, groups.values())
    rows = [line for line in lines if len(line) > 1]
    widths = [min(max((len(row[column]) for row in rows), default=0), limit) for column, limit in enumerate(LIMITS)]
    return [_aligned(line, widths) if len(line) > 1 else line[0] for line in lines]


def progress(found: Found, waiting: Sequence[Signal], seconds: float) -> str:
    """Return how many signals have arrived, and which ones are missing."""
    names = [f"{signal.host} {signal.label}" for signal in waiting]
    there = sum(verdict.ok for verdict in found.values())
    line = ""
    for shown in (2, 1):
        named = ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
        line = f"{there} of {len(found)}, waiting for {named}, {seconds:.0f} s"
        if len(line) <= WIDTH:
            break
    return line


def _line(group: Sequence[tuple[Signal, Verdict]]) -> tuple[str, ...]:
    signal, verdict = group[0]
    if len(group) == 1:
        said = verdict.value if isinstance(verdict.value, str) else ""
        number = "" if verdict.value is None or said else f"{verdict.value:.6g}"
        parts = [said * (signal.kind != MONITOR), verdict.detail, number, _age(verdict.age)]
        return (signal.label, _result(signal, verdict), ", ".join(filter(None, parts)))
    bad = [(each, found) for each, found in group if not found.ok]
    ages = [found.age for _each, found in group if found.age is not None]
    detail = f"{len(group)} metrics"
    if bad:
        detail = f"{len(bad)} of {len(group)}: " + ", ".join(each.name for each, _found in bad)
    parts = [detail, _age(max(ages, default=None))]
    return (f"{signal.family}.*", _result(*(bad or group)[0]), ", ".join(filter(None, parts)))


def _result(signal: Signal, verdict: Verdict) -> str:
    """Return the result, in capitals if it is not as expected. A monitor with any state works."""
    said = str(verdict.value)
    if verdict.ok:
        return {"Alert": "alerts", "Warn": "warns"}.get(said, "ok") if signal.kind == MONITOR else "ok"
    return said.upper() if said in ("Alert", "Warn") else RESULTS.get(verdict.state, "MISSING")


def _age(age: float | None) -> str:
    return "" if age is None else f"{age:.0f} s ago"


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [_cut(cell, width).ljust(width) for cell, width in zip(line, widths, strict=False)]
    start = "  " + "  ".join(cells) + "  "
    return (start + _cut(line[-1], WIDTH - len(start))).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 2] + ".."


def _ordered(found: Found) -> list[tuple[Signal, Verdict]]:
    return sorted(found.items(), key=lambda item: (item[0].host, item[0].label, item[0].kind))


def _by_host(found: Found) -> dict[tuple[str, str], list[Signal]]:
    hosts: dict[tuple[str, str], list[Signal]] = {}
    for signal, _verdict in _ordered(found):
        hosts.setdefault((signal.host, signal.agent_host), []).append(signal)
    return hosts


def message(found: Found, lines: Iterable[str], seconds: float, error: Exception | None = None) -> str:
    """Return the error message if not everything was found within SECONDS."""
    bad = sum(not verdict.ok for verdict in found.values())
    first = f"Datadog does not show {bad} of {len(found)} expected signals after {seconds:.0f} s:"
    last = [f"The API also failed: {error}"] if error else []
    return "\n".join([first, *(f"- {line}" for line in lines), *last])


def files(found: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the contents of ``verify.json`` and ``verify.xml`` for these rows."""
    return {"verify.json": json.dumps({"rows": list(found)}, indent=2) + "\n", "verify.xml": junit(found)}


def junit(found: Sequence[Mapping[str, Any]]) -> str:
    """Return rows in JUnit XML format: a suite for each host, a case for each signal."""
    root = ElementTree.Element("testsuites", name="kennel verify")
    for host in dict.fromkeys(row["host"] for row in found):
        cases = [row for row in found if row["host"] == host]
        failures = sum(not row["ok"] for row in cases)
        suite = ElementTree.SubElement(root, "testsuite", name=host, tests=str(len(cases)), failures=str(failures))
        for row in cases:
            case = ElementTree.SubElement(suite, "testcase", classname=host, name=row["signal"])
            if not row["ok"]:
                ElementTree.SubElement(case, "failure", message=_legal(row["detail"])).text = _legal(row["cause"])
            else:
                ElementTree.SubElement(case, "system-out").text = _legal(row["detail"])
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _legal(text: str) -> str:
    """Return the text without control characters, which XML does not allow; messages of checks may contain them."""
    return "".join(character if character >= " " or character in "\t\n" else " " for character in text)
