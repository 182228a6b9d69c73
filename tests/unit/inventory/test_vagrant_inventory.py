# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Vagrant inventory: nothing of the lab if there is an account, and never a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "inventory" / "vagrant" / "hosts.py"
LISTEN = {"url": "http://192.0.2.1:20000", "packages_url": "http://192.0.2.1:20004/"}
KEYS = {"DD_API_KEY": "a" * 32, "DD_APP_KEY": "b" * 40}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """The state of a lab that listens beyond loopback."""
    plan = {"datadog": {"url": "http://127.0.0.1:20000"}, "listen": LISTEN}
    (tmp_path / "lab.json").write_text(json.dumps(plan), encoding="utf-8")
    pip = {"index_url": "https://pypi.example.com/simple", "ca_bundle": ""}
    (tmp_path / "pip.json").write_text(json.dumps(pip), encoding="utf-8")
    return tmp_path


def inventory(state: Path, **env: str) -> dict[str, Any]:
    clean = {name: text for name, text in os.environ.items() if name not in KEYS}
    done = subprocess.run(
        [sys.executable, SCRIPT, "--list"], env={**clean, "KENNEL_STATE": str(state), **env},
        text=True, check=True, capture_output=True,
    )  # fmt: skip
    assert not [key for key in KEYS.values() if key in done.stdout]
    return json.loads(done.stdout)


def test_without_an_account_the_inventory_points_to_the_lab(lab: Path) -> None:
    found = inventory(lab)
    assert found["all"]["vars"]["datadog_api_url"] == "http://127.0.0.1:20000"
    assert found["all"]["vars"]["kennel_standin_keys"] == f"{lab}/secrets"
    assert found["monitored"]["vars"] == {
        "datadog_agent_dd_url": LISTEN["url"],
        "datadog_agent_apt_url": LISTEN["packages_url"],
        "datadog_agent_apt_key_urls": ["http://192.0.2.1:20004/DATADOG_APT_KEY_CURRENT.public"],
        "flask_apm_pip_index_url": "https://pypi.example.com/simple",
        "flask_apm_pip_ca_bundle": "",
    }


def test_with_an_account_the_inventory_ignores_the_lab(lab: Path) -> None:
    found = inventory(lab, **KEYS)
    assert found["monitored"]["vars"] == {}
    assert found["all"]["vars"] == {"kennel_passwords": f"{lab}-vagrant", "kennel_standin_keys": ""}


def test_missing_lab_is_not_an_error(tmp_path: Path) -> None:
    assert inventory(tmp_path)["monitored"]["vars"] == {}
