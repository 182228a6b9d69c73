# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read, write and remove files as root, even in folders that a service user can change.

All modules use these functions instead of plain paths: whatever such a user puts into its folder, it must not lead root
elsewhere. `safe_paths` opens the folder; this file works relative to it, or on an open file. It only reads and replaces
plain files that have one name. For anything else, `FileProblem` says what was found, and `refusals` ends the module
with that message.
"""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import pwd
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from .safe_paths import FileProblem, Folder, inside, is_ours, listable, place, user_name

# The prefix of temporary files. Neither the Agent (*.yaml, *.yml, *.py) nor apt (*.list) nor systemd loads them.
ASIDE = ".kennel-"
# Far larger than any file that we write. A service user may leave files of any size in its folder.
LARGEST = 1024 * 1024
# Another run may replace a file between its inspection and its opening, but not as often as this.
ATTEMPTS = 20


class Entry(NamedTuple):
    """An entry of a folder. A link is not a folder. ``changed`` is in seconds since the epoch."""

    name: str
    is_folder: bool
    changed: float


class _Attributes(NamedTuple):
    user: int
    group: int
    mode: int


@contextmanager
def refusals(module: Any) -> Iterator[None]:
    """End the module with the message of any `FileProblem` raised inside."""
    try:
        yield
    except FileProblem as problem:
        module.fail_json(msg=str(problem))


def read_text(path: str) -> str:
    """Return the content of the file; empty if it does not exist."""
    return read_bytes(path).decode("utf-8", errors="replace")


def read_bytes(path: str) -> bytes:
    """Return the content of the file; empty if it does not exist."""
    with place(path) as (folder, name):
        return b"" if folder is None else _data(folder, name)


def status(path: str, *, follow: bool = True) -> os.stat_result | None:
    """Return the status of what is at this path; None if nothing is there. Without FOLLOW, of a link itself."""
    with place(path, follow=follow) as (folder, name):
        return None if folder is None else folder.status(name)


def ensure_file(module: Any, path: str, content: str | bytes, *, owner: str, group: str, mode: str) -> bool:
    """Give the file this content, owner and mode. Return whether this changed it, or would in check mode.

    The new file is complete, including owner and mode, before it replaces the old one. Readers find one or the other,
    and nobody else can read it at any moment. Temporary files of killed runs are removed.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with place(path) as (folder, name):
        if folder is None:
            return _no_folder(module, path)
        wanted = _wanted(module, path, owner, group, mode)
        if not module.check_mode:
            _sweep(folder)
        # An existing file is replaced, never changed: another process may have it open, or it may have another name.
        with _opened(folder, name) as handle:
            if handle is not None and _attributes(handle) == wanted and _content(handle, path, len(data)) == data:
                return False
        if not module.check_mode and wanted is not None:
            _write(folder, name, data, wanted)
        return True


def ensure_folder(module: Any, path: str, *, owner: str, group: str, mode: str) -> bool:
    """Create the folder with this owner and mode. Return whether that was a change. Its parent must exist."""
    with place(path) as (folder, name):
        if folder is None:
            return _no_folder(module, path)
        wanted = _wanted(module, path, owner, group, mode)
        missing = folder.status(name) is None
        if wanted is None or (missing and module.check_mode):
            return True
        if missing:
            os.mkdir(name, 0o700, dir_fd=folder.handle)
        with inside(folder, name) as found:
            if wanted.user in (0, os.geteuid()) and not is_ours(os.fstat(found.handle)):
                raise FileProblem(
                    f"{path} belongs to {found.changers()}, who may have put anything into it, and should belong to "
                    f"{owner} alone. Check its content, give it to {owner} (chown -R) or remove it, and run again."
                )
            changed = _attributes(found.handle) != wanted
            if changed and not module.check_mode:
                _set_attributes(found.handle, wanted)
            return changed or missing


