"""Loads checks by the real Agent's two loaders: of its Go checks, which comes first, and of Python checks.

Source: datadog-agent, pkg/collector/scheduler.go, pkg/collector/python/{loader,check}.go, rtloader/three/three.cpp
(2025-2026). What the base expects of an Agent must be importable before: see modules.py.
"""

import importlib
import sys
import threading
import traceback
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from standin_agent import go_checks
from standin_agent.config import Config
from standin_agent.configurations import Instance

# Where Agent 5's modules and checks of other times are: after what Python has, before the user's checks.
DIST = Path("/opt/datadog-agent/bin/agent/dist")
PYTHON_PATHS = (DIST, Path("/opt/datadog-agent/checks.d"), DIST / "checks.d")
# The one integration that this package has, besides those of the wheel datadog-checks-base.
INTEGRATIONS = {"datadog_checks.mysql": "standin_agent.checks.mysql"}
# Frames of these do not show in the real Agent's tracebacks.
_OURS = (__file__, importlib.__file__, "<frozen importlib")


class LoadError(Exception):
    """A loader cannot load a check; the text is the real one's."""


class CoreLoader:
    """Loads the Go checks, or what stands for them here."""

    name, title = "core", "Core Check Loader"

    def load(self, instance: Instance) -> Any:
        """A check object. Raises LoadError."""
        if instance.name not in go_checks.NAMES:
            raise LoadError(f"Check {instance.name} not found in Catalog")
        if instance.problem:
            raise LoadError(f"could not configure check {instance.name}: {instance.problem}")
        module, name = go_checks.HERE.get(instance.name, go_checks.NOT_HERE)
        found = getattr(importlib.import_module(f"standin_agent.checks.{module}"), name)
        return found(name=instance.name, init_config=instance.init_config, instances=[instance.config])


class PythonLoader:
    """Loads `datadog_checks.NAME`, else `NAME`, which is imported like any other module; each module once."""

    name, title = "python", "Python Check Loader"

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self.configure_errors: dict[str, list[str]] = {}
        for folder in (*PYTHON_PATHS, Path(config.values["additional_checksd"])):
            if str(folder) not in sys.path:
                sys.path.append(str(folder))
        self._base: type = importlib.import_module("datadog_checks.base").AgentCheck

    def load(self, instance: Instance) -> Any:
        """A check object. Raises LoadError."""
        with self._lock:
            loading = self._loading.setdefault(instance.name, threading.Lock())
        # One name's own lock: a module that takes long to import delays no other check.
        with loading:
            module, found = self._find(instance.name)
            return self._configure(instance, module, found)

    def _find(self, name: str) -> tuple[ModuleType, type]:
        """A check's module and class. The error is that of the last try."""
        problem = ""
        for module_name in (f"datadog_checks.{name}", name):
            try:
                module = importlib.import_module(INTEGRATIONS.get(module_name, module_name))
            # Other people's code: whatever it raises, an exit too, is its own failure and only its.
            except BaseException as error:  # noqa: BLE001
                problem = f"unable to import module '{module_name}': {described(error)}"
                continue
            found = self._subclass(module)
            if found:
                return module, found
            problem = f"unable to find a subclass of the base check in module '{module_name}': cannot find a subclass"
        raise LoadError(problem)

    def _subclass(self, module: ModuleType) -> type | None:
        """Of a module's names in their order, the first class that derives from the base and from which none derives.

        Where it is defined does not matter, so that an imported class of the base's own counts, too.
        """
        for name in dir(module):
            item = getattr(module, name, None)
            derives = isinstance(item, type) and issubclass(item, self._base) and item is not self._base
            if derives and not item.__subclasses__():
                return item
        return None

    def _configure(self, instance: Instance, module: ModuleType, found: type) -> Any:
        try:
            if instance.problem:
                raise LoadError(instance.problem)
            check = self._construct(instance, found)
        except LoadError as error:
            version = getattr(module, "__version__", None)
            of_module = f"{instance.name} ({version if isinstance(version, str) else 'unversioned'})"
            with self._lock:
                self.configure_errors.setdefault(of_module, []).append(self._config.scrub(str(error)))
            raise LoadError(f"could not configure check instance for python check {instance.name}: {error}") from None
        version = getattr(module, "__version__", None)
        instance.stats["CheckVersion"] = version if isinstance(version, str) else "unversioned"
        return check

    def _construct(self, instance: Instance, found: type) -> Any:
        """An object of the class, made as today's checks expect, else with the settings of Agent 5."""
        arguments: dict[str, Any] = {"name": instance.name, "init_config": instance.init_config}
        arguments["instances"] = (instance.config,)
        try:
            return found(**arguments)
        except BaseException as error:  # noqa: BLE001
            first = described(error)
        try:
            return found(**arguments, agentConfig=dict(self._config.values))
        except BaseException as error:  # noqa: BLE001
            raise LoadError(
                f"could not invoke '{instance.name}' python check constructor. New constructor API returned:\n{first}"
                f"Deprecated constructor API returned:\n{described(error)}"
            ) from None


def described(error: BaseException) -> str:
    """An error as the real Agent has it: with the traceback of other people's code, else its text alone."""
    frames = _of_others(error.__traceback__)
    if frames is None:
        return str(error) or type(error).__name__
    return "".join(traceback.format_exception(type(error), error, frames))


def _of_others(frames: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of importing, wherever they are in it."""
    if frames is None:
        return None
    rest = _of_others(frames.tb_next)
    if frames.tb_frame.f_code.co_filename.startswith(_OURS):
        return rest
    return TracebackType(rest, frames.tb_frame, frames.tb_lasti, frames.tb_lineno)
