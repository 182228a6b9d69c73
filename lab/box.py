"""Build the Vagrant box of the tests from the machine's own distribution and mirror, unless it exists.

    python3 lab/box.py --cache FOLDER

Needs root, and mounts nothing: mkfs fills the file system when it creates it, and the boot loader is before it.
Prints {"changed": bool, "box": path}.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from common import ROOT, digest, end, run
from images import PASSED_ON, source_line

RECIPE = ROOT / "lab" / "box"
GRUB = Path("/usr/lib/grub/i386-pc")
MODULES = ("biosdisk", "part_msdos", "ext2", "normal", "linux")
# Size of the disk in GiB, KiB before its only partition, and the position of the partition table in the first sector.
SIZE, FIRST, TABLE = 8, 1024, 440


def vagrant_key() -> Path:
    """Find the public key with which every Vagrant logs in to a fresh box; its package contains it."""
    files = run("dpkg", "--listfiles", "vagrant").splitlines()
    return Path(next(file for file in files if file.endswith("/keys/vagrant.pub")))


def build(folder: Path, suite: str, source: str, options: list[str], key: Path) -> None:
    """Create system, disk and box in `folder`, and leave kennel.box there."""
    system, raw, disk = folder / "system", folder / "disk.raw", folder / "box.img"
    packages = ",".join((RECIPE / "packages").read_text(encoding="utf-8").split())
    hook = f'{shlex.quote(str(RECIPE / "customize"))} "$1" {shlex.quote(str(key))}'
    run(
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--format=directory", f"--include={packages}"),
        *(f"--aptopt={line}" for line in options),
        *("--skip=cleanup/apt/lists", f"--customize-hook={hook}"),
        *(suite, str(system), "-"),
        data=source.encode(),
    )
    with raw.open("wb") as file:
        file.truncate(SIZE << 30)
    run("sfdisk", "--quiet", str(raw), data=f"label: dos\nstart={FIRST}KiB, type=83, bootable\n".encode())
    room = (SIZE << 20) - FIRST
    run("mkfs.ext4", "-q", "-d", str(system), "-E", f"offset={FIRST << 10}", str(raw), f"{room}k")
    # By default, the first sector loads the second, which loads the rest of the boot loader.
    run("grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", str(folder / "core.img"), *MODULES)
    with raw.open("r+b") as file:
        file.write((GRUB / "boot.img").read_bytes()[:TABLE])
        file.seek(512)
        file.write((folder / "core.img").read_bytes())
    run("qemu-img", "convert", "-O", "qcow2", str(raw), str(disk))
    shutil.rmtree(system)
    metadata = {"provider": "libvirt", "format": "qcow2", "virtual_size": SIZE}
    (folder / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    with tarfile.open(folder / "kennel.box", "w") as box:
        for name in ("metadata.json", "box.img"):
            box.add(folder / name, name)
    for name in (raw.name, disk.name, "core.img", "metadata.json"):
        (folder / name).unlink()


def main() -> dict[str, Any]:
    """Build the box unless it was built from the same recipe, and report."""
    parser = argparse.ArgumentParser(description="Build the Vagrant box of the tests.")
    parser.add_argument("--cache", required=True, type=Path)
    cache: Path = parser.parse_args().cache.resolve()
    suite, key = platform.freedesktop_os_release()["VERSION_CODENAME"], vagrant_key()
    source = source_line(suite)
    options = [line for line in run("apt-config", "dump").splitlines() if line.startswith(PASSED_ON)]
    recipe = digest(RECIPE, Path(__file__).resolve(), source, *options, key.read_text(encoding="utf-8"))
    folder = cache / f"box-{recipe}"
    if folder.is_dir():
        return {"changed": False, "box": str(folder / "kennel.box")}
    for old in cache.glob("box-*"):
        shutil.rmtree(old)
    fresh = Path(tempfile.mkdtemp(prefix="box-new-", dir=cache))
    build(fresh, suite, source, options, key)
    fresh.rename(folder)
    return {"changed": True, "box": str(folder / "kennel.box")}


if __name__ == "__main__":
    end(main)