def remove_file(module: Any, path: str) -> str | None:
    """Remove the file. Return its content, or None if it did not exist. Check mode removes nothing.

    A link, a pipe or the like is removed itself, never what it leads to. The result is then a line with its kind.
    """
    with place(path, follow=False) as (folder, name):
        status = folder.status(name) if folder else None
        if folder is None or status is None:
            return None
        if stat.S_ISDIR(status.st_mode):
            raise FileProblem(f"{path} is a folder, not a file. Find out who created it, move it away and run again.")
        try:
            said = _text(folder, name)
        except FileProblem:
            said = f"({folder.kind(name)})\n"
        if not module.check_mode:
            _unlink(folder, name)
        return said


def remove_empty_folder(module: Any, path: str) -> bool:
    """Remove the folder if it is empty. Return whether it was removed, or would be in check mode."""
    with place(path, follow=False) as (folder, name):
        if folder is None or folder.status(name) is None:
            return False
        with inside(folder, name) as found:
            if not module.check_mode:
                _sweep(found)
            if os.listdir(found.handle):
                return False
        if not module.check_mode:
            os.rmdir(name, dir_fd=folder.handle)
        return True


def set_aside(module: Any, path: str, names: Callable[[str, int], str]) -> str | None:
    """Rename a file without overwriting another. Return the new path, or None if there was no file.

    NAMES returns the new name for the old one and a number, starting at 1. Numbers are skipped while their name is
    taken, except by a file with the same content. A link is renamed itself.
    """
    with place(path, follow=False) as (folder, name):
        if folder is None or folder.status(name) is None:
            return None
        number = 1
        while not _may_take(folder, name, names(name, number)):
            number += 1
        aside = names(name, number)
        if not module.check_mode:
            os.rename(name, aside, src_dir_fd=folder.handle, dst_dir_fd=folder.handle)
        return os.path.join(os.path.dirname(path), aside)


def list_folder(path: str) -> list[Entry]:
    """Return the entries of a folder, sorted by name; none if it does not exist."""
    with place(path) as (folder, name):
        if folder is None or folder.status(name) is None:
            return []
        with inside(folder, name) as found:
            known = [(entry, found.status(entry)) for entry in sorted(os.listdir(found.handle))]
    return [Entry(name, stat.S_ISDIR(state.st_mode), state.st_mtime) for name, state in known if state is not None]


def _no_folder(module: Any, path: str) -> bool:
    if module.check_mode:
        return True
    raise FileProblem(f"{os.path.dirname(path)} does not exist. Create it, or install the package that contains it.")


@contextmanager
def _opened(folder: Folder, name: str) -> Iterator[int | None]:
    """Open the file with this name; None if it does not exist."""
    for _attempt in range(ATTEMPTS):
        # It is inspected before it is opened, since opening a device may have an effect. The name of a hard link may be
        # gone a moment later.
        status = folder.status(name)
        if status is None:
            yield None
            return
        _demand_plain(folder, name, status)
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder.handle)
        except OSError as error:
            # It is gone, or a link or a socket has just replaced it.
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                continue
            raise
        try:
            if os.path.samestat(status, os.fstat(handle)):
                yield handle
                return
        finally:
            os.close(handle)
    raise FileProblem(
        f"{os.path.join(folder.path, name)} is replaced again and again. Find out what writes there as "
        f"{folder.changers()}, stop it and run again."
    )


def _demand_plain(folder: Folder, name: str, status: os.stat_result) -> None:
    path = os.path.join(folder.path, name)
    if not stat.S_ISREG(status.st_mode):
        raise FileProblem(
            f"{path} is {folder.kind(name)}, not a regular file. Find out who created it, move it away and run again."
        )
    if folder.ours:
        return
    found = ""
    if status.st_nlink > 1:
        found = f"has {status.st_nlink} names (hard links)"
    # The number of links can change between two inspections. The owner of the file cannot.
    elif not _can_read(os.fstat(folder.handle), status):
        found = f"belongs to {user_name(status.st_uid)} and cannot be read by {folder.changers()}"
    if found:
        raise FileProblem(
            f"{path} {found}, so it may be a file from elsewhere. Find out who created it. If it belongs there, "
            "replace it with a copy that the owner of the folder can read. Otherwise remove it. Then run again."
        )


def _can_read(reader: os.stat_result, file: os.stat_result) -> bool:
    """Return whether the owner of a folder can read a file in it anyway, so that root reveals nothing by reading it."""
    return (
        reader.st_uid == file.st_uid
        or bool(file.st_mode & stat.S_IROTH)
        or bool(reader.st_gid == file.st_gid and file.st_mode & stat.S_IRGRP)
    )


