# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The output of the callback steps, from runs of small playbooks."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.plugin_utils import steps

ROOT = Path(__file__).resolve().parents[4]
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
SECRET = "the-marked-secret"
COMMAND, COPY, DEBUG, ASSERT = (f"ansible.builtin.{name}" for name in ("command", "copy", "debug", "assert"))


class Play:
    """A folder with a playbook that can be run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        self.env |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
        self.env |= {"ANSIBLE_HOME": str(folder / "home"), "TERM": "xterm"}

    def command(
        self,
        *tasks: dict[str, Any],
        hosts: str = "a,b,",
        arguments: tuple[str, ...] = (),
        handlers: tuple[dict[str, Any], ...] = (),
    ) -> list[str]:
        play = {"name": "Small things", "hosts": "all", "gather_facts": False}
        play |= {"tasks": list(tasks), "handlers": list(handlers)}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
        return [PLAYBOOK, "-i", hosts, "-c", "local", "play.yml", *arguments]

    def run(self, *tasks: dict[str, Any], status: int = 0, **more: Any) -> str:
        """Return the output of a run, without times."""
        done = subprocess.run(
            self.command(*tasks, **more), cwd=self.folder, env=self.env, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        said = re.sub(r"\d+\.\d s", "N s", done.stdout).replace(str(self.folder), "FOLDER")
        # The wording of ansible-core 2.21 and later.
        return said.replace("The command exited with a non-zero return code.", "non-zero return code")

    def on_terminal(self, *tasks: dict[str, Any]) -> str:
        """Return what a run sends to a terminal."""
        above, below = pty.openpty()
        with subprocess.Popen(self.command(*tasks), cwd=self.folder, env=self.env, stdout=below, stderr=below) as run:
            os.close(below)
            said = b""
            try:
                while found := os.read(above, 65536):
                    said += found
            except OSError:
                # The terminal has been closed.
                run.wait()
        os.close(above)
        return re.sub(r"\d+\.\d s", "N s", said.decode()).replace("\r\n", "\n")


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def shown(name: str, said: str) -> dict[str, Any]:
    return {"name": name, DEBUG: {"msg": said}}


def on(host: str) -> str:
    return f"inventory_hostname == '{host}'"


def test_each_step_has_a_line_with_its_changes(play: Play) -> None:
    said = play.run(
        shown("Say something", "Good day."),
        {"name": "Ask", COMMAND: "true", "changed_when": False},
        {"name": "Leave out", COMMAND: "true", "when": on("c")},
        {"name": "Loop", COMMAND: "echo {{ item }}", "loop": ["one", "two"]},
        {"name": "Go on silently", ASSERT: {"that": True}},
        {"name": "Write", COPY: {"dest": "FOLDER/file".replace("FOLDER", str(play.folder)), "content": "new\n"},
         "run_once": True},
        {"name": "Show a variable", DEBUG: {"var": "groups"}, "run_once": True},
        arguments=("--diff",),
    )  # fmt: skip
    assert said == (
        "--- Small things\n"
        "==> Say something\n"
        "    Good day.\n"
        "==> Ask ... N s\n"
        "==> Loop ... changed a, b: one, two (N s)\n"
        "==> Write ... changed a (N s)\n"
        "    difference on a:\n"
        "--- before\n"
        "+++ after: FOLDER/file\n"
        "@@ -0,0 +1 @@\n"
        "+new\n"
        "==> Show a variable\n"
        "    groups:\n"
        "        all:\n"
        "        - a\n"
        "        - b\n"
        "        ungrouped:\n"
        "        - a\n"
        "        - b\n"
        "\n"
        "HOST  RESULT  TASKS  CHANGED\n"
        "a     ok          6        2\n"
        "b     ok          4        1\n"
    )


def test_failure_shows_its_message_and_is_repeated_at_the_end(play: Play) -> None:
    long = "It is so. " * 12 + "http://192.0.2.1/" + "x" * 80
    said = play.run(
        {"name": "Miss", COMMAND: "ls nowhere", "ignore_errors": True, "when": on("a")},
        {"name": "Try each", COMMAND: "{{ item }}", "loop": ["true", "ls nothing"], "when": on("b")},
        {"name": "Refuse", ASSERT: {"that": False, "fail_msg": f"First line.\n{long}", "quiet": True}},
        status=2,
    )
    assert said == (
        "--- Small things\n"
        "==> Miss\n"
        "    failed on a, ignored:\n"
        "        non-zero return code\n"
        "        stderr: ls: cannot access 'nowhere': No such file or directory\n"
        "==> Try each\n"
        "    failed on b:\n"
        "        ls nothing: non-zero return code\n"
        "        stderr: ls: cannot access 'nothing': No such file or directory\n"
        "        at play.yml:9\n"
        "==> Refuse\n"
        "    failed on a:\n"
        "        First line.\n"
        f"        {long}\n"
        "        at play.yml:15\n"
        "\n"
        "HOST  RESULT  TASKS  CHANGED\n"
        "a     failed      2        1\n"
        "b     failed      1        0\n"
        "\n"
        "b: failed: Try each\n"
        "a: failed: Refuse\n"
        "Fix the problems above and run the same command again. Use -v for more output.\n"
    )


def test_secrets_of_tasks_are_hidden(play: Play) -> None:
    said = play.run(
        {"name": "Hide", COMMAND: f"echo {SECRET}", "no_log": True},
        {"name": "Hide a loop", COMMAND: "echo {{ item }}", "loop": [SECRET], "no_log": True},
        {"name": "Hide a file", COPY: {"dest": str(play.folder / "file"), "content": SECRET}, "no_log": True},
        {"name": "Hide a failure", COMMAND: f"ls {SECRET}", "no_log": True, "ignore_errors": True},
        {"name": "Hide a failing loop", COMMAND: "ls {{ item }}", "loop": [SECRET], "no_log": True},
        hosts="a,",
        status=2,
        arguments=("--diff",),
    )
    assert SECRET not in said
    assert "Hide a loop ... changed a: (censored due to no_log)" in said and "hidden due to" in said


def test_handler_shows_what_it_did_without_counting_it_as_a_change(play: Play) -> None:
    (play.folder / "library").mkdir()
    (play.folder / "library" / "restarts.py").write_text(
        "from ansible.module_utils.basic import AnsibleModule\n"
        "AnsibleModule(argument_spec={}).exit_json(changed=True, actions=['restart'])\n",
        encoding="utf-8",
    )
    said = play.run(
        {"name": "Configure", COMMAND: "true", "notify": "Restart"},
        hosts="a,",
        handlers=({"name": "Restart", "restarts": {}, "changed_when": False},),
    )
    assert "==> Configure ... changed a (N s)\n    Restart: changed a: restart (N s)\n" in said
    assert said.split()[-4:] == ["a", "ok", "2", "1"]


def test_warnings_and_deprecations_are_shown(play: Play) -> None:
    (play.folder / "library").mkdir()
    (play.folder / "library" / "tells.py").write_text(
        "from ansible.module_utils.basic import AnsibleModule\n"
        "module = AnsibleModule(argument_spec={})\n"
        "module.warn('Look out.')\n"
        "module.deprecate('The old way.', version='9.0.0', collection_name='kennel.fleet')\n"
        "module.exit_json(changed=False)\n",
        encoding="utf-8",
    )
    play.env |= {"ANSIBLE_DEPRECATION_WARNINGS": "1"}
    play.env["ANSIBLE_FORKS"] = "1"
    said = play.run({"name": "Tell", "tells": {}}, hosts="a,b")
    # Ansible prints the same warning of two hosts once.
    assert "==> Tell ... warning of a:\n" in said and "warning of b" not in said
    assert "[WARNING]: Look out." in said and "[DEPRECATION WARNING]: The old way." in said


def test_terminal_shows_the_running_task_in_a_temporary_line(play: Play) -> None:
    tasks = [{"name": "Ask", COMMAND: "true", "changed_when": False}, {"name": "Change", COMMAND: "true"}]
    said = play.on_terminal(*tasks)
    assert "\r\x1b[K==> Ask\r\x1b[K" in said and "\x1b[0;33m==> Change ... changed a, b (N s)\x1b[0m" in said
    # The lines that are left after temporary parts were erased.
    left = [line.rpartition("\x1b[K")[2] for line in re.sub(r"\x1b\[[0-9;]*m", "", said).split("\n")]
    assert left[:3] == ["--- Small things", "==> Ask ... N s", "==> Change ... changed a, b (N s)"]
    play.env["NO_COLOR"] = "1"
    assert "\x1b[0;33m" not in play.on_terminal(*tasks)
    play.env["TERM"] = "dumb"
    assert "\x1b" not in play.on_terminal(*tasks)


def test_verbose_run_has_ansibles_default_output(play: Play) -> None:
    task = {"name": "Ask", COMMAND: "true", "changed_when": False}
    verbose = play.run(task, hosts="a,", arguments=("-v",))
    play.env["ANSIBLE_STDOUT_CALLBACK"] = "default"
    times = r"\d\d:\d\d:\d\d\.\d+|\d{4}-\d\d-\d\d|0:00:\d\d\.\d+"
    assert re.sub(times, "", verbose) == re.sub(times, "", play.run(task, hosts="a,", arguments=("-v",)))
    assert "TASK [Ask]" in verbose and "PLAY RECAP" in verbose


def test_interrupted_run_says_what_to_run_next(play: Play) -> None:
    command = play.command({"name": "Wait for long", COMMAND: "sleep 60"}, hosts="a,")
    with subprocess.Popen(
        command, cwd=play.folder, env=play.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        assert run.stdout
        read = ""
        while "Wait for long" not in read:
            read += run.stdout.read(1)
        # By now the task is sent to the host, which leaves no trace.
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        read += run.stdout.read()
    # ansible-core 2.19.0 reports such a run as one whose worker died.
    word = {99: "Interrupted", 1: "Stopped"}[run.returncode]
    assert " ".join(read.splitlines()[-2:]) == (
        f"{word} during: Wait for long. Run the same command again to continue; completed work stays in place."
    )


def test_summary_names_objects_and_reports(play: Play) -> None:
    folder = play.folder / "library"
    folder.mkdir()
    entry = {"key": "load", "id": 1, "title": "Load is high", "url": "http://127.0.0.1:1/monitors/1"}
    board = {"key": "board", "id": "a", "title": "Board", "url": None}
    outcomes = {"created": [], "changed": [], "deleted": [], "unchanged": []}
    result = {
        "changed": True,
        "summary": {
            "fleet": "shop", "check": False, "differs": True,
            "counts": {"created": 1, "changed": 0, "deleted": 1, "unchanged": 0},
            "objects": {"dashboards": {**outcomes, "deleted": [board]}, "monitors": {**outcomes, "created": [entry]}},
        },
        "reports": [str(play.folder / "reports" / "objects.json")],
    }  # fmt: skip
    (folder / "datadog_objects.py").write_text(
        "import json\nfrom ansible.module_utils.basic import AnsibleModule\n"
        f"AnsibleModule(argument_spec={{}}).exit_json(**json.loads({json.dumps(result)!r}))\n",
        encoding="utf-8",
    )
    said = play.run({"name": "Create them", "datadog_objects": {}}, hosts="a,")
    assert said == (
        "--- Small things\n"
        "==> Create them ... changed a (N s)\n"
        "\n"
        "HOST  RESULT  TASKS  CHANGED\n"
        "a     ok          1        1\n"
        "\n"
        "Datadog objects of shop: created 1, changed 0, deleted 1\n"
        "    created monitor Load is high\n"
        "        http://127.0.0.1:1/monitors/1\n"
        "    deleted dashboard Board\n"
        "\n"
        "Reports: reports/objects.json\n"
    )


def test_tally_file_has_the_changes_of_every_run(play: Play) -> None:
    play.env["KENNEL_STEPS_TALLY"] = str(play.folder / "tally")
    for _run in range(2):
        play.run({"name": "Change", COMMAND: "true"})
    assert (play.folder / "tally").read_text(encoding="utf-8") == "2\n2\n"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Unpacking datadog-agent (1:7.71.0-1) over (1:7.70.0-1) ...\n", "datadog-agent 1:7.70.0-1 -> 1:7.71.0-1"),
        ("Unpacking libc6:amd64 (2.41) ...\nUnpacking a (2) over (1) ...\n", "a 1 -> 2, libc6 2.41"),
        ("Inst datadog-agent [1:7.70.0-1] (1:7.71.0-1 stable:7 [amd64])\nConf x (1 y)\n",
         "datadog-agent 1:7.70.0-1 -> 1:7.71.0-1"),
        ("Inst datadog-agent (1:7.71.0-1 stable:7 [amd64])\n", "datadog-agent 1:7.71.0-1"),
        ("".join(f"Unpacking p{number} (1) ...\n" for number in range(9)), "p0 1, p1 1, p2 1 and 6 more"),
        ("Nothing to do.\n", ""),
    ],
)  # fmt: skip
def test_version_changes_come_from_apts_output(output: str, said: str) -> None:
    assert steps.what_changed({"stdout": output}) == said


def test_changed_files_and_steps_are_named() -> None:
    assert steps.what_changed({"files": ["/etc/a", "/etc/b"], "actions": ["restart"]}) == "restart, /etc/a, /etc/b"


def test_lines_fit_a_small_terminal() -> None:
    text = "\n".join(["word " * 40, "  - " + "indented " * 20, "x" * 100, ""])
    lines = steps.wrapped(text)
    assert [line for line in lines if len(line) > steps.WIDTH] == ["    " + "x" * 100]
    assert all(line.startswith("      - " if "-" in line else "    ") for line in lines)
    assert steps.some([f"h{number}" for number in range(50)]) == "h0, h1, h2, h3 and 46 more"
