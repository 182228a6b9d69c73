"""The modules that the Agent itself gives to Python code in its process, and that no file has.

Source: datadog-agent, rtloader/common/builtins (2025-2026). Outside of the process they cannot be imported.
"""

import hashlib
import json
import logging
import subprocess
import time
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from standin_agent import AGENT_VERSION
from standin_agent.aggregator import Kinds
from standin_agent.config import Config

CARDINALITIES = {"LOW": 0, "ORCHESTRATOR": 1, "HIGH": 2}
SUBMISSIONS = ("metric", "service_check", "event", "histogram_bucket", "histogram_bucket_multi", "event_platform_event")


class SubprocessOutputEmptyError(Exception):
    """A command wrote nothing where something was expected."""


def agent_modules(config: Config, log: logging.Logger, collector: Any) -> dict[str, ModuleType]:
    """By name. What checks submit goes to the collector's methods `submit_...`.

    `log` must not propagate: the base's root log handler calls `datadog_agent.log`, and a record would never end.
    """
    kinds = {name: value for name, value in vars(Kinds).items() if name.isupper()}
    submissions = {f"submit_{what}": getattr(collector, f"submit_{what}") for what in SUBMISSIONS}
    contents: dict[str, dict[str, Any]] = {
        "aggregator": {**kinds, **submissions},
        "datadog_agent": _datadog_agent(config, log, collector),
        "util": {"headers": _headers},
        "_util": {
            **dict.fromkeys(("subprocess_output", "get_subprocess_output"), _subprocess_output),
            "SubprocessOutputEmptyError": SubprocessOutputEmptyError,
        },
        "tagger": {**CARDINALITIES, "tag": _tag, "get_tags": lambda _entity, _high: []},
        "kubeutil": {"get_connection_info": dict},
        "containers": {"is_excluded": lambda *_names: False},
    }
    modules = {name: ModuleType(name) for name in contents}
    for name, module in modules.items():
        vars(module).update(contents[name])
    return modules


def _datadog_agent(config: Config, log: logging.Logger, collector: Any) -> dict[str, Any]:
    started = time.time()
    cache = Cache(Path(config.values["run_path"]))
    return {
        "get_config": config.get,
        "get_hostname": lambda: config.hostname,
        "get_host_tags": lambda: json.dumps({"system": config.host_tags}),
        "get_version": lambda: AGENT_VERSION,
        "get_clustername": lambda: "",
        "get_process_start_time": lambda: started,
        "headers": _headers,
        "log": lambda message, level: log.log(level, "%s", message),
        "tracemalloc_enabled": lambda: False,
        "set_external_tags": lambda tags: setattr(collector, "external_tags", [list(entry) for entry in tags]),
        "read_persistent_cache": cache.read,
        "write_persistent_cache": cache.write,
        "send_log": lambda _line, check_id: collector.unsupported(check_id, "logs"),
        # Their callers are Database Monitoring's, which is not here: nothing leaves the host.
        **{f"obfuscate_{what}": lambda text, *_: text for what in ("sql", "sql_exec_plan", "mongodb_string")},
        # What only concerns the real Agent's own telemetry and inventory products.
        **dict.fromkeys(("set_check_metadata", "emit_agent_telemetry", "report_issue", "resolve_issue"), _nothing),
    }


class Cache:
    """What checks keep from run to run, a file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, key: str) -> Path:
        return self._folder / f"cache-{hashlib.sha256(key.encode()).hexdigest()[:32]}"

    def read(self, key: str) -> str:
        file = self._file(key)
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def write(self, key: str, value: str) -> None:
        file = self._file(key)
        # Root's `datadog-agent check` may have left one that the Agent's user can remove, but not write.
        file.unlink(missing_ok=True)
        file.write_text(value, encoding="utf-8")


def _headers(*_agent_config: Any, http_host: str = "", **_options: Any) -> dict[str, str]:
    found = {
        "User-Agent": f"Datadog Agent/{AGENT_VERSION}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "text/html, */*",
    }
    return {**found, "Host": http_host} if http_host else found


def _subprocess_output(
    command: list[str], raise_on_empty: bool = False, *, env: dict[str, str] | None = None
) -> tuple[str, str, int]:
    if not isinstance(command, list):
        _refuse("command args not a list")
    if not command:
        _refuse("invalid command: empty list")
    if not all(isinstance(argument, str) for argument in command):
        _refuse("command argument must be valid strings")
    done = subprocess.run(command, capture_output=True, check=False, env=env)
    out, err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    if raise_on_empty and not out:
        raise SubprocessOutputEmptyError("get_subprocess_output expected output but had none.")
    return out, err, done.returncode


def _tag(_entity: str, cardinality: int) -> list[str]:
    """The tags of a container or the like, of which a lab host has none."""
    if cardinality not in CARDINALITIES.values():
        _refuse("Invalid cardinality")
    return []


def _refuse(text: str) -> NoReturn:
    raise TypeError(text)


def _nothing(*_args: Any, **_options: Any) -> None:
    pass
