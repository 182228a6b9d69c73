"""Loads and runs checks, and keeps what they submit until the next flush."""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from standin_agent.aggregator import Point
from standin_agent.config import Config
from standin_agent.configurations import RUNS_KEPT, Instance, read_configurations
from standin_agent.loader import CoreLoader, PythonLoader
from standin_agent.modules import agent_modules

# All that the real Agent takes of an event in addition to its tags and its time. The rest it does not send.
EVENT_FIELDS = ("msg_title", "msg_text", "priority", "alert_type", "aggregation_key", "source_type_name", "event_type")
SENT = ("MetricSamples", "Events", "ServiceChecks")


class Collector:
    """The checks of one process. `log` must not propagate."""

    def __init__(self, config: Config, log: logging.Logger) -> None:
        self._config, self._log = config, log
        self._lock = threading.Lock()
        self._points: list[Point] = []
        self._service_checks: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self.running: dict[str, Instance] = {}
        self.load_errors: dict[str, dict[str, str]] = {}
        self.external_tags: list[Any] = []
        found, self.config_errors = read_configurations(config)
        # The same instance twice runs once, as in the real Agent.
        self.instances = list({instance.check_id: instance for instance in found}.values())
        # They have to be there before the base.
        sys.modules.update(agent_modules(config, log, self))
        self._python = PythonLoader(config)
        self._loaders = (CoreLoader(), self._python)

    def start(self, instance: Instance) -> bool:
        """Make the check of an instance, where that is still to do; False where no loader can: see `load_errors`.

        As in the real Agent, errors are kept only where all loaders failed: one that was asked for by name leaves none.
        """
        if instance.check_id in self.running:
            return True
        errors: dict[str, str] = {}
        for loader in self._loaders:
            if instance.loader not in ("", loader.name):
                continue
            try:
                instance.check = loader.load(instance)
            # A check of this Agent's own may fail to load, too.
            except Exception as error:  # noqa: BLE001
                errors[loader.title] = self._config.scrub(str(error))
                continue
            instance.check.check_id = instance.check_id
            instance.check.provider = "file"
            instance.stats["CheckLoader"] = loader.name
            with self._lock:
                self.running[instance.check_id] = instance
                self.load_errors.pop(instance.name, None)
            return True
        all_failed = len(errors) == len(self._loaders)
        with self._lock:
            self.load_errors.pop(instance.name, None)
            if all_failed:
                self.load_errors[instance.name] = errors
        text = "; ".join(f"{title}: {error}" for title, error in errors.items())
        level = logging.ERROR if all_failed else logging.DEBUG
        self._log.log(level, "Unable to load a check from instance of config '%s': %s", instance.name, text)
        return False

    def run(self, running: Instance) -> int:
        """One run and its commit. Returns its status as a service check has it: 0 ok, 1 warning, 2 critical."""
        scrub, stats = self._config.scrub, running.stats
        warnings: list[str] = []
        before = {name: stats[f"Total{name}"] for name in SENT}
        began = time.monotonic()
        try:
            error = scrub(str(running.check.run() or ""))
            warnings = [scrub(str(warning)) for warning in running.check.get_warnings()]
        # The base catches Exception; an exit of the check's would silently end its thread.
        except BaseException as failure:  # noqa: BLE001
            trace = scrub("".join(traceback.format_exception(failure)))
            # As the base reports an error.
            error = json.dumps([{"message": trace.strip().rpartition("\n")[2], "traceback": trace}])
        points, took = running.sampler.commit(), round((time.monotonic() - began) * 1000)
        times = stats["ExecutionTimes"]
        times[stats["TotalRuns"] % RUNS_KEPT] = took
        for name, more in (("TotalRuns", 1), ("TotalErrors", bool(error)), ("TotalWarnings", len(warnings))):
            stats[name] += more
        for name, total in before.items():
            # As the real one, which leaves what the last run sent that sent anything.
            stats[name] = stats[f"Total{name}"] - total or stats[name]
        now = round(time.time())
        stats.update(LastExecutionTime=took, AverageExecutionTime=sum(times) // min(stats["TotalRuns"], RUNS_KEPT))
        stats.update(LastError=error, LastWarnings=warnings, UpdateTimestamp=now)
        stats["LastSuccessDate"] = stats["LastSuccessDate"] if error else now
        with self._lock:
            self._points += points
        return 2 if error else 1 if warnings else 0

    def take(self) -> tuple[list[Point], list[dict[str, Any]], list[dict[str, Any]]]:
        """Everything since the last call: points, service checks and events, in the form that the intake takes."""
        with self._lock:
            taken = self._points, self._service_checks, self._events
            self._points, self._service_checks, self._events = [], [], []
        return taken

    def _place(self, check_id: str, what: str, tags: list[Any], host: Any) -> tuple[list[str], str]:
        """Count a submission; its tags with those of the instance, and its host: the Agent's unless told otherwise.

        Tags that are not texts are left out, as by the real Agent.
        """
        running, default = self.running.get(check_id), self._config.hostname
        texts = [tag for tag in tags if isinstance(tag, str)]
        if running:
            running.stats[what] += 1
            texts += running.tags
            default = "" if running.config.get("empty_default_hostname") is True else default
        return list(dict.fromkeys(texts)), str(host or default)

    def submit_metric(
        self, _check: Any, check_id: str, kind: int, name: str, value: float, tags: list[str], host: str, *first: bool
    ) -> None:
        # A check that submits in its constructor has no id yet; the real Agent has no sender for it either.
        if name and check_id in self.running:
            tags, host = self._place(check_id, "TotalMetricSamples", tags, host)
            self.running[check_id].sampler.add(kind, name, value, tags, host, *first)

    def submit_service_check(
        self, _check: Any, check_id: str, name: str, status: int, tags: list[str], host: str, message: str
    ) -> None:
        tags, host = self._place(check_id, "TotalServiceChecks", tags, host)
        # The intake would refuse all that are sent together with a status that it does not know.
        known = int(status) if int(status) in range(4) else 3
        entry = {"check": name, "host_name": host, "timestamp": round(time.time()), "status": known, "tags": tags}
        if name:
            with self._lock:
                self._service_checks.append({**entry, "message": self._config.scrub(message)})

    def submit_event(self, _check: Any, check_id: str, event: dict[str, Any]) -> None:
        tags, host = self._place(check_id, "TotalEvents", list(event.get("tags") or []), event.get("host", ""))
        entry = {name: str(event[name]) for name in EVENT_FIELDS if event.get(name)}
        moment = event.get("timestamp") or round(time.time())
        with self._lock:
            self._events.append({**entry, "timestamp": moment, "tags": tags, "host": host})

    def submit_histogram_bucket(self, _check: Any, check_id: str, *_bucket: Any) -> None:
        self.unsupported(check_id, "histogram buckets (distributions)")

    submit_histogram_bucket_multi = submit_histogram_bucket

    def submit_event_platform_event(self, _check: Any, check_id: str, _event: Any, kind: str) -> None:
        self.unsupported(check_id, f"{kind} events (Database Monitoring)")

    def unsupported(self, check_id: str, what: str) -> None:
        """Note for `status` what a check has submitted in vain."""
        running = self.running.get(check_id)
        if running and what not in running.stats["Unsupported"]:
            running.stats["Unsupported"].append(what)

    def status(self) -> dict[str, Any]:
        """The parts of `status --json` that concern checks."""
        checks: dict[str, dict[str, Any]] = {}
        with self._lock:
            for check_id, running in self.running.items():
                checks.setdefault(running.name, {})[check_id] = running.stats
            loading = {name: dict(errors) for name, errors in self.load_errors.items()}
        return {
            "runnerStats": {"Checks": checks},
            "checkSchedulerStats": {"LoaderErrors": loading, "RunErrors": {}},
            "autoConfigStats": {"ConfigErrors": self.config_errors, "ResolveWarnings": {}},
            "pyLoaderStats": {"ConfigureErrors": dict(self._python.configure_errors), "Py3Warnings": {}},
        }


def beat(interval: float, delay: float, job: Callable[[], bool], stop: threading.Event) -> None:
    """Run `job` in `delay` seconds and then at a fixed beat until it returns False, or `stop`. It must not raise."""
    due = time.monotonic() + delay
    while not stop.wait(max(0.0, due - time.monotonic())) and job():
        # The next beat counts from this one's due time, so that lateness does not add up; beats missed while the job
        # ran are left out.
        due += interval * max(1, -(-(time.monotonic() - due) // interval))
