"""The stand-in Agent as a process, with other people's check classes on the genuine datadog-checks-base."""

from __future__ import annotations

import http.server
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

AGENT = Path(__file__).parents[2] / "lab" / "agent"
KEY = "0123456789abcdef0123456789abcdef"
PASSWORD = "correct-horse-battery"

# Check name -> (source after the import of AgentCheck, instances, what `status` must say of it; None where it works).
CHECKS: dict[str, tuple[str, str, str | None]] = {
    "good": (
        """
        class Good(AgentCheck):
            def check(self, instance):
                self.gauge('good', 1, tags=[*instance['tags'], 'b:' + chr(252)])
                print('in the way')
        """,
        "[{min_collection_interval: 1, tags: ['who:me'], service: shop}]",
        None,
    ),
    "a_slow_import": ("import time\ntime.sleep(600)\n", "[{}]", None),
    "old_signature": (
        """
        from checks import AgentCheck, CheckException
        from checks.network_checks import NetworkCheck
        from config import _is_affirmative
        class Old(AgentCheck):
            def __init__(self, name, init_config, agentConfig, instances=None):
                super(Old, self).__init__(name, init_config, agentConfig, instances)
                self.host = agentConfig.get('hostname')
            def check(self, instance):
                self.gauge('old', instance['n'], tags=['device:sda', 'host_is:' + self.host])
        """,
        "[{n: 3}]",
        None,
    ),
    "packaged": (  # A folder. Of its classes, the first by name that no other derives from.
        """
        from datadog_checks.base import OpenMetricsBaseCheckV2
        from .helper import VALUE
        class Base(AgentCheck):
            def check(self, instance):
                self.gauge('packaged', VALUE, tags=[type(self).__name__])
        class Second(Base):
            pass
        class First(Base):
            pass
        """,
        "[{codes: {200: fine, other: bad}}]",
        None,
    ),
    "json": (  # The name of a standard module, and everything that a check asks the Agent for.
        """
        import datadog_agent
        from datadog_checks.base.utils.subprocess_output import get_subprocess_output
        class Asks(AgentCheck):
            __NAMESPACE__ = 'asks'
            def check(self, instance):
                self.write_persistent_cache('k', 'v')
                out, _, code = get_subprocess_output(['echo', 'hello'], self.log)
                found = [self.hostname, datadog_agent.get_hostname(), datadog_agent.get_config('env'),
                         self.read_persistent_cache('k'), out.strip(), str(code), str(self.init_config['x'])]
                self.service_check('said', self.WARNING, message='|'.join(found))
                self.event({'msg_title': 'T', 'msg_text': 'x', 'api_key': 'k', 'source_type_name': 'mine',
                            'unknown': object()})
                self.set_external_tags([('other', {'src': ['a:b']})])
                self.warning('careful')
                self.log.error('from the check')
        """,
        "[{empty_default_hostname: true}]",
        "careful",
    ),
    "odd": (  # What an intake refuses, and with it all that others sent at the same time.
        """
        class Odd(AgentCheck):
            def check(self, instance):
                self.gauge('', 1)
                self.gauge('odd', 1, tags=['port:1', 5, None, 'half:' + chr(0xdcff)], hostname=7)
                self.count('odd.much', 1e308)
                self.count('odd.much', 1e308)
                self.service_check('odd', 99, tags=[5])
                self.service_check('', 0)
        """,
        "[{}]",
        None,
    ),
    "remembers": (
        """
        class Remembers(AgentCheck):
            def check(self, instance):
                runs = int(self.read_persistent_cache('runs') or 0) + 1
                self.write_persistent_cache('runs', str(runs))
                self.gauge('runs', runs)
        """,
        "[{name: one}]",
        None,
    ),
    "no_syntax": ("def x(:\n", "[{}]", "SyntaxError"),
    "no_import": ("import not_there\n", "[{}]", "not_there"),
    "no_class": ("x = 1\n", "[{}]", "no class derived from AgentCheck"),
    "no_module": ("", "[{}]", "unable to find no_module.py"),
    "no_constructor": (
        """
        class Refuses(AgentCheck):
            def __init__(self, name, init_config, instances):
                raise ValueError('refused to start')
        """,
        "[{}]",
        "refused to start",
    ),
    "no_run": (
        """
        class Fails(AgentCheck):
            def check(self, instance):
                raise RuntimeError('failed with ' + self.instance['password'])
            def __init__(self, name, init_config, instances):
                super().__init__(name, init_config, instances)
                self.register_secret(self.instance['password'])
        """,
        f"[{{password: {PASSWORD}}}]",
        "failed with",
    ),
    "exits": (
        "class Exits(AgentCheck):\n    def check(self, instance):\n        raise SystemExit(3)\n",
        "[{}]",
        "SystemExit: 3",
    ),
    "takes_a_name": (  # That of an attribute of the base's.
        """
        class TakesAName(AgentCheck):
            def check(self, instance):
                self.warnings = 5
        """,
        "[{}]",
        "not iterable",
    ),
    "hangs": (
        """
        import time
        class Hangs(AgentCheck):
            def check(self, instance):
                time.sleep(600)
        """,
        "[{}]",
        None,
    ),
    "no_yaml": ("", f"[{{password: {PASSWORD}", "not valid YAML"),
    "no_instances": ("", "[]", "no valid instances"),
    "no_interval": ("", "[{min_collection_interval: soon}]", "min_collection_interval"),
}


