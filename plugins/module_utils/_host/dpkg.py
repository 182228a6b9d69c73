# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dpkg reports about packages, and how to complete an interrupted dpkg run."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule

ABSENT, REMOVED, INSTALLED = "not-installed", "config-files", "installed"
ADMINDIR = "/var/lib/dpkg"
# The PATH of an account may lack programs that dpkg and the scripts of packages need.
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"
# Answers the question which configuration file to keep as ansible.builtin.apt does.
CONFIGURE = ["dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"]
# Seconds. An installation by another program may take that long.
LOCK_TIMEOUT = 120


class CommandError(Exception):
    """A command failed. The message contains the command and the end of its output."""


@dataclass(frozen=True)
class Package:
    """A package: its dpkg status, whether dpkg requires it to be reinstalled, and its version."""

    status: str
    damaged: bool
    version: str

    @property
    def whole(self) -> bool:
        """Whether dpkg has finished with it, installed or removed."""
        return self.status in (ABSENT, REMOVED, INSTALLED) and not self.damaged

    @property
    def unpacked(self) -> bool:
        """Whether it is completely unpacked, but not yet configured."""
        return not self.whole and not self.damaged and self.status != "half-installed"


def read_package(module: AnsibleModule, name: str) -> Package:
    """Return what dpkg knows about the package NAME."""
    wanted = "${db:Status-Status} ${db:Status-Eflag} ${Version}"
    failed, out, _err = module.run_command(["dpkg-query", "--show", "--showformat", wanted, name])
    status, flag, version = (*out.split(), "", "", "")[:3]
    return Package(ABSENT, False, "") if failed or not status else Package(status, flag == "reinstreq", version)


def installed(module: AnsibleModule) -> list[str]:
    """Return the names of the packages that are completely installed."""
    wanted = "${db:Status-Status} ${db:Status-Eflag} ${Package}\\n"
    _status, out, _err = module.run_command(["dpkg-query", "--show", "--showformat", wanted], check_rc=True)
    return sorted({line.split()[2] for line in out.splitlines() if line.startswith(f"{INSTALLED} ok ")})


def was_interrupted() -> bool:
    """Whether a dpkg run was interrupted. Until it is completed, apt refuses to do anything."""
    # The journal of dpkg, whose files have numbers as names.
    journal = os.path.join(ADMINDIR, "updates")
    return os.path.isdir(journal) and any(name.isdigit() for name in os.listdir(journal))


def environment() -> dict[str, str]:
    """Return environment variables for dpkg and apt, which then ask no questions and print English."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM}".lstrip(":")
    return {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": path}


def call(module: AnsibleModule, *command: str) -> None:
    """Run a command such as dpkg or apt. Raises CommandError."""
    status, out, err = module.run_command(list(command), environ_update=environment())
    if status != 0:
        raise CommandError(f"'{' '.join(command)}' fails: {last_lines(out, err)}")


def finish(module: AnsibleModule, is_finished: Callable[[], bool]) -> tuple[bool, str]:
    """Have dpkg configure what it has unpacked, unless IS_FINISHED once the lock is free.

    Leaves alone packages that are not completely unpacked, which must be reinstalled. Return whether there was
    something to complete, and why that failed, or an empty text.
    """
    with _locked(module):
        if is_finished():
            return False, ""
        status, out, err = module.run_command(CONFIGURE, environ_update={**environment(), "DPKG_FRONTEND_LOCKED": "1"})
    return True, "" if status == 0 else last_lines(out, err)


def last_lines(out: str, err: str) -> str:
    """Return the end of a command's output."""
    return "\n".join((err.strip() or out.strip()).splitlines()[-5:])


@contextmanager
def _locked(module: AnsibleModule) -> Iterator[None]:
    """Hold the lock of apt and dpkg, for which dpkg itself would not wait.

    After a run is killed, its programs continue on the host, which looks like an interrupted run.
    """
    path = os.path.join(ADMINDIR, "lock-frontend")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    deadline = time.monotonic() + LOCK_TIMEOUT
    try:
        while True:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN):
                    raise
            if time.monotonic() > deadline:
                module.fail_json(
                    msg=f"Another program has held {path} for {LOCK_TIMEOUT} s, so no package can be installed. "
                    f"Find it on the host with 'fuser -v {path}', wait until it ends, and run again."
                )
            # There is no notification when the lock is released.
            time.sleep(0.5)
        yield
    finally:
        os.close(handle)
