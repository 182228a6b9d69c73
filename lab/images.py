"""Build the image of a suite from the machine's own distribution and mirror, unless it exists.

    python3 lab/images.py [--kind KIND] SUITE [SUITE ...]

KIND is `host`, a host of the lab, or `controller`, a machine that runs Ansible with a newer Python than this one.
Needs root. Prints one JSON object: {"changed": bool, "images": {SUITE: {"tag", "id", "python"}}}.
"""

import argparse
import json
import platform
import shlex
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Any

from common import ROOT, Refusal, alone, digest, end, podman, run, short_name

RECIPES = {"host": ROOT / "lab" / "image", "controller": ROOT / "lab" / "controller"}
ORIGINS = {"debian": "Debian", "ubuntu": "Ubuntu"}
# apt settings that this machine needs for its mirror, which its hosts need, too.
PASSED_ON = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")


def source_line(suite: str) -> str:
    """Return the apt source of a suite: the repository from which the machine installs its own distribution.

    apt reads its own configuration, so both formats of sources files work, and the signed `Origin` of each repository
    distinguishes the distribution's from all others.
    """
    system = platform.freedesktop_os_release()
    shape = "$(REPO_URI) $(RELEASE) $(ORIGIN) $(COMPONENT)"
    listing = ["apt-get", "indextargets", "--format", shape, "Created-By: Packages"]
    # Without package lists, apt does not know any origins.
    lines = run(*listing) or run("apt-get", "update", "-qq") + run(*listing)
    wanted = (system["VERSION_CODENAME"], ORIGINS[system["ID"]])
    found = [fields for fields in map(str.split, lines.splitlines()) if tuple(fields[1:3]) == wanted]
    if not found:
        raise Refusal(
            f"apt has no source for {wanted[0]} itself. Add it to /etc/apt/sources.list.d and run apt-get update."
        )
    address = found[0][0]
    components = dict.fromkeys(component for uri, _, _, component in found if uri == address)
    if address.startswith("mirror+file:"):  # A local list of mirrors, which the hosts do not have.
        entries = Path(address.removeprefix("mirror+file:").rstrip("/")).read_text(encoding="utf-8").splitlines()
        address = next(entry.split()[0] for entry in entries if entry.strip() and not entry.startswith("#"))
    keyring = Path(f"/usr/share/keyrings/{system['ID']}-archive-keyring.gpg")
    signed = f"[signed-by={keyring}] " if keyring.exists() else ""
    return f"deb {signed}{address} {suite} {' '.join(components)}\n"


def built(tag: str) -> dict[str, str]:
    """Look an image up: its id and the labels that the build left, empty where there is none."""
    for image in json.loads(podman("images", "--format=json", f"--filter=reference={tag}")):
        labels = image.get("Labels") or {}
        return {"tag": tag, "id": image["Id"], **{key.removeprefix("kennel."): text for key, text in labels.items()}}
    return {}


def python_version(archive: IO[bytes]) -> str:
    """Return the version of /usr/bin/python3 in the archive, such as 3.11."""
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r|") as members:
        link = next(member.linkname for member in members if member.name.lstrip("./") == "usr/bin/python3")
    return link.removeprefix("python")


def build(recipe: Path, suite: str, tag: str, source: str, options: list[str], labels: dict[str, str]) -> None:
    """Build the image. It gets its name at the end, so that an interrupted build leaves no image."""
    packages = ",".join((recipe / "packages").read_text(encoding="utf-8").split())
    # A file without a name disappears when the process ends, however it ends. /var/tmp, since /tmp may be in memory.
    with tempfile.TemporaryFile(dir="/var/tmp") as archive:
        run(
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={packages}"),
            *(f"--aptopt={line}" for line in options),
            # The last hook empties the package lists and backdates their folder; cleaning again would update it.
            *("--skip=cleanup/apt/lists", f'--customize-hook={shlex.quote(str(recipe / "customize"))} "$1"'),
            *(suite, "-", "-"),
            data=source.encode(),
            into=archive,
        )
        labels = {**labels, "python": python_version(archive)}
        archive.seek(0)
        changes = ['CMD ["/lib/systemd/systemd"]', *(f"LABEL kennel.{key}={text}" for key, text in labels.items())]
        podman("import", "--quiet", *(f"--change={change}" for change in changes), "-", tag, data=archive)


@alone(__file__)
def main() -> dict[str, Any]:
    """Build images that are missing or were built from another recipe, and report."""
    parser = argparse.ArgumentParser(description="Build the lab's images.")
    parser.add_argument("--kind", choices=RECIPES, default="host")
    parser.add_argument("suites", nargs="+", metavar="SUITE")
    given = parser.parse_args()
    folder, checkout, changed, images = RECIPES[given.kind], short_name(ROOT), False, {}
    options = [line for line in run("apt-config", "dump").splitlines() if line.startswith(PASSED_ON)]
    for suite in given.suites:
        tag, source = f"localhost/{checkout}/{given.kind}:{suite}", source_line(suite)
        recipe = digest(folder, Path(__file__).resolve(), source, *options)
        if built(tag).get("recipe") != recipe:
            build(folder, suite, tag, source, options, {"checkout": checkout, "recipe": recipe})
            changed = True
        images[suite] = built(tag)
    return {"changed": changed, "images": images}


if __name__ == "__main__":
    end(main)
