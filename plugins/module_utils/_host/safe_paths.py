# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Open a folder as root without being redirected by the owner of a folder on the way. Used by `safe_files`.

A path is walked from ``/``, from one open folder to the next. A link is followed only if nobody but root can have
created it: root owns the link, and only root can change the folder that contains it and every folder above.
So ``/etc/datadog-agent`` may be a link, which only root can have created. Below it, where dd-agent can create links,
none is followed.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

# The limit of Linux itself.
MOST_LINKS = 40

KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


class FileProblem(Exception):
    """Why a file was left alone. The message names the path, what was found there, and the fix."""


class Folder(NamedTuple):
    """An open folder. It is ``ours`` if only root can change it and all folders above."""

    handle: int
    path: str
    ours: bool

    def enter(self, name: str) -> Folder:
        """Open a folder in this one, which stays open."""
        path = os.path.join(self.path, name)
        try:
            # O_PATH does not need permission to read the folder.
            handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.handle)
        except NotADirectoryError:
            raise FileProblem(
                f"{path} is {self.kind(name)}, not a folder. Find out who created it, move it away and run again."
            ) from None
        status = os.fstat(handle)
        return Folder(handle, path, self.ours and is_ours(status) and only_owner_writes(status))

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of the entry with this name, without following a link; None if there is none."""
        try:
            return os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def kind(self, name: str) -> str:
        """Describe the entry with this name."""
        status = self.status(name)
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "a file") if status else "gone"
        return f"{kind} to {os.readlink(name, dir_fd=self.handle)!r}" if kind == "a link" else kind

    def target(self, name: str) -> str | None:
        """Return the target of a link that may be followed; None if this is not a link."""
        status = self.status(name)
        if status is None or not stat.S_ISLNK(status.st_mode):
            return None
        if self.ours and is_ours(status):
            return os.readlink(name, dir_fd=self.handle)
        raise FileProblem(
            f"{os.path.join(self.path, name)} is {self.kind(name)}. It is not followed, because {self.changers()} may "
            "have created it. Find out who did, replace it with a real file or folder or remove it, and run again."
        )

    def changers(self) -> str:
        """Name who else than root can change this folder, or one above it."""
        status = os.fstat(self.handle)
        return "others than root" if is_ours(status) else user_name(status.st_uid)


def is_ours(status: os.stat_result) -> bool:
    """Whether this belongs to root, or to the user of this process."""
    return status.st_uid in (0, os.geteuid())


def only_owner_writes(status: os.stat_result) -> bool:
    """Whether only its owner may change this. Access lists are visible in the permissions of the group."""
    return not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def user_name(number: int) -> str:
    """Return the name of a user, or its number if it has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"the user {number}"


@contextmanager
def place(path: str, *, follow: bool = True) -> Iterator[tuple[Folder | None, str]]:
    """Yield the open folder that contains PATH, or None if it does not exist, and the name in it, which is not a link.

    With FOLLOW false, the name itself may be a link. An OSError, here or in the body of the with statement, becomes a
    `FileProblem` that names PATH.
    """
    folder = _root()
    left = os.path.abspath(path).split("/")[:0:-1]
    links = 0
    try:
        while True:
            name = left.pop() or "."
            target = folder.target(name) if left or follow else None
            if target is not None:
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, "links lead to each other")
                if target.startswith("/"):
                    os.close(folder.handle)
                    folder = _root()
                left += [part for part in target.split("/")[::-1] if part] or ["."]
            elif not left:
                break
            elif folder.status(name) is None:
                yield None, name
                return
            else:
                inner = folder.enter(name)
                os.close(folder.handle)
                folder = inner
        yield folder, name
    except OSError as error:
        raise FileProblem(f"{path}: {error.strerror}. Fix that on the host and run again.") from error
    finally:
        os.close(folder.handle)


def _root() -> Folder:
    handle = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return Folder(handle, "/", is_ours(os.fstat(handle)))


@contextmanager
def inside(folder: Folder, name: str) -> Iterator[Folder]:
    """Yield the folder NAME in FOLDER, opened so that it can also be listed."""
    inner = folder.enter(name)
    try:
        handle = listable(inner)
    finally:
        os.close(inner.handle)
    try:
        yield inner._replace(handle=handle)
    finally:
        os.close(handle)


def listable(folder: Folder) -> int:
    """Return a handle of the folder by which it can be listed, chowned and synced to the disk."""
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder.handle)
