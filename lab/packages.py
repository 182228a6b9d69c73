"""Build the stand-in Agent's packages and the signed apt repository that contains them, unless they exist.

    python3 lab/packages.py --out FOLDER --cache FOLDER

A static HTTP server serves the first FOLDER to hosts (`deb [signed-by=...] http://.../ stable 7`). The second one keeps
the vendored wheels and the repository's keys, which are created once. Prints {"changed": bool}.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import ROOT, alone, digest, end, run
from signing import SIGNER, ArchiveKeys, archive_keys, complete

AGENT = ROOT / "lab" / "agent"
# Each with the maintainer scripts of its time: before 7.66, they were shell scripts and enabled four units.
OLD, TODAY = "old", "today"
VERSIONS = {"7.50.0~lab-1": OLD, "7.99.0~lab-1": TODAY, "7.99.1~lab-1": TODAY}
OLD_UNITS = ("agent", "agent-process", "agent-security", "agent-sysprobe", "agent-trace")
# Units of parts that the stand-in does not have: title, program and user.
ABSENT = {
    "action": ("Private Action Runner", "privateactionrunner", "dd-agent"),
    "data-plane": ("Data Plane", "agent-data-plane", "dd-agent"),
    "installer": ("Installer", "installer-daemon", "root"),
    "process": ("Process Agent", "process-agent", "dd-agent"),
    "procmgr": ("Process Manager", "dd-procmgrd", "dd-agent"),
    "security": ("Security Agent", "security-agent", "root"),
    "sysprobe": ("System Probe", "system-probe", "root"),
}
KEYS_VERSION = "1.4.1~lab-1"
EPOCH = "1"
SUITE, COMPONENT = "stable", "7"
# The Pythons of Debian 12 and Ubuntu 22.04 and future ones: all find the vendored packages in the same folder.
PYTHONS = range(10, 17)
# The only vendored package that is not pure Python, and the Pythons that it has wheels for. `self.http` needs it.
COMPILED = "pydantic-core"
COMPILED_FOR = range(10, 15)
# Checks that run without any configuration by the user.
DEFAULT_CHECKS = ("cpu", "disk", "load", "memory", "network", "uptime")
# The policy from which debsig-verify learns which key signs a package. Nothing uses it here, so it has no namespace
# and no DTD.
POLICY = """<?xml version="1.0"?>
<Policy>
  <Origin Name="Kennel lab" id="{id}" Description="Kennel lab, not Datadog"/>
  <Selection><Required Type="origin" File="debsig.gpg" id="{id}"/></Selection>
  <Verification MinOptional="0"><Required Type="origin" File="debsig.gpg" id="{id}"/></Verification>
