"""Bring a planned lab's containers up, or take them down.

    python3 lab/containers.py up --state FOLDER --images JSON --vendor FOLDER --packages FOLDER
    python3 lab/containers.py down --state FOLDER [--keep-image]

Both need root and touch only what carries this lab's label. A container that is as it should be is left alone, one
that stopped is started, one that differs from the plan is made anew. `up` ends when every host takes SSH connections
and the stand-in Datadog answers. Prints {"changed": bool, "did": [sentence]}.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from plan import ROOT, Refusal, short_name

PODMAN = str(Path(__file__).resolve().parent / "podman")
STANDIN = ROOT / "lab" / "datadog"
CAP_SYS_RESOURCE = 24
# Seconds: for a host that was just started on a busy machine, and for one that has been running.
PATIENCE, GLANCE = 90, 5
# What a lab container's systemd, D-Bus and logind hold; all count as root's.
INOTIFY, INOTIFY_EACH = Path("/proc/sys/fs/inotify/max_user_instances"), 7
BOOTED = ("systemctl", "is-system-running", "--wait")


def podman(*arguments: str, data: bytes | None = None) -> str:
    """Run podman and return its output, or raise what it said."""
    done = subprocess.run([PODMAN, *arguments], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise Refusal(f"podman {arguments[0]}: {done.stderr.decode().strip() or f'ended with {done.returncode}'}")
    return done.stdout.decode()


@dataclass
class Container:
    """What one container of the lab should be."""

    name: str
    hostname: str
    image: str
    port: tuple[int, int]  # on the machine's loopback, in the container
    aliases: list[str]
    options: list[str] = field(default_factory=list)
    files: list[tarfile.TarInfo] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)

    def add(self, path: str, content: bytes, mode: int = 0o600) -> None:
        """Have a file of root's put into the container before it starts."""
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode = len(content), mode
        self.files.append(entry)
        self.contents[path] = content

    def add_link(self, path: str, target: str) -> None:
        """Have a symbolic link put into the container before it starts."""
        entry = tarfile.TarInfo(path)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self.files.append(entry)

    def archive(self) -> bytes:
        """Pack the files; secrets reach the container this way, and no argument list."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for entry in self.files:
                archive.addfile(entry, io.BytesIO(self.contents.get(entry.name, b"")))
        return packed.getvalue()

    def spec(self) -> str:
        """Hash all of it: a running container with another hash is out of date."""
        wanted = [self.hostname, self.image, self.port, self.aliases, self.options]
        return hashlib.sha256(json.dumps(wanted).encode() + self.archive()).hexdigest()[:16]


def limits() -> list[str]:
    """Say what a container needs where the machine itself may not raise limits, as in some sandboxes.

    There podman can neither count processes (no cgroup controller is handed down) nor grant its usual limits.
    """
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    if int(status["CapBnd"], 16) >> CAP_SYS_RESOURCE & 1:
        return []
    return ["--pids-limit=-1", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]


def tree_hash(*folders: Path) -> str:
    """Hash names and contents of all files under some folders, without what Python leaves behind."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def host_container(lab: dict[str, Any], host: dict[str, Any], images: dict[str, Any]) -> Container:
    """Describe the container of a lab host."""
    state = Path(lab["state"])
    key = state / "host_keys" / host["name"]
    container = Container(
        name=host["container"],
        hostname=host["node"],
        image=images[host["suite"]]["id"],
        port=(host["port"], 22),
        aliases=sorted({host["name"], host["node"]}),
    )
    container.add("etc/ssh/ssh_host_ed25519_key", key.read_bytes())
    container.add("home/kennel/.ssh/authorized_keys", (state / "id_ed25519.pub").read_bytes(), mode=0o644)
    return container


def datadog_container(lab: dict[str, Any], images: dict[str, Any], vendor: Path, packages: Path) -> Container:
    """Describe the container of the stand-in Datadog.

    Its code is mounted and its data is on a volume, so making it anew is how it is restarted.
    """
    name = lab["datadog"]["container"]
    shared = ROOT / "plugins" / "module_utils"
    mounts = {STANDIN: "/opt/kennel/datadog", shared: "/opt/kennel/module_utils", vendor: "/opt/kennel/vendor"}
    mounts[packages] = "/srv/packages"
    container = Container(
        name=name,
        hostname="datadog",
        image=images[lab["suite"]]["id"],
        port=(lab["datadog"]["port"], 8080),
        aliases=["datadog", "packages"],
        options=[
            *(f"--volume={source}:{target}:ro" for source, target in mounts.items()),
            f"--volume={name}:/var/lib/kennel-datadog",
            # A running process keeps the code, a mount the folder, that was there when it started.
            f"--label=kennel.code={tree_hash(STANDIN, shared)}",
            f"--label=kennel.packages={packages.stat().st_ino}",
        ],
    )
    keys = {key: (Path(lab["state"]) / "secrets" / key).read_text(encoding="utf-8") for key in ("api_key", "app_key")}
    container.add("etc/kennel/keys.json", json.dumps(keys).encode())
    container.add_link("etc/systemd/system/ssh.service", "/dev/null")
    for unit in sorted(STANDIN.glob("*.service")):
        container.add(f"etc/systemd/system/{unit.name}", unit.read_bytes(), mode=0o644)
        wanted_by = f"etc/systemd/system/multi-user.target.wants/{unit.name}"
        container.add_link(wanted_by, f"/etc/systemd/system/{unit.name}")
    return container


