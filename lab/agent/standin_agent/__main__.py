"""The command `datadog-agent`. Exit status 0, or 255 as the real one where a verb could not do its work."""

import argparse
import contextlib
import json
import logging
import os
import platform
import sys
import time
from importlib.metadata import version
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import yaml

from standin_agent import AGENT_VERSION, PACKAGE_VERSION
from standin_agent.collector import Collector
from standin_agent.config import Config, ConfigError

FAILED = 255
NOTICE = "This is the lab's stand-in for the Datadog Agent, not the real one."


class CommandError(Exception):
    """A verb could not do its work; the text says why and what to do."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="datadog-agent", description=NOTICE)
    parser.add_argument("-c", "--cfgpath", default="/etc/datadog-agent", type=Path, help="the folder of datadog.yaml")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, (function, text) in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        verb.set_defaults(function=function, verb=name)
        if name in ("health", "status", "configcheck", "check"):
            verb.add_argument("-j", "--json", action="store_true", help="print JSON")
        if name == "check":
            verb.add_argument("name", help="the check")
            verb.add_argument("-r", "--check-rate", action="store_true", help="run twice, so that rates have a value")
    options = parser.parse_args(arguments)
    try:
        options.function(options, options.cfgpath / "datadog.yaml")
    except (CommandError, ConfigError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAILED
    return 0


def _version(_options: argparse.Namespace, _path: Path) -> None:
    print(
        f"Agent {AGENT_VERSION} - lab stand-in {PACKAGE_VERSION}, not the real Datadog Agent - "
        f"Python {platform.python_version()} - datadog-checks-base {version('datadog-checks-base')}"
    )


def _hostname(_options: argparse.Namespace, path: Path) -> None:
    print(Config(path, required=False, resolve=False).hostname)


def _ask(options: argparse.Namespace, path: Path) -> dict[str, Any]:
    address = Config(path, resolve=False).socket
    try:
        with Client(str(address)) as agent:
            agent.send(options.verb)
            if agent.poll(10):
                return dict(agent.recv())
            problem = "it does not answer"
    except PermissionError:
        problem = f"permission denied on {address}, run this as root or dd-agent"
    except (OSError, EOFError) as error:
        problem = str(error)
    raise CommandError(f"could not reach agent: {problem}. Make sure the agent is running before you ask for its state")


def _health(options: argparse.Namespace, path: Path) -> None:
    health = _ask(options, path)
    sick = health["unhealthy"]
    print(json.dumps(health, indent=2) if options.json else f"Agent health: {'FAIL' if sick else 'PASS'}")
    if sick:
        raise CommandError("; ".join(f"{part} is unhealthy: {why}" for part, why in sick.items()))


def _state(options: argparse.Namespace, path: Path) -> None:
    _show(options, {"Notice": NOTICE, **_ask(options, path)})


def _show(options: argparse.Namespace, answer: Any) -> None:
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        print(yaml.safe_dump(answer, sort_keys=False, allow_unicode=True, width=10**6))


def _check(options: argparse.Namespace, path: Path) -> None:
    """Run a check's instances in this process, apart from the running Agent."""
    # What a check prints itself does not get into the answer.
    with contextlib.redirect_stdout(sys.stderr):
        results = _run_check(options, path)
    _show(options, results)
    if not (options.json or options.check_rate):
        print("Check has run only once, if some metrics are missing you can try again with --check-rate")


def _run_check(options: argparse.Namespace, path: Path) -> list[dict[str, Any]]:
    log = logging.getLogger("standin_agent.check")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    collector = Collector(Config(path, required=False), log)
    results = []
    for instance in collector.instances:
        if instance.name != options.name or not collector.start(instance):
            continue
        collector.run(instance)
        if options.check_rate:
            # A rate needs two different times; the real verb waits as long.
            time.sleep(1)
            collector.run(instance)
        points, service_checks, events = collector.take()
        metrics = [
            {"metric": point.metric, "points": [[point.timestamp, point.value]], "tags": list(point.tags)}
            | {"host": point.host, "type": point.kind, "interval": point.interval}
            for point in points
        ]
        submitted = {"metrics": metrics, "service_checks": service_checks, "events": events}
        # As the real one: what was not submitted is not there.
        results.append({"aggregator": {k: v for k, v in submitted.items() if v}, "runner": instance.stats})
    if not results:
        problems = [errors.get(options.name) for errors in (collector.config_errors, collector.load_errors)]
        detail = "\n".join(filter(None, problems)) or f"no configuration of {options.name} in conf.d"
        raise CommandError(f"no valid check found: {detail}")
    return results


def _run(_options: argparse.Namespace, path: Path) -> None:
    # Only the daemon needs what it takes to send.
    from standin_agent.agent import Agent

    config = Config(path)
    if not config.api_key:
        raise ConfigError(f"no API key configured, exiting: set `api_key` in {path}")
    Agent(config).run()


VERBS = {
    "version": (_version, "print the version"),
    "hostname": (_hostname, "print the host name that the Agent reports"),
    "health": (_health, "is every part of the running Agent healthy?"),
    "status": (_state, "the running Agent's status; 0 although checks fail: read it"),
    "configcheck": (_state, "the check configurations that the running Agent has loaded"),
    "check": (_check, "run one check now and print what it submits"),
    "run": (_run, "run the Agent (the service does)"),
}


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # Without joining threads: a check that hangs must not keep the process.
    os._exit(code)
