# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loads and runs checks, and keeps what they submit until the next flush."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from standin_agent import AGENT_VERSION
from standin_agent.aggregator import Kinds, Point
from standin_agent.config import Config
from standin_agent.loader import CheckLoader, Instance, error_report, read_configurations


class Collector(Kinds):
    """The checks of one process, and to the base its module `aggregator`, which takes what checks submit."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._points: list[Point] = []
        self._service_checks: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self.running: dict[str, Instance] = {}
        self.instances: list[Instance] = []
        self.config_errors: dict[str, str] = {}
        self.load_errors: dict[str, str] = {}
        self.external_tags: list[Any] = []

    def install(self, log: logging.Logger) -> None:
        """Make importable what the base expects inside an Agent, before it is first imported: the base then calls it.

        For the companions of these modules (`tagger`, `_util`) it has stand-ins of its own. The base installs a root
        log handler that calls `datadog_agent.log`: `log` does not propagate, or a record would never end.
        """
        log.propagate = False
        cache: dict[str, str] = {}
        config, started = self._config, time.time()
        agent = SimpleNamespace(
            get_config=config.get,
            get_hostname=lambda: config.hostname,
            get_host_tags=lambda: json.dumps({"system": config.host_tags}),
            get_version=lambda: AGENT_VERSION,
            get_clustername=lambda: "",
            get_process_start_time=lambda: started,
            headers=lambda *_args, **_options: {"User-Agent": f"Datadog Agent/{AGENT_VERSION}"},
            log=lambda message, level: log.log(level, "%s", message),
            tracemalloc_enabled=lambda: False,
            set_external_tags=lambda tags: setattr(self, "external_tags", [list(entry) for entry in tags]),
            read_persistent_cache=lambda key: cache.get(key, ""),
            write_persistent_cache=cache.__setitem__,
            # Its callers are Database Monitoring's, which is not here: nothing leaves the host.
            obfuscate_sql=lambda query, _options=None: query,
            send_log=lambda _line, check_id: self.unsupported(check_id, "logs"),
            **dict.fromkeys(("set_check_metadata", "emit_agent_telemetry", "report_issue", "resolve_issue"), _nothing),
        )
        # What is imported is what stands here, a module or not.
        sys.modules.update({"aggregator": self, "datadog_agent": agent})  # type: ignore[dict-item]

    def load(self, only: str | None = None) -> None:
        """Make a check of every configured instance, or of those of one check; what fails is in the two `errors`.

        `install` must have run before.
        """
        self.instances, self.config_errors = read_configurations(self._config)
        loader = CheckLoader(self._config)
        for instance in self.instances:
            # The same instance twice runs once, as in the real Agent.
            if instance.check_id in self.running or only not in (None, instance.name):
                continue
            try:
                instance.check = loader.load(instance)
                self.running[instance.check_id] = instance
            # Other people's code: whatever it raises, an exit too, is its own failure and only its.
            except BaseException as error:  # noqa: BLE001
                self.load_errors[instance.name] = self._config.scrub(error_report(error))

    def run(self, running: Instance) -> int:
        """One run and its commit. Returns its status as a service check has it: 0 ok, 1 warning, 2 critical."""
        try:
            error = running.check.run()
            warnings = running.check.get_warnings()
        # The base catches Exception; an exit of the check's would silently end its thread.
        except BaseException as failure:  # noqa: BLE001
            error, warnings = error_report(failure), []
        points = running.sampler.commit()
        running.counts.update(TotalRuns=1, TotalErrors=bool(error), TotalWarnings=len(warnings))
        running.last.update(
            LastError=self._config.scrub(error or ""),
            LastWarnings=[self._config.scrub(str(warning)) for warning in warnings],
            UpdateTimestamp=round(time.time()),
        )
        with self._lock:
            self._points += points
        return 2 if error else 1 if warnings else 0

    def take(self) -> tuple[list[Point], list[dict[str, Any]], list[dict[str, Any]]]:
        """Everything since the last call: points, service checks and events, in the form that the intake takes."""
        with self._lock:
            taken = self._points, self._service_checks, self._events
            self._points, self._service_checks, self._events = [], [], []
        return taken

    def _place(self, check_id: str, what: str, tags: list[str], host: str) -> tuple[list[str], str]:
        """Count a submission; its tags with those of the instance, and its host: the Agent's unless told otherwise."""
        running = self.running.get(check_id)
        if running is None:
            return tags, host or self._config.hostname
        running.counts[what] += 1
        default = "" if running.config.get("empty_default_hostname") is True else self._config.hostname
        return list(dict.fromkeys([*tags, *running.tags])), host or default

    def submit_metric(
        self, _check: Any, check_id: str, kind: int, name: str, value: float, tags: list[str], host: str, *first: bool
    ) -> None:
        # A check that submits in its constructor has no id yet; the real Agent has no sender for it either.
        if check_id in self.running:
            tags, host = self._place(check_id, "TotalMetricSamples", tags, host)
            self.running[check_id].sampler.add(kind, name, value, tags, host, *first)

    def submit_service_check(
        self, _check: Any, check_id: str, name: str, status: int, tags: list[str], host: str, message: str
    ) -> None:
        tags, host = self._place(check_id, "TotalServiceChecks", tags, host)
        entry = {"check": name, "host_name": host, "timestamp": round(time.time()), "status": int(status)}
        with self._lock:
            self._service_checks.append({**entry, "message": self._config.scrub(message), "tags": tags})

    def submit_event(self, _check: Any, check_id: str, event: dict[str, Any]) -> None:
        tags, host = self._place(check_id, "TotalEvents", list(event.get("tags") or []), event.get("host", ""))
        entry = {k: v for k, v in event.items() if k != "api_key"}
        with self._lock:
            self._events.append({"timestamp": round(time.time()), **entry, "tags": tags, "host": host})

    def submit_histogram_bucket(self, _check: Any, check_id: str, *_bucket: Any) -> None:
        self.unsupported(check_id, "histogram buckets (distributions)")

    submit_histogram_bucket_multi = submit_histogram_bucket

    def submit_event_platform_event(self, _check: Any, check_id: str, _event: Any, kind: str) -> None:
        self.unsupported(check_id, f"{kind} events (Database Monitoring)")

    def unsupported(self, check_id: str, what: str) -> None:
        """Note for `status` what a check has submitted in vain."""
        running = self.running.get(check_id)
        if running and what not in running.last["Unsupported"]:
            running.last["Unsupported"].append(what)

    def status(self) -> dict[str, Any]:
        """The parts `runnerStats`, `checkSchedulerStats` and `autoConfigStats` of `status --json`."""
        checks: dict[str, dict[str, Any]] = {}
        for check_id, running in list(self.running.items()):
            checks.setdefault(running.name, {})[check_id] = running.stats()
        loading = {name: {"Python Check Loader": text} for name, text in self.load_errors.items()}
        return {
            "runnerStats": {"Checks": checks},
            "checkSchedulerStats": {"LoaderErrors": loading},
            "autoConfigStats": {"ConfigErrors": self.config_errors},
        }


def _nothing(*_args: Any, **_options: Any) -> None:
    """What only concerns the real Agent's own telemetry and inventory products."""


class Scheduler:
    """Runs each job at its own interval, in a thread of its own: one that hangs or is slow delays no other.

    Jobs start `spread` seconds after one another and then keep their own fixed beat.
    """

    def __init__(self, spread: float = 0.2) -> None:
        self._spread = spread
        self._stop = threading.Event()
        self._jobs = 0

    def add(self, name: str, interval: float, job: Callable[[], Any]) -> None:
        """Run `job` soon and then every `interval` seconds. The job must not raise."""
        due = time.monotonic() + self._spread * self._jobs
        self._jobs += 1
        # A daemon thread: a hanging check does not keep the Agent from ending.
        threading.Thread(target=self._beat, args=(interval, due, job), name=name, daemon=True).start()

    def _beat(self, interval: float, due: float, job: Callable[[], Any]) -> None:
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            job()
            # The next beat counts from this one's due time, so that lateness does not add up; beats missed while the
            # job ran are left out.
            due += interval * max(1, -(-(time.monotonic() - due) // interval))

    def stop(self) -> None:
        """Let no job start any more; running ones are left to end."""
        self._stop.set()