def create(lab: dict[str, Any], container: Container) -> None:
    """Make a container anew, put its files in place and start it."""
    # With time for its services to write down what they hold.
    podman("rm", "--force", "--time=5", "--ignore", container.name)
    outer, inner = container.port
    podman(
        *("create", f"--name={container.name}", f"--hostname={container.hostname}", "--systemd=always"),
        # Services shut themselves in with mount namespaces of their own (MariaDB, the Agent), which an ordinary
        # container may not make.
        "--privileged",
        *(f"--label=kennel.lab={lab['name']}", f"--label=kennel.spec={container.spec()}"),
        f"--publish=127.0.0.1:{outer}:{inner}",
        "--network=" + lab["name"] + ":" + ",".join(f"alias={alias}" for alias in container.aliases),
        *(limits() + container.options),
        container.image,
    )
    podman("cp", "-", f"{container.name}:/", data=container.archive())
    podman("start", container.name)


def converge(lab: dict[str, Any], present: dict[str, Any], container: Container) -> str:
    """Make one container what it should be; return what was done, empty where nothing was."""
    found = present.get(container.name)
    if found and found["Labels"].get("kennel.spec") == container.spec():
        if found["State"] == "running" and Path(f"/proc/{found['Pid']}").exists():
            return ""
        if found["State"] in ("exited", "stopped"):
            try:
                podman("start", container.name)
                return f"{container.name} started"
            except Refusal:
                pass  # What podman cannot start any more (its runtime files are gone, say) is made anew.
    create(lab, container)
    return f"{container.name} {'made anew' if found else 'created'}"


def listed(lab_name: str) -> dict[str, Any]:
    """List a lab's containers by name, running or not."""
    found = json.loads(podman("ps", "--all", f"--filter=label=kennel.lab={lab_name}", "--format=json") or "[]")
    return {container["Names"][0]: container for container in found}


