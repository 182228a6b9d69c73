"""Finds check configurations in conf.d, by the real Agent's rules. One broken file never hides another.

Source: datadog-agent, comp/core/autodiscovery/providers/config_reader.go (7.78).
"""

import hashlib
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from standin_agent.aggregator import Sampler
from standin_agent.config import Config, ConfigError, yaml_problem
from standin_agent.go_checks import NAMES

DEFAULT_INTERVAL = 15
NANOSECONDS = 10**9
# How many durations of runs are kept.
RUNS_KEPT = 32
# A configuration with one of these waits for a container or a cluster, which a lab host has not.
ELSEWHERE = ("ad_identifiers", "advanced_ad_identifiers", "cluster_check", "cel_selector")
NO_INSTANCES = "Configuration file contains no valid instances"


class Instance:
    """One entry of `instances`, its check once it is loaded, and its entry for `runnerStats.Checks.<name>.<id>`.

    `interval` in whole seconds, `tags` those that the Agent itself adds to all it submits, `problem` what of its
    settings no loader can use, `loader` the one that it asks for.
    """

    def __init__(self, name: str, source: str, init_config: dict[str, Any], config: dict[str, Any]) -> None:
        self.name, self.source, self.init_config, self.config = name, source, init_config, config
        self.check: Any = None
        self.sampler = Sampler(time.time)
        self.problem = _problem(config)
        self.loader = str(config.get("loader") or init_config.get("loader") or "")
        tags, interval = config.get("tags") or [], config.get("min_collection_interval") or 0
        service = config.get("service") or init_config.get("service")
        # A Python check itself adds the `tags` of its instance, or does not: the Agent does so for its Go checks only.
        own = tags if name in NAMES and self.loader != "python" else []
        self.tags = [] if self.problem else [str(tag) for tag in own] + ([f"service:{service}"] if service else [])
        self.interval = int(interval) if not self.problem and interval >= 1 else DEFAULT_INTERVAL
        digest = hashlib.sha256(repr([init_config, config]).encode(errors="replace")).hexdigest()[:16]
        self.check_id = ":".join(part for part in (name, str(config.get("name") or ""), digest) if part)
        # In the order of the real structure (pkg/collector/check/stats), which `check --json` prints as it is.
        self.stats: dict[str, Any] = {
            "CheckName": name,
            "CheckVersion": "",
            "CheckConfigSource": source,
            "CheckLoader": "",
            "CheckID": self.check_id,
            "Interval": self.interval * NANOSECONDS,
            "LongRunning": False,
            "Cancelling": False,
            **dict.fromkeys(("TotalRuns", "TotalErrors", "TotalWarnings"), 0),
            **dict.fromkeys(("MetricSamples", "Events", "ServiceChecks", "HistogramBuckets"), 0),
            **dict.fromkeys(("TotalMetricSamples", "TotalEvents", "TotalServiceChecks", "TotalHistogramBuckets"), 0),
            "EventPlatformEvents": {},
            "TotalEventPlatformEvents": {},
            "ExecutionTimes": [0] * RUNS_KEPT,
            "AverageExecutionTime": 0,
            "LastExecutionTime": 0,
            "LastSuccessDate": 0,
            "LastError": "",
            "LastDelay": 0,
            "LastWarnings": [],
            "UpdateTimestamp": 0,
            "Telemetry": True,
            "Unsupported": [],
        }


def _problem(config: dict[str, Any]) -> str:
    """What is wrong with the settings that the Agent itself reads of an instance, empty where nothing is."""
    tags, interval = config.get("tags") or [], config.get("min_collection_interval") or 0
    if not isinstance(tags, list) or any(isinstance(tag, (dict, list)) for tag in tags):
        return "`tags` of an instance must be a list of texts"
    if isinstance(interval, bool) or not isinstance(interval, (int, float)) or not math.isfinite(interval):
        return "`min_collection_interval` must be a number of seconds"
    if not isinstance(config.get("empty_default_hostname") or False, bool):
        return "`empty_default_hostname` must be true or false"
    return ""


class Found(NamedTuple):
    """What one file gives: instances, or none where it says other things than how to run a check."""

    instances: list[Instance]
    replaces_default: bool


def read_configurations(config: Config) -> tuple[list[Instance], dict[str, str]]:
    """All instances under `confd_path`, and by check one message for a file that cannot be used."""
    instances: list[Instance] = []
    defaults: list[tuple[str, list[Instance]]] = []
    configured: set[str] = set()
    errors: dict[str, str] = {}
    for name, path in _files(Path(config.values["confd_path"])):
        try:
            found = _read(name, path, config)
        except ConfigError as error:
            errors[name] = config.scrub(str(error))
            continue
        except OSError as error:
            errors[name] = f"open {path}: {(error.strerror or str(error)).lower()}"
            continue
        # Whatever a text does to the parser (one that contains itself, say) is its own failure and only its.
        except Exception as error:  # noqa: BLE001
            errors[name] = yaml_problem(error)
            continue
        if found is None:
            continue
        # A file that can be used takes the message of an earlier one back.
        errors.pop(name, None)
        if path.suffix == ".default":
            defaults.append((name, found.instances))
        else:
            instances += found.instances
            configured |= {name} if found.replaces_default else set()
    for name, of_default in defaults:
        instances += [] if name in configured else of_default
    return instances, errors


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """(check, file) of `<check>.d/*.yaml` and `<check>.yaml`, each also as `.yml` and with `.default` behind it.

    A folder that is a link is not looked into. `metrics.yaml` is JMX's.
    """
    for entry in _listed(root):
        if entry.is_dir() and not entry.is_symlink():
            if entry.suffix == ".d":
                yield from ((entry.stem, path) for path in _listed(entry) if not path.is_dir() and _is_yaml(path))
        elif _is_yaml(entry):
            yield entry.name.removesuffix(".default").rpartition(".")[0], entry


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    # As the real one, which goes on without.
    except OSError:
        return []


def _is_yaml(path: Path) -> bool:
    name = path.name.removesuffix(".default")
    return name.endswith((".yaml", ".yml")) and name not in ("metrics.yaml", "metrics.yml")


def _read(name: str, path: Path, config: Config) -> Found | None:
    """What a file gives; None of an empty one. Raises ConfigError, OSError, or what the reader of YAML raises."""
    text = path.read_text(encoding="utf-8-sig")
    if not text:
        return None
    document = config.resolve(yaml.safe_load(text)) or {}
    if not isinstance(document, dict):
        raise ConfigError("the file must be a mapping with `init_config` and `instances`")
    entries, init_config = document.get("instances"), document.get("init_config") or {}
    if entries is not None and not isinstance(entries, list):
        raise ConfigError("`instances` must be a list")
    if not all(isinstance(entry or {}, dict) for entry in entries or []):
        raise ConfigError("every entry of `instances` must be a mapping")
    logs, jmx = document.get("logs") is not None, document.get("jmx_metrics") is not None
    if not (entries or logs or jmx):
        raise ConfigError(NO_INSTANCES)
    elsewhere = any(document.get(key) for key in ELSEWHERE)
    only_logs = logs and not (jmx or entries or document.get("ad_identifiers"))
    if elsewhere or not isinstance(init_config, dict):
        # An `init_config` of another kind stops the check in the real one, too, and only its log says so.
        return Found([], not only_logs)
    instances = [Instance(name, f"file:{path}", init_config, entry or {}) for entry in entries or []]
    return Found(instances, not only_logs)