def _content(handle: int, path: str, most: int = LARGEST) -> bytes:
    """Return the content of the open file: at most one byte more than MOST."""
    with os.fdopen(os.dup(handle), "rb") as stream:
        data = stream.read(most + 1)
    if len(data) > LARGEST:
        raise FileProblem(
            f"{path} is larger than {LARGEST} bytes. Find out who created it, move it away and run again."
        )
    return data


def _data(folder: Folder, name: str) -> bytes:
    with _opened(folder, name) as handle:
        return b"" if handle is None else _content(handle, os.path.join(folder.path, name))


def _text(folder: Folder, name: str) -> str:
    return _data(folder, name).decode("utf-8", errors="replace")


def _wanted(module: Any, path: str, owner: str, group: str, mode: str) -> _Attributes | None:
    """Return the attributes as numbers; None in check mode if the user or the group does not exist yet."""
    try:
        user = int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
        number = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
        return _Attributes(user, number, int(mode, 8))
    except KeyError:
        if module.check_mode:
            return None
        raise FileProblem(
            f"{path} cannot be given to {owner}:{group}: there is no such user or group. Create it and run again."
        ) from None
    except ValueError:
        raise FileProblem(f"{path}: the mode {mode!r} is not an octal number. Write one such as '0640'.") from None


def _attributes(handle: int) -> _Attributes:
    found = os.fstat(handle)
    return _Attributes(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def _set_attributes(handle: int, wanted: _Attributes) -> None:
    os.fchown(handle, wanted.user, wanted.group)
    # The mode comes last, since a change of the owner may clear some of its bits.
    os.fchmod(handle, wanted.mode)


def _write(folder: Folder, name: str, data: bytes, wanted: _Attributes) -> None:
    aside, handle = _aside(folder)
    try:
        with os.fdopen(os.dup(handle), "wb") as stream:
            stream.write(data)
        _set_attributes(handle, wanted)
        os.fsync(handle)
        os.rename(aside, name, src_dir_fd=folder.handle, dst_dir_fd=folder.handle)
        placed = folder.status(name)
        if placed is None or not os.path.samestat(placed, os.fstat(handle)):
            raise FileProblem(
                f"{os.path.join(folder.path, name)} was written, and at once {folder.kind(name)} replaced it. Find out "
                f"what else writes there as {folder.changers()}, stop it and run again."
            )
    except BaseException:
        _unlink(folder, aside)
        raise
    finally:
        os.close(handle)
    whole = listable(folder)
    try:
        os.fsync(whole)
    finally:
        os.close(whole)


def _aside(folder: Folder) -> tuple[str, int]:
    """Create an empty file that nobody else can read. It is locked while open, so that no other run removes it."""
    while True:
        name = ASIDE + secrets.token_hex(8)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(name, flags, 0o600, dir_fd=folder.handle)
        if _lock(handle) and os.fstat(handle).st_nlink:
            return name, handle
        # Another run removed it before it was locked.
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sweep(folder: Folder) -> None:
    """Remove the temporary files of killed runs: those that no process has locked.

    The folder keeps its time: otherwise the next run would restart the service that reads it.
    """
    whole = listable(folder)
    try:
        before = os.fstat(whole)
        swept = [_swept(folder, name) for name in os.listdir(whole) if name.startswith(ASIDE)]
        if any(swept):
            os.utime(whole, ns=(before.st_atime_ns, before.st_mtime_ns))
    finally:
        os.close(whole)


def _swept(folder: Folder, name: str) -> bool:
    try:
        with _opened(folder, name) as handle:
            if handle is None or not _lock(handle):
                return False
            _unlink(folder, name)
            return True
    except (FileProblem, OSError):
        # It is not one of ours, does no harm and goes with its folder.
        return False


def _unlink(folder: Folder, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder.handle)


def _may_take(folder: Folder, name: str, other: str) -> bool:
    if folder.status(other) is None:
        return True
    try:
        return _data(folder, name) == _data(folder, other)
    except FileProblem:
        return False