def ensure_network(name: str) -> None:
    """Make the lab's network, on which its containers know each other by name."""
    if subprocess.run([PODMAN, "network", "exists", name], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        podman("network", "create", f"--label=kennel.lab={name}", name)


def ensure_volume(lab: dict[str, Any]) -> None:
    """Make the volume on which the stand-in Datadog keeps its data."""
    name = lab["datadog"]["container"]
    if subprocess.run([PODMAN, "volume", "exists", name], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        podman("volume", "create", f"--label=kennel.lab={lab['name']}", name)


def takes_ssh(port: int) -> bool:
    """Tell whether an SSH server greets at a loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            connection.settimeout(3)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def takes_key(lab: dict[str, Any]) -> bool:
    """Tell whether the stand-in Datadog answers and knows the lab's API key."""
    key = (Path(lab["state"]) / "secrets" / "api_key").read_text(encoding="utf-8")
    request = urllib.request.Request(lab["datadog"]["url"] + "/api/v1/validate", headers={"DD-API-KEY": key})
    # Loopback only: a proxy that the environment names is for elsewhere.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=3) as answer:
            return bool(json.load(answer).get("valid"))
    except (OSError, ValueError):
        return False


def within(seconds: float, question: Any) -> bool:
    """Ask until the answer is yes, or the time is over."""
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            return False
        # Nothing reports a listening port; asking costs next to nothing.
        time.sleep(0.2)
    return True


def settle(container: Container, question: Any, fresh: bool) -> str:
    """Wait until a container serves; one that ran but no longer serves is restarted once.

    Returns: what was done, empty where nothing was.
    """
    done = ""
    if not fresh and not within(GLANCE, question):
        podman("restart", "--time=5", container.name)
        done = f"{container.name} restarted: it had stopped answering"
    if (fresh or done) and not within(PATIENCE, question):
        raise Refusal(
            f"{container.name} is started but does not answer on 127.0.0.1:{container.port[0]}; look: "
            f"lab/podman exec {container.name} systemctl --failed, or journalctl -b; mend: "
            f"lab/podman rm -f {container.name}, then ./kennel up"
        )
    if fresh or done:
        # Until the start is over, only root may log in. Whether a service failed is for the playbooks to find and mend.
        subprocess.run([PODMAN, "exec", container.name, *BOOTED], check=False, capture_output=True)
    return done


def refuse_too_many(lab: dict[str, Any], present: dict[str, Any], wanted: list[Container]) -> None:
    """Refuse hosts whose systemd could not start for want of inotify instances, which are few on many machines."""
    new = {container.name for container in wanted} - set(present)
    limit = int(INOTIFY.read_text(encoding="utf-8"))
    others = set(podman("ps", "--format={{.Names}}").split()) - set(present)
    needed = INOTIFY_EACH * (len(wanted) + len(others))
    if new and needed > limit:
        raise Refusal(
            f"{len(wanted)} containers, and {len(others)} of others, need {needed} inotify instances, and this machine "
            f"grants {limit}; mend: sysctl fs.inotify.max_user_instances={needed + 100}, or fewer hosts (--hosts)"
        )


def up(lab: dict[str, Any], images: dict[str, Any], vendor: Path, packages: Path) -> list[str]:
    """Bring the lab to its plan."""
    datadog = datadog_container(lab, images, vendor, packages)
    wanted = [datadog, *(host_container(lab, host, images) for host in lab["hosts"])]
    questions = [partial(takes_key, lab), *(partial(takes_ssh, host["port"]) for host in lab["hosts"])]
    with ThreadPoolExecutor(max_workers=8) as pool:
        waiting = [pool.submit(ensure_network, lab["name"]), pool.submit(ensure_volume, lab)]
        present = listed(lab["name"])
        for task in waiting:
            task.result()
        refuse_too_many(lab, present, wanted)
        surplus = sorted(set(present) - {container.name for container in wanted})
        if surplus:
            podman("rm", "--force", "--time=0", "--volumes", *surplus)
        did = list(pool.map(partial(converge, lab, present), wanted))
        did += pool.map(settle, wanted, questions, map(bool, did))
    done = [f"{name} removed" for name in surplus] + [sentence for sentence in did if sentence]
    if done:
        # Images of earlier recipes, once nothing runs on them.
        podman("image", "prune", "--force", f"--filter=label=kennel.checkout={lab['checkout']}")
    return done


def labelled(kind: str, label: str) -> list[str]:
    """List the ids or names of what podman keeps of a kind (container, network, volume, image) under a label."""
    return podman(kind, "ls", *(["--all"] if kind == "container" else []), "--quiet", f"--filter=label={label}").split()


def down(lab_name: str, keep_image: bool) -> list[str]:
    """Remove what carries the lab's label, and the checkout's images where no other lab runs on them."""
    did = []
    label = f"kennel.lab={lab_name}"
    for kind, remove in (
        ("container", ["rm", "--force", "--time=0", "--volumes"]),
        ("network", ["network", "rm", "--force"]),
        ("volume", ["volume", "rm", "--force"]),
    ):
        names = sorted(listed(lab_name)) if kind == "container" else labelled(kind, label)
        if names:
            podman(*remove, *names)
            did.append(f"{kind} {', '.join(names)} removed")
    if keep_image:
        return did
    for image in sorted(set(labelled("image", f"kennel.checkout={short_name(ROOT)}"))):
        users = podman("ps", "--all", f"--filter=ancestor={image}", "--format={{.Names}}").split()
        if users:
            did.append(f"image {image} kept: {', '.join(users)} run on it")
        else:
            podman("rmi", image)
            did.append(f"image {image} removed")
    return did


def main() -> int:
    """Do what was asked, and report."""
    parser = argparse.ArgumentParser(description="Bring a lab's containers up or down.")
    commands = parser.add_subparsers(dest="command", required=True)
    rise = commands.add_parser("up")
    rise.add_argument("--images", required=True, type=json.loads, help="what image/build.py printed under `images`")
    rise.add_argument("--vendor", required=True, type=Path)
    rise.add_argument("--packages", required=True, type=Path)
    fall = commands.add_parser("down")
    fall.add_argument("--keep-image", action="store_true")
    for command in (rise, fall):
        command.add_argument("--state", required=True, type=Path)
    given = parser.parse_args()
    os.umask(0o077)
    if given.command == "up":
        lab = json.loads((given.state / "lab.json").read_text(encoding="utf-8"))
        did = up(lab, given.images, given.vendor.resolve(), given.packages.resolve())
    else:
        did = down(short_name(given.state.resolve()), given.keep_image)
    changed = any(not sentence.startswith("image") or sentence.endswith("removed") for sentence in did)
    print(json.dumps({"changed": changed, "did": did}))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refusal as refusal:
        sys.exit(str(refusal))
