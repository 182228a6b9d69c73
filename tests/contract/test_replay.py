"""The stand-in Datadog is held to recorded traffic of the real API, which the client's source distribution carries."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest
from replay import Sender, report

CACHE = Path(__file__).parents[2] / ".kennel" / "cache"
NAME = "datadog_api_client-2.62.0"
SHA256 = "fec6a649dac5dd7224f64662390005e6d6ce688029742278346f46190d0fc902"
# What Kennel and its modules use.
SCOPE = (
    r"^/api/v1/(validate|dashboard|monitor|downtime|events|tags/hosts|hosts?|series|check_run|query)(/|$)"
    r"|^/api/v2/(downtime|dashboards?|monitor/\d+/downtime_matches|series)(/|$)"
)


@pytest.fixture(scope="session")
def recordings() -> list[Path]:
    """The recordings that touch what Kennel uses, from the package index that this machine is set up for."""
    archive = CACHE / f"{NAME}.tar.gz"
    if not archive.exists():
        CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
        only_source = ["--use-pep517", "--no-deps", "--no-binary", "datadog-api-client", "datadog-api-client==2.62.0"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "-d", str(CACHE)]
        subprocess.run([*pip, *only_source], check=True)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256, f"{archive} is not what was released: delete it"
    if not (CACHE / NAME).exists():
        # Python before 3.11.4 has no filters, and the checksum tells what is in it. In place whole, or not at all.
        with tarfile.open(archive) as sources, tempfile.TemporaryDirectory(dir=CACHE) as folder:
            for member in sources:
                if member.isfile() and "/cassettes/" in member.name:
                    sources.extract(member, folder)
            (Path(folder) / NAME).rename(CACHE / NAME)
    listed = Path(__file__).with_name("cassettes_api_client.tsv").read_text(encoding="utf-8").splitlines()
    return [CACHE / NAME / line.split("\t")[0] for line in listed]


def test_answers_as_the_real_api_was_recorded(standin, recordings, capsys):
    found = report(recordings, Sender(standin.url, standin.api_key, standin.app_key), SCOPE)
    with capsys.disabled():
        print("", *found.lines(), sep="\n")
    assert len(found.scored) > 350
    assert found.passed >= 95
    assert found.mean >= 90
