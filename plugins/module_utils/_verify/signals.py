# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has the data of a host arrived in Datadog? The queries to the API, and the verdicts on its responses. Pure.

Times are seconds since the epoch, points are ``(time, value)`` in chronological order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .._query.monitor import CheckCondition, parse_monitor
from .._tags import normalise_tag

METRIC, PRESENT, TAGS, SERVICE_CHECK = "metric", "present", "tags", "service check"
AGENT, TRACES = "agent", "traces"
DASHBOARD, MONITOR, DOWNTIME = "dashboard", "monitor", "downtime"
# Seconds of the past that a poll covers, and the maximum number of points in one series of a response.
WINDOW = 900
MAX_POINTS = 1500
# States of a monitor's group, the best first.
STATES = ("OK", "Ignored", "Skipped", "Unknown", "No Data", "Warn", "Alert")

Point = tuple[float, float]


@dataclass(frozen=True)
class Signal:
    """One thing that a host, or a fleet with its objects, is expected to show in Datadog.

    :ivar host: name in the inventory; ``agent_host`` is the name under which its Agent reports.
    :ivar name: name of a metric, a check or a traced service, or the key of an object.
    :ivar operation: operation of a service's traces, such as ``flask.request``.
    :ivar since: start of the Agent; only newer data counts. None: all data counts.
    :ivar interval: seconds between the points of a ``METRIC``, or None.
    """

    host: str
    agent_host: str
    kind: str
    name: str
    since: float | None = None
    interval: float | None = None
    low: float | None = None
    high: float | None = None
    tags: tuple[str, ...] = ()
    operation: str = ""

    @property
    def label(self) -> str:
        """Its name in a table."""
        return f"{self.kind} {self.name}" if self.kind in (TRACES, DASHBOARD, MONITOR, DOWNTIME) else self.name

    @property
    def family(self) -> str:
        """The first component of the name: ``mysql`` of ``mysql.net.connections`` and of ``mysql.can_connect``."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Verdict:
    """The result of a poll. ``state`` is ``ok`` or the problem; ``age`` is in seconds."""

    state: str
    detail: str
    value: float | str | None = None
    age: float | None = None

    @property
    def ok(self) -> bool:
        return self.state == "ok"


def wanted_signals(
    hosts: Sequence[Mapping[str, Any]], fleet: str = "", objects: Mapping[str, Sequence[str]] | None = None
) -> list[Signal]:
    """Return all signals that are expected of HOSTS and OBJECTS, which are options of the module ``datadog_verify``."""
    signals = []
    for kind in (DASHBOARD, MONITOR, DOWNTIME):
        keys = (objects or {}).get(f"{kind}s") or ()
        signals += [Signal(host=f"fleet {fleet}", agent_host=f"fleet {fleet}", kind=kind, name=key) for key in keys]
    for host in hosts:
        common = {"host": host["name"], "agent_host": host["host"], "since": host["since"]}
        if host["agent"]:
            signals.append(Signal(**common, kind=AGENT, name="Agent"))
        for metric in host["metrics"]:
            limits = {"interval": metric["interval"], "low": metric["min"], "high": metric["max"]}
            signals.append(Signal(**common, **limits, kind=METRIC, name=metric["name"]))
        signals += [Signal(**common, kind=PRESENT, name=name) for name in host["present"]]
        signals += [Signal(**common, kind=SERVICE_CHECK, name=name) for name in host["service_checks"]]
        for service in host["services"]:
            traced = {**common, "since": service["since"], "operation": service["operation"]}
            signals.append(Signal(**traced, kind=TRACES, name=service["name"]))
        if host["tags"]:
            signals.append(Signal(**common, kind=TAGS, name="tags", tags=tuple(host["tags"])))
    return signals


def with_agents(hosts: Iterable[Mapping[str, Any]], agents: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return HOSTS completed from their Agents: name in Datadog, start, time of requests.

    :arg agents: results of ``datadog_agent_info``, by the host's name in the inventory.
    """
    completed = []
    for host in hosts:
        agent = host["agent"] or agents.get(host["name"]) or {}
        since = agent.get("since") if host["since"] is None else host["since"]
        asked = agent.get("requested") or agent.get("since")
        services = [{**one, "since": asked if one["since"] is None else one["since"]} for one in host["services"]]
        name = host["host"] or agent.get("hostname") or host["name"]
        completed.append({**host, "host": name, "since": since, "services": services, "agent": agent or None})
    return completed