</Policy>
"""


@alone(__file__)
def main() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description="Build the stand-in Agent's signed apt repository.")
    parser.add_argument("--out", type=Path, required=True, help="the repository's folder")
    parser.add_argument("--cache", type=Path, required=True, help="folder for wheels and signing key")
    given = parser.parse_args()
    out, cache = given.out.resolve(), given.cache.resolve()
    architecture = run("dpkg", "--print-architecture").strip()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = out / "inputs.sha256"
    sources = (AGENT, Path(__file__).resolve(), Path(__file__).resolve().with_name("signing.py"))
    inputs = digest(*sources, architecture, str(sys.version_info[:2]))
    if complete(cache) and stamp.is_file() and stamp.read_text(encoding="ascii") == inputs:
        return {"changed": False}
    vendor = vendored(cache)
    pool = out / "pool"
    pool.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    with archive_keys(cache) as keys, tempfile.TemporaryDirectory(prefix="kennel-agent-") as scratch:
        for version, era in VERSIONS.items():
            tree = Path(scratch) / version
            lay_out(tree, vendor, version, era)
            build(
                tree, pool / f"datadog-agent_{version}_{architecture}.deb", VERSION=version, ARCHITECTURE=architecture
            )
        tree = Path(scratch) / "signing-keys"
        lay_out_keys(tree, keys)
        build(tree, pool / f"datadog-signing-keys_{KEYS_VERSION}_all.deb", VERSION=KEYS_VERSION)
        index(out, keys, architecture)
    stamp.write_text(inputs, encoding="ascii")
    return {"changed": True}


def vendored(cache: Path) -> Path:
    """Return a folder with the packages of requirements.txt, unmodified and with their licences, installed once."""
    requirements = AGENT / "requirements.txt"
    folder = cache / f"agent-vendor-{digest(requirements, str(sys.version_info[:2]))}"
    if not folder.is_dir():
        for old in cache.glob("agent-vendor-*"):
            shutil.rmtree(old)
        fresh = Path(tempfile.mkdtemp(prefix="agent-vendor-new-", dir=cache))
        pip_install(fresh, "-r", str(requirements))
        # One requirement on each line, with its hashes.
        lines = requirements.read_text(encoding="ascii").replace("\\\n", " ").splitlines()
        pin = next(line for line in lines if line.startswith(f"{COMPILED}=="))
        for minor in COMPILED_FOR:
            with (
                tempfile.TemporaryDirectory(dir=cache) as other,
                tempfile.NamedTemporaryFile("w", suffix=".txt") as one,
            ):
                one.write(f"{pin}\n")
                one.flush()
                pip_install(Path(other), "--python-version", f"3.{minor}", "-r", one.name)
                shutil.copytree(other, fresh, dirs_exist_ok=True)
        # Commands of vendored packages have this machine's interpreter in their first line.
        # Errors do not matter: there may be no commands.
        shutil.rmtree(fresh / "bin", ignore_errors=True)
        fresh.rename(folder)
    return folder


def pip_install(target: Path, *arguments: str) -> None:
    options = ("--quiet", "--no-deps", "--no-compile", "--only-binary=:all:", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "install", *options, "--target", str(target), *arguments)


def lay_out(tree: Path, vendor: Path, version: str, era: str) -> None:
    """Write the files of an Agent's package to `tree`, which must not exist."""
    for source in ("package", era):
        shutil.copytree(AGENT / source, tree, dirs_exist_ok=True)
    root, embedded = tree / "opt/datadog-agent", tree / "opt/datadog-agent/embedded"
    site = embedded / "lib/site-packages"
    shutil.copytree(vendor, site, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(AGENT / "standin_agent", site / "standin_agent", ignore=shutil.ignore_patterns("__pycache__"))
    # Modules that old checks import, in the same place as in the real Agent: on its path, but not on its Python's.
    shutil.copytree(AGENT / "dist", root / "bin/agent/dist", ignore=shutil.ignore_patterns("__pycache__"))
    (site / "standin_agent/VERSION").write_text(f"{version}\n", encoding="ascii")
    for minor in PYTHONS:
        (embedded / f"lib/python3.{minor}").mkdir()
        (embedded / f"lib/python3.{minor}/site-packages").symlink_to("../site-packages")
    (embedded / "bin/python3").symlink_to("/usr/bin/python3")
    # Today, the installer writes the units, which do not belong to a package.
    folder = tree / "lib/systemd/system" if era == OLD else embedded / "share/systemd"
    folder.mkdir(parents=True)
    for name, text in units().items():
        if era != OLD or name in OLD_UNITS:
            (folder / f"datadog-{name}.service").write_text(text, encoding="ascii")
    for folder in (root / "run", tree / "etc/datadog-agent/checks.d"):
        folder.mkdir()
    for name in DEFAULT_CHECKS:
        folder = tree / f"etc/datadog-agent/conf.d/{name}.d"
        folder.mkdir()
        (folder / "conf.yaml.default").write_text("init_config:\n\ninstances:\n  - {}\n", encoding="ascii")


def units() -> dict[str, str]:
    """Return the texts of all units by their names without "datadog-"."""
    texts = {path.stem.removeprefix("datadog-"): path.read_text("ascii") for path in (AGENT / "units").iterdir()}
    absent = texts.pop("absent")
    for name, (title, program, user) in ABSENT.items():
        texts[f"agent-{name}"] = filled(absent, TITLE=title, PROGRAM=program, USER=user)
    return texts


def filled(text: str, **values: str) -> str:
    """Return a text with each `@NAME@` replaced by its value."""
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def lay_out_keys(tree: Path, keys: ArchiveKeys) -> None:
    """Write the files of the package with the keys to `tree`, which must not exist."""
    shutil.copytree(AGENT / "signing-keys", tree)
    ids = keys.debsig(tree / "usr/share/debsig/keyrings")
    for key_id in ids:
        policy = tree / f"etc/debsig/policies/{key_id}/datadog.pol"
        policy.parent.mkdir(parents=True)
        policy.write_text(POLICY.format(id=key_id), encoding="ascii")
    (tree / "opt/datadog-signing-keys/keys").write_text("".join(f"{key_id}\n" for key_id in ids), encoding="ascii")


def build(tree: Path, package: Path, **values: str) -> None:
    """Build the package of a tree, with each `@NAME@` in its control file filled in."""
    # World-readable, regardless of the umask of the checkout; executable as in git.
    run("chmod", "-R", "u=rwX,go=rX", str(tree))
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
    values |= {"VERSION": f"{EPOCH}:{values['VERSION']}", "SIZE": str(size)}
    control = tree / "DEBIAN/control"
    control.write_text(filled(control.read_text(encoding="utf-8"), **values), encoding="utf-8")
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "--build", str(tree), f"{package}.new")
    os.replace(f"{package}.new", package)


def index(out: Path, keys: ArchiveKeys, architecture: str) -> None:
    """Write the package list and the signed release file for the pool; the release file comes last."""
    suite = out / "dists" / SUITE
    binary = suite / COMPONENT / f"binary-{architecture}"
    # Otherwise the new release file would list the old one. Errors do not matter: there may be none.
    shutil.rmtree(suite, ignore_errors=True)
    binary.mkdir(parents=True)
    (binary / "Packages").write_text(run("apt-ftparchive", "packages", "pool", cwd=out), encoding="utf-8")
    fields = {
        "Origin": "Kennel lab",
        "Label": "Kennel lab stand-in, not Datadog",
        "Suite": SUITE,
        "Codename": SUITE,
        "Components": COMPONENT,
        "Architectures": architecture,
    }
    options = [part for name, value in fields.items() for part in ("-o", f"APT::FTPArchive::Release::{name}={value}")]
    release = run("apt-ftparchive", *options, "release", f"dists/{SUITE}", cwd=out)
    for name, text in keys.public().items():
        (out / name).write_text(text, encoding="ascii")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as unsigned:
        unsigned.write(release)
        unsigned.flush()
        keys.gpg("--local-user", SIGNER, "--clearsign", "--output", str(suite / "InRelease"), unsigned.name)


if __name__ == "__main__":
    end(main)
