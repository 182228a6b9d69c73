# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's plan: pip settings from this machine that hosts can use, and separate addresses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lab"))

import plan
from common import Refusal

INDEX = "https://me:geheim@index.example.com/simple"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The certificates that this machine trusts."""
    path = tmp_path / "trusted.crt"
    path.touch()
    monkeypatch.setattr(plan, "TRUSTED", str(path))
    return str(path)


@pytest.mark.parametrize(
    ("listing", "index"),
    [
        ("", ""),
        (f"global.index-url='{INDEX}'\nglobal.timeout='60'\n", INDEX),
        (f"global.index-url='https://other.example.com/'\ninstall.index-url='{INDEX}'\n", INDEX),
        (f":env:.index-url='{INDEX}'\nglobal.index-url='https://other.example.com/'\n", INDEX),
        ("global.index-url='file:///srv/simple'\n", ""),
        ("global.index-url='http://localhost:3141/root/pypi'\n", ""),
        ("global.extra-index-url='https://other.example.com/'\nglobal.find-links='/srv/wheels'\n", ""),
    ],
)
def test_index_is_used_if_hosts_can_reach_it(trusted: str, listing: str, index: str) -> None:
    assert plan.pip_settings(listing) == {"index_url": index, "ca_bundle": trusted}


def test_certificates_come_from_pips_settings(trusted: str, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    assert plan.pip_settings(f"global.cert='{own}'\n")["ca_bundle"] == ""
    own.touch()
    assert plan.pip_settings(f"global.cert='{own}'\n")["ca_bundle"] == str(own)


def test_labs_planned_concurrently_have_different_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Both start at the same port, where nothing listens yet.
    monkeypatch.setattr(plan, "BLOCKS", 1)
    monkeypatch.setattr(plan, "ROOT", tmp_path)
    ports: list[int] = []
    for name in ("molecule", "tests"):
        state = tmp_path / ".kennel" / name
        state.mkdir(parents=True)
        lab = plan.plan(state, "bookworm", 2, None)
        (state / "lab.json").write_text(json.dumps(lab), encoding="utf-8")
        ports += plan.all_ports(lab)
    assert len(ports) == len(set(ports)) == 6


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function that plans and saves a lab with one host, on a machine that has every address."""
    monkeypatch.setattr(plan, "refuse_foreign", lambda address: None)

    def make(listen: str | None = None, count: int = 1) -> dict[str, Any]:
        lab = plan.plan(tmp_path, "bookworm", count, None, None, listen)
        plan.write(tmp_path / "lab.json", json.dumps(lab))
        return lab

    return make


def test_datadog_only_listens_on_loopback_by_default(planned: Callable[..., dict[str, Any]]) -> None:
    assert planned()["listen"] is None


def test_address_and_ports_are_kept(planned: Callable[..., dict[str, Any]]) -> None:
    before = planned("192.0.2.1")
    listen, port = before["listen"], before["datadog"]["port"]
    assert listen["url"] == f"http://192.0.2.1:{port}"
    assert listen["packages_url"] == f"http://192.0.2.1:{listen['packages_port']}/"
    after = planned(count=3)
    assert (after["listen"], after["datadog"]) == (listen, before["datadog"])
    ports = [listen["packages_port"], port, *(host["port"] for host in after["hosts"])]
    assert len(set(ports)) == 5
    assert planned("192.0.2.7")["listen"]["packages_port"] == listen["packages_port"]


def test_loopback_resets_the_address(planned: Callable[..., dict[str, Any]]) -> None:
    planned("192.0.2.1")
    assert planned("127.0.0.1")["listen"] is None
    assert planned()["listen"] is None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("198.51.100.77", "is not an address of this machine"),
        ("255.255.255.255", "is not an address of this machine"),
        ("224.0.0.1", "is not an address of this machine"),
        ("0.0.0.0", "means every network"),
        ("1.2.3", "is not an IPv4 address"),
    ],
)
def test_address_of_another_machine_is_refused(address: str, said: str) -> None:
    with pytest.raises(Refusal, match=rf"--listen: '?{address}'? {said}.*\. Use --listen"):
        plan.refuse_foreign(address)


def test_address_of_this_machine_is_accepted() -> None:
    plan.refuse_foreign("127.0.0.1")