def argument_problems(hosts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return problems with HOSTS, each with the fix. Names become parts of queries, so only safe ones pass."""
    problems = []
    seen: dict[str, str] = {}
    for host in hosts:
        name, agent_host = host["name"], host["host"]
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", agent_host):
            problems.append(f"{name}: '{agent_host}' is not a host name. Write what `datadog-agent hostname` prints.")
        other = seen.setdefault(agent_host.lower(), name)
        if other != name:
            problems.append(
                f"{name}: reports as '{agent_host}', like {other}, so Datadog cannot tell them apart."
                " Set a different `hostname` for each in datadog.yaml."
            )
        for metric in host["metrics"]:
            if metric["interval"] is not None and metric["interval"] <= 0:
                problems.append(f"{name}: the interval of {metric['name']} is not greater than 0. Set it in seconds.")
            if None not in (metric["min"], metric["max"]) and metric["min"] > metric["max"]:
                problems.append(f"{name}: min of {metric['name']} is above its max. Swap them.")
        operations = [service["operation"] for service in host["services"]]
        for metric_name in [*(metric["name"] for metric in host["metrics"]), *host["present"], *operations]:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", metric_name):
                problems.append(f"{name}: '{metric_name}' is not a metric name. Use letters, digits, '_' and '.'.")
        for service in host["services"]:
            if normalise_tag(f"service:{service['name']}") != f"service:{service['name']}":
                problems.append(
                    f"{name}: '{service['name']}' is not a valid service name. Write it as Datadog shows it."
                )
    return problems


def resolution(window: float) -> int:
    """Return the seconds per point in a response over WINDOW seconds: 1, unless that gives too many points."""
    return max(1, math.ceil(window / MAX_POINTS))


def window_for(interval: float | None) -> int:
    """Return the seconds of the past to request, which cover two of INTERVAL."""
    return max(WINDOW, math.ceil(3 * (interval or 0)) + 60)


def series_query(metric: str, agent_hosts: Sequence[str], seconds: int) -> str:
    """Return the query for METRIC with a series for each of AGENT_HOSTS and a rollup of SECONDS."""
    scope = f"host:{agent_hosts[0]}" if len(agent_hosts) == 1 else f"host IN ({','.join(agent_hosts)})"
    return f"avg:{metric}{{{scope}}} by {{host}}.rollup(avg, {seconds})"


def read_series(found: Iterable[Mapping[str, Any]]) -> dict[str, list[Point]]:
    """Return the points of time series, as the API returns them, by host name in lowercase."""
    points: dict[str, list[Point]] = {}
    for series in found:
        for tag in series.get("tag_set") or (series.get("scope") or "").split(","):
            key, _colon, host = tag.partition(":")
            if key == "host":
                values = [(at / 1000, value) for at, value in series["pointlist"] if value is not None]
                points.setdefault(host.lower(), []).extend(values)
    return {host: sorted(found) for host, found in points.items()}


def tolerance(interval: float) -> float:
    """Return the allowed deviation from INTERVAL in seconds: 3, or a tenth of INTERVAL if that is more.

    It is always less than half of INTERVAL, so that a missing point is never mistaken for a late one.
    """
    return min(max(3.0, 0.1 * interval), 0.49 * interval)


def judge_points(signal: Signal, points: Sequence[Point], *, now: float, freshness: float) -> Verdict:
    """Judge the points of a ``METRIC`` or ``PRESENT``.

    A point may be two intervals old, or FRESHNESS seconds if there is no interval. An interval needs two points after
    ``since``, and every interval between such points must be right: the gap across a restart does not count.
    """
    if not points:
        return Verdict("absent", "no point has arrived")
    counted = [point for point in points if signal.since is None or point[0] > signal.since]
    if not counted:
        ago = now - points[-1][0]
        return Verdict("old", f"no point since the Agent's start, the last {ago:.0f} s ago", points[-1][1], ago)
    newest, value = counted[-1]
    age = now - newest
    limit = 2 * signal.interval if signal.interval else freshness
    outside = [found for _at, found in counted if not _within(found, signal)]
    if outside:
        return Verdict("range", f"{outside[-1]:g} is not {_range(signal)}", outside[-1], age)
    if age > limit:
        return Verdict("stale", f"newest point {age:.0f} s old, {limit:.0f} s allowed", value, age)
    if -age > max(60.0, signal.interval or 0.0):
        return Verdict("clock", f"newest point {-age:.0f} s in the future", value, age)
    if signal.interval is None:
        return Verdict("ok", f"{len(counted)} points", value, age)
    return _judge_spacing(signal.interval, counted, Verdict("ok", "", value, age))


def _judge_spacing(interval: float, points: Sequence[Point], good: Verdict) -> Verdict:
    if len(points) < 2:
        return Verdict("waiting", f"1 point, two are needed for an interval of {interval:g} s", good.value, good.age)
    allowed = tolerance(interval) + resolution(window_for(interval)) - 1
    spacings = [later[0] - earlier[0] for earlier, later in pairwise(points)]
    wrong = [spacing for spacing in spacings if abs(spacing - interval) > allowed]
    if not wrong:
        text = f"{len(points)} points, every {_span(spacings)} s"
        return Verdict("ok", text, good.value, good.age)
    text = f"{len(wrong)} of {len(spacings)} intervals wrong: {_span(wrong)} s, {interval:g} s expected"
    # If the distances are multiples of the interval, the interval is right and points are lost.
    lost = all(spacing > interval and abs(spacing / interval - round(spacing / interval)) < 0.1 for spacing in wrong)
    return Verdict("gaps" if lost and len(wrong) < len(spacings) else "interval", text, good.value, good.age)


def _span(numbers: Sequence[float]) -> str:
    low, high = f"{min(numbers):.0f}", f"{max(numbers):.0f}"
    return low if low == high else f"{low} to {high}"


def _within(value: float, signal: Signal) -> bool:
    above = signal.low is None or value >= signal.low
    return above and (signal.high is None or value <= signal.high) and not math.isnan(value)


def _range(signal: Signal) -> str:
    if signal.low is not None and signal.high is not None:
        return f"within {signal.low:g} to {signal.high:g}"
    if signal.low is not None:
        return f"{signal.low:g} or more"
    return "a number" if signal.high is None else f"{signal.high:g} or less"


def hits_query(service: str, operation: str, agent_hosts: Sequence[str]) -> str:
    """Return the query for the number of requests to a service by host, from its trace metrics."""
    scope = f"service:{service} AND host IN ({','.join(agent_hosts)})"
    return f"sum:trace.{operation}.hits{{{scope}}} by {{host}}.as_count()"


def spans_search(signal: Signal) -> dict[str, str]:
    """Return the parameters of a search for the newest span of a service on a host."""
    words = f"service:{signal.name} operation_name:{signal.operation} host:{signal.agent_host}"
    return {"filter[query]": words, "filter[from]": "now-15m", "sort": "-timestamp", "page[limit]": "1"}


def judge_traces(signal: Signal, points: Sequence[Point], trace: str, *, now: float) -> Verdict:
    """Judge a service by its number of requests; TRACE is the ID of the newest trace, if any was found.

    A count covers an interval that may have started half a minute before ``since``.
    """
    counted = [(at, hits) for at, hits in points if hits > 0 and (signal.since is None or at > signal.since - 30)]
    if not counted:
        return Verdict("untraced", "no request has been counted")
    found = f"trace {trace}" if trace else "no retained trace"
    hits = sum(hits for _at, hits in counted)
    return Verdict("ok", f"{hits:g} requests to {signal.operation}, {found}", hits, max(0.0, now - counted[-1][0]))


def judge_agent(agent: Mapping[str, Any]) -> Verdict:
    """Judge an Agent by the result of ``datadog_agent_info``."""
    if not agent["active"]:
        return Verdict("down", "the Agent is not running", "down")
    if "invalid" in agent["key"].lower():
        return Verdict("refused", f"it says: {agent['key']}", "running")
    problems = [f"check {name}: {text}" for name, text in sorted(agent["checks"].items())]
    return Verdict("ok", "; ".join([agent["key"] or "its key status is unknown", *problems]), "running")


def read_hosts(host_list: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the tags from all sources by each name that Datadog has for a host, in lowercase."""
    shown: dict[str, set[str]] = {}
    for host in host_list:
        tags = {tag for source in (host.get("tags_by_source") or {}).values() for tag in source}
        for name in {host.get("name"), host.get("host_name"), *(host.get("aliases") or ())} - {None, ""}:
            shown.setdefault(name.lower(), set()).update(tags)
    return shown


def judge_tags(signal: Signal, shown: set[str] | None) -> Verdict:
    """Judge the tags that Datadog shows for a host; SHOWN is None if Datadog does not list the host."""
    if shown is None:
        return Verdict("absent", "Datadog does not list the host")
    there = {_stored(tag) for tag in shown}
    missing = [tag for tag in signal.tags if _stored(tag) not in there]
    if missing:
        return Verdict("tags", f"{len(missing)} of {len(signal.tags)} missing: {', '.join(missing)}")
    return Verdict("ok", f"{len(signal.tags)} expected tags")


def _stored(tag: str) -> str:
    return normalise_tag(tag) or tag.lower()


def read_check_states(monitors: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return the states in MONITORS, which were read with their groups, by check and by host in lowercase.

    Contains every check that a monitor watches by host, even if the monitor has not seen a host yet.
    """
    states: dict[str, dict[str, list[str]]] = {}
    for monitor in monitors:
        try:
            condition = parse_monitor(monitor.get("query") or "", "service check")
        # Other types of monitors have a different syntax.
        except ValueError:
            continue
        if not isinstance(condition, CheckCondition) or "host" not in condition.by:
            continue
        hosts = states.setdefault(condition.check, {})
        for name, group in ((monitor.get("state") or {}).get("groups") or {}).items():
            for tag in name.split(","):
                key, _colon, host = tag.partition(":")
                if key == "host":
                    hosts.setdefault(host.lower(), []).append(group["status"])
    return states


def judge_check_states(states: Sequence[str]) -> Verdict:
    """Judge a service check by the states of monitors for it on the host."""
    if not states:
        return Verdict("absent", "its monitor has not seen it on this host yet")
    worst = max(states, key=lambda state: STATES.index(state) if state in STATES else len(STATES))
    return Verdict("ok" if worst == STATES[0] else "status", f"its monitor says {worst}", worst)


def judge_check_by_metrics(signal: Signal, related: Sequence[Verdict]) -> Verdict:
    """Judge a service check without a monitor by the check's own metrics, since the API has no service checks."""
    if not related:
        return Verdict("unreadable", "no monitor watches it, and no metric of the check is expected")
    bad = [verdict for verdict in related if not verdict.ok]
    ages = [verdict.age for verdict in related if verdict.age is not None]
    said = f"judged by {signal.family}.*, since no monitor watches it"
    if bad:
        return Verdict(bad[0].state, f"{bad[0].detail} ({said})", age=min(ages, default=None))
    return Verdict("ok", said, age=min(ages, default=None))
