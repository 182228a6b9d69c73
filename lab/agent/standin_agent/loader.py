"""Finds check configurations and check classes. One broken file never hides another: errors are collected by name."""

import hashlib
import importlib
import importlib.util
import inspect
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from standin_agent.aggregator import Sampler
from standin_agent.config import Config, ConfigError, yaml_problem

DEFAULT_INTERVAL = 15
TOTALS = ("TotalRuns", "TotalErrors", "TotalWarnings", "TotalMetricSamples", "TotalServiceChecks", "TotalEvents")
# Where the classes of this Agent's own checks are. They are the real Agent's names.
OWN = {"mysql": "mysql", **dict.fromkeys(("cpu", "disk", "load", "memory", "network", "uptime"), "system")}
# Agent 5's modules, which the real Agent still has for custom checks: `from checks import AgentCheck`.
LEGACY = ("checks", "checks.network_checks", "config")
# A configuration with one of these waits for a container or a cluster, which a lab host has not.
ELSEWHERE = ("ad_identifiers", "advanced_ad_identifiers", "cluster_check")


class Instance:
    """One entry of `instances`, its check once it is loaded, and its entry for `runnerStats.Checks.<name>.<id>`.

    `interval` in whole seconds, `tags` those that the Agent itself adds to all it submits. Raises ConfigError.
    """

    def __init__(self, name: str, source: str, init_config: dict[str, Any], config: dict[str, Any]) -> None:
        self.name, self.source, self.init_config, self.config = name, source, init_config, config
        self.check: Any = None
        self.sampler = Sampler(time.time)
        tags, interval = config.get("tags") or [], config.get("min_collection_interval") or DEFAULT_INTERVAL
        if not isinstance(tags, list):
            raise ConfigError("`tags` of an instance must be a list")
        if isinstance(interval, bool) or not isinstance(interval, (int, float)) or not math.isfinite(interval):
            raise ConfigError(f"`min_collection_interval` must be a number of seconds, not {interval!r}")
        service = config.get("service") or init_config.get("service")
        # A Python check itself adds the `tags` of its instance, or does not: the Agent does so for its own checks only.
        self.tags = [str(tag) for tag in tags if name in OWN] + ([f"service:{service}"] if service else [])
        self.interval = int(interval) if interval >= 1 else DEFAULT_INTERVAL
        digest = hashlib.sha256(repr([init_config, config]).encode(errors="replace")).hexdigest()[:16]
        self.check_id = ":".join(part for part in (name, str(config.get("name") or ""), digest) if part)
        self.stats: dict[str, Any] = {
            "CheckName": name,
            "CheckID": self.check_id,
            "CheckConfigSource": source,
            "Interval": self.interval,
            **dict.fromkeys(TOTALS, 0),
            "LastError": "",
            "LastWarnings": [],
            "UpdateTimestamp": 0,
            "Unsupported": [],
        }


def read_configurations(config: Config) -> tuple[list[Instance], dict[str, str]]:
    """All instances under `confd_path`, and by check one message for a file that cannot be used."""
    instances: list[Instance] = []
    errors: dict[str, str] = {}
    for name, path in _files(Path(config.values["confd_path"])):
        try:
            instances += _instances(name, path, config)
        except (OSError, ConfigError) as error:
            errors[name] = config.scrub(f"{path}: {error}")
        # Whatever a text does to the parser (one that contains itself, say) is its own failure and only its.
        except Exception as error:  # noqa: BLE001
            errors[name] = f"{path}: {yaml_problem(error)}"
    return instances, errors


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """(check, file): `<check>.d/*.yaml`, the legacy `<check>.yaml`, and a check's default where it has nothing else."""
    for folder in sorted(root.glob("*.d")):
        # `metrics.yaml` is JMX's.
        own = sorted(path for path in folder.glob("[!.]*.y*ml") if path.stem != "metrics")
        yield from ((folder.stem, path) for path in own or sorted(folder.glob("*.y*ml.default")))
    yield from ((path.stem, path) for path in sorted(root.glob("*.y*ml")))


def _instances(name: str, path: Path, config: Config) -> list[Instance]:
    text = path.read_text(encoding="utf-8")
    document = config.resolve(yaml.safe_load(text)) or {}
    if not isinstance(document, dict):
        raise ConfigError("must be a mapping with `init_config` and `instances`")
    entries, init_config = document.get("instances"), document.get("init_config") or {}
    if not text or any(document.get(key) for key in ELSEWHERE) or (not entries and document.get("logs")):
        return []
    if not isinstance(entries, list) or not entries:
        raise ConfigError("contains no valid instances")
    if not all(isinstance(settings, dict) for settings in (init_config, *(entry or {} for entry in entries))):
        raise ConfigError("`init_config` and every entry of `instances` must be a mapping")
    return [Instance(name, f"file:{path}", init_config, entry or {}) for entry in entries]


class CheckLoader:
    """Loads each check's class once. What the base expects of an Agent must be importable before."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._custom = Path(config.values["additional_checksd"])
        self._classes: dict[str, type] = {}
        sys.path.append(str(self._custom))  # Helper modules beside a check are importable, after everything else.
        self._base: type = importlib.import_module("datadog_checks.base").AgentCheck
        sys.modules.update({name: importlib.import_module(f"datadog_checks.{name}") for name in LEGACY})

    def load(self, instance: Instance) -> Any:
        """A check object. Raises whatever the check's module or constructor raises, ImportError without a class."""
        name = instance.name
        if name not in self._classes:
            self._classes[name] = self._find_class(name)
        found = self._classes[name]
        arguments: dict[str, Any] = {"name": name, "init_config": instance.init_config, "instances": [instance.config]}
        if "agentConfig" in inspect.signature(found).parameters:  # The signature of Agent 5.
            arguments["agentConfig"] = dict(self._config.values)
        check = found(**arguments)
        check.check_id = instance.check_id
        check.provider = "file"
        return check

    def _find_class(self, name: str) -> type:
        module = self._module(name)
        for _, item in sorted(vars(module).items()):  # As the real one: the first by name that no other derives from.
            if not inspect.isclass(item) or not issubclass(item, self._base) or item.__subclasses__():
                continue
            imported = item.__module__.startswith("datadog_checks.base.")
            if not imported and (name not in OWN or item.__name__.lower() == f"{name}check"):
                return item
        raise ImportError(f"no class derived from AgentCheck in {module.__file__}")

    def _module(self, name: str) -> ModuleType:
        """The installed integration `datadog_checks.<name>` first, as the real loader; then `<name>/` or `<name>.py`.

        The file is loaded by its path, under a name of its own: a check may be called like a standard module.
        """
        if importlib.util.find_spec(f"datadog_checks.{name}"):
            return importlib.import_module(f"datadog_checks.{name}")
        if name in OWN:
            return importlib.import_module(f"standin_agent.checks.{OWN[name]}")
        package, path = self._custom / name / "__init__.py", self._custom / f"{name}.py"
        if package.is_file():
            path = package
        elif not path.is_file():
            raise ImportError(f"unable to find {path.name} in {self._custom}")
        spec = importlib.util.spec_from_file_location(f"checks_d_{name}", path)
        assert spec and spec.loader  # A path that ends in .py has both.
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # Where dataclasses look their module up.
        spec.loader.exec_module(module)
        return module
