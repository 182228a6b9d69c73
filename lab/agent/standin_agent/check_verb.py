"""`datadog-agent check`: a check's instances in this process, and the form of what they submit.

Source: datadog-agent, pkg/cli/subcommands/check/command.go (2025).
"""

import argparse
import logging
import time
from typing import Any

from standin_agent.collector import Collector
from standin_agent.config import Config
from standin_agent.configurations import Instance

RATE_PAUSE = 1000


def run(config: Config, options: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    """An entry for each instance that could be loaded; where none could, the lines that say why."""
    log = logging.getLogger("standin_agent.check")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    collector = Collector(config, log)
    wanted = [instance for instance in collector.instances if instance.name == options.name]
    loaded = [instance for instance in wanted if collector.start(instance)]
    results = [_result(collector, instance, options) for instance in loaded]
    return results, [] if results else _problems(collector, options.name)


def _problems(collector: Collector, name: str) -> list[str]:
    found = []
    if name in collector.config_errors:
        found.append(f"\nError: invalid config for {name}: {collector.config_errors[name]}")
    if name in collector.load_errors:
        errors = collector.load_errors[name]
        found.append(f"\nError: could not load {name}:")
        found += [f"* {loader}: {text}" for loader, text in errors.items()]
    return found


def _result(collector: Collector, instance: Instance, options: argparse.Namespace) -> dict[str, Any]:
    # A rate needs two different times.
    times, pause = (2, RATE_PAUSE) if options.check_rate else (options.check_times, options.pause)
    for number in range(times):
        if number:
            time.sleep(pause / 1000)
        collector.run(instance)
    time.sleep(options.delay / 1000)
    points, service_checks, events = collector.take()
    metrics = [
        {"metric": point.metric, "points": [[point.timestamp, point.value]], "tags": list(point.tags)}
        | {"host": point.host, "type": point.kind, "interval": point.interval}
        for point in points
    ]
    submitted = {"metrics": metrics, "service_checks": service_checks, "events": events}
    # What was not submitted is not there.
    return {
        "aggregator": {name: entries for name, entries in submitted.items() if entries},
        "inventories": {},
        "runner": instance.stats,
    }
