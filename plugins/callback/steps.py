# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: steps
type: stdout
short_description: Concise output with a line for each step, what changed, and a summary of hosts and objects
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Prints a line for each role and for each task outside of roles, with its duration. Below it, prints the tasks that
    changed something, with files and versions, their differences with C(--diff), warnings, and the messages of debug
    and similar tasks. Does not print skipped tasks.
  - Prints the whole message of a failure, and repeats failures at the end, after a table of the hosts. The end also
    lists dashboards, monitors and downtimes that were created, changed or deleted, with titles and URLs, and the paths
    of reports.
  - Lines have at most 79 columns, except for differences, URLs and long words. On a terminal, the last line shows the
    task that is running.
  - With C(-v), prints the output of P(ansible.builtin.default#callback). To get this output without C(-v), set
    E(ANSIBLE_STDOUT_CALLBACK=default). E(NO_COLOR) disables colors.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
options:
  tally:
    description: File to which a run appends the number of changes on all hosts when it ends.
    type: path
    env:
      - name: KENNEL_STEPS_TALLY
    ini:
      - section: callback_steps
        key: tally
requirements:
  - Set as the stdout callback, as in the example.
"""

EXAMPLES = r"""
# In ansible.cfg
# [defaults]
stdout_callback: kennel.fleet.steps
"""

import atexit
import os
import shutil
import signal
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import CallbackTaskResult
from ansible.playbook.handler import Handler
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.kennel.fleet.plugins.plugin_utils import steps

# Modules that only control the run or print something.
SILENT = ("assert", "set_fact", "debug", "validate_argument_spec", "meta")
# Modules that print their progress.
SPEAKING = ("datadog_verify",)


def only_whole(name: str) -> Any:
    """Return a method for an event that prints only in the default output."""

    def method(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        if self._whole:
            getattr(Default, name)(self, *args, **kwargs)

    return method


class Record:
    """What a task has done so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.since = time.monotonic()
        # Hosts by what changed there, by difference, and by message.
        self.changed: dict[str, list[str]] = {}
        self.diffs: dict[str, list[str]] = {}
        self.said: dict[str, list[str]] = {}


class CallbackModule(Default):
    """Prints a run as steps, which are roles and tasks outside of roles; with ``-v``, the default output."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "kennel.fleet.steps"

    def __init__(self) -> None:
        super().__init__()
        self._whole = self._display.verbosity > 0
        self._live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        # The heading of the play, until something is printed below it.
        self._heading = ""
        self._step, self._name, self._since = "", "", 0.0
        # Whether the line of the step is incomplete, whether it was printed, and whether something ran.
        self._open = self._titled = self._ran = False
        self._tasks: dict[str, Record] = {}
        self._failures: list[tuple[str, str]] = []
        # By host and task.
        self._failed_items: dict[tuple[str, str], list[tuple[dict[str, Any], str]]] = {}
        self._summaries: list[dict[str, Any]] = []
        self._reports: list[str] = []
        self._warned: set[str] = set()
        self._interrupted = self._ended = False

    def _print(self, text: str, color: str | None = None, stderr: bool = False) -> None:
        """Print a line below the line of the step, which is printed first if it is missing."""
        self._print_heading()
        if self._open:
            self._piece("\n")
        elif self._step and not self._titled:
            self._display.display(f"==> {self._name}")
        self._open, self._titled = False, True
        self._display.display(text, color=color, stderr=stderr)

    def _print_heading(self) -> None:
        if self._live:
            self._piece("\r\x1b[K")
        if self._heading:
            self._display.display(self._heading)
            self._heading = ""

    def _piece(self, text: str) -> None:
        self._display.display(text, screen_only=True, newline=False)
        sys.stdout.flush()

    def _transient(self, task: str) -> None:
        """Show on a terminal what is running, until the next line replaces it."""
        if self._live:
            text = f"==> {self._name}" + (f": {task}" if task != self._name else "")
            self._piece("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])

    def _task_start(self, task: Task, prefix: str | None = None) -> None:
        if self._whole:
            super()._task_start(task, prefix)
            return
        self._flush()
        if isinstance(task, TaskInclude):
            return
        name, role = self._name_of(task), self._role_of(task)
        step = role or task._uuid
        # A handler runs within the current step.
        if step != self._step and not (prefix == "RUNNING HANDLER" and self._step):
            self._end_step()
            self._step, self._name, self._since = step, role or name, time.monotonic()
        self._tasks[task._uuid] = Record(name)
        if self._module(task) in SPEAKING:
            self._print(f"{steps.INDENT}{name}")
        elif self._live:
            self._transient(name)
        # Print a task that may be skipped once it has run; print the others before they run.
        elif not task.when and self._module(task) not in SILENT:
            self._begin()

    def _begin(self) -> None:
        if not self._open and not self._titled and not self._live:
            self._print_heading()
            self._piece(f"==> {self._name} ... ")
            self._open = True

    def _end_step(self) -> None:
        """Complete the line of the step, or print it if something ran without any output."""
        line = f"==> {self._name} ... {time.monotonic() - self._since:.1f} s"
        if self._open:
            self._piece(line.rpartition(" ... ")[2] + "\n")
            self._display.display(line, log_only=True)
        elif self._step and self._ran and not self._titled:
            self._print_heading()
            self._display.display(line)
        elif self._live:
            self._piece("\r\x1b[K")
        self._step, self._name = "", ""
        self._open = self._titled = self._ran = False

    def _flush(self) -> None:
        """Print what the tasks have done so far, each change once with its hosts."""
        tasks, self._tasks = self._tasks, {}
        for record in tasks.values():
            seconds = f"{time.monotonic() - record.since:.1f} s"
            for what, hosts in record.changed.items():
                text = f"changed {steps.some(sorted(hosts))}{': ' * bool(what)}{what} ({seconds})"
                self._tell(record.name, text, C.COLOR_CHANGED)
            for text, hosts in sorted(record.diffs.items(), key=lambda item: sorted(item[1])):
                self._tell(record.name, f"difference on {steps.some(sorted(hosts))}:")
                self._display.display(text.rstrip("\n"))
            for text, hosts in record.said.items():
                for line in steps.wrapped(f"{steps.some(sorted(hosts))}: {text}" if len(record.said) > 1 else text):
                    self._print(line)

    def _tell(self, name: str, text: str, color: str | None = None) -> None:
        """Print what a task did, in the line of the step if the step is this task and it fits."""
        if name != self._name:
            text = f"{name}: {text}"
        elif not self._titled and len(f"==> {name} ... {text}") <= steps.WIDTH:
            self._print_heading()
            self._display.display(text if self._open else f"==> {name} ... {text}", color=color)
            self._open, self._titled = False, True
            return
        for line in steps.wrapped(text):
            self._print(line, color)

    def _record(self, result: CallbackTaskResult) -> Record:
        return self._tasks.setdefault(result.task._uuid, Record(self._name_of(result.task)))

    @staticmethod
    def _name_of(task: Task) -> str:
        return str(task.name or task.get_name()).strip()

    @staticmethod
    def _role_of(task: Task) -> str:
        """Return the role that the play calls, which may include other roles."""
        role = task._role
        while role and role.get_parents():
            role = role.get_parents()[0]
        return role.get_name(include_role_fqcn=False) if role else ""

    @staticmethod
    def _module(task: Task) -> str:
        return str(task.action).rpartition(".")[2]

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Watch for Ctrl-C, for which there is no event."""
        super().v2_playbook_on_start(playbook)
        former, process = signal.getsignal(signal.SIGINT), os.getpid()

        def interrupted(number: int, frame: Any) -> None:
            self._interrupted = True
            former(number, frame)

        def at_exit() -> None:
            # Not in a forked process.
            if not self._ended and os.getpid() == process:
                self._say_stopped()

        atexit.register(at_exit)
        # If the signal is ignored, leave it ignored.
        if callable(former) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, interrupted)

    def _say_stopped(self) -> None:
        what = "Interrupted" if self._interrupted else "Stopped"
        during = f" during: {self._name}" if self._name else ""
        text = f"{what}{during}. Run the same command again to continue; completed work stays in place."
        for line in steps.wrapped(text, ""):
            self._display.display(line, color=C.COLOR_ERROR)

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """Keep the heading of the play until something is printed below it."""
        if self._whole:
            super().v2_playbook_on_play_start(play)
            return
        self._flush()
        self._end_step()
        self._play = play
        self._heading = f"--- {play.get_name().strip()}{' (check mode)' * bool(play.check_mode)}"

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Say that a play has no hosts."""
        if self._whole:
            super().v2_playbook_on_no_hosts_matched()
        else:
            self._print(f"{steps.INDENT}No hosts matched this play.", C.COLOR_SKIP)

    v2_playbook_on_no_hosts_remaining = only_whole("v2_playbook_on_no_hosts_remaining")
    v2_playbook_on_include = only_whole("v2_playbook_on_include")
    # The items of a loop are reported together when it ends.
    v2_runner_item_on_ok = only_whole("v2_runner_item_on_ok")
    v2_runner_item_on_skipped = only_whole("v2_runner_item_on_skipped")
    v2_runner_on_skipped = only_whole("v2_runner_on_skipped")
    v2_runner_on_async_poll = only_whole("v2_runner_on_async_poll")
    v2_runner_on_async_ok = only_whole("v2_runner_on_async_ok")
    v2_runner_on_async_failed = only_whole("v2_runner_on_async_failed")

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """Remember changes and messages until the task is done on every host."""
        self._collect(result)
        if self._whole:
            super().v2_runner_on_ok(result)
            return
        if isinstance(result.task, TaskInclude):
            return
        if self._module(result.task) not in SILENT:
            self._ran = True
            self._begin()
        self._warn(result)
        record, found, host = self._record(result), result.result, result.host.get_name()
        # A handler that restarts a service may leave counting the change to the task that notified it.
        if found.get("changed") or (isinstance(result.task, Handler) and found.get("actions")):
            items = self._changed_items(result)
            labels = [str(self._get_item_label(one)) for one in items]
            what = steps.some(labels, steps.MOST_PARTS) if items else steps.what_changed(found)
            record.changed.setdefault(what, []).append(host)
        if self._run_is_verbose(result):
            self._clean_results(found, result.task.action)
            shown = {name: value for name, value in found.items() if not name.startswith("_")}
            text = steps.said(found) if "msg" in found else textwrap.dedent(self._dump_results(shown)).strip()
            if text:
                record.said.setdefault(text, []).append(host)

    def v2_on_file_diff(self, result: CallbackTaskResult) -> None:
        """Remember differences, which many hosts may have in common."""
        if self._whole:
            super().v2_on_file_diff(result)
            return
        for one in self._changed_items(result) or [result.result]:
            if one.get("changed") and one.get("diff") and (text := self._get_diff(one["diff"])).strip():
                self._record(result).diffs.setdefault(text, []).append(result.host.get_name())

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        """Remember a failed item: since ansible-core 2.21, the result of a loop does not tell which items failed."""
        if self._whole:
            super().v2_runner_item_on_failed(result)
            return
        items = self._failed_items.setdefault((result.host.get_name(), result.task._uuid), [])
        items.append((dict(result.result), str(self._get_item_label(result.result))))

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """Print the whole message, or that of each failed item of a loop."""
        self._collect(result)
        if self._whole:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        items = self._failed_items.pop((result.host.get_name(), result.task._uuid), [])
        texts = [text for one, label in items or [(result.result, "")] for text in steps.failure(one, label)]
        self._fail("failed", result, texts, C.COLOR_ERROR, bool(ignore_errors))

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """Print why a host is unreachable."""
        if self._whole:
            super().v2_runner_on_unreachable(result)
            return
        ignored = bool(result.task.ignore_unreachable)
        self._fail("unreachable", result, steps.failure(result.result), C.COLOR_UNREACHABLE, ignored)

    def _fail(self, what: str, result: CallbackTaskResult, texts: list[str], color: str, ignored: bool) -> None:
        self._warn(result)
        color = C.COLOR_WARN if ignored else color
        stderr = self.get_option("display_failed_stderr")
        name, host, where = self._name_of(result.task), result.host.get_name(), result.task.get_path()
        head = f"{what} on {self.host_label(result)}{', ignored' * ignored}:"
        lines = steps.wrapped(head if name == self._name else f"{name}: {head}")
        lines += [line for text in texts for line in steps.wrapped(text, steps.INDENT * 2)]
        if where and not ignored:
            path, _colon, number = where.rpartition(":")
            lines.append(f"{steps.INDENT * 2}at {os.path.relpath(os.path.realpath(path))}:{number}")
        for line in lines:
            self._print(line, color, stderr)
        if not ignored:
            self._failures.append((host, f"{host}: {what}: {name}"))

    def v2_runner_retry(self, result: CallbackTaskResult) -> None:
        """Show on a terminal how often a task has been tried."""
        if self._whole:
            super().v2_runner_retry(result)
        else:
            tried = f"tried {result.result.get('attempts')} of {result.result.get('retries')} times"
            self._transient(f"{self._name_of(result.task)}, {tried}")

    def _warn(self, result: CallbackTaskResult) -> None:
        # Ansible prints each of them once.
        warnings = {str(one) for name in ("warnings", "deprecations") for one in result.result.get(name) or ()}
        if warnings - self._warned:
            self._warned |= warnings
            self._tell(self._name_of(result.task), f"warning of {result.host.get_name()}:", C.COLOR_WARN)
            # Warnings go to stderr. Flush to keep the order if both streams go to the same place.
            sys.stdout.flush()
            self._handle_warnings(result.result)

    @staticmethod
    def _changed_items(result: CallbackTaskResult) -> list[dict[str, Any]]:
        """Return the results of a loop that changed something."""
        items = result.result.get("results") if result.task.loop is not None else None
        return [one for one in items or () if isinstance(one, dict) and one.get("changed")]

    def _collect(self, result: CallbackTaskResult) -> None:
        """Remember objects and reports for the end of the run."""
        module = self._module(result.task)
        if module == "datadog_objects" and "summary" in result.result:
            self._summaries.append(result.result["summary"])
        if module in ("datadog_objects", "datadog_verify"):
            self._reports += result.result.get("reports") or []

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """End with a table of hosts, the objects, the paths of reports, and the failures."""
        self._ended = True
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        if self._whole:
            super().v2_playbook_on_stats(stats)
        else:
            self._flush()
            self._end_step()
            self._heading = ""
            self._print_table(hosts)
        for line in steps.object_lines(self._summaries):
            self._display.display(line)
        if self._reports:
            self._display.display("\nReports: " + ", ".join(dict.fromkeys(map(os.path.relpath, self._reports))))
        # A failure that a block has rescued does not count.
        failed = [text for host, text in self._failures if hosts[host]["failures"] or hosts[host]["unreachable"]]
        if failed:
            self._display.display("\n" + "\n".join(failed), color=C.COLOR_ERROR)
            self._display.display("Fix the problems above and run the same command again. Use -v for more output.")
        if tally := self.get_option("tally"):
            with Path(tally).open("a", encoding="utf-8") as file:
                file.write(f"{sum(stats.changed.values())}\n")

    def _print_table(self, hosts: dict[str, dict[str, int]]) -> None:
        heading, *lines = steps.host_table(hosts)
        self._display.display(f"\n{heading}")
        for line, counts in zip(lines, hosts.values(), strict=True):
            bad = counts["failures"] or counts["unreachable"]
            self._display.display(line, color=C.COLOR_ERROR if bad else C.COLOR_CHANGED if counts["changed"] else None)
