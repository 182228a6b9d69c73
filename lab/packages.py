"""Build the stand-in Agent's packages and the signed apt repository that holds them, where they are not there yet.

    python3 lab/packages.py --out FOLDER --cache FOLDER

The first FOLDER is what a static HTTP server gives to hosts (`deb [signed-by=...] http://.../ stable 7`). The second
keeps the vendored wheels and the signing key, which is made once. Prints {"changed": bool}.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import ROOT, alone, digest, end, run

AGENT = ROOT / "lab" / "agent"
VERSIONS = ("7.99.0~lab-1", "7.99.1~lab-1")
EPOCH = "1"
SUITE, COMPONENT = "stable", "7"
KEY_FILE = "DATADOG_APT_KEY_CURRENT.public"
SIGNER = "Kennel lab packages <kennel@localhost>"
KEY_LIFETIME = "5y"
# The Pythons of Debian 12 and Ubuntu 22.04 up to those to come: all find the vendored packages in one folder.
PYTHONS = range(10, 17)
# The one vendored package without a pure form, and the Pythons that it has wheels for. Without it `self.http` fails.
COMPILED = "pydantic-core"
COMPILED_FOR = range(10, 15)
# Checks that run without any configuration of the user's.
DEFAULT_CHECKS = ("cpu", "disk", "load", "memory", "network", "uptime")


@alone(__file__)
def main() -> dict[str, Any]:
    parser = argparse.ArgumentParser(description="Build the stand-in Agent's signed apt repository.")
    parser.add_argument("--out", type=Path, required=True, help="the repository's folder")
    parser.add_argument("--cache", type=Path, required=True, help="folder for wheels and signing key")
    given = parser.parse_args()
    out, cache = given.out.resolve(), given.cache.resolve()
    architecture = run("dpkg", "--print-architecture").strip()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    key, stamp = cache / "signing-key.asc", out / "inputs.sha256"
    inputs = digest(AGENT, Path(__file__).resolve(), architecture, str(sys.version_info[:2]))
    if key.is_file() and stamp.is_file() and stamp.read_text(encoding="ascii") == inputs:
        return {"changed": False}
    vendor = vendored(cache)
    pool = out / "pool"
    pool.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="kennel-agent-") as scratch:
        for version in VERSIONS:
            tree = Path(scratch) / version
            lay_out(tree, vendor, version, architecture)
            package = pool / f"datadog-agent_{version}_{architecture}.deb"
            run("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(tree), f"{package}.new")
            os.replace(f"{package}.new", package)
    index(out, key, architecture)
    stamp.write_text(inputs, encoding="ascii")
    return {"changed": True}


def vendored(cache: Path) -> Path:
    """The third-party packages of requirements.txt, unmodified and with their licences, installed once."""
    requirements = AGENT / "requirements.txt"
    folder = cache / f"agent-vendor-{digest(requirements, str(sys.version_info[:2]))}"
    if not folder.is_dir():
        for old in cache.glob("agent-vendor-*"):
            shutil.rmtree(old)
        fresh = Path(tempfile.mkdtemp(prefix="agent-vendor-new-", dir=cache))
        pip_install(fresh, "-r", str(requirements))
        lines = requirements.read_text(encoding="ascii").splitlines()
        pin = next(line for line in lines if line.startswith(f"{COMPILED}=="))
        for minor in COMPILED_FOR:
            with tempfile.TemporaryDirectory(dir=cache) as other:
                pip_install(Path(other), "--python-version", f"3.{minor}", pin)
                shutil.copytree(other, fresh, dirs_exist_ok=True)
        # Commands of vendored packages carry this machine's interpreter in their first line.
        # Nothing is lost where no package brought any.
        shutil.rmtree(fresh / "bin", ignore_errors=True)
        fresh.rename(folder)
    return folder


def pip_install(target: Path, *arguments: str) -> None:
    options = ("--quiet", "--no-deps", "--no-compile", "--only-binary=:all:", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "install", *options, "--target", str(target), *arguments)


def lay_out(tree: Path, vendor: Path, version: str, architecture: str) -> None:
    """Write one package's files to `tree`, which must not exist."""
    shutil.copytree(AGENT / "package", tree)
    embedded = tree / "opt/datadog-agent/embedded"
    site = embedded / "lib/site-packages"
    shutil.copytree(vendor, site, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(AGENT / "standin_agent", site / "standin_agent", ignore=shutil.ignore_patterns("__pycache__"))
    (site / "standin_agent/VERSION").write_text(f"{version}\n", encoding="ascii")
    for minor in PYTHONS:
        (embedded / f"lib/python3.{minor}").mkdir()
        (embedded / f"lib/python3.{minor}/site-packages").symlink_to("../site-packages")
    (embedded / "bin/python3").symlink_to("/usr/bin/python3")
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/datadog-agent").symlink_to("/opt/datadog-agent/bin/agent/agent")
    for folder in ("opt/datadog-agent/run", "etc/datadog-agent/checks.d"):
        (tree / folder).mkdir(parents=True)
    for name in DEFAULT_CHECKS:
        folder = tree / f"etc/datadog-agent/conf.d/{name}.d"
        folder.mkdir()
        (folder / "conf.yaml.default").write_text("init_config:\n\ninstances:\n  - {}\n", encoding="ascii")
    # World-readable, whatever the umask of the checkout; executable is what git says is.
    run("chmod", "-R", "u=rwX,go=rX", str(tree))
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()) // 1024
    values = {"VERSION": f"{EPOCH}:{version}", "ARCHITECTURE": architecture, "SIZE": str(size)}
    control = tree / "DEBIAN/control"
    text = control.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    control.write_text(text, encoding="utf-8")


@contextmanager
def signer(key: Path) -> Iterator[Callable[..., str]]:
    """GnuPG with this lab's secret signing key, which is made and kept in `key` on the first call."""
    # For a moment and with a short path: the agent's socket in it may have about 100 characters only.
    with tempfile.TemporaryDirectory(prefix="kennel-gpg-") as home:

        def gpg(*arguments: str) -> str:
            return run("gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--yes", *arguments)

        try:
            if key.is_file():
                gpg("--import", str(key))
            else:
                gpg("--passphrase", "", "--quick-gen-key", SIGNER, "ed25519", "sign", KEY_LIFETIME)
                fresh = key.with_suffix(".new")
                fresh.touch(mode=0o600)
                fresh.write_text(gpg("--armor", "--export-secret-keys", SIGNER), encoding="ascii")
                fresh.replace(key)
            yield gpg
        finally:
            run("gpgconf", "--homedir", home, "--kill", "gpg-agent")


def index(out: Path, key: Path, architecture: str) -> None:
    """Write the package list and the signed release file of everything in the pool; the release file comes last."""
    suite = out / "dists" / SUITE
    binary = suite / COMPONENT / f"binary-{architecture}"
    # Else the new release file would list the old one. Nothing is lost where there is none.
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
    with signer(key) as gpg, tempfile.NamedTemporaryFile("w", encoding="utf-8") as unsigned:
        unsigned.write(release)
        unsigned.flush()
        gpg("--clearsign", "--output", str(suite / "InRelease"), unsigned.name)
        (out / KEY_FILE).write_text(gpg("--armor", "--export", SIGNER), encoding="ascii")


if __name__ == "__main__":
    end(main)
