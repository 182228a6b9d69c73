"""Shared code of the lab's programs. Each prints one JSON report, or ends with what the user has to fix."""

import fcntl
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.request import ProxyHandler, Request, build_opener

ROOT = Path(__file__).resolve().parent.parent
PODMAN = str(ROOT / "lab" / "podman")


class Refusal(Exception):
    """A problem that only the user can fix; the message says how."""


def end(work: Callable[[], dict[str, Any]]) -> NoReturn:
    """Run a program and print its report, or why there is none."""
    try:
        print(json.dumps(work()))
    except Refusal as refusal:
        sys.exit(str(refusal))
    sys.exit(0)


@contextmanager
def alone(file: str) -> Iterator[None]:
    """Lock a file of the checkout, so that one lab builds what all labs share, and the others wait."""
    with open(file, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def run(
    *command: str, data: bytes | IO[bytes] = b"", into: IO[bytes] | int = subprocess.PIPE, cwd: Path | None = None
) -> str:
    """Run a command with bytes or a file as its input and return its output. Raises Refusal with its error."""
    given = {"input": data} if isinstance(data, bytes) else {"stdin": data}
    name = " ".join([Path(command[0]).name, *command[1:2]])
    try:
        done = subprocess.run(command, **given, stdout=into, stderr=subprocess.PIPE, cwd=cwd, check=False)
    except FileNotFoundError:
        raise Refusal(f"{name}: command not found. Run ./kennel up, which installs what it needs.") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout or b"").decode(errors="replace").strip()
        raise Refusal(f"{name}: {said or f'exit status {done.returncode}'}")
    return (done.stdout or b"").decode()


def podman(*arguments: str, data: bytes | IO[bytes] = b"") -> str:
    return run(PODMAN, *arguments, data=data)


def keys(lab: dict[str, Any]) -> dict[str, str]:
    """Return the keys of a lab's account: {api_key, app_key}."""
    return {key: (Path(lab["state"]) / "secrets" / key).read_text(encoding="utf-8") for key in ("api_key", "app_key")}


def ask(url: str, given: dict[str, str]) -> Any:
    """Return the stand-in Datadog's response to a GET with its keys; None if it does not answer or refuses."""
    headers = {"DD-API-KEY": given["api_key"], "DD-APPLICATION-KEY": given["app_key"]}
    # It is on this machine, so ignore a proxy in the environment.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(Request(url, headers=headers), timeout=5) as answer:
            return json.load(answer)
    except (OSError, HTTPException, ValueError):
        return None


def short_name(folder: Path) -> str:
    """Return a name for what belongs to a folder, so that two checkouts on one machine never interfere."""
    return f"kennel-{hashlib.sha256(str(folder).encode()).hexdigest()[:6]}"


def digest(*sources: Path | str) -> str:
    """Hash texts, files, and all files in folders, by name and content, without Python's caches."""
    found = hashlib.sha256()
    for source in sources:
        if isinstance(source, str):
            found.update(source.encode())
            continue
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]
