# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dpkg reports of packages, and how it is brought to finish what it was stopped in."""

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
# An account's own PATH may lack what dpkg and the scripts of packages need.
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"
# The question which configuration file to take is answered as ansible.builtin.apt does.
CONFIGURE = ["dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"]
# Seconds: an installation that another program has begun may take that long.
LOCK_TIMEOUT = 120


class CommandError(Exception):
    """A command has failed. The text has the command and the end of what it printed."""


@dataclass(frozen=True)
class Package:
    """A package: its status in dpkg's words, whether dpkg demands that it be installed again, and its version."""

    status: str
    damaged: bool
    version: str

    @property
    def whole(self) -> bool:
        """Whether dpkg has finished with it, one way or the other."""
        return self.status in (ABSENT, REMOVED, INSTALLED) and not self.damaged

    @property
    def unpacked(self) -> bool:
        """Whether all of it is on the host, and dpkg has yet to configure it."""
        return not self.whole and not self.damaged and self.status != "half-installed"


def read_package(module: AnsibleModule, name: str) -> Package:
    """Return what dpkg knows of the package NAME."""
    wanted = "${db:Status-Status} ${db:Status-Eflag} ${Version}"
    failed, out, _err = module.run_command(["dpkg-query", "--show", "--showformat", wanted, name])
    status, flag, version = (*out.split(), "", "", "")[:3]
    return Package(ABSENT, False, "") if failed or not status else Package(status, flag == "reinstreq", version)


def installed(module: AnsibleModule) -> list[str]:
    """Return the names of the packages that are installed, and not left in between."""
    wanted = "${db:Status-Status} ${db:Status-Eflag} ${Package}\\n"
    _status, out, _err = module.run_command(["dpkg-query", "--show", "--showformat", wanted], check_rc=True)
    return sorted({line.split()[2] for line in out.splitlines() if line.startswith(f"{INSTALLED} ok ")})


def was_interrupted() -> bool:
    """Whether dpkg was stopped in mid-work. Until it has finished that, apt refuses everything."""
    # Where dpkg notes what it is about to do, in files with numbers for names.
    journal = os.path.join(ADMINDIR, "updates")
    return os.path.isdir(journal) and any(name.isdigit() for name in os.listdir(journal))


def environment() -> dict[str, str]:
    """The variables with which dpkg and apt are called: they ask nothing, and speak English."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM}".lstrip(":")
    return {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": path}


def call(module: AnsibleModule, *command: str) -> None:
    """Run a command of dpkg, apt or the like, or raise CommandError."""
    status, out, err = module.run_command(list(command), environ_update=environment())
    if status != 0:
        raise CommandError(f"'{' '.join(command)}' fails: {last_lines(out, err)}")


def finish(module: AnsibleModule, is_finished: Callable[[], bool]) -> tuple[bool, str]:
    """Have dpkg configure what it has unpacked, unless that IS_FINISHED once nobody else is at work.

    Packages that it has not unpacked whole it leaves alone: those have to be installed again. Return whether there was
    something to finish, and why it cannot be finished, or an empty text.
    """
    with _locked(module):
        if is_finished():
            return False, ""
        status, out, err = module.run_command(CONFIGURE, environ_update={**environment(), "DPKG_FRONTEND_LOCKED": "1"})
    return True, "" if status == 0 else last_lines(out, err)


def last_lines(out: str, err: str) -> str:
    """The end of what a command has said."""
    return "\n".join((err.strip() or out.strip()).splitlines()[-5:])


@contextmanager
def _locked(module: AnsibleModule) -> Iterator[None]:
    """Hold the lock of apt and dpkg, for which dpkg itself would not wait.

    What a run that was killed has begun goes on on the host, and looks like what was interrupted.
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
                    msg=f"Another program has held {path} for {LOCK_TIMEOUT} s, so that no package can be installed. "
                    f"Find it on the host with 'fuser -v {path}', let it end and run again."
                )
            # Whoever holds the lock tells nobody when it is free.
            time.sleep(0.5)
        yield
    finally:
        os.close(handle)
