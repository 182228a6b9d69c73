# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Custom checks are loaded as the Agent loads them: code that runs there is accepted, other code is refused.

The Agent's Python is the one that runs the tests, with the genuine datadog-checks-base. Other files of its package are
laid out as in datadog-agent 7.84, cmd/agent/dist.
"""

from __future__ import annotations

import os
import pwd
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import check_loading

Load = Callable[..., tuple[str, str]]

BASE = "from datadog_checks.base import AgentCheck\n"
CHECK = "class Jobs(AgentCheck):\n    def check(self, instance):\n        self.gauge('jobs', 1)\n"
DIST = {
    "checks/__init__.py": "from datadog_checks.checks import AgentCheck\n",
    "checks/network_checks.py": "from datadog_checks.checks.network_checks import NetworkCheck, Status, EventType\n",
    "config.py": "from datadog_checks.config import _is_affirmative\nfrom datadog_checks.log import _get_py_loglevel\n",
    "utils/__init__.py": "",
    "utils/subprocess_output.py": "from datadog_checks.utils.subprocess_output import get_subprocess_output\n",
}
HELPER = BASE + "class Sender(AgentCheck):\n    pass\n"
BESIDE = {"checks.d/helper.py": HELPER, "checks.d/names.txt": "a b", "conf.d/jobs.d/queues.json": "{}"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of an installed Agent."""
    home = tmp_path / "opt"
    python = home / "embedded/bin/python3"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for name, text in DIST.items():
        path = home / "bin/agent/dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return home


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The Agent's configuration folder, with files that checks look for."""
    root = tmp_path / "etc"
    for name, text in BESIDE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def load(run_module: Callable[..., object], monkeypatch: pytest.MonkeyPatch, home: Path, root: Path) -> Load:
    """Load code on a host, in a separate process, without changing the configuration folder or others."""
    scratch = root.parent / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_ARGS", b'{"ANSIBLE_MODULE_ARGS": {}}')
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_PROFILE", "legacy", raising=False)
    user = pwd.getpwuid(os.getuid()).pw_name

    def call(code: str | bytes, name: str = "jobs", seconds: int = 120, **beside: str) -> tuple[str, str]:
        text = code if isinstance(code, str) else code.decode("utf-8", "surrogateescape")
        before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
        python = str(home / "embedded/bin/python3")
        found = check_loading.try_loading(
            AnsibleModule(argument_spec={}),
            name=name, codes={name: text, **beside}, root=str(root), python=python, user=user, seconds=seconds,
        )  # fmt: skip
        assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
        assert list(scratch.iterdir()) == []
        return found

    return call


@pytest.mark.parametrize(
    "code",
    [
        BASE + CHECK,
        "from checks import AgentCheck\n" + CHECK,
        "from checks.network_checks import NetworkCheck\nclass Jobs(NetworkCheck):\n    pass\n",
        "from datadog_checks.checks import AgentCheck\n" + CHECK,
        "import datadog_agent\nHOST = datadog_agent.get_hostname() + datadog_agent.get_version()\n" + BASE + CHECK,
        "from datadog_agent import get_config\nif not get_config('x'):\n    X = 1\n" + BASE + CHECK,
        "import aggregator, tagger, kubeutil, containers, util, _util\n"
        "X = aggregator.GAUGE, tagger.HIGH, tagger.tag('a', 0)[:], util.headers({})['Accept']\n"
        + BASE + CHECK,
        "from config import _is_affirmative\nimport utils.subprocess_output\n" + BASE + CHECK,
        "from __future__ import annotations\nfrom dataclasses import dataclass, KW_ONLY\n"
        "@dataclass\nclass Point:\n    _: KW_ONLY\n    value: int = 0\n" + BASE + CHECK,
        "import pathlib\nNAMES = (pathlib.Path(__file__).parent / 'names.txt').read_text()\n" + BASE + CHECK,
        "import os\nopen(os.path.join(os.path.dirname(os.path.dirname(__file__)), 'conf.d/jobs.d/queues.json'))\n"
        + BASE + CHECK,
        "open(__file__, encoding='utf-8').read()\n" + BASE + CHECK,
        "import inspect, sys\ndef f(): pass\nassert 'def f' in inspect.getsource(f)\n"
        "assert sys.modules[__name__].__name__ == 'jobs'\n" + BASE + CHECK,
        "import pickle\nclass State: pass\npickle.dumps(State())\n" + BASE + CHECK,
        b"\xef\xbb\xbf" + (BASE + CHECK).encode(),
        "# -*- coding: utf-8 -*-\nNAME = 'größe'\n" + BASE + CHECK,
        b"# -*- coding: latin-1 -*-\nNAME = 'gr\xf6\xdfe'\n" + (BASE + CHECK).encode(),
        (BASE + CHECK).replace("\n", "\r\n"),
        "from helper import Sender\n",
        "import helper\nclass Jobs(helper.Sender):\n    pass\n",
        "from helper import *\nfrom helper import Sender as Base\nclass Jobs(Base):\n    pass\n",
        "from datadog_checks.base import OpenMetricsBaseCheck\nclass Jobs(OpenMetricsBaseCheck):\n    pass\n",
        BASE + "class Base(AgentCheck):\n    pass\nclass Jobs(Base):\n    pass\n",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n" + BASE + CHECK,
        "import subprocess\nsubprocess.Popen(['sleep', '600'])\n" + BASE + CHECK,
        "print('x' * 100000)\n" + BASE + CHECK,
        "import logging\nlogging.getLogger(__name__).warning('loaded')\nlogging.warning('twice')\n" + BASE + CHECK,
        "open('/dev/stdin').read()\ninput_ = None\n" + BASE + CHECK,
    ],
)  # fmt: skip
def test_accepts_code_that_runs_in_the_agent(load: Load, code: str | bytes) -> None:
    start = time.monotonic()
    assert load(code) == ("", "")
    assert time.monotonic() - start < 100


