"""Ansible's output for `./kennel`: a line per step with the time it took, failures last.

Chosen with ANSIBLE_STDOUT_CALLBACK; `ansible-playbook` alone keeps the output that people know.
"""

import os
import textwrap
import time
from pathlib import Path
from typing import Any

from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import CallbackTaskResult
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default

DOCUMENTATION = """
    name: kennel_steps
    type: stdout
    short_description: A line per step, with its time
    description: Prints each task as it starts, then how long it took and where it changed something.
    extends_documentation_fragment: [default_callback, result_format_callback]
"""

# Neither these nor includes are steps of the work.
NO_STEPS = ("validate_argument_spec", "meta")


class CallbackModule(Default):
    """The default output, with one line for a task that went well."""

    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "kennel_steps"

    def __init__(self) -> None:
        super().__init__()
        self._open = False  # whether the line of the current step still waits for its end
        self._since = 0.0
        self._ran = False
        self._changed: list[str] = []
        self._failures: list[str] = []

    def _print_task_banner(self, task: Task) -> None:
        self._end_step()
        self._last_task_banner = task._uuid
        self._since, self._ran, self._changed = time.monotonic(), False, []
        if not isinstance(task, TaskInclude) and task.action.rpartition(".")[2] not in NO_STEPS:
            self._display.display(f"==> {self._name(task)} ... ", newline=False)
            self._open = True

    @staticmethod
    def _name(task: Task) -> str:
        return str(task.get_name()).strip().removeprefix("kennel.fleet.")

    def _end_step(self) -> None:
        if not self._open:
            return
        self._open = False
        end = f"{time.monotonic() - self._since:.1f} s" if self._ran else "not needed"
        if self._changed:
            end += f", changed {', '.join(sorted(set(self._changed)))}"
        self._display.display(end)

    def _break_line(self) -> None:
        """End the line of a step that goes on, before something is printed under it."""
        if self._open:
            self._open = False
            self._display.display("")

    def v2_playbook_on_play_start(self, play: Play) -> None:
        self._end_step()
        self._play = play
        self._display.display(f"--- {play.get_name().strip()}")

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """Remember who changed; print only what a task was made to say."""
        self._ran = True
        if result.result.get("changed"):
            self._changed.append(result.host.get_name())
        if result.result.get("warnings") or result.result.get("deprecations"):
            self._break_line()
        self._handle_warnings_and_exception(result)
        if result.task.action.endswith("debug"):
            self._break_line()
            said = result.result.get("msg", "")
            for text in said if isinstance(said, list) else [said]:
                self._display.display(textwrap.indent(str(text), "    "))

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        """Print nothing: the end of the step says so where all were skipped, and the step is the loop."""

    v2_runner_item_on_ok = v2_runner_item_on_skipped = v2_playbook_on_include = v2_runner_on_skipped

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """Show a failure in full, and keep its gist for the end."""
        self._break_line()
        super().v2_runner_on_failed(result, ignore_errors)
        if not ignore_errors:
            self._note(result)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """Show which host could not be reached, and keep it for the end."""
        self._break_line()
        super().v2_runner_on_unreachable(result)
        if not result.task.ignore_unreachable:
            self._note(result)

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        self._break_line()
        super().v2_runner_item_on_failed(result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """End with a line per host, what failed, and the number of changes for `./kennel`."""
        self._end_step()
        super().v2_playbook_on_stats(stats)
        for failure in self._failures:
            self._display.display(failure, color="red")
        counted = os.environ.get("KENNEL_CHANGES")
        if counted:
            with Path(counted).open("a", encoding="utf-8") as file:
                file.write(f"{sum(stats.changed.values())}\n")

    def _note(self, result: CallbackTaskResult) -> None:
        found: dict[str, Any] = result.result
        # What a command wrote says more than that its return code was not zero.
        text = found.get("stderr") or found.get("msg") or "failed"
        self._failures.append(f"{result.host.get_name()}: {self._name(result.task)}: {str(text).strip()}")
