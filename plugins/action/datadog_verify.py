# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the module of the same name, which documents it, and display its progress while it waits."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import Any, TextIO

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

# Seconds between two reads of the file.
PAUSE = 0.5


class ActionModule(ActionBase):
    """Ansible's entry point."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        # On another host or as another user, the module's file cannot be read while it runs.
        if self._connection.transport != "local" or self._connection.become:
            return {**result, **self._execute_module(task_vars=task_vars)}
        handle, path = tempfile.mkstemp(dir=C.DEFAULT_LOCAL_TMP, prefix="verify-")
        ended = threading.Event()
        with os.fdopen(handle, encoding="utf-8") as file:
            follower = threading.Thread(target=self._follow, args=(file, ended), daemon=True)
            follower.start()
            try:
                arguments = {**self._task.args, "progress": path}
                return {**result, **self._execute_module(module_args=arguments, task_vars=task_vars)}
            finally:
                ended.set()
                follower.join()
                os.unlink(path)

    @staticmethod
    def _follow(file: TextIO, ended: threading.Event) -> None:
        """Display lines as they arrive, until the module has ended."""
        while not ended.wait(PAUSE):
            for line in file.read().splitlines():
                Display().display(f"    {line}")
