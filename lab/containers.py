"""Start the containers of a planned lab, or remove them.

    python3 lab/containers.py up --state FOLDER --images JSON --vendor FOLDER --packages FOLDER
    python3 lab/containers.py down --state FOLDER [--keep-image]

Both need root and only touch what has this lab's label. `up` leaves a container that matches the plan alone, starts one
that has stopped, and recreates one that differs. It ends when every host accepts SSH connections and the stand-in
Datadog answers. Prints {"changed": bool, "did": [sentence]}.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import PODMAN, ROOT, Refusal, ask, digest, end, keys, podman, short_name

STANDIN = ROOT / "lab" / "datadog"
CAP_SYS_RESOURCE = 24
# Seconds to wait: for a host that was just started on a busy machine, and for one that is already running.
PATIENCE, GLANCE = 90, 5
# How many instances systemd, D-Bus and logind of a lab container use; all count for root.
INOTIFY, INOTIFY_EACH = Path("/proc/sys/fs/inotify/max_user_instances"), 7


@dataclass
class Container:
    """The desired state of a container."""

    name: str
    port: int  # on the machine's loopback
    options: list[str]
    command: list[str]  # the image, and arguments for its systemd
    files: dict[str, tuple[int, bytes]]  # mode and content by path; owned by root, written before it starts
    serves: Callable[[], bool]

    def archive(self) -> bytes:
        """Pack the files. Secrets reach the container this way, not in an argument list."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path, (mode, content) in self.files.items():
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(content), mode
                archive.addfile(entry, io.BytesIO(content))
        return packed.getvalue()

    def spec(self) -> str:
        """Hash everything: a running container with a different hash is out of date."""
        wanted = [self.port, self.options, self.command]
        return hashlib.sha256(json.dumps(wanted).encode() + self.archive()).hexdigest()[:16]


def limits() -> list[str]:
    """Return options for machines that may not raise limits themselves, such as some sandboxes.

    There, podman can neither count processes (no cgroup controller is delegated) nor grant its usual limits.
    """
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    if int(status["CapBnd"], 16) >> CAP_SYS_RESOURCE & 1:
        return []
    return ["--pids-limit=0", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]


def reached(lab: dict[str, Any], hostname: str, port: int, inner: int, *aliases: str) -> list[str]:
    """Return options for the names of a container on the lab's network, and for reaching it from the machine."""
    known_as = ",".join(f"alias={alias}" for alias in dict.fromkeys((*aliases, hostname)))
    return [f"--hostname={hostname}", f"--publish=127.0.0.1:{port}:{inner}", f"--network={lab['name']}:{known_as}"]


def host_container(lab: dict[str, Any], host: dict[str, Any], images: dict[str, Any]) -> Container:
    """Describe the container of a lab host."""
    state = Path(lab["state"])
    return Container(
        name=host["container"],
        port=host["port"],
        options=reached(lab, host["node"], host["port"], 22, host["name"], *host["aliases"]),
        command=[images[host["suite"]]["id"]],
        files={
            "etc/ssh/ssh_host_ed25519_key": (0o600, (state / "host_keys" / host["name"]).read_bytes()),
            "home/kennel/.ssh/authorized_keys": (0o644, (state / "id_ed25519.pub").read_bytes()),
        },
        serves=lambda: takes_ssh(host["port"]),
    )


