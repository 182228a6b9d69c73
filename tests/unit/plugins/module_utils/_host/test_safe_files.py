# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files in a service user's folders: no partial files, and the user cannot redirect root elsewhere."""

from __future__ import annotations

import fcntl
import grp
import itertools
import multiprocessing
import os
import pwd
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files, safe_paths
from ansible_collections.kennel.fleet.plugins.module_utils._host.safe_files import FileProblem

ROOT = os.geteuid() == 0
SOMEBODY = 61234
SECRET = "root:$6$geheim"
WHO = {
    "owner": pwd.getpwuid(os.getuid()).pw_name,
    "group": grp.getgrgid(os.getgid()).gr_name,
    "mode": "0640",
}
FOLDER = {**WHO, "mode": "0755"}

needs_root = pytest.mark.skipif(not ROOT, reason="only root can change owners")


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Fail a test that blocks on a pipe."""

    def give_up(*_arguments: Any) -> None:
        raise TimeoutError("it waits")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def module() -> SimpleNamespace:
    return SimpleNamespace(check_mode=False)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that the service user must not affect."""
    path = tmp_path / "shadow"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The service user's folder."""
    path = tmp_path / "etc" / "conf.d"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def only_root_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat the temporary folder, which everybody can change, as one that only root can change."""
    monkeypatch.setattr(safe_paths, "only_owner_writes", lambda _status: True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


class TestWriting:
    def test_file_is_complete_and_private_before_it_is_moved_into_place(self, module, folder, monkeypatch) -> None:
        seen = []
        rename, fchmod = os.rename, os.fchmod

        def give(handle: int, wanted: int) -> None:
            seen.append(("private", stat.S_IMODE(os.fstat(handle).st_mode)))
            fchmod(handle, wanted)

        def place(source: str, target: str, **where: Any) -> None:
            aside = folder / source
            seen.append((aside.read_text(), mode(aside)))
            assert target == "datadog.yaml"
            rename(source, target, **where)

        monkeypatch.setattr(os, "fchmod", give)
        monkeypatch.setattr(os, "rename", place)
        assert safe_files.ensure_file(module, str(folder / "datadog.yaml"), "a: é\n", **WHO)
        assert seen == [("private", 0o600), ("a: é\n", 0o640)]
        assert os.listdir(folder) == ["datadog.yaml"]
        assert safe_files.read_text(str(folder / "datadog.yaml")) == "a: é\n"

    @pytest.mark.parametrize("umask", [0o000, 0o077])
    def test_mode_does_not_depend_on_umask(self, module, folder, umask: int) -> None:
        before = os.umask(umask)
        try:
            safe_files.ensure_folder(module, str(folder / "a.d"), **FOLDER)
            safe_files.ensure_file(module, str(folder / "a.d" / "f"), "a\n", **WHO)
        finally:
            os.umask(before)
        assert (mode(folder / "a.d"), mode(folder / "a.d" / "f")) == (0o755, 0o640)

    def test_second_time_changes_nothing(self, module, folder) -> None:
        path, inner = folder / "f", folder / "a.d"

        def ensure() -> tuple[bool, bool]:
            return (
                safe_files.ensure_folder(module, str(inner), **FOLDER),
                safe_files.ensure_file(module, str(path), "a\n", **WHO),
            )

        assert ensure() == (True, True)

        def state() -> list[tuple[int, ...]]:
            # Reading a folder may change its access time.
            found = [one.stat() for one in (path, inner, folder)]
            return [(one.st_ino, one.st_mode, one.st_uid, one.st_mtime_ns, one.st_ctime_ns) for one in found]

        before = state()
        assert ensure() == (False, False)
        assert state() == before
        path.chmod(0o644)
        inner.chmod(0o700)
        module.check_mode = True
        assert ensure() == (True, True)
        assert (mode(path), mode(inner)) == (0o644, 0o700)
        module.check_mode = False
        assert ensure() == (True, True)
        assert (mode(path), mode(inner)) == (0o640, 0o755)

    def test_check_mode_changes_nothing(self, module, folder) -> None:
        module.check_mode = True
        stranger = {**WHO, "owner": "nobody-of-that-name"}
        for wanted in (WHO, stranger):
            assert safe_files.ensure_file(module, str(folder / "f"), "a\n", **wanted)
            assert safe_files.ensure_file(module, str(folder / "none" / "f"), "a\n", **wanted)
            assert safe_files.ensure_folder(module, str(folder / "d"), **wanted)
        assert os.listdir(folder) == []

    @pytest.mark.parametrize(
        ("wanted", "words"),
        [
            ({"owner": "nobody-of-that-name"}, "no such user or group"),
            ({"group": "nobody-of-that-name"}, "no such user or group"),
            ({"mode": "u=rw"}, "Write one such as '0640'"),
        ],
    )
    def test_refuses_unknown_attributes(self, module, folder, wanted, words: str) -> None:
        for ensure in (lambda **who: safe_files.ensure_file(module, str(folder / "f"), "a\n", **who),):
            with pytest.raises(FileProblem, match=words):
                ensure(**{**WHO, **wanted})
        assert os.listdir(folder) == []

    def test_failed_write_keeps_the_old_file(self, module, folder, monkeypatch) -> None:
        path = folder / "f"
        path.write_text("old\n")

        def refuse(*_args: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(FileProblem, match=f"{path}: No space left on device"):
            safe_files.ensure_file(module, str(path), "new\n", **WHO)
        assert path.read_text() == "old\n"
        assert os.listdir(folder) == ["f"]

    def test_missing_folder_is_named(self, module, folder) -> None:
        with pytest.raises(FileProblem, match=f"{folder}/none does not exist. Create it"):
            safe_files.ensure_file(module, str(folder / "none" / "f"), "a\n", **WHO)
        assert safe_files.read_text(str(folder / "none" / "f")) == ""
        assert safe_files.list_folder(str(folder / "none")) == []
        assert safe_files.remove_file(module, str(folder / "none" / "f")) is None
        assert not safe_files.remove_empty_folder(module, str(folder / "none"))

    @needs_root
    def test_sets_the_owner_of_files_and_folders(self, module, folder) -> None:
        who = {"owner": str(SOMEBODY), "group": str(SOMEBODY)}
        safe_files.ensure_folder(module, str(folder / "a.d"), **who, mode="0755")
        safe_files.ensure_file(module, str(folder / "a.d" / "f"), "a\n", **who, mode="0640")
        assert {(path.stat().st_uid, path.stat().st_gid) for path in (folder / "a.d", folder / "a.d" / "f")} == {
            (SOMEBODY, SOMEBODY)
        }
        assert not safe_files.ensure_file(module, str(folder / "a.d" / "f"), "a\n", **who, mode="0640")

    @needs_root
    def test_refuses_a_folder_that_another_user_filled(self, module, folder) -> None:
        os.chown(folder, SOMEBODY, SOMEBODY)
        with pytest.raises(FileProblem, match=f"{folder} belongs to the user {SOMEBODY}"):
            safe_files.ensure_folder(module, str(folder), **FOLDER)
        assert folder.stat().st_uid == SOMEBODY

    def test_file_with_the_wrong_mode_is_replaced(self, module, folder) -> None:
        path = folder / "f"
        path.write_text("a\n")
        path.chmod(0o666)
        with path.open("a") as still_open:
            assert safe_files.ensure_file(module, str(path), "a\n", **WHO)
            still_open.write("evil\n")
        assert (path.read_text(), mode(path)) == ("a\n", 0o640)


# What a service user can put in place of a file, and its name in messages.
TRAPS: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "link": (lambda path, victim: path.symlink_to(victim), "a link to '/"),
    "link to nothing": (lambda path, _victim: path.symlink_to("none"), "a link to 'none'"),
    "link to itself": (lambda path, _victim: path.symlink_to(path.name), "a link to '"),
    "link to a folder": (lambda path, victim: path.symlink_to(victim.parent), "a link to '/"),
    "hard link": (lambda path, victim: path.hardlink_to(victim), "2 names (hard links)"),
    "pipe": (lambda path, _victim: os.mkfifo(path), "a named pipe"),
    "socket": (lambda path, _victim: bind(path), "a socket"),
    "folder": (lambda path, _victim: path.mkdir(), "a folder"),
    "link to a pipe": (lambda path, _victim: path.symlink_to("/proc/self/fd/0"), "a link to '/proc"),
}


@pytest.fixture(params=TRAPS)
def trap(request: pytest.FixtureRequest, folder: Path, victim: Path) -> tuple[Path, str]:
    """Return the path of a trap, and its name in messages."""
    make, words = TRAPS[request.param]
    make(folder / "conf.yaml", victim)
    return folder / "conf.yaml", words


class TestTraps:
    @pytest.mark.parametrize("check", [False, True])
    @pytest.mark.parametrize("text", ["new\n", SECRET])
    def test_traps_are_neither_read_nor_replaced(self, module, trap, victim: Path, check: bool, text: str) -> None:
        path, words = trap
        module.check_mode = check
        before = path.lstat(), victim.stat()
        for act in (
            lambda: safe_files.read_text(str(path)),
            lambda: safe_files.ensure_file(module, str(path), text, **{**WHO, "mode": "0666"}),
        ):
            with pytest.raises(FileProblem) as problem:
                act()
            assert str(problem.value).startswith(f"{path} ")
            assert words in str(problem.value)
            assert "run again" in str(problem.value)
            assert SECRET not in str(problem.value)
        after = path.lstat(), victim.stat()
        assert [status.st_mode for status in after] == [status.st_mode for status in before]
        assert [status.st_ino for status in after] == [status.st_ino for status in before]
        assert victim.read_text() == SECRET
        assert os.listdir(path.parent) == ["conf.yaml"]

    def test_traps_are_removed_without_their_targets(self, module, trap, victim: Path) -> None:
        path, _words = trap
        folder = path.is_dir() and not path.is_symlink()
        with pytest.raises(FileProblem, match="is a folder, not a file") if folder else nullcontext():
            said = safe_files.remove_file(module, str(path))
            assert said is not None
            assert SECRET not in said
        assert os.path.lexists(path) == folder
        assert victim.read_text() == SECRET
        assert victim.stat().st_nlink == 1

    def test_traps_are_set_aside_unchanged(self, module, trap, victim: Path) -> None:
        path, _words = trap
        before = path.lstat()
        new = safe_files.set_aside(module, str(path), lambda name, _number: f"{name}.disabled")
        assert os.lstat(new).st_ino == before.st_ino
        assert victim.read_text() == SECRET

    @pytest.mark.parametrize("text", ["new\n", SECRET])
    def test_huge_file_is_not_read_into_memory(self, module, folder: Path, text: str) -> None:
        path = folder / "conf.yaml"
        sparse(path)
        with pytest.raises(FileProblem, match="is larger than"):
            safe_files.read_text(str(path))
        assert safe_files.ensure_file(module, str(path), text, **WHO)
        assert path.read_text() == text

    @needs_root
    @pytest.mark.parametrize(
        ("owner", "group", "bits", "readable"),
        [
            (0, 0, 0o600, False),
            (0, 0, 0o640, False),
            (0, 0, 0o644, True),
            (0, SOMEBODY, 0o640, True),
            (0, SOMEBODY, 0o600, False),
            (SOMEBODY + 1, SOMEBODY + 1, 0o640, False),
            (SOMEBODY, 0, 0o600, True),
        ],
    )
    def test_file_that_the_service_user_cannot_read_is_refused(
        self, module, folder: Path, owner: int, group: int, bits: int, readable: bool
    ) -> None:
        path = folder / "conf.yaml"
        path.write_text(SECRET)
        os.chown(path, owner, group)
        path.chmod(bits)
        os.chown(folder, SOMEBODY, SOMEBODY)
        refused = f"{path} belongs to .* and cannot be read by the user {SOMEBODY}"
        for act in (ACTS["read"], ACTS["write"]):
            with nullcontext() if readable else pytest.raises(FileProblem, match=refused):
                act(module, str(path))
        assert path.read_text() == ("a\n" if readable else SECRET)
        assert readable or path.stat().st_uid == owner

    @needs_root
    def test_device_is_not_opened(self, module, folder: Path) -> None:
        path = folder / "conf.yaml"
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        for act in (safe_files.read_text, lambda path: safe_files.ensure_file(module, path, "a\n", **WHO)):
            with pytest.raises(FileProblem, match="is a device, not a regular file"):
                act(str(path))


# Operations on a path below a folder.
ACTS: dict[str, Callable[[Any, str], object]] = {
    "read": lambda _module, path: safe_files.read_text(path),
    "write": lambda module, path: safe_files.ensure_file(module, path, "a\n", **WHO),
    "folder": lambda module, path: safe_files.ensure_folder(module, path, **FOLDER),
    "list": lambda _module, path: safe_files.list_folder(path),
    "remove": lambda module, path: safe_files.remove_file(module, path),
    "remove folder": lambda module, path: safe_files.remove_empty_folder(module, path),
    "aside": lambda module, path: safe_files.set_aside(module, path, lambda name, number: f"{name}.{number}"),
}


class TestFoldersOnTheWay:
    @pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda path, target: path.symlink_to(target), "a link to '/"),
            (lambda path, _target: path.symlink_to(path.name), "a link to '"),
            (lambda path, _target: os.mkfifo(path), "a named pipe"),
            (lambda path, _target: path.write_text(""), "a file"),
        ],
        ids=["link", "loop", "pipe", "file"],
    )
    @pytest.mark.parametrize("depth", ["", "deeper/"])
    def test_anything_in_place_of_a_parent_folder_is_refused(
        self, module, folder: Path, tmp_path: Path, act, make, words: str, depth: str
    ) -> None:
        target = tmp_path / "roots"
        (target / "deeper").mkdir(parents=True)
        files = [target / "conf.yaml", target / "deeper" / "conf.yaml"]
        for path in files:
            path.write_text(SECRET)
            path.chmod(0o600)
        way = folder / "my_metric.d"
        make(way, target)
        with pytest.raises(FileProblem) as problem:
            act(module, str(way / f"{depth}conf.yaml"))
        assert str(problem.value).startswith(f"{way} is {words}")
        assert [(path.read_text(), mode(path)) for path in files] == [(SECRET, 0o600)] * 2
        assert sorted(path.name for path in target.rglob("*")) == ["conf.yaml", "conf.yaml", "deeper"]

    @pytest.mark.parametrize("make", [lambda path, target: path.symlink_to(target), lambda path, _t: os.mkfifo(path)])
    def test_linked_folder_is_refused(self, module, folder: Path, tmp_path: Path, make) -> None:
        target = tmp_path / "roots"
        target.mkdir(mode=0o700)
        make(folder / "a.d", target)
        for act in (ACTS["folder"], ACTS["list"], ACTS["remove folder"]):
            with pytest.raises(FileProblem, match=f"{folder}/a.d is a"):
                act(module, str(folder / "a.d"))
        assert mode(target) == 0o700


@pytest.mark.usefixtures("only_root_changes_it")
class TestLinksOfRoot:
    @pytest.mark.parametrize("target", ["real", "{folder}/real", "../conf.d/./real", "../../etc/conf.d/real"])
    def test_link_to_a_folder_is_followed(self, module, folder: Path, target: str) -> None:
        (folder / "real").mkdir()
        (folder / "agent").symlink_to(target.format(folder=folder))
        path = folder / "agent" / "f"
        assert safe_files.ensure_file(module, str(path), "a\n", **WHO)
        assert (folder / "real" / "f").read_text() == "a\n"
        assert not safe_files.ensure_file(module, str(path), "a\n", **WHO)
        assert [entry.name for entry in safe_files.list_folder(str(path.parent))] == ["f"]
        assert (folder / "agent").is_symlink()

    def test_target_of_a_link_is_replaced_and_the_link_stays(self, module, folder: Path) -> None:
        (folder / "real").mkdir()
        (folder / "f").symlink_to("real/g")
        assert safe_files.ensure_file(module, str(folder / "f"), "a\n", **WHO)
        assert (folder / "f").is_symlink()
        assert safe_files.read_text(str(folder / "f")) == (folder / "real" / "g").read_text() == "a\n"
        assert os.listdir(folder / "real") == ["g"]

    def test_circular_links_are_refused(self, module, folder: Path) -> None:
        (folder / "a").symlink_to("b")
        (folder / "b").symlink_to("a")
        with pytest.raises(FileProblem, match=f"{folder}/a/f: links lead to each other"):
            safe_files.read_text(str(folder / "a" / "f"))

    def test_hard_link_of_root_is_accepted(self, module, folder: Path, victim: Path) -> None:
        (folder / "f").hardlink_to(victim)
        assert safe_files.read_text(str(folder / "f")) == SECRET

    @needs_root
    def test_link_of_another_user_is_not_followed(self, module, folder: Path, victim: Path) -> None:
        (folder / "f").symlink_to(victim)
        os.chown(folder / "f", SOMEBODY, SOMEBODY, follow_symlinks=False)
        with pytest.raises(FileProblem, match="is a link to"):
            safe_files.read_text(str(folder / "f"))

    @needs_root
    def test_link_in_a_folder_of_another_user_is_not_followed(self, module, folder: Path, victim: Path) -> None:
        (folder / "f").symlink_to(victim)
        os.chown(folder, SOMEBODY, SOMEBODY)
        with pytest.raises(FileProblem, match=f"because the user {SOMEBODY} may have created it"):
            safe_files.read_text(str(folder / "f"))
        inner = folder / "roots"
        inner.mkdir()
        (inner / "f").symlink_to(victim)
        with pytest.raises(FileProblem, match="because others than root may have created it"):
            safe_files.read_text(str(inner / "f"))


class TestKilledRuns:
    def test_killed_run_leaves_the_old_file_and_nothing_loadable(self, module, folder: Path, monkeypatch) -> None:
        path = folder / "conf.yaml"
        path.write_text("old\n")
        child = os.fork()
        if child == 0:
            monkeypatch.setattr(os, "rename", lambda *_args, **_where: os.kill(os.getpid(), signal.SIGKILL))
            safe_files.ensure_file(module, str(path), "new\n", **WHO)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert path.read_text() == "old\n"
        [left] = set(os.listdir(folder)) - {"conf.yaml"}
        assert os.path.splitext(left)[1] not in (".yaml", ".yml", ".py", ".default", ".list", ".cnf", ".service")
        # The next run cleans up, even if it changes nothing else.
        assert not safe_files.ensure_file(module, str(path), "old\n", **WHO) or mode(path) == 0o640
        assert os.listdir(folder) == ["conf.yaml"]

    def test_cleanup_keeps_the_folders_modification_time(self, module, folder: Path) -> None:
        """A service that reads the folder need not be restarted."""
        safe_files.ensure_file(module, str(folder / "f"), "a\n", **WHO)
        (folder / ".kennel-left").write_text("half")
        os.utime(folder, (1_000_000_000, 1_000_000_000))
        assert not safe_files.ensure_file(module, str(folder / "f"), "a\n", **WHO)
        assert os.listdir(folder) == ["f"]
        assert folder.stat().st_mtime == 1_000_000_000

    def test_file_locked_by_another_run_is_left_alone(self, module, folder: Path, victim: Path) -> None:
        (folder / ".kennel-left").write_text(SECRET)
        (folder / ".kennel-held").write_text("")
        (folder / ".kennel-folder").mkdir()
        (folder / ".kennel-link").symlink_to(victim)
        with (folder / ".kennel-held").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            safe_files.ensure_file(module, str(folder / "f"), "a\n", **WHO)
        assert set(os.listdir(folder)) == {"f", ".kennel-held", ".kennel-folder", ".kennel-link"}
        assert victim.read_text() == SECRET

    def test_concurrent_runs_write_complete_files(self, module, folder: Path) -> None:
        path, texts = folder / "f", [letter * 5000 for letter in "ab"]

        def write(text: str) -> None:
            for _ in range(150):
                try:
                    safe_files.ensure_file(module, str(path), text, **WHO)
                except FileProblem as problem:
                    assert "replaced it" in str(problem)

        writers = [multiprocessing.get_context("fork").Process(target=write, args=(text,)) for text in texts]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            assert safe_files.read_text(str(path)) in ("", *texts)
        assert [writer.exitcode for writer in writers] == [0, 0]
        assert os.listdir(folder) == ["f"]


class TestRaces:
    """The owner of a folder changes it as fast as possible while root works in it."""

    @pytest.fixture
    def attack(self) -> Iterator[Callable[[Callable[[], None]], None]]:
        started = []

        def start(act: Callable[[], None]) -> None:
            def forever() -> None:
                while True:
                    try:
                        act()
                    except OSError:
                        continue

            process = multiprocessing.get_context("fork").Process(target=forever, daemon=True)
            process.start()
            started.append(process)

        yield start
        for process in started:
            process.kill()
            process.join()

    @pytest.mark.parametrize("trap", ["link", "hard link", "pipe"])
    def test_temporary_file_is_swapped(self, module, folder: Path, victim: Path, attack, trap: str) -> None:
        make, _words = TRAPS[trap]

        def swap() -> None:
            for entry in os.scandir(folder):
                if entry.name.startswith(safe_files.ASIDE):
                    os.unlink(entry.path)
                    make(Path(entry.path), victim)

        attack(swap)
        self._keep_on(lambda text: safe_files.ensure_file(module, str(folder / "f"), text, **{**WHO, "mode": "0666"}))
        assert (victim.read_text(), mode(victim)) == (SECRET, 0o600)

    @pytest.mark.parametrize("trap", ["link", "hard link", "pipe", "folder"])
    def test_target_file_is_swapped(self, module, folder: Path, victim: Path, attack, trap: str) -> None:
        make, _words = TRAPS[trap]
        path, spare = folder / "f", folder / "spare"
        if ROOT:
            os.chown(folder, SOMEBODY, SOMEBODY)

        def swap() -> None:
            make(spare, victim)
            os.rename(spare, path)
            os.rmdir(path) if trap == "folder" else os.unlink(path)

        attack(swap)
        read = []
        self._keep_on(lambda text: safe_files.ensure_file(module, str(path), text, **{**WHO, "mode": "0666"}))
        self._keep_on(lambda _text: read.append(safe_files.read_text(str(path))))
        assert (victim.read_text(), mode(victim)) == (SECRET, 0o600)
        # If one user owns everything, the content is that user's.
        assert not ROOT or SECRET not in "".join(read)

    @pytest.mark.parametrize("act", [act for act in ACTS if act != "aside"])
    def test_parent_folder_is_swapped(self, module, folder: Path, tmp_path: Path, attack, act: str) -> None:
        target, way, spare = tmp_path / "roots", folder / "a.d", folder / "spare"
        (target / "b.d").mkdir(parents=True)
        (target / "b.d").chmod(0o700)
        (target / "f").write_text(SECRET)
        (target / "f").chmod(0o600)
        way.mkdir()

        def swap() -> None:
            os.rename(way, spare)
            os.symlink(target, way)
            os.unlink(way)
            os.rename(spare, way)

        attack(swap)
        name = "b.d" if "folder" in act or act == "list" else "f"
        found = []
        self._keep_on(lambda _text: found.append(ACTS[act](module, str(way / name))))
        assert (target / "f").read_text() == SECRET
        assert (mode(target / "f"), mode(target / "b.d")) == (0o600, 0o700)
        assert sorted(os.listdir(target)) == ["b.d", "f"]
        assert SECRET not in str(found)

    @pytest.mark.parametrize("trap", ["link", "hard link", "pipe", "socket", "folder"])
    @pytest.mark.parametrize("gone_again", [False, True])
    def test_trap_appears_between_check_and_open(
        self, module, folder: Path, victim: Path, monkeypatch, trap: str, gone_again: bool
    ) -> None:
        make, _words = TRAPS[trap]
        path, aside, real_open = folder / "f", folder / "aside", os.open

        def swap_and_open(name: str, flags: int, *rest: Any, **where: Any) -> int:
            if name != "f":
                return real_open(name, flags, *rest, **where)
            os.rename(path, aside)
            make(path, victim)
            try:
                return real_open(name, flags, *rest, **where)
            finally:
                if gone_again:
                    path.rmdir() if trap == "folder" else path.unlink()
                    os.rename(aside, path)

        path.write_text("mine\n")
        monkeypatch.setattr(os, "open", swap_and_open)
        for act in (ACTS["read"], ACTS["write"]):
            with pytest.raises(FileProblem, match=f"{path} (is|has) "):
                act(module, str(path))
            monkeypatch.setattr(os, "open", real_open)
            if not gone_again:
                path.rmdir() if trap == "folder" else path.unlink()
                os.rename(aside, path)
            monkeypatch.setattr(os, "open", swap_and_open)
        assert (victim.read_text(), mode(victim)) == (SECRET, 0o600)

    def test_file_replaced_after_writing_is_reported(self, module, folder: Path, victim: Path, monkeypatch) -> None:
        real_rename = os.rename

        def rename_and_swap(source: str, target: str, **where: Any) -> None:
            real_rename(source, target, **where)
            (folder / target).unlink()
            (folder / target).symlink_to(victim)

        monkeypatch.setattr(os, "rename", rename_and_swap)
        with pytest.raises(FileProblem, match=f"{folder}/f was written, and at once a link to '{victim}'"):
            safe_files.ensure_file(module, str(folder / "f"), "a\n", **WHO)

    def _keep_on(self, act: Callable[[str], object]) -> None:
        """Repeat the action with different texts. Refusals are as good as success."""
        end = time.monotonic() + 0.4
        for number in itertools.count():
            if time.monotonic() > end:
                return
            try:
                act(f"{number}\n")
            except FileProblem:
                continue


class TestSettingAside:
    @staticmethod
    def names(name: str, number: int) -> str:
        return f"{name}.{number}.disabled"

    def test_setting_aside_loses_no_file(self, module, folder: Path) -> None:
        path = folder / "conf.yaml"
        for text in ("a", "b", "a", "c"):
            path.write_text(text)
            assert safe_files.set_aside(module, str(path), self.names)
            assert not path.exists()
        assert {entry.name: (folder / entry.name).read_text() for entry in safe_files.list_folder(str(folder))} == {
            "conf.yaml.1.disabled": "a",
            "conf.yaml.2.disabled": "b",
            "conf.yaml.3.disabled": "c",
        }

    def test_check_mode_predicts_the_name(self, module, folder: Path) -> None:
        (folder / "conf.yaml").write_text("a")
        (folder / "conf.yaml.1.disabled").write_text("b")
        module.check_mode = True
        foreseen = safe_files.set_aside(module, str(folder / "conf.yaml"), self.names)
        assert (folder / "conf.yaml").exists()
        module.check_mode = False
        assert safe_files.set_aside(module, str(folder / "conf.yaml"), self.names) == foreseen
        assert safe_files.set_aside(module, str(folder / "conf.yaml"), self.names) is None


class TestRemoving:
    def test_check_mode_removes_nothing(self, module, folder: Path) -> None:
        (folder / "f").write_text("a\n")
        (folder / "d").mkdir()
        module.check_mode = True
        assert safe_files.remove_file(module, str(folder / "f")) == "a\n"
        assert safe_files.remove_empty_folder(module, str(folder / "d"))
        assert sorted(os.listdir(folder)) == ["d", "f"]
        module.check_mode = False
        assert safe_files.remove_file(module, str(folder / "f")) == "a\n"
        assert safe_files.remove_empty_folder(module, str(folder / "d"))
        assert os.listdir(folder) == []

    def test_only_folders_without_other_files_are_removed(self, module, folder: Path) -> None:
        (folder / "d").mkdir()
        (folder / "d" / ".kennel-left").write_text("")
        (folder / "d" / "f").write_text("")
        assert not safe_files.remove_empty_folder(module, str(folder / "d"))
        (folder / "d" / "f").unlink()
        (folder / "d" / ".kennel-left").write_text("")
        assert safe_files.remove_empty_folder(module, str(folder / "d"))


def test_problem_becomes_the_modules_error() -> None:
    said = []
    module = SimpleNamespace(fail_json=lambda **result: said.append(result))
    with safe_files.refusals(module):
        raise FileProblem("/etc/x is a link to '/y'.")
    assert said == [{"msg": "/etc/x is a link to '/y'."}]
