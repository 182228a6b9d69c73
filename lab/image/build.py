"""Build the host image of a suite from the machine's own distribution and mirror, where it is not there yet.

    python3 lab/image/build.py --checkout NAME SUITE [SUITE ...]

Needs root. Prints one JSON object: {"changed": bool, "images": {SUITE: {"tag", "id", "python"}}}.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shlex
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
PODMAN = HERE.parent / "podman"
ORIGINS = {"debian": "Debian", "ubuntu": "Ubuntu"}
# What a machine must tell apt to reach its mirror, its hosts must tell theirs.
PASSED_ON = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")


class Refusal(Exception):
    """Something only the user can mend; the text says how."""


def output(*command: str | Path) -> str:
    """Run a command and return its standard output; its errors go to ours."""
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def mirror(address: str) -> str:
    """Resolve apt's mirror lists (`mirror+file:/etc/apt/mirrors/x.list`), which the hosts do not have."""
    if not address.startswith("mirror+file:"):
        return address
    lines = Path(address.removeprefix("mirror+file:").rstrip("/")).read_text(encoding="utf-8").splitlines()
    return next(line.split()[0] for line in lines if line.strip() and not line.startswith("#"))


def own_entries(origin: str) -> dict[tuple[str, str], list[str]]:
    """Read which repositories of the distribution itself the machine uses.

    apt reads its own configuration, so both forms of source files count, and the signed `Origin` of each
    repository tells the distribution's from everybody else's.

    Returns: (address, suite) -> components
    """
    shape = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
    listing = output("apt-get", "indextargets", "--format", shape, "Created-By: Packages")
    entries: dict[tuple[str, str], list[str]] = {}
    for line in listing.splitlines():
        address, suite, component, found = [*line.split(" ", 3), "", "", ""][:4]
        if found != origin or not address.startswith(("http:", "https:", "mirror+file:")):
            continue
        components = entries.setdefault((mirror(address), suite), [])
        if component not in components:
            components.append(component)
    return entries


def source_lines(suite: str) -> list[str]:
    """Build the sources of an image: all of the machine's for its own suite, the main one for another."""
    system = platform.freedesktop_os_release()
    distribution, own = system["ID"], system["VERSION_CODENAME"]
    entries = own_entries(ORIGINS[distribution])
    if not entries:
        subprocess.run(["apt-get", "update", "-qq"], check=True, stdout=sys.stderr)
        entries = own_entries(ORIGINS[distribution])
    main = next((key for key in entries if key[1] == own), None)
    if main is None:
        raise Refusal(
            f"apt knows no mirror of {own} itself; mend: add it to /etc/apt/sources.list.d, run apt-get update"
        )
    keyring = Path(f"/usr/share/keyrings/{distribution}-archive-keyring.gpg")
    signed = f" [signed-by={keyring}]" if keyring.exists() else ""
    chosen = entries if suite == own else {(main[0], suite): entries[main]}
    return [f"deb{signed} {address} {name} {' '.join(parts)}" for (address, name), parts in chosen.items()]


def apt_options() -> list[str]:
    """Read the machine's settings for reaching its mirror, as lines of apt configuration."""
    return [line for line in output("apt-config", "dump").splitlines() if line.startswith(PASSED_ON)]


def recipe(sources: list[str], options: list[str]) -> str:
    """Hash everything that decides what is in the image."""
    digest = hashlib.sha256()
    for path in sorted(HERE.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update("\n".join([*sources, *options]).encode())
    return digest.hexdigest()[:16]


def inspect(tag: str) -> dict[str, str]:
    """Look an image up: its id and the labels that the build left, empty where there is none."""
    found = subprocess.run([PODMAN, "image", "inspect", tag], text=True, capture_output=True, check=False)
    if found.returncode != 0:
        return {}
    image = json.loads(found.stdout)[0]
    labels = image.get("Labels") or {}
    return {"tag": tag, "id": image["Id"], **{key.removeprefix("kennel."): text for key, text in labels.items()}}


def python_version(archive: IO[bytes]) -> str:
    """Read the version of the archive's /usr/bin/python3, such as 3.11."""
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r|") as members:
        link = next(member.linkname for member in members if member.name.lstrip("./") == "usr/bin/python3")
    return link.removeprefix("python")


def build(suite: str, checkout: str, tag: str, sources: list[str], options: list[str], stamp: str) -> None:
    """Make the image. It gets its name in one step at the end, so that an interrupted build leaves none."""
    packages = ",".join((HERE / "packages").read_text(encoding="utf-8").split())
    # A file without a name is gone when the process ends, however it ends; /var/tmp since /tmp may be memory.
    with tempfile.TemporaryFile(dir="/var/tmp") as archive:
        subprocess.run(
            [
                *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={packages}"),
                *(f"--aptopt={line}" for line in options),
                # The last hook empties the package lists and makes their folder old; cleaning again would make it new.
                *("--skip=cleanup/apt/lists", f'--customize-hook={shlex.quote(str(HERE / "customize"))} "$1"'),
                *(suite, "-", "-"),
            ],
            check=True,
            input="\n".join(sources).encode(),
            stdout=archive,
        )
        labels = {"checkout": checkout, "recipe": stamp, "python": python_version(archive)}
        archive.seek(0)
        subprocess.run(
            [
                *(PODMAN, "import", "--quiet", "--change", 'CMD ["/lib/systemd/systemd"]'),
                *(part for key, text in labels.items() for part in ("--change", f"LABEL kennel.{key}={text}")),
                *("-", tag),
            ],
            check=True,
            stdin=archive,
            stdout=subprocess.DEVNULL,
        )


def main() -> int:
    """Build what is missing or was built by another recipe, and report."""
    parser = argparse.ArgumentParser(description="Build the lab's host images.")
    parser.add_argument("--checkout", required=True, help="name of this checkout: prefix of the image's name")
    parser.add_argument("suites", nargs="+", metavar="SUITE")
    given = parser.parse_args()
    changed = False
    images = {}
    for suite in given.suites:
        tag = f"localhost/{given.checkout}/host:{suite}"
        sources, options = source_lines(suite), apt_options()
        stamp = recipe(sources, options)
        before = inspect(tag)
        if before.get("recipe") != stamp:
            build(suite, given.checkout, tag, sources, options, stamp)
            changed = True
        images[suite] = inspect(tag)
    print(json.dumps({"changed": changed, "images": images}))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refusal as refusal:
        sys.exit(str(refusal))
    except subprocess.CalledProcessError as error:
        sys.exit(f"building the host image: `{Path(error.cmd[0]).name}` ended with {error.returncode} (see above)")