def datadog_container(lab: dict[str, Any], images: dict[str, Any], vendor: Path, packages: Path) -> Container:
    """Describe the container of the stand-in Datadog.

    Its code is mounted and its data is on a volume, so it is restarted by recreating it.
    """
    datadog, shared = lab["datadog"], ROOT / "plugins" / "module_utils"
    units = sorted(STANDIN.glob("*.service"))
    mounts = {STANDIN: "/opt/kennel/datadog", shared: "/opt/kennel/module_utils", vendor: "/opt/kennel/vendor"}
    mounts |= {packages: "/srv/packages", **{unit: f"/etc/systemd/system/{unit.name}" for unit in units}}
    listen, beyond = lab["listen"], []
    if listen:
        ports = ((datadog["port"], 8080), (listen["packages_port"], 8081))
        beyond = [f"--publish={listen['address']}:{port}:{inner}" for port, inner in ports]
    return Container(
        name=datadog["container"],
        port=datadog["port"],
        options=[
            *reached(lab, "datadog", datadog["port"], 8080, "packages", *datadog["aliases"]),
            *beyond,
            *(f"--volume={source}:{target}:ro" for source, target in mounts.items()),
            f"--volume={datadog['container']}:/var/lib/kennel-datadog",
            # A running process keeps the old code, and a mount the old folder.
            f"--label=kennel.code={digest(STANDIN, shared)}",
            f"--label=kennel.packages={packages.stat().st_ino}",
        ],
        command=[
            *(images[lab["suite"]]["id"], "/lib/systemd/systemd", "systemd.mask=ssh.service"),
            *(f"systemd.wants={unit.name}" for unit in units),
        ],
        files={"etc/kennel/keys.json": (0o600, json.dumps(keys(lab)).encode())},
        serves=lambda: ask(f"{datadog['url']}/api/v1/validate", keys(lab)) is not None,
    )


def create(lab: dict[str, Any], container: Container) -> None:
    """Recreate a container, write its files and start it."""
    # Give its services time to save their data.
    podman("rm", "--force", "--time=5", "--ignore", container.name)
    podman(
        *("create", f"--name={container.name}", "--systemd=always"),
        # Some services (MariaDB, the Agent) create their own mount namespaces, which an ordinary container may not do.
        "--privileged",
        *(f"--label=kennel.lab={lab['name']}", f"--label=kennel.spec={container.spec()}"),
        *(*limits(), *container.options, *container.command),
    )
    podman("cp", "-", f"{container.name}:/", data=container.archive())
    podman("start", container.name)


def converge(lab: dict[str, Any], found: dict[str, Any] | None, container: Container) -> str:
    """Bring a container to its desired state and wait until it serves; return what was done, or an empty text."""
    done = f"{container.name} {'recreated' if found else 'created'}"
    if found and found["Labels"].get("kennel.spec") == container.spec():
        alive = found["State"] == "running" and Path(f"/proc/{found['Pid']}").exists()
        if alive and within(GLANCE, container.serves):
            return ""
        try:
            podman("restart", "--time=5", container.name)
            done = f"{container.name} restarted: it had stopped{' answering' if alive else ''}"
        except Refusal:
            create(lab, container)  # podman cannot start it any more, for example because its runtime files are gone.
    else:
        create(lab, container)
    if not within(PATIENCE, container.serves):
        raise Refusal(
            f"{container.name} is running but does not answer on 127.0.0.1:{container.port}. To see why, run "
            f"lab/podman exec {container.name} systemctl --failed, or journalctl -b. To fix it, run lab/podman rm -f "
            f"{container.name}, then ./kennel up."
        )
    # Until the system has started, only root may log in. The playbooks find and fix failed services.
    booted = [PODMAN, "exec", container.name, "systemctl", "is-system-running", "--wait"]
    subprocess.run(booted, check=False, capture_output=True)
    return done


def listed(lab_name: str) -> dict[str, Any]:
    """Return a lab's containers by name, running or not."""
    found = json.loads(podman("ps", "--all", f"--filter=label=kennel.lab={lab_name}", "--format=json") or "[]")
    return {container["Names"][0]: container for container in found}


def ensure(kind: str, name: str, lab_name: str) -> None:
    """Create a network or a volume of the lab unless it exists."""
    if subprocess.run([PODMAN, kind, "exists", name], check=False, capture_output=True).returncode != 0:
        podman(kind, "create", f"--label=kennel.lab={lab_name}", name)


