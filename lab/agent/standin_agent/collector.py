# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Holds the loaded checks, runs them, and keeps what they submitted until the next flush."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from standin_agent.aggregator import Point, Sampler
from standin_agent.config import Config
from standin_agent.loader import Catalog, CheckLoader, Instance, error_report

LOADER = "Python Check Loader"


@dataclass
class Running:
    """A loaded check instance with its statistics, in the words of the real `runnerStats`."""

    instance: Instance
    check: Any
    sampler: Sampler
    custom_tags: list[str]
    hostless: bool
    counts: Counter[str] = field(default_factory=Counter)
    last: dict[str, Any] = field(default_factory=dict)
    started: float = 0.0

    def stats(self) -> dict[str, Any]:
        """The entry for `runnerStats.Checks.<name>.<id>`; times in milliseconds, dates in Unix seconds."""
        runs = self.counts["TotalRuns"]
        return {
            "CheckName": self.instance.name,
            "CheckID": self.instance.check_id,
            "CheckConfigSource": self.instance.source,
            "Interval": self.instance.interval,
            "TotalRuns": runs,
            "TotalErrors": self.counts["TotalErrors"],
            "TotalWarnings": self.counts["TotalWarnings"],
            "TotalMetricSamples": self.counts["MetricSamples"],
            "TotalServiceChecks": self.counts["ServiceChecks"],
            "TotalEvents": self.counts["Events"],
            "AverageExecutionTime": round(self.counts["milliseconds"] / runs) if runs else 0,
            "RunningSince": self.started,
            "LastError": "",
            "LastWarnings": [],
            "Unsupported": [],
            **self.last,
        }


