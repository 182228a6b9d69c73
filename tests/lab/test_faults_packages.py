"""A package repository that was tampered with, or arrived incompletely: nothing from it is installed."""

from __future__ import annotations

import faults
import pytest

HOST = "fresh2"
PORT = 8083
WANTED = {
    "datadog_agent_version": "1:7.99.1~lab-1",
    "datadog_agent_apt_url": f"http://packages:{PORT}/",
    "datadog_agent_apt_key_urls": [f"http://packages:{PORT}/DATADOG_APT_KEY_CURRENT.public"],
}
LIST = "dists/stable/7/binary-$(dpkg --print-architecture)/Packages"
PURGE = """set -e
dpkg --purge datadog-agent datadog-signing-keys
apt-get clean
rm -rf /etc/datadog-agent /opt/datadog-agent /etc/apt/sources.list.d/*datadog* /usr/share/keyrings/*datadog*
rm -rf /var/lib/apt/lists/*"""
# A change to a copy of the repository, and the error that the run must show.
FAULTS = {
    "a text that was changed after it was signed": (
        "sed -i 's/^Label: .*/Label: changed/' dists/stable/InRelease", "BADSIG"
    ),
    "a release file of which the end is missing": (
        "truncate -s 300 dists/stable/InRelease", "is not signed"
    ),
    "a list of packages of which the end is missing": (f"truncate -s 200 {LIST}", "unexpected size"),
    "a list of packages with another one's checksum": (
        f"sed -i 's/^SHA256: ../SHA256: 00/' {LIST}", "Hash Sum mismatch"
    ),
    "a package of which the end is missing": ("truncate -s 5000 pool/datadog-agent_7.99.1*", "unexpected size"),
    "a signature by a key that the host does not have": (
        "cp DATADOG_APT_KEY_C0962C7D.public DATADOG_APT_KEY_CURRENT.public", "NO_PUBKEY"
    ),
}  # fmt: skip
# Ansible refreshes the lists five more times, with pauses, which takes half a minute each.
SHORT = "a text that was changed after it was signed"


@pytest.fixture
def bare(lab):
    """A host without the Agent, its repository or its keys."""
    assert lab.on(HOST, PURGE).returncode == 0
    return faults.state_of(lab, HOST)


@pytest.fixture
def serve(lab):
    """Return a function that serves a copy of the repository, changed by a command."""

    def begin(command: str) -> None:
        copy = f"cp -r /srv/packages/. /var/tmp/packages && cd /var/tmp/packages && {command}"
        inside("sh", "-c", f"mkdir /var/tmp/packages && {copy}")
        inside("systemd-run", "--unit=faulty", "python3", "-m", "http.server", str(PORT), "-d", "/var/tmp/packages")

    def inside(*command: str) -> None:
        done = lab.podman("exec", lab.container("datadog"), *command)
        assert done.returncode == 0, done.stderr

    yield begin
    inside("systemctl", "stop", "faulty")
    inside("rm", "-r", "/var/tmp/packages")


@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=[] if name == SHORT else pytest.mark.long) for name in FAULTS]
)
def test_nothing_is_installed_from_a_bad_repository(lab, bare, serve, fault):
    command, words = FAULTS[fault]
    serve(command)
    run = lab.play("hosts", f"--limit={HOST}", extra=WANTED)
    assert run.status != 0
    # Ansible wraps long lines.
    assert words in " ".join(run.output.split()), run.output[-3000:]
    changed = faults.differences(bare, faults.state_of(lab, HOST))
    assert [name for name in changed if name.startswith(("package datadog", "user", "/opt", "unit"))] == []


def test_agent_is_then_installed_from_the_good_repository(lab, bare):
    run = lab.play("hosts", f"--limit={HOST}")
    assert run.status == 0, run.output[-3000:]
