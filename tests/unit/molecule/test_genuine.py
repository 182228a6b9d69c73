# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The requirements of the scenario genuine, reported in one line before anything starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

SCENARIO = Path(__file__).resolve().parents[3] / "molecule" / "genuine"
KEYS = {"DD_API_KEY": "a" * 32, "DD_APP_KEY": "b" * 40}


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch):
    """The script as a module, with keys in the environment."""
    monkeypatch.syspath_prepend(SCENARIO)
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    monkeypatch.delenv("DD_SITE", raising=False)
    return __import__("reach")


def test_unreachable_addresses_fail_with_one_line() -> None:
    # A proxy where nothing listens, so that the test does not use the network.
    env = {name: value for name, value in os.environ.items() if name not in KEYS and "proxy" not in name.lower()}
    run = subprocess.run(
        [sys.executable, str(SCENARIO / "reach.py")], env={**env, "HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (1, "")
    [line] = run.stdout.splitlines()
    assert line.startswith("genuine: https://apt.datadoghq.com/dists/stable/InRelease cannot be reached")
    assert "https://keys.datadoghq.com/" in line and "DD_API_KEY and DD_APP_KEY are not set" in line


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, []),
        ({"validate": 403}, ["DD_API_KEY: https://api.datadoghq.com/api/v1/validate answers 403"]),
        ({"monitor": 403}, ["DD_APP_KEY: https://api.datadoghq.com/api/v1/monitor?page_size=1 answers 403"]),
        ({"InRelease": 404}, ["https://apt.datadoghq.com/dists/stable/InRelease answers 404"]),
    ],
)
def test_each_requirement_is_checked(reach, monkeypatch, answers: dict[str, int], said: list[str]) -> None:
    def get(url: str, headers: dict[str, str], **_options: object) -> SimpleNamespace:
        assert ("DD-APPLICATION-KEY" in headers) == ("/monitor" in url)
        assert ("DD-API-KEY" in headers) == ("/api/" in url)
        return SimpleNamespace(status_code=next((code for part, code in answers.items() if part in url), 200))

    monkeypatch.setattr(requests, "get", get)
    assert [problem for problem in reach.problems() if problem] == said
