# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command `datadog-agent`. Exit status 0, or 255 as the real one where a verb could not do its work."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import socket
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from standin_agent import AGENT_VERSION, PACKAGE_VERSION, seam
from standin_agent.agent import SOCKET, Agent
from standin_agent.collector import Collector, messages
from standin_agent.config import Config, ConfigError
from standin_agent.loader import CheckLoader, read_configurations

FAILED = 255
NOTICE = "This is the lab's stand-in for the Datadog Agent, not the real one."


class CommandError(Exception):
    """A verb could not do its work; the text says why and what to do."""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    path = Path(options.cfgpath)
    path = path / "datadog.yaml" if path.is_dir() else path
    try:
        options.verb_function(options, path)
    except (CommandError, ConfigError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        return FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="datadog-agent", description=NOTICE)
    common = argparse.ArgumentParser(add_help=False)
    for target, default in ((parser, "/etc/datadog-agent"), (common, argparse.SUPPRESS)):
        target.add_argument("-c", "--cfgpath", default=default, help="folder of datadog.yaml, or the file")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, function, text in (
        ("version", _version, "print the version"),
        ("hostname", _hostname, "print the host name that the Agent reports"),
        ("health", _health, "is every part of the running Agent healthy?"),
        ("status", _status, "the running Agent's status; 0 although checks fail: read it"),
        ("configcheck", _configcheck, "the check configurations that the running Agent has loaded"),
        ("check", _check, "run one check now and print what it submits"),
        ("run", _run, "run the Agent (the service does)"),
    ):
        verb = verbs.add_parser(name, parents=[common], help=text, description=text)
        verb.set_defaults(verb_function=function)
        if name in ("health", "status", "configcheck", "check"):
            verb.add_argument("-j", "--json", action="store_true", help="print JSON")
        if name == "run":
            verb.add_argument("-p", "--pidfile", help="write the process id to this file")
        if name == "check":
            verb.add_argument("name", help="the check")
            verb.add_argument("-r", "--check-rate", action="store_true", help="run twice, so that rates have a value")
            verb.add_argument("-t", "--check-times", type=int, default=1, help="how often to run")
            verb.add_argument("--pause", type=int, default=0, help="milliseconds between runs")
            verb.add_argument("-l", "--log-level", default="off", help="write the log of this level to stderr")
    return parser


def _version(_options: argparse.Namespace, _path: Path) -> None:
    base = version("datadog-checks-base")
    print(
        f"Agent {AGENT_VERSION} - lab stand-in {PACKAGE_VERSION}, not the real Datadog Agent - "
        f"Python {platform.python_version()} - datadog-checks-base {base}"
    )


def _hostname(_options: argparse.Namespace, path: Path) -> None:
    print(Config(path, required=False, resolve=False).hostname)


def _ask(path: Path, verb: str) -> dict[str, Any]:
    """The running Agent's answer to a verb."""
    config = Config(path, resolve=False)
    address = Path(config.values["run_path"]) / SOCKET
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(address))
            client.sendall(verb.encode())
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        return dict(json.loads(answer))
    except PermissionError:
        raise CommandError(f"permission denied on {address}: run this as root or dd-agent") from None
    except (OSError, ValueError) as error:
        raise CommandError(
            f"could not reach agent: {error}. Make sure the agent is running before requesting the {verb}"
        ) from None


def _health(options: argparse.Namespace, path: Path) -> None:
    health = _ask(path, "health")
    sick = health["unhealthy"]
    if options.json:
        print(json.dumps(health, indent=2))
    else:
        print(f"Agent health: {'FAIL' if sick else 'PASS'}")
        print(f"=== {len(health['healthy'])} healthy components ===\n{', '.join(health['healthy'])}")
    if sick:
        raise CommandError("; ".join(f"{part} is unhealthy: {why}" for part, why in sick.items()))


