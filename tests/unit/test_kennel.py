# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""./kennel, as far as it works without setting anything up."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOST = {"name": "lab1", "port": 29501, "user": "kennel", "address": "127.0.0.1"}


def kennel(*arguments: str, state: Path, tools: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = f"{tools}:{os.environ['PATH']}" if tools else os.environ["PATH"]
    env = {**os.environ, "KENNEL_STATE": str(state), "PATH": path}
    return subprocess.run([str(ROOT / "kennel"), *arguments], env=env, capture_output=True, text=True, check=False)


def test_version_is_the_collections(tmp_path: Path) -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert kennel("--version", state=tmp_path).stdout == f"kennel.fleet {version}\n"


@pytest.mark.parametrize("arguments", [("nope",), ("help", "nope"), ("nope", "--help"), ("ssh",), ("logs", "a", "b")])
def test_wrong_usage_fails_with_a_message(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = kennel(*arguments, state=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1 and "See ./kennel --help." in done.stderr


@pytest.mark.parametrize("address", ["1.2.3", "here", "1.2.3.4,5"])
def test_invalid_listen_address_fails_with_one_sentence(tmp_path: Path, address: str) -> None:
    done = kennel("up", "--listen", address, state=tmp_path)
    assert done.returncode == 2
    assert f"--listen takes an IPv4 address of this machine, not '{address}'" in done.stderr


@pytest.mark.parametrize("address", ["203.0.113.9", "1.2.3.400", "0.0.0.0"])
def test_foreign_listen_address_fails_with_one_sentence(tmp_path: Path, address: str) -> None:
    done = kennel("up", "--listen", address, state=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("kennel: --listen: ") and address in line and "Use --listen with one of those" in line


@pytest.mark.parametrize("command", ["ssh", "logs"])
def test_ssh_uses_the_labs_keys(tmp_path: Path, command: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "ssh").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tools / "ssh").chmod(0o755)
    state = tmp_path / "lab"
    assert "there is no lab. Run ./kennel up." in kennel(command, "lab1", state=state, tools=tools).stderr
    state.mkdir()
    (state / "lab.json").write_text(json.dumps({"hosts": [HOST], "datadog": {"container": "datadog"}}))
    assert "there is no host 'lab2'" in kennel(command, "lab2", state=state, tools=tools).stderr
    said = kennel(command, "lab1", state=state, tools=tools).stdout.splitlines()
    assert said[1] == str(state / "id_ed25519") and "29501" in said and "kennel@127.0.0.1" in said
    assert ("journalctl" in said) == (command == "logs")
