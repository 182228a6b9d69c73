"""Errors of the Vagrantfile before it downloads a box or boots a machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from machine import Done, vagrant, virsh

pytestmark = pytest.mark.long
KEYS = {"DD_API_KEY": "", "DD_APP_KEY": ""}


def up(**env: str) -> Done:
    return vagrant("up", "--provider=libvirt", env={**KEYS, **env})


def test_vagrantfile_is_valid(folder: Path) -> None:
    assert vagrant("validate").status == 0


def test_number_of_machines_can_be_set(folder: Path) -> None:
    listed = vagrant("status", env={"KENNEL_VMS": "3", "VAGRANT_DEFAULT_PROVIDER": "libvirt"}).output
    assert re.findall(r"^(kennel\d+) +not created", listed, re.MULTILINE) == ["kennel1", "kennel2", "kennel3"]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "There is no Datadog to report to: DD_API_KEY and DD_APP_KEY are not set. Fix: "),
        ({"DD_API_KEY": "0" * 32}, "Only one of DD_API_KEY and DD_APP_KEY is set. Fix: "),
        ({"KENNEL_VMS": "none"}, "KENNEL_VMS is 'none'. Fix: "),
    ],
)
def test_missing_requirements_are_named_before_anything_is_created(
    folder: Path, env: dict[str, str], said: str
) -> None:
    before = virsh("list", "--all", "--name").output
    done = up(KENNEL_STATE=str(folder / "no-lab"), **env)
    assert done.status != 0
    assert said in done.output
    assert "Creating" not in done.output
    assert virsh("list", "--all", "--name").output == before