class Collector:
    """The sink of the seam. `host` is the Agent's name, `interval` of a sampler that of its instance."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._points: list[Point] = []
        self._service_checks: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self.running: dict[str, Running] = {}
        self.load_errors: dict[str, str] = {}
        self.external: list[Any] = []

    def load(self, catalog: Catalog, loader: CheckLoader) -> None:
        """Make a check of every instance; those that fail are in `load_errors`, by check name."""
        for instance in catalog.instances:
            service = instance.config.get("service") or instance.init_config.get("service")
            tags = instance.config.get("tags") or []
            if instance.check_id in self.running:
                continue  # The same instance twice runs once, as in the real Agent.
            if not isinstance(tags, list):
                catalog.errors[instance.name] = f"{instance.source}: `tags` of an instance must be a list"
                continue
            running = Running(
                instance,
                None,
                Sampler(instance.interval, time.time),
                [str(tag) for tag in tags] + ([f"service:{service}"] if service else []),
                instance.config.get("empty_default_hostname") is True,
            )
            self.running[instance.check_id] = running
            try:
                running.check = loader.load(instance)
            # Other people's code: whatever it raises, an exit too, is its own failure and only its.
            except BaseException as error:  # noqa: BLE001
                del self.running[instance.check_id]
                self.load_errors[instance.name] = self._config.scrub(error_report(error))

    def run(self, running: Running) -> int:
        """One run and its commit. Returns its status as a service check has it: 0 ok, 1 warning, 2 critical."""
        before = running.counts.copy()
        running.started = time.time()
        try:
            error = running.check.run()
            warnings = running.check.get_warnings()
        # The base catches Exception; an exit of the check's would silently end its thread.
        except BaseException as failure:  # noqa: BLE001
            error, warnings = error_report(failure), []
        ended = time.time()
        points = running.sampler.commit()
        counts = running.counts
        counts.update(
            TotalRuns=1,
            TotalErrors=1 if error else 0,
            TotalWarnings=len(warnings),
            milliseconds=round((ended - running.started) * 1000),
        )
        running.last.update(
            LastError=self._config.scrub(error or ""),
            LastWarnings=[self._config.scrub(str(warning)) for warning in warnings],
            LastExecutionTime=round((ended - running.started) * 1000),
            UpdateTimestamp=round(ended),
            **{kind: counts[kind] - before[kind] for kind in ("MetricSamples", "ServiceChecks", "Events")},
        )
        if not error:
            running.last["LastSuccessDate"] = round(ended)
        running.started = 0.0
        with self._lock:
            self._points += points
        return 2 if error else 1 if warnings else 0

    def take(self) -> tuple[list[Point], list[dict[str, Any]], list[dict[str, Any]]]:
        """Everything since the last call: points, service checks and events, in the form that the intake takes."""
        with self._lock:
            taken = self._points, self._service_checks, self._events
            self._points, self._service_checks, self._events = [], [], []
        return taken

    def _count(self, check_id: str, what: str) -> Running | None:
        running = self.running.get(check_id)
        if running:
            running.counts[what] += 1
        return running

    def _place(self, running: Running | None, tags: list[str], host: str) -> tuple[list[str], str]:
        """The tags with those of the instance, and the host: the Agent's unless the check or its instance says else."""
        if running is None:
            return tags, host or self._config.hostname
        default = "" if running.hostless else self._config.hostname
        return list(dict.fromkeys([*tags, *running.custom_tags])), host or default

    def sample(
        self, check_id: str, kind: int, metric: str, value: float, tags: list[str], host: str, first: bool
    ) -> None:
        # A check that submits in its constructor has no id yet; the real Agent has no sender for it either.
        running = self._count(check_id, "MetricSamples")
        if running:
            placed, host = self._place(running, tags, host)
            running.sampler.add(kind, metric, value, placed, host, first)

    def service_check(self, check_id: str, name: str, status: int, tags: list[str], host: str, message: str) -> None:
        tags, host = self._place(self._count(check_id, "ServiceChecks"), tags, host)
        entry = {
            "check": name,
            "host_name": host,
            "timestamp": round(time.time()),
            "status": status,
            "message": self._config.scrub(message),
            "tags": tags,
        }
        with self._lock:
            self._service_checks.append(entry)

    def event(self, check_id: str, event: dict[str, Any]) -> None:
        tags, host = self._place(self._count(check_id, "Events"), list(event.get("tags") or []), event.get("host", ""))
        entry = {k: v for k, v in event.items() if k != "api_key"}
        with self._lock:
            self._events.append({"timestamp": round(time.time()), **entry, "tags": tags, "host": host})

    def unsupported(self, check_id: str, what: str) -> None:
        running = self.running.get(check_id)
        if running and what not in running.last.setdefault("Unsupported", []):
            running.last["Unsupported"].append(what)

    def external_tags(self, tags: list[Any]) -> None:
        self.external = [[host, sources] for host, sources in tags]

    def status(self, catalog: Catalog) -> dict[str, Any]:
        """The parts `runnerStats`, `checkSchedulerStats` and `autoConfigStats` of `status --json`."""
        checks: dict[str, dict[str, Any]] = {}
        for check_id, running in list(self.running.items()):
            checks.setdefault(running.instance.name, {})[check_id] = running.stats()
        return {
            "runnerStats": {
                "Checks": checks,
                "Runs": sum(running.counts["TotalRuns"] for running in self.running.values()),
                "Errors": sum(running.counts["TotalErrors"] for running in self.running.values()),
                "RunningChecks": sum(bool(running.started) for running in self.running.values()),
            },
            "checkSchedulerStats": {"LoaderErrors": {n: {LOADER: text} for n, text in self.load_errors.items()}},
            "autoConfigStats": {"ConfigErrors": catalog.errors},
        }


def series(points: list[Point]) -> list[dict[str, Any]]:
    """Points in the form of v2 series: one entry for each metric, kind, tags, host and interval."""
    kinds = {"count": 1, "rate": 2, "gauge": 3}
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for point in points:
        key = (point.metric, point.kind, point.tags, point.host, point.interval)
        entry = merged.setdefault(
            key,
            {
                "metric": point.metric,
                "type": kinds[point.kind],
                "points": [],
                "tags": list(point.tags),
                "resources": [{"type": "host", "name": point.host}] if point.host else [],
                **({"interval": point.interval} if point.interval else {}),
            },
        )
        entry["points"].append({"timestamp": point.timestamp, "value": point.value})
    return list(merged.values())


def messages(last_error: str) -> list[str]:
    """The messages in the JSON error report of a check."""
    try:
        return [str(entry["message"]) for entry in json.loads(last_error)] if last_error else []
    except (ValueError, TypeError, KeyError):
        return [last_error]
