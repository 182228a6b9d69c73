# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has arrived, for people and machines: rows, a table, files, and what is missing with its likely cause."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from .agent import agent_cause
from .signals import AGENT, PRESENT, Signal, Verdict

WIDTH = 100
HEADINGS = ("HOST", "SIGNAL", "RESULT", "VALUE", "AGE", "DETAIL")
# The widest that a column before the last may be.
LIMITS = (22, 26, 7, 8, 6)

Found = Mapping[Signal, Verdict]

_CAUSES = {
    "absent": "Other data of this host arrives: run `datadog-agent status` there and look for errors of the check.",
    "old": "The check has not run since the Agent's start: run `datadog-agent status` there and look for its errors.",
    "stale": "It has stopped: run `datadog-agent status` there and look for errors of the check.",
    "interval": "The Agent runs it at another interval: check min_collection_interval under instances in the"
    " check's conf.yaml, and that the Agent was restarted since.",
    "gaps": "Points are lost: look in the Agent's log for runs that failed or took longer than the interval.",
    "waiting": "Give it longer: raise the timeout above two intervals.",
    "range": "The check sends what it should not, or min and max are not what it should send.",
    "clock": "Set the clock of the host, or of this machine, right.",
    "tags": "Check tags in datadog.yaml there; new tags of a host may take Datadog some minutes.",
    "status": "Run `datadog-agent check` for it there to see the error.",
    "failing": "The check fails there now: fix what it says, and ask again.",
    "unreadable": "Let a monitor watch it, or name a metric of the check among those that must be present.",
    "untraced": "See on the host that the service runs and that its tracer reaches the Agent: port 8126 answers where"
    " `apm_config.enabled` is true, and `datadog-agent status` shows a receiver under APM Agent.",
    "unmade": "Run the playbook kennel.fleet.objects, which creates it.",
    "unevaluated": "Datadog looks at a new monitor, and at new hosts, after some minutes (new_host_delay): ask again.",
    "ended": "Run the playbook kennel.fleet.objects, which schedules it again.",
    "unread": "Datadog did not answer: see the error.",
}
_NOTHING = (
    "Check there that the Agent runs (`datadog-agent status`), its API key and site or dd_url, the firewall,"
    " and that `datadog-agent hostname` says '{host}'."
)
_GONE = "Nothing has arrived since the Agent's start: check there that it runs (`journalctl -u datadog-agent`)."


def explain(
    found: Found, known_hosts: Collection[str] = (), agents: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[Signal, str]:
    """Return the likely cause, with its fix, of every signal that is not ok.

    :arg known_hosts: the names of hosts that Datadog lists, in lower case, for a hint at one that was meant.
    :arg agents: what the Agents say of themselves, by the host's name in the inventory.
    """
    causes = {}
    # The other hosts that were asked for are accounted for.
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
                causes[signal] = _NOTHING.format(host=signal.agent_host) + _near(signal, strangers)
            elif states <= {"absent", "untraced", "old"}:
                causes[signal] = _GONE
            else:
                causes[signal] = _CAUSES[found[signal].state]
    return causes


def _near(signal: Signal, known_hosts: Collection[str]) -> str:
    names = {name for name in (signal.host.lower(),) if name in known_hosts}
    names.update(difflib.get_close_matches(signal.agent_host.lower(), known_hosts, n=3, cutoff=0.7))
    return f" Datadog lists {' and '.join(repr(name) for name in sorted(names))}." if names else ""


def rows(found: Found, causes: Mapping[Signal, str], urls: Mapping[Signal, str]) -> list[dict[str, Any]]:
    """Return a dictionary for each signal, in the order of host and signal."""
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
    """Return a line for each thing that is wrong; signals of one host with one cause share a line."""
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
    """Return aligned lines of at most 100 columns, a heading first; metrics of one family share a line."""
    groups: dict[tuple[str, ...], list[tuple[Signal, Verdict]]] = {}
    for signal, verdict in _ordered(found):
        key = (signal.host, signal.kind, signal.family if signal.kind == PRESENT else signal.name)
        groups.setdefault(key, []).append((signal, verdict))
    lines: list[tuple[str, ...]] = [HEADINGS, *(_line(group) for group in groups.values())]
    widths = [min(max(len(line[column]) for line in lines), limit) for column, limit in enumerate(LIMITS)]
    return [_aligned(line, widths) for line in lines]


def _line(group: Sequence[tuple[Signal, Verdict]]) -> tuple[str, ...]:
    signal, verdict = group[0]
    bad = [(each, found) for each, found in group if not found.ok]
    if len(group) == 1:
        return (signal.host, signal.label, _result(bad), _value(verdict.value), _age(verdict.age), verdict.detail)
    ages = [found.age for _each, found in group if found.age is not None]
    detail = f"{len(group)} metrics"
    if bad:
        detail = f"{len(bad)} of {len(group)}: " + ", ".join(each.name for each, _found in bad)
    return (signal.host, f"{signal.family}.*", _result(bad), "", _age(max(ages, default=None)), detail)


def _result(bad: Sequence[Any]) -> str:
    return "MISSING" if bad else "ok"


def _value(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.6g}"


def _age(age: float | None) -> str:
    return "" if age is None else f"{age:.0f} s"


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [_cut(cell, width).ljust(width) for cell, width in zip(line, widths, strict=False)]
    start = "  ".join(cells) + "  "
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
    """Return the words with which a run fails that did not find everything within SECONDS."""
    bad = sum(not verdict.ok for verdict in found.values())
    first = f"Datadog does not show {bad} of {len(found)} expected signals after {seconds:.0f} s:"
    last = [f"Meanwhile the API failed: {error}"] if error else []
    return "\n".join([first, *(f"- {line}" for line in lines), *last])


def files(found: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the texts of ``verify.json`` and ``verify.xml``, given rows."""
    return {"verify.json": json.dumps({"rows": list(found)}, indent=2) + "\n", "verify.xml": junit(found)}


def junit(found: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as XML in the form of JUnit: a suite for each host, a case for each signal."""
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
    """The text without the control characters that XML cannot hold; messages of checks may bring them."""
    return "".join(character if character >= " " or character in "\t\n" else " " for character in text)
