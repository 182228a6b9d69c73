# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release's tarball: reproducible, byte for byte, and signed as documented."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tarball

ROOT = Path(__file__).resolve().parents[2]
EPOCH = 1_700_000_000


def packed(names: list[str], time: int) -> bytes:
    """Return a tarball as ansible-galaxy builds it, with this order of files and this time."""
    listed = {"files": [{"name": name, "chksum_sha256": name} for name in names], "format": 1}
    files = json.dumps(listed, indent=True).encode()
    manifest = {"file_manifest_file": {"chksum_sha256": hashlib.sha256(files).hexdigest()}, "format": 1}
    content = {"MANIFEST.json": json.dumps(manifest, indent=True).encode(), "FILES.json": files}
    content |= {name: name.encode() for name in names}
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), time
            archive.addfile(member, io.BytesIO(data))
    return target.getvalue()


def test_tarball_does_not_depend_on_order_and_time() -> None:
    one = tarball.normalised(packed(["a", "b", "c"], 1), EPOCH)
    assert one == tarball.normalised(packed(["c", "a", "b"], 2), EPOCH)
    assert one != tarball.normalised(packed(["a", "b"], 1), EPOCH)


def test_contents_and_checksums_are_kept() -> None:
    with tarfile.open(fileobj=io.BytesIO(tarball.normalised(packed(["b", "a"], 1), EPOCH))) as archive:
        content = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
        assert {member.mtime for member in archive.getmembers()} == {EPOCH}
    assert list(content) == ["MANIFEST.json", "FILES.json", "a", "b"] and content["a"] == b"a"
    [stated] = json.loads(content["MANIFEST.json"])["file_manifest_file"].values()
    assert stated == hashlib.sha256(content["FILES.json"]).hexdigest()


def test_two_builds_have_one_checksum(tmp_path: Path) -> None:
    built = [tarball.build(tmp_path / name) for name in ("one", "other")]
    assert built[0].read_bytes() == built[1].read_bytes()


def test_tag_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"the tag is v0\.0\.7, .*\. Tag v\d"):
        tarball.build(tmp_path, "v0.0.7")


@pytest.fixture
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """GnuPG with a maintainer's throwaway key."""
    # The path is short, because socket paths are limited to about 100 characters.
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty"]
    subprocess.run([*command, "--passphrase", "", "--quick-gen-key", "a@example.com", "ed25519", "sign"], check=True)
    yield command
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)


def test_signature_of_the_manifest_verifies_the_installed_collection(tmp_path: Path, gpg: list[str]) -> None:
    built = tarball.build(tmp_path)
    with tarfile.open(built) as archive:
        manifest = archive.extractfile("MANIFEST.json").read()  # type: ignore[union-attr]
    signature, keyring = tmp_path / "MANIFEST.json.asc", tmp_path / "keyring.gpg"
    signature.write_bytes(
        subprocess.run([*gpg, "--armor", "--detach-sign"], input=manifest, check=True, stdout=subprocess.PIPE).stdout
    )
    subprocess.run([*gpg, "--export", "--output", str(keyring)], check=True)
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path)}

    def galaxy(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection", *arguments, "--offline"]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert galaxy("install", str(built), "--no-deps", "-p", str(tmp_path)).returncode == 0
    verify = ["verify", "kennel.fleet", "--keyring", str(keyring), "--signature", f"file://{signature}"]
    verify += ["--required-valid-signature-count", "+all"]
    assert "Successfully verified" in galaxy(*verify).stdout
    signature.write_text(signature.read_text(encoding="ascii").replace("A", "B"), encoding="ascii")
    refused = galaxy(*verify)
    assert refused.returncode != 0 and "Signature verification failed" in refused.stdout + refused.stderr