def takes_ssh(port: int) -> bool:
    """Whether an SSH server answers on a loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def within(seconds: float, question: Callable[[], bool]) -> bool:
    """Ask until the answer is yes or the time is up."""
    end_of_it = time.monotonic() + seconds
    while not (found := question()) and time.monotonic() < end_of_it:
        # There is no notification for a listening port, and asking is cheap.
        time.sleep(0.2)
    return found


def refuse_too_many(present: dict[str, Any], wanted: list[Container]) -> None:
    """Refuse hosts whose systemd could not start for lack of inotify instances, which many machines limit."""
    limit = int(INOTIFY.read_text(encoding="utf-8"))
    others = set(podman("ps", "--format={{.Names}}").split()) - set(present)
    needed = INOTIFY_EACH * (len(wanted) + len(others))
    if needed > limit and {container.name for container in wanted} - set(present):
        raise Refusal(
            f"{len(wanted)} containers of this lab and {len(others)} others need {needed} inotify instances, but this "
            f"machine allows {limit}. Run sysctl fs.inotify.max_user_instances={needed + 100}, or use fewer hosts "
            "(--hosts)."
        )


def up(lab: dict[str, Any], images: dict[str, Any], vendor: Path, packages: Path) -> list[str]:
    """Bring the lab to its planned state."""
    wanted = [datadog_container(lab, images, vendor, packages)]
    wanted += [host_container(lab, host, images) for host in lab["hosts"]]
    present = listed(lab["name"])
    refuse_too_many(present, wanted)
    ensure("network", lab["name"], lab["name"])
    ensure("volume", lab["datadog"]["container"], lab["name"])
    surplus = sorted(set(present) - {container.name for container in wanted})
    if surplus:
        podman("rm", "--force", "--time=0", "--volumes", *surplus)
    with ThreadPoolExecutor(max_workers=8) as pool:
        did = pool.map(lambda container: converge(lab, present.get(container.name), container), wanted)
        done = [f"{name} removed" for name in surplus] + [sentence for sentence in did if sentence]
    if done:
        # Remove images of earlier recipes that nothing uses any more.
        podman("image", "prune", "--force", f"--filter=label=kennel.checkout={lab['checkout']}")
    return done


def down(lab_name: str, keep_image: bool) -> list[str]:
    """Remove what has the lab's label, and the checkout's images unless another lab uses them."""
    did = []
    for kind, options in (("container", ["--time=0", "--volumes"]), ("network", []), ("volume", [])):
        label = f"--filter=label=kennel.lab={lab_name}"
        names = listed(lab_name) if kind == "container" else podman(kind, "ls", "--quiet", label).split()
        if names:
            podman(kind, "rm", "--force", *options, *names)
            did.append(f"{kind} {', '.join(sorted(names))} removed")
    if keep_image:
        return did
    images = podman("image", "ls", "--quiet", f"--filter=label=kennel.checkout={short_name(ROOT)}").split()
    for image in sorted(set(images)):
        users = podman("ps", "--all", f"--filter=ancestor={image}", "--format={{.Names}}").split()
        if not users:
            podman("rmi", image)
        did.append(f"image {image} " + (f"kept: used by {', '.join(users)}" if users else "removed"))
    return did


def main() -> dict[str, Any]:
    """Run the command, and report."""
    parser = argparse.ArgumentParser(description="Start or remove the containers of a lab.")
    commands = parser.add_subparsers(dest="command", required=True)
    rise = commands.add_parser("up")
    rise.add_argument("--images", required=True, type=json.loads, help="what lab/images.py printed under `images`")
    rise.add_argument("--vendor", required=True, type=Path)
    rise.add_argument("--packages", required=True, type=Path)
    fall = commands.add_parser("down")
    fall.add_argument("--keep-image", action="store_true")
    for command in (rise, fall):
        command.add_argument("--state", required=True, type=Path)
    given = parser.parse_args()
    if given.command == "up":
        lab = json.loads((given.state / "lab.json").read_text(encoding="utf-8"))
        did = up(lab, given.images, given.vendor.resolve(), given.packages.resolve())
    else:
        did = down(short_name(given.state.resolve()), given.keep_image)
    return {"changed": any(" kept: " not in sentence for sentence in did), "did": did}


if __name__ == "__main__":
    end(main)
