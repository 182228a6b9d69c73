# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Downloads Datadog's releases from this machine's package index: recordings and older clients."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".kennel" / "cache"
# Only the source distribution contains recorded traffic.
API_CLIENT = "datadog_api_client-2.62.0"
DATADOGPY = "datadog-0.56.0"
SHA256 = {
    f"{API_CLIENT}.tar.gz": "fec6a649dac5dd7224f64662390005e6d6ce688029742278346f46190d0fc902",
    f"{DATADOGPY}.tar.gz": "834367bebacbe3381b2290c96b31d359eb6bcc76322185be260e26dac51b0989",
    "datadog-0.30.0-py2.py3-none-any.whl": "bbfd8c3a13e87b9c15fb982dff269b983ad9fb5ab610e7f17d92b0bc001fbe0f",
    "datadog-0.44.0-py2.py3-none-any.whl": "57c4878d3a8351f652792cdba78050274789dcc44313adec096e87f9d3ca5992",
    "decorator-5.1.1-py3-none-any.whl": "b8c3f85900b9dc423225913c5aace94729fe1fa9763b38939a95226f02d37186",
}


def released(name: str) -> Path:
    """Return the path of a released file, downloaded once."""
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
        project, version = name.removesuffix(".tar.gz").split("-")[:2]
        form = "--no-binary" if name.endswith(".tar.gz") else "--only-binary"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "-d", str(CACHE)]
        only = ["--use-pep517", "--no-deps", form, project.replace("_", "-")]
        subprocess.run([*pip, *only, f"{project.replace('_', '-')}=={version}"], check=True)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[name], (
        f"{path} does not have the released file's checksum. Delete it."
    )
    return path


def cassettes(name: str) -> Path:
    """Return the folder of a source distribution, with its recordings."""
    archive = released(f"{name}.tar.gz")
    if not (CACHE / name).exists():
        # Python before 3.11.4 has no filters; the checksum proves the contents. Only a complete folder is moved here.
        with tarfile.open(archive) as sources, tempfile.TemporaryDirectory(dir=CACHE) as folder:
            for member in sources:
                if member.isfile() and "/cassettes/" in member.name:
                    sources.extract(member, folder)
            (Path(folder) / name).rename(CACHE / name)
    return CACHE / name


def api_client_recordings() -> list[Path]:
    """Return the recordings of datadog-api-client for calls that Kennel uses."""
    listed = Path(__file__).with_name("cassettes_api_client.tsv").read_text(encoding="utf-8").splitlines()
    return [cassettes(API_CLIENT) / line.split("\t")[0] for line in listed]


def datadogpy_recordings() -> list[Path]:
    """Return the recordings of datadogpy, both the library and its command."""
    return sorted(cassettes(DATADOGPY).rglob("*.yaml"))
