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
import functools
import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from ansible import constants as C
from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import CallbackTaskResult
from ansible.playbook.handler import Handler
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.kennel.fleet.plugins.plugin_utils import steps
from ansible_collections.kennel.fleet.plugins.plugin_utils.step_output import Output

# Modules that only control the run or print something.
SILENT = ("assert", "set_fact", "debug", "validate_argument_spec", "meta")
# Modules that print their progress.
SPEAKING = ("datadog_verify",)


Event = TypeVar("Event", bound=Callable[..., None])


def brief(event: Event) -> Event:
    """Return the method for an event so that, in the default output, the default callback handles the event instead."""

    @functools.wraps(event)
    def method(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        (getattr(Default, event.__name__) if self._whole else event)(self, *args, **kwargs)

    return cast(Event, method)


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
        self._out = Output(self._display)
        self._tasks: dict[str, Record] = {}
        self._failures: list[tuple[str, str]] = []
        # By host and task.
        self._failed_items: dict[tuple[str, str], list[tuple[dict[str, Any], str]]] = {}
        self._summaries: list[dict[str, Any]] = []
        self._reports: list[str] = []
        self._warned: set[str] = set()
        self._interrupted = self._ended = False

    @brief
    def _task_start(self, task: Task, prefix: str | None = None) -> None:
        self._flush()
        if isinstance(task, TaskInclude):
            return
        name, role = self._name_of(task), self._role_of(task)
        step = role or task._uuid
        # A handler runs within the current step.
        if step != self._out.step and not (prefix == "RUNNING HANDLER" and self._out.step):
            self._out.start(step, role or name)
        self._tasks[task._uuid] = Record(name)
        if self._module(task) in SPEAKING:
            self._out.print(f"{steps.INDENT}{name}")
        elif self._out.live:
            self._out.transient(name)
        # Print a task that may be skipped once it has run; print the others before they run.
        elif not task.when and self._module(task) not in SILENT:
            self._out.begin()

    def _flush(self) -> None:
        """Print what the tasks have done so far, each change once with its hosts."""
        tasks, self._tasks = self._tasks, {}
        for record in tasks.values():
            seconds = f"{time.monotonic() - record.since:.1f} s"
            for what, hosts in record.changed.items():
                text = f"changed {steps.some(sorted(hosts))}{': ' * bool(what)}{what} ({seconds})"
                self._out.tell(record.name, text, C.COLOR_CHANGED)
            for text, hosts in sorted(record.diffs.items(), key=lambda item: sorted(item[1])):
                self._out.tell(record.name, f"difference on {steps.some(sorted(hosts))}:")
                self._display.display(text.rstrip("\n"))
            for text, hosts in record.said.items():
                for line in steps.wrapped(f"{steps.some(sorted(hosts))}: {text}" if len(record.said) > 1 else text):
                    self._out.print(line)

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
        during = f" during: {self._out.name}" if self._out.name else ""
        text = f"{what}{during}. Run the same command again to continue; completed work stays in place."
        for line in steps.wrapped(text, ""):
            self._display.display(line, color=C.COLOR_ERROR)

    @brief
    def v2_playbook_on_play_start(self, play: Play) -> None:
        """Keep the heading of the play until something is printed below it."""
        self._flush()
        self._out.end()
        self._play = play
        self._out.heading = f"--- {play.get_name().strip()}{' (check mode)' * bool(play.check_mode)}"

    @brief
    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Say that a play has no hosts."""
        self._out.print(f"{steps.INDENT}No hosts matched this play.", C.COLOR_SKIP)

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
            self._out.ran = True
            self._out.begin()
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

    @brief
    def v2_on_file_diff(self, result: CallbackTaskResult) -> None:
        """Remember differences, which many hosts may have in common."""
        for one in self._changed_items(result) or [result.result]:
            if one.get("changed") and one.get("diff") and (text := self._get_diff(one["diff"])).strip():
                self._record(result).diffs.setdefault(text, []).append(result.host.get_name())

    @brief
    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        """Remember a failed item: since ansible-core 2.21, the result of a loop does not tell which items failed."""
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

    @brief
    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """Print why a host is unreachable."""
        ignored = bool(result.task.ignore_unreachable)
        self._fail("unreachable", result, steps.failure(result.result), C.COLOR_UNREACHABLE, ignored)

    def _fail(self, what: str, result: CallbackTaskResult, texts: list[str], color: str, ignored: bool) -> None:
        self._warn(result)
        color = C.COLOR_WARN if ignored else color
        stderr = self.get_option("display_failed_stderr")
        name, host, where = self._name_of(result.task), result.host.get_name(), result.task.get_path()
        head = f"{what} on {self.host_label(result)}{', ignored' * ignored}:"
        lines = steps.wrapped(head if name == self._out.name else f"{name}: {head}")
        lines += [line for text in texts for line in steps.wrapped(text, steps.INDENT * 2)]
        if where and not ignored:
            path, _colon, number = where.rpartition(":")
            lines.append(f"{steps.INDENT * 2}at {os.path.relpath(os.path.realpath(path))}:{number}")
        for line in lines:
            self._out.print(line, color, stderr)
        if not ignored:
            self._failures.append((host, f"{host}: {what}: {name}"))

    @brief
    def v2_runner_retry(self, result: CallbackTaskResult) -> None:
        """Show on a terminal how often a task has been tried."""
        tried = f"tried {result.result.get('attempts')} of {result.result.get('retries')} times"
        self._out.transient(f"{self._name_of(result.task)}, {tried}")

    def _warn(self, result: CallbackTaskResult) -> None:
        # Ansible prints each of them once.
        warnings = {str(one) for name in ("warnings", "deprecations") for one in result.result.get(name) or ()}
        if warnings - self._warned:
            self._warned |= warnings
            self._out.tell(self._name_of(result.task), f"warning of {result.host.get_name()}:", C.COLOR_WARN)
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
            self._out.end()
            self._out.heading = ""
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