class Run:
    """A running Agent with its intake: `posts` has (path, body) of everything that it sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.posts: list[tuple[str, Any]] = []
        posts = self.posts

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts.append((self.path, json.loads(zlib.decompress(body))))
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        for name in ("conf.d", "checks.d", "run"):
            (folder / name).mkdir()
        settings = {
            "api_key": KEY,
            "dd_url": f"http://127.0.0.1:{self.server.server_port}",
            "hostname": "agent-name",
            "tags": ["team:dogs"],
            "env": "test",
            "unknown_key": {"kept": True},
            "confd_path": str(folder / "conf.d"),
            "additional_checksd": str(folder / "checks.d"),
            "run_path": str(folder / "run"),
            "log_file": str(folder / "agent.log"),
        }
        (folder / "datadog.yaml").write_text(json.dumps(settings), encoding="utf-8")
        (folder / "checks.d/packaged").mkdir()
        (folder / "checks.d/packaged/helper.py").write_text("VALUE = 3\n", encoding="utf-8")
        for name, (source, instances, _) in CHECKS.items():
            file = folder / "checks.d" / ("packaged/__init__.py" if name == "packaged" else f"{name}.py")
            if source:
                file.write_text(
                    f"from datadog_checks.base import AgentCheck\n{textwrap.dedent(source)}", encoding="utf-8"
                )
            conf = folder / "conf.d" / f"{name}.d"
            conf.mkdir()
            (conf / "conf.yaml").write_text(f"init_config: {{x: 7}}\ninstances: {instances}\n", encoding="utf-8")
            (conf / "conf.yaml.default").write_text("instances: [{never: read}]\n", encoding="utf-8")
        self.process = subprocess.Popen(self._command("run"), env=self._environment(), stdout=subprocess.DEVNULL)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "standin_agent", "-c", str(self.folder), *arguments]

    @staticmethod
    def _environment() -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DD_")}
        return kept | {"PYTHONPATH": str(AGENT)}

    def verb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*arguments), env=self._environment(), capture_output=True, text=True, check=False, timeout=30
        )

    def stop(self) -> float:
        """End the Agent as systemd does; how many seconds it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        return time.monotonic() - started

    def points(self, metric: str) -> list[tuple[int, dict[str, Any]]]:
        """(timestamp, series) of every point of a metric, in time's order."""
        found = [
            (point["timestamp"], entry)
            for path, body in self.posts
            if path == "/api/v2/series"
            for entry in body["series"]
            if entry["metric"] == metric
            for point in entry["points"]
        ]
        return sorted(found, key=lambda item: item[0])


@pytest.fixture(scope="module")
def agent() -> Iterator[Run]:
    # A short path: that of the Agent's socket in it may have about 100 characters only.
    with tempfile.TemporaryDirectory(prefix="kennel-") as folder:
        run = Run(Path(folder))
        try:
            deadline = time.monotonic() + 20
            while not status_is_complete(run):
                assert time.monotonic() < deadline, run.verb("status").stdout
                # Its checks run in threads of its own.
                time.sleep(0.2)
            yield run
        finally:
            run.process.kill()
            run.process.wait()
            run.server.shutdown()
            run.server.server_close()


def status_is_complete(run: Run) -> bool:
    answer = run.verb("status", "--json")
    if answer.returncode:
        return False
    status = json.loads(answer.stdout)
    runs = {name: next(iter(found.values()))["TotalRuns"] for name, found in status["runnerStats"]["Checks"].items()}
    failed = {**status["checkSchedulerStats"]["LoaderErrors"], **status["autoConfigStats"]["ConfigErrors"]}
    waiting = CHECKS.keys() - failed.keys() - {name for name, count in runs.items() if count}
    return waiting == {"a_slow_import", "hangs"} and runs["good"] >= 4


@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if check[2]])
def test_a_broken_check_shows_in_status(agent: Run, name: str) -> None:
    answer = agent.verb("status")
    assert answer.returncode == 0, answer.stderr
    assert CHECKS[name][2] in answer.stdout
    assert PASSWORD not in answer.stdout


def test_status_json_has_the_real_agents_shape(agent: Run) -> None:
    status = json.loads(agent.verb("status", "--json").stdout)
    assert status["agent_metadata"]["flavor"].startswith("lab stand-in")
    assert (status["hostname"], status["hostnameStats"]["provider"]) == ("agent-name", "configuration")
    [entry] = status["runnerStats"]["Checks"]["no_run"].values()
    assert entry["TotalErrors"] == entry["TotalRuns"]
    assert json.loads(entry["LastError"])[0]["message"] == "failed with ********"
    assert set(status["autoConfigStats"]["ConfigErrors"]) == {"no_yaml", "no_instances", "no_interval"}
    expected = {"no_syntax", "no_import", "no_class", "no_module", "no_constructor"}
    assert status["checkSchedulerStats"]["LoaderErrors"]["no_import"]["Python Check Loader"].startswith("Traceback")
    assert set(status["checkSchedulerStats"]["LoaderErrors"]) == expected
    assert KEY not in json.dumps(status)


