"""Loads and runs checks, and keeps what they submit until the next flush."""

import hashlib
import json
import logging
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from standin_agent import AGENT_VERSION
from standin_agent.aggregator import Kinds, Point
from standin_agent.config import Config
from standin_agent.loader import CheckLoader, Instance, read_configurations

# All that the real Agent takes of an event beside its tags and its time. The rest it does not send.
EVENT_FIELDS = ("msg_title", "msg_text", "priority", "alert_type", "aggregation_key", "source_type_name", "event_type")


class Collector(Kinds):
    """The checks of one process, and to the base its module `aggregator`, which takes what checks submit.

    `log` must not propagate: the base's root log handler calls `datadog_agent.log`, and a record would never end.
    """

    def __init__(self, config: Config, log: logging.Logger) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._points: list[Point] = []
        self._service_checks: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self.running: dict[str, Instance] = {}
        self.load_errors: dict[str, str] = {}
        self.external_tags: list[Any] = []
        self._loading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        found, self.config_errors = read_configurations(config)
        # The same instance twice runs once, as in the real Agent.
        self.instances = list({instance.check_id: instance for instance in found}.values())
        # What is imported is what stands here, a module or not. It has to be there before the base.
        modules = {"aggregator": self, "datadog_agent": self._agent_module(log)}
        sys.modules.update(modules)  # type: ignore[arg-type]
        self._loader = CheckLoader(config)

    def _agent_module(self, log: logging.Logger) -> SimpleNamespace:
        """The module `datadog_agent`. For its companions (`tagger`, `_util`) the base has stand-ins of its own."""
        config, started = self._config, time.time()
        return SimpleNamespace(
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
            read_persistent_cache=self._read_cache,
            write_persistent_cache=self._write_cache,
            send_log=lambda _line, check_id: self.unsupported(check_id, "logs"),
            # Their callers are Database Monitoring's, which is not here: nothing leaves the host.
            **{f"obfuscate_{what}": lambda text, *_: text for what in ("sql", "sql_exec_plan", "mongodb_string")},
            # What only concerns the real Agent's own telemetry and inventory products.
            **dict.fromkeys(("set_check_metadata", "emit_agent_telemetry", "report_issue", "resolve_issue"), _nothing),
        )

    def _cache_file(self, key: str) -> Path:
        return Path(self._config.values["run_path"]) / f"cache-{hashlib.sha256(key.encode()).hexdigest()[:32]}"

    def _read_cache(self, key: str) -> str:
        file = self._cache_file(key)
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def _write_cache(self, key: str, value: str) -> None:
        file = self._cache_file(key)
        # Root's `datadog-agent check` may have left one that the Agent's user can remove, but not write.
        file.unlink(missing_ok=True)
        file.write_text(value, encoding="utf-8")

    def start(self, instance: Instance) -> bool:
        """Make the check of an instance, where that is still to do; False where it failed: see `load_errors`."""
        # Each check's own lock: one that takes long to load delays no other, and no module is loaded twice.
        with self._loading[instance.name]:
            if instance.check_id not in self.running:
                try:
                    instance.check = self._loader.load(instance)
                # Other people's code: whatever it raises, an exit too, is its own failure and only its.
                except BaseException as error:  # noqa: BLE001
                    self.load_errors[instance.name] = self._config.scrub("".join(traceback.format_exception(error)))
                    return False
                self.running[instance.check_id] = instance
        return True

    def run(self, running: Instance) -> int:
        """One run and its commit. Returns its status as a service check has it: 0 ok, 1 warning, 2 critical."""
        scrub = self._config.scrub
        warnings: list[str] = []
        try:
            error = scrub(str(running.check.run() or ""))
            warnings = [scrub(str(warning)) for warning in running.check.get_warnings()]
        # The base catches Exception; an exit of the check's would silently end its thread.
        except BaseException as failure:  # noqa: BLE001
            trace = scrub("".join(traceback.format_exception(failure)))
            # As the base reports an error.
            error = json.dumps([{"message": trace.strip().rpartition("\n")[2], "traceback": trace}])
        points, stats = running.sampler.commit(), running.stats
        for name, more in (("TotalRuns", 1), ("TotalErrors", bool(error)), ("TotalWarnings", len(warnings))):
            stats[name] += more
        stats.update(LastError=error, LastWarnings=warnings, UpdateTimestamp=round(time.time()))
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

        Tags that are no texts are left out, as by the real Agent.
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
        """The parts `runnerStats`, `checkSchedulerStats` and `autoConfigStats` of `status --json`."""
        checks: dict[str, dict[str, Any]] = {}
        for check_id, running in list(self.running.items()):
            checks.setdefault(running.name, {})[check_id] = running.stats
        loading = {name: {"Python Check Loader": text} for name, text in self.load_errors.copy().items()}
        return {
            "runnerStats": {"Checks": checks},
            "checkSchedulerStats": {"LoaderErrors": loading},
            "autoConfigStats": {"ConfigErrors": self.config_errors},
        }


def _nothing(*_args: Any, **_options: Any) -> None:
    pass


def beat(interval: float, delay: float, job: Callable[[], bool], stop: threading.Event) -> None:
    """Run `job` in `delay` seconds and then at a fixed beat until it returns False, or `stop`. It must not raise."""
    due = time.monotonic() + delay
    while not stop.wait(max(0.0, due - time.monotonic())) and job():
        # The next beat counts from this one's due time, so that lateness does not add up; beats missed while the job
        # ran are left out.
        due += interval * max(1, -(-(time.monotonic() - due) // interval))
