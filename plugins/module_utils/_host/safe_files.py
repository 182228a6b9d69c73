# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read, write and remove files as root, also in folders that a service user can change.

Every module that does so uses this and never a path alone: what such a user puts into its folder must not lead root
elsewhere. `safe_paths` reaches the folder; here everything is done relative to it, or on an open file. What is not a
plain file with one name is neither read nor replaced: `FileProblem` says what it is, and `refusals` ends the module
with that.
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

from ansible_collections.kennel.fleet.plugins.module_utils._host.safe_paths import (
    FileProblem,
    Folder,
    inside,
    is_ours,
    listable,
    place,
    user_name,
)

# Files on their way into place. The Agent loads *.yaml, *.yml and *.py, apt *.list, systemd *.service: none of these.
ASIDE = ".kennel-"
# No file that is written here comes near it. What a service user leaves there may be of any size.
LARGEST = 1024 * 1024
# Another run may replace a file between a look at it and its opening, but hardly so often.
ATTEMPTS = 20


class Entry(NamedTuple):
    """What stands in a folder; a link is not a folder. ``changed`` is in seconds of the epoch."""

    name: str
    is_folder: bool
    changed: float


class _Attributes(NamedTuple):
    user: int
    group: int
    mode: int


@contextmanager
def refusals(module: Any) -> Iterator[None]:
    """End the module with the text of a `FileProblem` that is raised within."""
    try:
        yield
    except FileProblem as problem:
        module.fail_json(msg=str(problem))


def read_text(path: str) -> str:
    """What is in the file, or nothing where there is none."""
    return read_bytes(path).decode("utf-8", errors="replace")


def read_bytes(path: str) -> bytes:
    """What is in the file, or nothing where there is none."""
    with place(path) as (folder, name):
        return b"" if folder is None else _data(folder, name)


def status(path: str) -> os.stat_result | None:
    """What stands at this path, which is not a link; None where nothing does."""
    with place(path) as (folder, name):
        return None if folder is None else folder.status(name)


def ensure_file(module: Any, path: str, content: str | bytes, *, owner: str, group: str, mode: str) -> bool:
    """Make the file have this content, owner and mode; say whether that was (or in check mode: would be) a change.

    The new file is complete, with its owner and mode, before it takes the old one's place: a reader finds one or the
    other, and nobody else can read what it holds at any moment. What a killed run left half done is removed.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with place(path) as (folder, name):
        if folder is None:
            return _no_folder(module, path)
        wanted = _wanted(module, path, owner, group, mode)
        if not module.check_mode:
            _sweep(folder)
        # A file that is there is never changed, only replaced: somebody may have it open, or by another name.
        with _opened(folder, name) as handle:
            if handle is not None and _attributes(handle) == wanted and _content(handle, path, len(data)) == data:
                return False
        if not module.check_mode and wanted is not None:
            _write(folder, name, data, wanted)
        return True


def ensure_folder(module: Any, path: str, *, owner: str, group: str, mode: str) -> bool:
    """Make the folder exist with this owner and mode; say whether that was a change. Its parent must exist."""
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
                    f"{path} belongs to {found.changers()}, who may have put anything into it, and is to be {owner}'s "
                    f"alone. Look at what is in it, then give it to {owner} (chown -R) or remove it, and run again."
                )
            changed = _attributes(found.handle) != wanted
            if changed and not module.check_mode:
                _set_attributes(found.handle, wanted)
            return changed or missing


def remove_file(module: Any, path: str) -> str | None:
    """Remove the file; return what was in it, or None where there was none. In check mode nothing is removed.

    Of a link, a pipe and the like the name goes, and nothing that it leads to. Then its kind is returned, as a line.
    """
    with place(path, follow=False) as (folder, name):
        status = folder.status(name) if folder else None
        if folder is None or status is None:
            return None
        if stat.S_ISDIR(status.st_mode):
            raise FileProblem(f"{path} is a folder and not a file. Find out who made it, move it away and run again.")
        try:
            said = _text(folder, name)
        except FileProblem:
            said = f"({folder.kind(name)})\n"
        if not module.check_mode:
            _unlink(folder, name)
        return said


def remove_empty_folder(module: Any, path: str) -> bool:
    """Remove the folder if nothing is in it; say whether it was removed, or in check mode would be."""
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
    """Rename a file and lose none that has the new name; return the new path, or None where there was no file.

    NAMES gives the new name of an old one, for a number that counts from 1. A number is passed over while its name is
    in use, unless by a file that says the same. Of a link it is the link that is renamed.
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
    """What stands in a folder, by name; nothing where there is none."""
    with place(path) as (folder, name):
        if folder is None or folder.status(name) is None:
            return []
        with inside(folder, name) as found:
            known = [(entry, found.status(entry)) for entry in sorted(os.listdir(found.handle))]
    return [Entry(name, stat.S_ISDIR(state.st_mode), state.st_mtime) for name, state in known if state is not None]