def _status(options: argparse.Namespace, path: Path) -> None:
    status = _ask(path, "status")
    if options.json:
        print(json.dumps(status, indent=2))
        return
    print(f"Agent (v{status['version']})  {NOTICE}\n\n  Hostname: {status['hostname']}")
    print(f"  Host tags: {', '.join(status['hostTags']) or 'none'}\n\n  Running checks")
    for name, instances in sorted(status["runnerStats"]["Checks"].items()):
        for check_id, stats in instances.items():
            verdict = "ERROR" if stats["LastError"] else "OK" if stats["TotalRuns"] else "no run has ended yet"
            print(f"    {name} ({check_id}) every {stats['Interval']:g} s, {stats['TotalRuns']} runs [{verdict}]")
            for text in [*messages(stats["LastError"]), *stats["LastWarnings"]]:
                print(f"      {text.splitlines()[0] if text else ''}")
    print("\n  Errors of configuration and loading")
    for name, text in status["autoConfigStats"]["ConfigErrors"].items():
        print(f"    {name}: {text}")
    for name, loaders in status["checkSchedulerStats"]["LoaderErrors"].items():
        print(f"    {name}: {'; '.join(text for error in loaders.values() for text in messages(error))}")
    print("\n  Forwarder")
    for key, verdict in status["forwarderStats"]["APIKeyStatus"].items():
        print(f"    {key}: {verdict}")
    for key, value in status["forwarderStats"]["Transactions"].items():
        print(f"    {key}: {value}")
    print(f"    LastError: {status['forwarderStats']['LastError'] or 'none'}")


def _configcheck(options: argparse.Namespace, path: Path) -> None:
    found = _ask(path, "configcheck")
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, text in found["errors"].items():
        print(f"=== Error in {name} ===\n{text}\n")
    for entry in found["configurations"]:
        print(f"=== {entry['check']} check ===\nConfiguration source: {entry['source']}")
        print(f"Config for instance ID: {entry['id']}\nSettings: {', '.join(entry['settings']) or 'none'}\n===\n")


def _check(options: argparse.Namespace, path: Path) -> None:
    """Run a check's instances in this process, apart from the running Agent."""
    config = Config(path, required=False)
    log = logging.getLogger("standin_agent.check")
    log.propagate = False
    log.addHandler(logging.StreamHandler(sys.stderr))
    log.setLevel("CRITICAL" if options.log_level == "off" else options.log_level.upper())
    config.values["log_level"] = "critical" if options.log_level == "off" else options.log_level
    collector = Collector(config)
    seam.install(config, collector, log)
    catalog = read_configurations(config)
    catalog.instances = [instance for instance in catalog.instances if instance.name == options.name]
    collector.load(catalog, CheckLoader(config))
    problems = [catalog.errors.get(options.name, ""), *messages(collector.load_errors.get(options.name, ""))]
    if not collector.running:
        detail = "; ".join(filter(None, problems)) or f"no configuration of {options.name} in conf.d"
        raise CommandError(f"no valid check found: {detail}")
    results = []
    times = max(options.check_times, 2 if options.check_rate else 1)
    for running in collector.running.values():
        for turn in range(times):
            if turn:
                # A rate needs two different times; the real verb waits a second between the runs of --check-rate.
                time.sleep(options.pause / 1000 or 1)
            collector.run(running)
        points, service_checks, events = collector.take()
        metrics = [
            {
                "metric": point.metric,
                "points": [[point.timestamp, point.value]],
                "tags": list(point.tags),
                "host": point.host,
                "type": point.kind,
                "interval": point.interval,
            }
            for point in points
        ]
        aggregator = {"metrics": metrics, "service_checks": service_checks, "events": events}
        results.append({"aggregator": aggregator, "runner": running.stats()})
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for result in results:
        for title, entries in result["aggregator"].items():
            print(f"=== {title.replace('_', ' ').title()} ===\n{json.dumps(entries, indent=2)}")
        print(f"=== Running Checks ===\n{json.dumps(result['runner'], indent=2)}")
        for text in messages(result["runner"]["LastError"]):
            print(f"Error: {text}")
    if times == 1:
        print("Check has run only once, if some metrics are missing you can try again with --check-rate")


def _run(options: argparse.Namespace, path: Path) -> None:
    config = Config(path)
    if not config.api_key:
        raise ConfigError(f"no API key configured, exiting: set `api_key` in {path}")
    if options.pidfile:
        Path(options.pidfile).write_text(f"{os.getpid()}\n", encoding="ascii")
    Agent(config).run()
    if options.pidfile:
        Path(options.pidfile).unlink(missing_ok=True)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    # Without joining threads: a check that hangs must not keep the process.
    os._exit(code)
