# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Poll Datadog for the expected signals."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._api.client import Client
from .._api.errors import DatadogError
from .._objects.gateway import gateway
from . import objects, signals
from .signals import (
    AGENT,
    DASHBOARD,
    DOWNTIME,
    METRIC,
    MONITOR,
    PRESENT,
    SERVICE_CHECK,
    TAGS,
    TRACES,
    Point,
    Signal,
    Verdict,
)

HOSTS_PER_QUERY = 50


class Watch:
    """What is known about each signal so far. Every poll requests those that are not ok yet.

    :arg agents: results of ``datadog_agent_info``, by the host's name in the inventory.
    :arg evaluated: whether monitors must have been evaluated.
    :arg patience: seconds for which a monitor may stay in Alert before it is no longer waited for.
    """

    def __init__(
        self,
        client: Client,
        expected: Iterable[Signal],
        freshness: float,
        fleet: str,
        agents: Mapping[str, Mapping[str, Any]] | None = None,
        evaluated: bool = True,
        patience: float = 60.0,
    ) -> None:
        self.client, self.freshness, self.fleet, self.agents = client, freshness, fleet, agents or {}
        self._judge_monitor = functools.partial(objects.judge_monitor, evaluated=evaluated)
        self.found = {signal: Verdict("unread", "Datadog has not been asked yet") for signal in expected}
        self.found.update({signal: signals.judge_agent(self.agents[signal.host]) for signal in self.pending(AGENT)})
        self.known_hosts: dict[str, set[str]] = {}
        # URLs of the objects that were found, and of the hosts.
        self.urls = {
            signal: client.web_address(f"/infrastructure?filter={signal.agent_host}")
            for signal in self.found
            if signal.kind not in (DASHBOARD, MONITOR, DOWNTIME)
        }
        self.error: DatadogError | None = None
        self._answered = False
        self._patience = patience
        # The time at which the monitor of a check was first seen in Alert.
        self._alerting: dict[Signal, float] = {}

    def pending(self, *kinds: str) -> list[Signal]:
        """Return the signals of KINDS, or of all, that are not ok yet."""
        return [s for s, verdict in self.found.items() if not verdict.ok and (not kinds or s.kind in kinds)]

    def waiting(self) -> list[Signal]:
        """Return the signals that may still arrive.

        Excludes signals of a host whose Agent is not running, and of a check that fails there or whose monitor stays in
        Alert.
        """
        gone = {signal.host for signal in self.pending(AGENT)}
        lasting = time.monotonic() - self._patience
        broken = {
            (signal.host, signal.family)
            for signal in self.pending(SERVICE_CHECK)
            if self.found[signal].state == "failing" or self._alerting.get(signal, math.inf) <= lasting
        }
        return [
            signal
            for signal in self.pending()
            if signal.host not in gone
            and not (signal.kind in (METRIC, PRESENT, SERVICE_CHECK) and (signal.host, signal.family) in broken)
        ]

    def look(self) -> None:
        """Poll once. Temporary failures of the API are tolerated once it has answered, since the next poll follows."""
        self.error = None
        try:
            self._look_at_metrics()
            self._look_at_tags()
            self._look_at_monitors()
            self._look_at_traces()
            self._look_at_others(DASHBOARD, objects.judge_dashboard)
            self._look_at_others(DOWNTIME, objects.judge_downtime)
        except DatadogError as error:
            if not error.transient or not self._answered:
                raise
            self.error = error

    def _get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, **params)
        self._answered = True
        return answer

    def _look_at_metrics(self) -> None:
        queries: dict[tuple[str, int], list[Signal]] = {}
        for signal in self.pending(METRIC, PRESENT):
            queries.setdefault((signal.name, signals.window_for(signal.interval)), []).append(signal)
        for (metric, window), expected in queries.items():
            query = functools.partial(signals.series_query, metric, seconds=signals.resolution(window))
            points = self._of_hosts(expected, window, query)
            now = time.time()
            for signal in expected:
                seen = points.get(signal.agent_host.lower(), [])
                self.found[signal] = signals.judge_points(signal, seen, now=now, freshness=self.freshness)

    def _of_hosts(
        self, expected: Iterable[Signal], window: int, query: Callable[[list[str]], str]
    ) -> dict[str, list[Point]]:
        hosts = sorted({signal.agent_host for signal in expected})
        points: dict[str, list[Point]] = {}
        for start in range(0, len(hosts), HOSTS_PER_QUERY):
            points.update(self._points(query(hosts[start : start + HOSTS_PER_QUERY]), window))
        return points

    def _points(self, query: str, window: int) -> dict[str, Any]:
        now = int(time.time())
        found = self.client.series(query, now - window, now)
        self._answered = True
        return signals.read_series(found)

    def _look_at_tags(self) -> None:
        expected = self.pending(TAGS)
        if expected:
            self.known_hosts = signals.read_hosts(self.client.pages("hosts"))
            self._answered = True
        for signal in expected:
            self.found[signal] = signals.judge_tags(signal, self.known_hosts.get(signal.agent_host.lower()))

    def _look_at_monitors(self) -> None:
        checks, monitors = self.pending(SERVICE_CHECK), self.pending(MONITOR)
        listed = self._monitors() if checks or monitors else []
        states = signals.read_check_states(listed)
        for signal in checks:
            # The Agent knows first: a monitor waits for several failures.
            if error := self.agents.get(signal.host, {}).get("checks", {}).get(signal.family):
                self.found[signal] = Verdict("failing", error, "CRITICAL")
            elif signal.name in states:
                seen = states[signal.name].get(signal.agent_host.lower(), [])
                self.found[signal] = signals.judge_check_states(seen)
            else:
                self.found[signal] = signals.judge_check_by_metrics(signal, self._related(signal))
            if self.found[signal].value == "Alert":
                self._alerting.setdefault(signal, time.monotonic())
            else:
                self._alerting.pop(signal, None)
        self._judge_objects(monitors, MONITOR, listed, self._judge_monitor)

    def _monitors(self) -> list[dict[str, Any]]:
        """Return the fleet's monitors with the states of their groups; none where the key may not read them."""
        if not self.fleet:
            return []
        try:
            tags = f"managed_by:kennel,kennel_fleet:{self.fleet}"
            return list(self.client.pages("monitor", monitor_tags=tags, group_states="all"))
        except DatadogError as error:
            # After other reads were allowed, a refusal concerns monitors and not the keys.
            if error.status != 403 or not self._answered:
                raise
            return []

    def _look_at_others(self, kind: str, judge: Callable[[Mapping[str, Any]], Verdict]) -> None:
        if expected := self.pending(kind):
            self._judge_objects(expected, kind, gateway(self.client, kind).list_objects(self.fleet), judge)

    def _judge_objects(
        self, expected: list[Signal], kind: str, found: Iterable[Any], judge: Callable[[Mapping[str, Any]], Verdict]
    ) -> None:
        schema = gateway(self.client, kind).schema
        marks = ((schema.mark(each), each) for each in found)
        ours = {mark.key: each for mark, each in marks if mark and mark.fleet == self.fleet}
        for signal in expected:
            if found_one := ours.get(signal.name):
                self.found[signal] = judge(found_one)
                self.urls[signal] = self.client.web_address(schema.page(found_one))
            else:
                self.found[signal] = objects.UNMADE

    def _look_at_traces(self) -> None:
        services: dict[tuple[str, str], list[Signal]] = {}
        for signal in self.pending(TRACES):
            services.setdefault((signal.name, signal.operation), []).append(signal)
        for (service, operation), expected in services.items():
            query = functools.partial(signals.hits_query, service, operation)
            points = self._of_hosts(expected, signals.window_for(None), query)
            for signal in expected:
                seen = points.get(signal.agent_host.lower(), [])
                trace = self._trace(signal) if seen else ""
                self.found[signal] = signals.judge_traces(signal, seen, trace, now=time.time())

    def _trace(self, signal: Signal) -> str:
        """Return the ID of a service's newest trace; empty if none is retained or the key may not search."""
        try:
            found = self._get("spans/events", version="v2", **signals.spans_search(signal))["data"]
        except DatadogError as error:
            if error.status not in (403, 404):
                raise
            return ""
        return str(found[0]["attributes"].get("trace_id", "")) if found else ""

    def _related(self, check: Signal) -> list[Verdict]:
        return [
            verdict
            for signal, verdict in self.found.items()
            if (signal.host, signal.family) == (check.host, check.family) and signal.kind in (METRIC, PRESENT)
        ]
