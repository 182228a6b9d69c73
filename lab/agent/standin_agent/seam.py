# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules that datadog-checks-base expects inside an Agent: `aggregator`, `datadog_agent` and their companions.

They must be importable before the base is first imported: it then takes itself to run in an Agent and calls them. In
the embedded Python alone they do not exist, and the base uses its own stubs, as with the real package.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from standin_agent import AGENT_VERSION, aggregator
from standin_agent.config import Config

STARTED = time.time()


class Sink(Protocol):
    """Where what checks submit goes to; `check_id` says whose it is."""

    def sample(
        self, check_id: str, kind: int, metric: str, value: float, tags: list[str], host: str, first: bool
    ) -> None: ...

    def service_check(
        self, check_id: str, name: str, status: int, tags: list[str], host: str, message: str
    ) -> None: ...

    def event(self, check_id: str, event: dict[str, Any]) -> None: ...

    def unsupported(self, check_id: str, what: str) -> None: ...

    def external_tags(self, tags: list[Any]) -> None: ...


class EmptyOutputError(Exception):
    """A command of a check wrote nothing. Checks import it as `_util.SubprocessOutputEmptyError`."""


def install(config: Config, sink: Sink, log: logging.Logger) -> None:
    """Make the modules importable. `log` must not propagate to the root logger.

    The base installs a root handler that calls `datadog_agent.log`: passed on to the root, a record would never end.
    """
    if log.propagate:
        raise ValueError("the Agent's logger must not propagate: the base's root handler would call it again")
    _register("aggregator", _aggregator(sink))
    _register("datadog_agent", _datadog_agent(config, sink, log))
    _register(
        "_util",
        {
            "SubprocessOutputEmptyError": EmptyOutputError,
            "get_subprocess_output": run_command,
            "subprocess_output": run_command,
        },
    )
    _register("util", {"headers": _headers, "get_hostname": lambda: config.hostname})
    _register("tagger", {"LOW": 0, "ORCHESTRATOR": 1, "HIGH": 2, "tag": _no_tags, "get_tags": _no_tags})
    _register("kubeutil", {"get_connection_info": dict})
    _register("containers", {"is_excluded": lambda *_args: False})


def _register(name: str, members: dict[str, Any]) -> None:
    module = ModuleType(name, "Part of the lab's stand-in Agent.")
    vars(module).update(members)
    sys.modules[name] = module


def _no_tags(*_args: Any) -> list[str]:
    return []


def _headers(*_args: Any, **_options: Any) -> dict[str, str]:
    return {
        "User-Agent": f"Datadog Agent/{AGENT_VERSION}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "text/html, */*",
    }


def _aggregator(sink: Sink) -> dict[str, Any]:
    def submit_metric(
        _check: Any, check_id: str, kind: int, name: str, value: float, tags: list[str], host: str, first: bool = False
    ) -> None:
        sink.sample(check_id, kind, name, value, tags, host, first)

    def submit_service_check(
        _check: Any, check_id: str, name: str, status: int, tags: list[str], host: str, message: str
    ) -> None:
        sink.service_check(check_id, name, int(status), tags, host, message)

    def submit_event(_check: Any, check_id: str, event: dict[str, Any]) -> None:
        sink.event(check_id, event)

    def submit_histogram_bucket(_check: Any, check_id: str, *_args: Any) -> None:
        sink.unsupported(check_id, "histogram buckets (distributions)")

    def submit_event_platform_event(_check: Any, check_id: str, _event: Any, kind: str) -> None:
        sink.unsupported(check_id, f"{kind} events (Database Monitoring)")

    members: dict[str, Any] = {k: v for k, v in locals().items() if k.startswith("submit_")}
    kinds = ("GAUGE", "RATE", "COUNT", "MONOTONIC_COUNT", "COUNTER", "HISTOGRAM", "HISTORATE")
    return members | {name: getattr(aggregator, name) for name in kinds}


def _datadog_agent(config: Config, sink: Sink, log: logging.Logger) -> dict[str, Any]:
    cache = Path(config.values["run_path"]) / "check_cache"

    def cache_file(key: str) -> Path:
        return cache / hashlib.sha256(key.encode()).hexdigest()

    def read_persistent_cache(key: str) -> str:
        try:
            return cache_file(key).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def write_persistent_cache(key: str, value: str) -> None:
        cache.mkdir(mode=0o700, exist_ok=True)
        fresh = cache_file(key).with_suffix(f".{os.getpid()}")
        fresh.write_text(value, encoding="utf-8")
        if os.geteuid() == 0:
            # `datadog-agent check` as root: the Agent must be able to read and replace the file.
            owner = cache.parent.stat()
            for path in (cache, fresh):
                os.chown(path, owner.st_uid, owner.st_gid)
        fresh.replace(cache_file(key))

    def nothing(*_args: Any, **_options: Any) -> None:
        """What only concerns the real Agent's own telemetry, inventory or log products."""

    return {
        "get_config": config.get,
        "get_hostname": lambda: config.hostname,
        "get_host_tags": lambda: json.dumps({"system": config.host_tags}),
        "get_version": lambda: AGENT_VERSION,
        "get_clustername": lambda: "",
        "get_process_start_time": lambda: STARTED,
        "headers": _headers,
        "log": lambda message, level: log.log(level, "%s", message),
        "tracemalloc_enabled": lambda: False,
        "set_external_tags": sink.external_tags,
        "read_persistent_cache": read_persistent_cache,
        "write_persistent_cache": write_persistent_cache,
        "obfuscate_sql": obfuscate_sql,
        "obfuscate_sql_exec_plan": lambda plan, normalize=False: plan,
        "obfuscate_mongodb_string": lambda command: command,
        "set_check_metadata": nothing,
        "send_log": lambda _line, check_id: sink.unsupported(check_id, "logs"),
        "emit_agent_telemetry": nothing,
        "report_issue": nothing,
        "resolve_issue": nothing,
    }


def obfuscate_sql(query: str, options: str | None = None) -> str:
    """The statement with its literals replaced by `?`, comments dropped and blanks folded.

    `options` is JSON; with `return_json_metadata` the answer is JSON too, as Database Monitoring code wants it.
    """
    text = re.sub(r"/\*.*?\*/|--[^\n]*", " ", query, flags=re.DOTALL)
    text = re.sub(r"'(?:[^'\\]|\\.|'')*'", "?", text)
    text = re.sub(r"(?<![\w.`\"])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b", "?", text)
    text = re.sub(r"\(\s*\?(?:\s*,\s*\?)+\s*\)", "( ? )", re.sub(r"\s+", " ", text)).strip()
    if options and json.loads(options).get("return_json_metadata"):
        return json.dumps({"query": text, "metadata": {}})
    return text


def run_command(
    command: list[str], raise_on_empty_output: bool = True, env: dict[str, str] | None = None
) -> tuple[str, str, int]:
    """Run a check's command without a shell; (output, errors, exit status). Raises EmptyOutputError, OSError."""
    result = subprocess.run(command, capture_output=True, env=env, check=False)
    output, errors = (stream.decode("utf-8", "replace") for stream in (result.stdout, result.stderr))
    if raise_on_empty_output and not output:
        raise EmptyOutputError(f"expected output from {command[0]} but had none. {errors}".strip())
    return output, errors, result.returncode