def test_check_may_import_another_one_from_the_same_call(load: Load) -> None:
    code = f"from jobs_names import NAME\n{BASE}{CHECK}"
    assert "jobs_names" in load(code)[0]
    assert load(code, jobs_names="NAME = 1\n") == ("", "")


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        ("def", "jobs", "line 1: SyntaxError"),
        (BASE + "print 'x'\n", "jobs", "line 2: SyntaxError: Missing parentheses"),
        ("import no_such_library\n", "jobs", "ModuleNotFoundError: No module named 'no_such_library'. Install"),
        ("\nraise RuntimeError('at\\nimport')\n", "jobs", "line 2: RuntimeError: at import"),
        ("import helper\nhelper.none()\n", "jobs", "line 2: AttributeError: module 'helper' has no attribute 'none'"),
        ("x = 1\n", "jobs", "it has no subclass of AgentCheck"),
        (BASE, "jobs", "it has no subclass of AgentCheck"),
        # Only Agent 5 had these.
        ("from util import get_hostname\n", "jobs", "line 1: ImportError: cannot import name 'get_hostname'"),
        ("import sys\nsys.exit(0)\n", "jobs", "line 2: SystemExit: 0"),
        ("import os\nos._exit(0)\n", "jobs", "it ends the process that loads it (exit status 0)"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n", "jobs", "(signal 15)"),
        ("import time\ntime.sleep(600)\n", "jobs", "it was still loading after 2 seconds"),
        ("import os, time\nos.fork()\ntime.sleep(600)\n", "jobs", "it was still loading after 2 seconds"),
        # Under these names, the Agent finds another module first.
        (BASE + CHECK, "queue", "queue.py under this name first"),
        (BASE + CHECK, "sys", "finds Python's own module sys under this name first"),
        (BASE + CHECK, "yaml", "/yaml/__init__.py under this name first"),
        (BASE + CHECK, "config", "bin/agent/dist/config.py under this name first"),
        (BASE + CHECK, "tagger", "finds Python's own module tagger under this name first"),
    ],
)  # fmt: skip
def test_refuses_code_that_does_not_run_in_the_agent(load: Load, root: Path, code: str, name: str, words: str) -> None:
    # Enough time for a busy machine, and little for code that uses all of it.
    problem, warning = load(code, name, seconds=2 if "after 2 seconds" in words else 120)
    assert words in problem, problem
    assert (problem.count("\n"), warning) == (0, "")
    # The private copy is deleted, so the message names the real paths.
    assert "kennel-check-" not in problem


def test_refuses_the_name_of_an_integration(load: Load, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = home / "site/datadog_checks/jobs/__init__.py"
    wheel.parent.mkdir(parents=True)
    wheel.write_text(f"__version__ = '1.2.3'\n{BASE}{CHECK}")
    # A namespace package may be in several folders.
    monkeypatch.setenv("PYTHONPATH", str(home / "site"))
    problem, _warning = load(BASE + CHECK)
    assert "comes with an integration jobs 1.2.3 and would run that instead" in problem
    # A module without a check does not count.
    wheel.write_text("raise SystemExit\n")
    assert load(BASE + CHECK) == ("", "")


def test_warns_if_the_agent_would_run_another_class(load: Load) -> None:
    code = "from datadog_checks.base import AgentCheck, OpenMetricsBaseCheck\nclass Zed(AgentCheck):\n    pass\n"
    problem, warning = load(code)
    assert (problem, "uses its class OpenMetricsBaseCheck, the first by name, and not Zed. Rename Zed" in warning) == (
        "",
        True,
    )


def test_package_takes_precedence_over_the_module(load: Load, root: Path) -> None:
    (root / "checks.d/jobs").mkdir()
    (root / "checks.d/jobs/__init__.py").write_text(BASE + CHECK)
    assert f"{root}/checks.d/jobs/__init__.py under this name first" in load(BASE + CHECK)[0]


def test_new_code_is_loaded_instead_of_the_installed_one(load: Load, root: Path) -> None:
    (root / "checks.d/jobs.py").write_text("raise RuntimeError\n")
    assert load(BASE + CHECK) == ("", "")


def test_broken_python_is_reported(load: Load, home: Path) -> None:
    (home / "embedded/bin/python3").write_text("#!/bin/sh\ncat >/dev/null; echo broken >&2; exit 3\n")
    assert load(BASE + CHECK)[0] == f"{home}/embedded/bin/python3 does not run (exit status 3): broken"
    (home / "embedded/bin/python3").write_text("#!/bin/sh\nexit 3\n")
    assert f"{home}/embedded/bin/python3 does not run" in load(BASE + CHECK + "#" * 100000)[0]


def test_agent_without_checks_base_is_reported(load: Load, home: Path) -> None:
    (home / "embedded/bin/python3").write_text('#!/bin/sh\nexec /usr/bin/python3 -S -I "$@"\n')
    assert "the Agent's Python fails: ModuleNotFoundError: No module named 'datadog_checks'" in load(BASE + CHECK)[0]
