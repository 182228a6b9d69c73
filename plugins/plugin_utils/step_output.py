# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Print a run as steps, for the callback C(steps): a line for each step, and lines below it for what it did."""

from __future__ import annotations

import os
import shutil
import sys
import time

from ansible.utils.display import Display

from .steps import WIDTH, wrapped


class Output:
    """The heading of the play, the line of the current step, and the lines below it.

    :ivar live: whether a terminal shows in its last line what is running.
    :ivar heading: heading of the play, until something is printed below it.
    :ivar step: identifies the current step, whose name is ``name``; empty if there is none.
    :ivar ran: whether something ran in the step.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self.live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.heading = self.step = self.name = ""
        self._since = 0.0
        # Whether the line of the step is incomplete, and whether it was printed.
        self._open = self._titled = self.ran = False

    def start(self, step: str, name: str) -> None:
        """Complete the line of the step, and start another one."""
        self.end()
        self.step, self.name, self._since = step, name, time.monotonic()

    def print(self, text: str, color: str | None = None, stderr: bool = False) -> None:
        """Print a line below the line of the step, which is printed first if it is missing."""
        self._print_heading()
        if self._open:
            self._piece("\n")
        elif self.step and not self._titled:
            self._display.display(f"==> {self.name}")
        self._open, self._titled = False, True
        self._display.display(text, color=color, stderr=stderr)

    def _print_heading(self) -> None:
        if self.live:
            self._piece("\r\x1b[K")
        if self.heading:
            self._display.display(self.heading)
            self.heading = ""

    def _piece(self, text: str) -> None:
        self._display.display(text, screen_only=True, newline=False)
        sys.stdout.flush()

    def transient(self, task: str) -> None:
        """Show on a terminal what is running, until the next line replaces it."""
        if self.live:
            text = f"==> {self.name}" + (f": {task}" if task != self.name else "")
            self._piece("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])

    def begin(self) -> None:
        if not self._open and not self._titled and not self.live:
            self._print_heading()
            self._piece(f"==> {self.name} ... ")
            self._open = True

    def end(self) -> None:
        """Complete the line of the step, or print it if something ran without any output."""
        line = f"==> {self.name} ... {time.monotonic() - self._since:.1f} s"
        if self._open:
            self._piece(line.rpartition(" ... ")[2] + "\n")
            self._display.display(line, log_only=True)
        elif self.step and self.ran and not self._titled:
            self._print_heading()
            self._display.display(line)
        elif self.live:
            self._piece("\r\x1b[K")
        self.step, self.name = "", ""
        self._open = self._titled = self.ran = False

    def tell(self, name: str, text: str, color: str | None = None) -> None:
        """Print what a task did, in the line of the step if the step is this task and it fits."""
        if name != self.name:
            text = f"{name}: {text}"
        elif not self._titled and len(f"==> {name} ... {text}") <= WIDTH:
            self._print_heading()
            self._display.display(text if self._open else f"==> {name} ... {text}", color=color)
            self._open, self._titled = False, True
            return
        for line in wrapped(text):
            self.print(line, color)
