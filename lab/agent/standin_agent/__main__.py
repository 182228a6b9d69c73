"""The command `datadog-agent`. Exit status 0, or 255 as the real one where a verb could not do its work."""

import argparse
import contextlib
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import yaml

from standin_agent import AGENT_VERSION, PACKAGE_VERSION, ipc
from standin_agent.config import Config, ConfigError

FAILED = 255
NOTICE = "This is the lab's stand-in for the Datadog Agent, not the real one."


class CommandError(Exception):
    """A verb could not do its work; the text says why and what to do."""


class Parser(argparse.ArgumentParser):
    """One whose errors are the real Agent's: one line and its exit status."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"Error: {message}\n")


def main(arguments: list[str]) -> int:
    parser = Parser(prog="datadog-agent", description=NOTICE)
    parser.add_argument("-c", "--cfgpath", default="/etc/datadog-agent", type=Path, help="the folder of datadog.yaml")
    verbs = parser.add_subparsers(metavar="VERB")
    for name, (function, text) in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        verb.set_defaults(function=function, verb=name)
        add_options(verb, name)
    options = parser.parse_args(arguments)
    if "function" not in options:
        parser.print_help()
        return 0
    try:
        options.function(options, options.cfgpath / "datadog.yaml")
    except (CommandError, ConfigError, ipc.IpcError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAILED
    return 0


def add_options(verb: argparse.ArgumentParser, name: str) -> None:
    """The options of a verb, under the real names."""
    if name in ("health", "status", "configcheck"):
        verb.add_argument("-j", "--json", action="store_true", help="print JSON")
        verb.add_argument("-p", "--pretty-json", action="store_true", help="print JSON in lines")
    if name == "status":
        verb.add_argument("-o", "--file", type=Path, help="write it to a file")
        verb.add_argument("-v", "--verbose", action="store_true", help="print all; that is always so here")
    if name == "check":
        verb.add_argument("name", help="the check")
        verb.add_argument("--json", action="store_true", help="print JSON")
        verb.add_argument("-r", "--check-rate", action="store_true", help="run twice, so that rates have a value")
        verb.add_argument("-t", "--check-times", type=int, default=1, help="how often it runs")
        verb.add_argument("--pause", type=int, default=0, help="milliseconds between two runs")
        verb.add_argument("-d", "--delay", type=int, default=100, help="milliseconds until its metrics are taken")
        for option in ("--discovery-timeout", "--discovery-min-instances"):
            verb.add_argument(option, type=int, help="taken and ignored: all configurations are files here")


def _version(_options: argparse.Namespace, _path: Path) -> None:
    print(
        f"Agent {AGENT_VERSION} - lab stand-in {PACKAGE_VERSION}, not the real Datadog Agent - "
        f"Python {platform.python_version()} - datadog-checks-base {version('datadog-checks-base')}"
    )


def _hostname(_options: argparse.Namespace, path: Path) -> None:
    """What the running Agent says, else what it would say."""
    config = Config(path, required=False, resolve=False)
    try:
        print(ipc.ask(config, "hostname"))
    except ipc.IpcError:
        print(config.hostname)


def _health(options: argparse.Namespace, path: Path) -> None:
    health = ipc.ask(Config(path, resolve=False), "health")
    healthy, ill = health["Healthy"], health["Unhealthy"]
    if options.json or options.pretty_json:
        # As in the newest source: no failure then, whatever it says.
        print(json.dumps(health, indent=2 if options.pretty_json else None))
        return
    print(f"Agent health: {'FAIL' if ill else 'PASS'}")
    for title, names in (("healthy", healthy), ("unhealthy", ill)):
        if names:
            print(f"=== {len(names)} {title} components ===\n{', '.join(names)}")
    if ill:
        raise CommandError(f"found {len(ill)} unhealthy components")


def _state(options: argparse.Namespace, path: Path) -> None:
    answer = {"Notice": NOTICE, **ipc.ask(Config(path, resolve=False), options.verb)}
    if options.json or options.pretty_json:
        text = json.dumps(answer, indent=2 if options.pretty_json else None)
    else:
        text = for_people(answer)
    if getattr(options, "file", None):
        options.file.write_text(f"{text}\n", encoding="utf-8")
    else:
        print(text)


def for_people(answer: Any) -> str:
    return yaml.safe_dump(answer, sort_keys=False, allow_unicode=True, width=10**6)


def _check(options: argparse.Namespace, path: Path) -> None:
    """Run a check's instances in this process, apart from the running Agent."""
    # Only this verb needs what it takes to run checks.
    from standin_agent import check_verb

    config = Config(path, required=False)
    # What the other files tell nobody here reads, but the real one wants them, too.
    ipc.read(config)
    # What a check prints itself does not get into the answer.
    with contextlib.redirect_stdout(sys.stderr):
        results, problems = check_verb.run(config, options)
    if not results:
        print("\n".join(problems))
        raise CommandError("no valid check found")
    if len(results) > 1:
        print("Multiple check instances found, running each of them")
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print(for_people(results))
    if not (options.check_rate or options.check_times > 1):
        print("Check has run only once, if some metrics are missing you can try again with --check-rate")


def _run(_options: argparse.Namespace, path: Path) -> None:
    # Only the daemon needs what it takes to send.
    from standin_agent.agent import Agent

    config = Config(path)
    ipc.create(config)
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
