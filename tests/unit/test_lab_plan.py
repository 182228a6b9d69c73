# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of this machine's pip settings lab hosts get: only what a host can use."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

import plan

INDEX = "https://me:geheim@index.example.com/simple"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What this machine trusts."""
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
def test_index_is_handed_on_where_a_host_can_reach_it(trusted: str, listing: str, index: str) -> None:
    assert plan.pip_settings(listing) == {"index_url": index, "ca_bundle": trusted}


def test_certificates_are_those_that_pip_is_told_of(trusted: str, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    assert plan.pip_settings(f"global.cert='{own}'\n")["ca_bundle"] == ""
    own.touch()
    assert plan.pip_settings(f"global.cert='{own}'\n")["ca_bundle"] == str(own)


def test_labs_of_one_checkout_planned_at_once_have_ports_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both begin at the same port, and nothing listens there yet.
    monkeypatch.setattr(plan, "BLOCKS", 1)
    monkeypatch.setattr(plan, "ROOT", tmp_path)
    ports: list[int] = []
    for name in ("molecule", "tests"):
        state = tmp_path / ".kennel" / name
        state.mkdir(parents=True)
        lab = plan.plan(state, "bookworm", 2, None)
        (state / "lab.json").write_text(json.dumps(lab), encoding="utf-8")
        ports += [entry["port"] for entry in (lab["datadog"], *lab["hosts"])]
    assert len(ports) == len(set(ports)) == 6
