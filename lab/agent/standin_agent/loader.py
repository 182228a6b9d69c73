# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds check configurations and check classes. One broken file never hides another: errors are collected by name."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from standin_agent.config import Config, ConfigError, yaml_problem

DEFAULT_INTERVAL = 15.0


@dataclass
class Instance:
    """One entry of `instances` and where it was written. `interval` in seconds."""

    name: str
    source: str
    init_config: dict[str, Any]
    config: dict[str, Any]
    check_id: str
    interval: float


@dataclass
class Catalog:
    """Everything under `confd_path`: the instances, and one message for each file that cannot be used."""

    instances: list[Instance] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


def read_configurations(config: Config) -> Catalog:
    """Read `conf.d/<check>.d/*.yaml`, legacy `conf.d/<check>.yaml`, and a check's default where it has nothing else."""
    catalog = Catalog()
    for name, path in _files(Path(config.values["confd_path"])):
        try:
            catalog.instances += _instances(name, path, config)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            catalog.errors[name] = f"{path}: {yaml_problem(error)}"
        except (OSError, ConfigError) as error:
            catalog.errors[name] = config.scrub(f"{path}: {error}")
    return catalog


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """(check, file) of all that apply. `auto_conf.yaml` is autodiscovery's; other endings are examples or disabled."""
    wanted: dict[str, list[Path]] = {}
    defaults: dict[str, list[Path]] = {}
    try:
        entries = sorted(root.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_file() and entry.suffix in (".yaml", ".yml"):
            wanted.setdefault(entry.stem, []).append(entry)
        elif entry.is_file() and entry.suffix == ".default":
            defaults.setdefault(Path(entry.stem).stem, []).append(entry)
        elif entry.suffix == ".d" and entry.is_dir():
            for path in _listing(entry):
                if path.name.startswith((".", "auto_conf.", "metrics.")):
                    continue
                if path.suffix in (".yaml", ".yml"):
                    wanted.setdefault(entry.stem, []).append(path)
                elif path.suffix == ".default":
                    defaults.setdefault(entry.stem, []).append(path)
    for name, paths in sorted((defaults | wanted).items()):
        for path in paths:
            yield name, path


def _listing(folder: Path) -> list[Path]:
    """The folder's files, or the folder itself where it cannot be read: the error then names it."""
    try:
        return sorted(folder.iterdir())
    except PermissionError:
        return [folder / "conf.yaml"]


def _instances(name: str, path: Path, config: Config) -> list[Instance]:
    document = config.secrets.resolve(yaml.safe_load(path.read_text(encoding="utf-8")))
    if not isinstance(document, dict):
        raise ConfigError("must be a mapping with `init_config` and `instances`")
    if not document.get("instances") and document.get("logs"):
        return []
    if not isinstance(document.get("instances"), list) or not document["instances"]:
        raise ConfigError("contains no valid instances")
    init_config = document.get("init_config") or {}
    found = []
    for instance in document["instances"]:
        settings = {} if instance is None else instance
        if not isinstance(settings, dict) or not isinstance(init_config, dict):
            raise ConfigError("`init_config` and every entry of `instances` must be a mapping")
        content = json.dumps([init_config, settings], sort_keys=True, default=str)
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        check_id = ":".join(part for part in (name, str(settings.get("name") or ""), digest) if part)
        found.append(Instance(name, f"file:{path}", init_config, settings, check_id, _interval(settings)))
    return found


def _interval(settings: dict[str, Any]) -> float:
    value = settings.get("min_collection_interval", DEFAULT_INTERVAL)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"`min_collection_interval` must be a number of seconds, not {value!r}")
    return float(value) if value > 0 else DEFAULT_INTERVAL


class CheckLoader:
    """Loads each check's class once. `standin_agent.seam.install` must have run before."""

    def __init__(self, config: Config) -> None:
        custom = Path(config.values["additional_checksd"])
        self._folders = [Path(__file__).with_name("checks"), custom]
        self._classes: dict[str, type] = {}
        sys.path.append(str(custom))  # Helper modules beside a check are importable, after everything else.
        base = importlib.import_module("datadog_checks.base")
        self._base: type = base.AgentCheck
        # Agent 5's import, which the real Agent still has for custom checks: `from checks import AgentCheck`.
        legacy = ModuleType("checks")
        vars(legacy)["AgentCheck"] = self._base
        sys.modules.setdefault("checks", legacy)

    def load(self, instance: Instance) -> Any:
        """A check object. Raises whatever the check's module or constructor raises, ImportError without a class."""
        if instance.name not in self._classes:
            self._classes[instance.name] = self._find_class(instance.name)
        check = _construct(self._classes[instance.name], instance)
        check.check_id = instance.check_id
        check.provider = "file"
        return check

    def _find_class(self, name: str) -> type:
        module = self._module(name)
        candidates = [
            item
            for item in vars(module).values()
            if inspect.isclass(item)
            and issubclass(item, self._base)
            and not item.__module__.startswith("datadog_checks.base.")
            and not item.__subclasses__()
        ]
        if not candidates:
            raise ImportError(f"no class derived from AgentCheck in {module.__file__}")
        return candidates[0]

    def _module(self, name: str) -> ModuleType:
        """The installed integration `datadog_checks.<name>` first, as the real loader; then a file named as the check.

        The file is loaded by its path: a check may be called like a standard module.
        """
        if importlib.util.find_spec("datadog_checks") and importlib.util.find_spec(f"datadog_checks.{name}"):
            return importlib.import_module(f"datadog_checks.{name}")
        for folder in self._folders:
            for path in (folder / f"{name}.py", folder / name / "__init__.py"):
                spec = importlib.util.spec_from_file_location(name, path) if path.is_file() else None
                if spec is None or spec.loader is None:
                    continue
                module = importlib.util.module_from_spec(spec)
                known = sys.modules.setdefault(name, module)
                try:
                    spec.loader.exec_module(module)
                except BaseException:
                    if known is module:
                        del sys.modules[name]
                    raise
                return module
        raise ImportError(f"unable to find {name}.py in {' or '.join(map(str, self._folders))}")


def _construct(check_class: type, instance: Instance) -> Any:
    """Call the constructor by keyword, with `agentConfig` for old signatures, else by position."""
    keywords: dict[str, Any] = {
        "name": instance.name,
        "init_config": instance.init_config,
        "instances": [instance.config],
    }
    signature = inspect.signature(check_class)
    for extra in ({}, {"agentConfig": {}}):
        try:
            signature.bind(**keywords, **extra)
        except TypeError:
            continue
        return check_class(**keywords, **extra)
    return check_class(instance.name, instance.init_config, [instance.config])


def error_report(error: BaseException) -> str:
    """The JSON text in which the base and the real Agent report a check's error."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return json.dumps([{"message": f"{type(error).__name__}: {error}", "traceback": trace}])
