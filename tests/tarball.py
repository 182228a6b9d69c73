"""Build the collection's tarball from the last commit, reproducibly, byte for byte.

    python tests/tarball.py [FOLDER [TAG]]

Prints the tarball's checksum and path. Refuses a tag other than v plus the version in galaxy.yml. ansible-galaxy's own
tarballs differ each time, because they contain files in file system order, and the time. Here, files are sorted by
name, and their time is the commit's, or SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GALAXY = Path(sys.executable).with_name("ansible-galaxy")
FIRST = ("MANIFEST.json", "FILES.json")


def normalised(built: bytes, epoch: int) -> bytes:
    """Return a collection's tarball with the same content, but without traces of when and where it was built."""
    content: dict[str, tuple[tarfile.TarInfo, bytes]] = {}
    with tarfile.open(fileobj=io.BytesIO(built)) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member) if member.isfile() else None
            content[member.name] = (member, file.read() if file else b"")
    listed, manifest = (json.loads(content[name][1]) for name in reversed(FIRST))
    listed["files"].sort(key=lambda entry: entry["name"])
    files = json.dumps(listed, indent=True).encode()
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(files).hexdigest()
    for name, data in zip(FIRST, (json.dumps(manifest, indent=True).encode(), files), strict=True):
        content[name] = (content[name][0], data)
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=epoch) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in (*FIRST, *sorted(content.keys() - FIRST)):
            member, data = content[name]
            member.mtime, member.size, member.pax_headers = epoch, len(data), {}
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def build(folder: Path, tag: str | None = None) -> Path:
    """Build the last commit's tarball in a folder; with a tag, for a release."""
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", commit))
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        source.mkdir()
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
        command = [str(GALAXY), "collection", "build", str(source), "--output-path", scratch]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        [built] = Path(scratch).glob("*.tar.gz")
        version = built.name.removesuffix(".tar.gz").rpartition("-")[2]
        if tag and tag != f"v{version}":
            sys.exit(f"the tag is {tag}, and galaxy.yml says {version}. Tag v{version}, or set version there.")
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / built.name
        target.write_bytes(normalised(built.read_bytes(), epoch))
    return target


if __name__ == "__main__":
    tarball = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT, *sys.argv[2:3])
    print(f"{hashlib.sha256(tarball.read_bytes()).hexdigest()}  {tarball}")
