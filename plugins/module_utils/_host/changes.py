# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a module changes on a host, or would change in check mode, with their differences."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from .._secrets.masking import masked_diff
from . import safe_files
from .safe_paths import FileProblem


class Before(NamedTuple):
    """A file before it was changed: its text, and owner, group and mode as `ensure_file` takes them."""

    text: str
    owner: str
    group: str
    mode: str


class Changes:
    """Writes and removes files, and records the changes. No secret gets into ``diffs``.

    :ivar files: paths of the files that changed.
    :ivar before: each changed file as it was before; None if there was none.
    :ivar actions: what else was done, or would be in check mode.
    :ivar changed: whether anything changed, including the owner or mode of a folder.
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self.files: list[str] = []
        self.before: dict[str, Before | None] = {}
        self.diffs: list[dict[str, str]] = []
        self.actions: list[str] = []
        self.changed = False

    def write(
        self,
        path: str,
        text: str,
        *,
        owner: str = "root",
        group: str = "root",
        mode: str = "0644",
        secrets: Mapping[str, Any] | None = None,
    ) -> bool:
        """Give the file this text, owner and mode; return whether that was a change."""
        status, before = safe_files.status(path), safe_files.read_text(path)
        changed = safe_files.ensure_file(self.module, path, text, owner=owner, group=group, mode=mode)
        if changed:
            self.before[path] = _before(status, before)
            self.note(path, before, text, secrets)
        return changed

    def remove(self, path: str, secrets: Mapping[str, Any] | None = None) -> bool:
        """Remove the file; return whether there was one."""
        status, before = safe_files.status(path, follow=False), safe_files.remove_file(self.module, path)
        if before is not None:
            # A removed link or pipe cannot be restored.
            if status and stat.S_ISREG(status.st_mode):
                self.before[path] = _before(status, before)
            self.note(path, before, "", secrets)
        return before is not None

    def folder(self, path: str, *, owner: str = "root", group: str = "root", mode: str = "0755") -> None:
        """Create the folder with this owner and mode."""
        self.changed |= safe_files.ensure_folder(self.module, path, owner=owner, group=group, mode=mode)

    def note(
        self, path: str, before: str, after: str, secrets: Mapping[str, Any] | None = None, label: str = ""
    ) -> None:
        """Record that a file changed, with LABEL as its name in the diff."""
        self.changed = True
        self.files.append(path)
        self.diffs.append(masked_diff(label or path, before, after, dict(secrets or {})))

    def fail(self, problem: str) -> None:
        """Fail the module, which ends it, and report what it has changed before."""
        self.module.fail_json(msg=problem, actions=self.actions, **self.result)

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Fail the module with the message of any `FileProblem` raised inside."""
        try:
            yield
        except FileProblem as problem:
            self.fail(str(problem))

    @property
    def result(self) -> dict[str, Any]:
        """The module's result, without `actions`, which many modules do not return."""
        return {"changed": self.changed or bool(self.actions), "files": self.files, "diff": self.diffs}


def _before(status: os.stat_result | None, text: str) -> Before | None:
    if status is None:
        return None
    return Before(text, str(status.st_uid), str(status.st_gid), f"{stat.S_IMODE(status.st_mode):04o}")
