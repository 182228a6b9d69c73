# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reach a folder as root without being led elsewhere by whoever owns a folder on the way. Used by `safe_files`.

A path is walked from ``/``, from one open folder into the next. A link is followed only where nobody but root can have
made it: the link is root's, only root can change the folder it stands in, and the same holds for every folder above.
So ``/etc/datadog-agent`` may be a link, which only root can have made; below it, where dd-agent can make one, none is
followed.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

# As many as Linux itself follows.
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
    """Why a file was left alone: the text names the path, what was found there, and the fix."""


class Folder(NamedTuple):
    """An open folder. It is ``ours`` if only root can change it and all folders above it."""

    handle: int
    path: str
    ours: bool

    def enter(self, name: str) -> Folder:
        """Open a folder in this one, which stays open."""
        path = os.path.join(self.path, name)
        try:
            # O_PATH needs no right to read the folder.
            handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.handle)
        except NotADirectoryError:
            raise FileProblem(
                f"{path} is {self.kind(name)} and not a folder. Find out who made it, move it away and run again."
            ) from None
        status = os.fstat(handle)
        return Folder(handle, path, self.ours and is_ours(status) and only_owner_writes(status))

    def status(self, name: str) -> os.stat_result | None:
        """What stands under this name, of a link the link itself; None if nothing does."""
        try:
            return os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def kind(self, name: str) -> str:
        """What stands under this name, in words."""
        status = self.status(name)
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "a file") if status else "gone"
        return f"{kind} to {os.readlink(name, dir_fd=self.handle)!r}" if kind == "a link" else kind

    def target(self, name: str) -> str | None:
        """Where a link leads that may be followed; None if this is not a link."""
        status = self.status(name)
        if status is None or not stat.S_ISLNK(status.st_mode):
            return None
        if self.ours and is_ours(status):
            return os.readlink(name, dir_fd=self.handle)
        raise FileProblem(
            f"{os.path.join(self.path, name)} is {self.kind(name)}. It is not followed, because {self.changers()} may "
            "have made it. Find out who did, put a real file or folder in its place or remove it, and run again."
        )

    def changers(self) -> str:
        """Who other than root can change this folder, or one above it."""
        status = os.fstat(self.handle)
        return "others than root" if is_ours(status) else user_name(status.st_uid)


def is_ours(status: os.stat_result) -> bool:
    """Whether this belongs to root, or to whoever runs this."""
    return status.st_uid in (0, os.geteuid())


def only_owner_writes(status: os.stat_result) -> bool:
    """Whether others than its owner may not change this. The rights of an access list show in those of the group."""
    return not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def user_name(number: int) -> str:
    """The name of a user, or its number if it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"the user {number}"


@contextmanager
def place(path: str, *, follow: bool = True) -> Iterator[tuple[Folder | None, str]]:
    """The open folder in which PATH stands, or None where there is none, and its name there, which is not a link.

    With FOLLOW false the name itself may be a link. An error of the system, here or in what is done with the folder,
    becomes a `FileProblem` that names PATH.
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
    """The folder NAME in FOLDER, open so that it can be listed too."""
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
    """A handle of the folder by which it can be listed, given to others and written through to the disk."""
    return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder.handle)
