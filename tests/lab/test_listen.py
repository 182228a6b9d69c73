"""The stand-in Datadog and its packages on an address of this machine, as seen from another machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def gateway(lab):
    """This machine's address on the lab's network. Afterwards, the lab only listens on loopback again."""
    [network] = json.loads(lab.podman("network", "inspect", lab.plan["name"]).stdout)
    yield network["subnets"][0]["gateway"]
    assert lab.play("lab_up", extra={"lab_listen": "127.0.0.1"}).status == 0


def reached(lab, url: str) -> bool:
    """Whether a host of the lab gets a response there."""
    fetch = f"import urllib.request; urllib.request.urlopen('{url}', timeout=5).read()"
    return lab.on("fresh2", f'python3 -c "{fetch}"').returncode == 0


def test_another_machine_can_connect(lab, gateway):
    run = lab.play("lab_up", extra={"lab_listen": gateway})
    assert run.status == 0, run.output
    listen = lab.plan["listen"]
    assert reached(lab, f"{listen['packages_url']}dists/stable/InRelease")
    key = (lab.state / "secrets" / "api_key").read_text(encoding="utf-8")
    assert reached(lab, f"{listen['url']}/api/v1/validate?api_key={key}")
    assert not reached(lab, f"{listen['url']}/api/v1/validate?api_key={'0' * 31}1"), "access without keys"
    assert lab.play("lab_up").changed_tasks() == []
    assert lab.plan["listen"] == listen
    shown = [sys.executable, "lab/status.py", "--state", str(lab.state)]
    status = subprocess.run(shown, cwd=ROOT, text=True, capture_output=True, check=True)
    assert listen["packages_url"] in status.stdout


def test_address_of_another_machine_is_refused(lab):
    before = lab.plan
    run = lab.play("lab_up", extra={"lab_listen": "198.51.100.77"})
    assert run.status != 0
    assert "--listen: 198.51.100.77 is not an address of this machine" in run.output
    assert lab.plan == before