def test_configcheck_names_sources_and_errors_and_no_values(agent: Run) -> None:
    answer = agent.verb("configcheck")
    assert answer.returncode == 0
    assert str(agent.folder / "conf.d/good.d/conf.yaml") in answer.stdout
    assert "no_yaml" in answer.stdout
    assert PASSWORD not in answer.stdout


def test_health_and_hostname(agent: Run) -> None:
    assert agent.verb("hostname").stdout == "agent-name\n"
    health = agent.verb("health")
    assert (health.returncode, health.stdout.splitlines()[0]) == (0, "Agent health: PASS")
    assert "stand-in" in agent.verb("version").stdout


def test_check_prints_what_one_run_submits(agent: Run) -> None:
    answer = agent.verb("check", "good", "--json")
    assert answer.returncode == 0, answer.stderr
    [result] = json.loads(answer.stdout)
    [metric] = result["aggregator"]["metrics"]
    [[timestamp, value]] = metric.pop("points")
    assert abs(timestamp - time.time()) < 10
    assert value == 1
    expected = {"metric": "good", "tags": ["b:ü", "service:shop", "who:me"], "host": "agent-name"}
    assert metric == expected | {"type": "gauge", "interval": 0}
    assert list(result["aggregator"]) == ["metrics"]  # What was not submitted is not there, as in the real answer.
    assert "in the way" in answer.stderr


def test_what_a_check_keeps_outlives_its_process(agent: Run) -> None:
    runs = [json.loads(agent.verb("check", "remembers", "--json").stdout) for _ in range(2)]
    first, second = (run[0]["aggregator"]["metrics"][0]["points"][0][1] for run in runs)
    assert second > first > 1  # The running Agent's run came before both.


@pytest.mark.parametrize("name", ["no_syntax", "no_yaml", "absent"])
def test_check_fails_where_there_is_nothing_to_run(agent: Run, name: str) -> None:
    answer = agent.verb("check", name, "--json")
    assert answer.returncode == 255
    assert "no valid check found" in answer.stderr
    assert PASSWORD not in answer.stderr


def test_what_arrives_is_complete_when_the_agent_ends(agent: Run) -> None:
    """Last in this file, for it stops the Agent: that flushes what no flush has taken yet."""
    assert agent.stop() < 5
    good = agent.points("good")
    assert len(good) >= 4
    # Whole seconds: a beat near the half of one may be rounded either way.
    assert all(0 <= later[0] - earlier[0] <= 2 for earlier, later in itertools.pairwise(good))
    assert good[-1][0] - good[0][0] <= len(good)  # On average one a second: no beat was left out.
    assert sorted(good[0][1]["tags"]) == ["b:ü", "service:shop", "who:me"]
    assert good[0][1]["resources"] == [{"type": "host", "name": "agent-name"}]
    assert agent.points("old")[0][1]["tags"] == ["device:sda", "host_is:agent-name"]
    assert agent.points("packaged")[0][1]["tags"] == ["First"]
    assert agent.points("datadog.agent.running")
    [odd] = {json.dumps([entry["tags"], entry["resources"]]) for _, entry in agent.points("odd")}
    assert json.loads(odd) == [["half:?", "port:1"], [{"type": "host", "name": "7"}]]
    assert not agent.points("odd.much") + agent.points("")

    runs = [entry for path, body in agent.posts if path == "/api/v1/check_run" for entry in body]
    status = {entry["tags"][0]: entry["status"] for entry in runs if entry["check"] == "datadog.agent.check_status"}
    assert status == {
        "check:good": 0,
        "check:old_signature": 0,
        "check:packaged": 0,
        "check:odd": 0,
        "check:remembers": 0,
        "check:json": 1,
        "check:no_run": 2,
        "check:exits": 2,
        "check:takes_a_name": 2,
    }
    said = next(entry for entry in runs if entry["check"] == "asks.said")
    assert said["message"] == "agent-name|agent-name|test|v|hello|0|7"
    assert said["host_name"] == ""
    assert {(entry["check"], entry["status"], *entry["tags"]) for entry in runs if "." not in entry["check"]} == {
        ("odd", 3)
    }

    intake = [body for path, body in agent.posts if path == "/intake/"]
    metadata = next(body for body in intake if "host-tags" in body)
    assert metadata["host-tags"] == {"system": ["team:dogs", "env:test"]}
    assert metadata["internalHostname"] == "agent-name"
    [event] = next(body["events"]["mine"] for body in intake if "events" in body)
    assert event["msg_title"] == "T"
    assert not {"api_key", "unknown"} & set(event)

    log = (agent.folder / "agent.log").read_text(encoding="utf-8")
    assert "from the check" in log
    assert KEY not in log
    assert PASSWORD not in log