def _no_folder(module: Any, path: str) -> bool:
    if module.check_mode:
        return True
    raise FileProblem(f"{os.path.dirname(path)} does not exist: create it, or install what brings it.")


@contextmanager
def _opened(folder: Folder, name: str) -> Iterator[int | None]:
    """The open file of this name, or None where there is none."""
    for _attempt in range(ATTEMPTS):
        # Looked at before it is opened: to open a device may do something, and of a hard link the name here may be gone
        # a moment later.
        status = folder.status(name)
        if status is None:
            yield None
            return
        _demand_plain(folder, name, status)
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder.handle)
        except OSError as error:
            # Gone, or a link or a socket that has just taken its place.
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
            f"{path} is {folder.kind(name)} and not a plain file. Find out who made it, move it away and run again."
        )
    if folder.ours:
        return
    found = ""
    if status.st_nlink > 1:
        found = f"has {status.st_nlink} names (hard links)"
    # Their number can be changed between two looks at it, but whose file it is cannot.
    elif not _can_read(os.fstat(folder.handle), status):
        found = f"belongs to {user_name(status.st_uid)} and cannot be read by {folder.changers()}"
    if found:
        raise FileProblem(
            f"{path} {found}, so it may be a file from elsewhere. Find out who made it. If it belongs there, put in "
            "its place a copy that the owner of the folder can read, otherwise remove it, and run again."
        )


def _can_read(reader: os.stat_result, file: os.stat_result) -> bool:
    """Whether the owner of a folder can read a file in it anyway, so that root gives nothing away by reading it."""
    return (
        reader.st_uid == file.st_uid
        or bool(file.st_mode & stat.S_IROTH)
        or bool(reader.st_gid == file.st_gid and file.st_mode & stat.S_IRGRP)
    )


def _content(handle: int, path: str, most: int = LARGEST) -> bytes:
    """What is in the open file, or one byte more than MOST where it is larger."""
    with os.fdopen(os.dup(handle), "rb") as stream:
        data = stream.read(most + 1)
    if len(data) > LARGEST:
        raise FileProblem(f"{path} is larger than {LARGEST} bytes. Find out who made it, move it away and run again.")
    return data


def _data(folder: Folder, name: str) -> bytes:
    with _opened(folder, name) as handle:
        return b"" if handle is None else _content(handle, os.path.join(folder.path, name))


def _text(folder: Folder, name: str) -> str:
    return _data(folder, name).decode("utf-8", errors="replace")


def _wanted(module: Any, path: str, owner: str, group: str, mode: str) -> _Attributes | None:
    """The attributes as numbers. None in check mode where user or group are yet to be created."""
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
        raise FileProblem(f"{path}: the mode {mode!r} is not an octal number: write for example '0640'.") from None


def _attributes(handle: int) -> _Attributes:
    found = os.fstat(handle)
    return _Attributes(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def _set_attributes(handle: int, wanted: _Attributes) -> None:
    os.fchown(handle, wanted.user, wanted.group)
    # After that, since a change of owner may take bits of the mode away.
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
                f"{os.path.join(folder.path, name)} was written, and at once {folder.kind(name)} took its place. Find "
                f"out what else writes there as {folder.changers()}, stop it and run again."
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
    """A new empty file that nobody else can read, locked while it is open, so that no other run removes it."""
    while True:
        name = ASIDE + secrets.token_hex(8)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(name, flags, 0o600, dir_fd=folder.handle)
        if _lock(handle) and os.fstat(handle).st_nlink:
            return name, handle
        # Before it was locked, another run took it for one that was left.
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sweep(folder: Folder) -> None:
    """Remove what killed runs left: files aside that no process holds."""
    whole = listable(folder)
    try:
        names = [name for name in os.listdir(whole) if name.startswith(ASIDE)]
    finally:
        os.close(whole)
    for name in names:
        try:
            with _opened(folder, name) as handle:
                if handle is not None and _lock(handle):
                    _unlink(folder, name)
        except (FileProblem, OSError):
            # Not one of ours. It does no harm, and goes with its folder.
            continue


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
