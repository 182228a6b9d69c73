# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures for tests of modules, in isolation or with the stand-in Datadog."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

import pytest
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule
from hypothesis import settings

# Tests parse Ansible's default output, unless they select the project's own.
os.environ["ANSIBLE_STDOUT_CALLBACK"] = "ansible.builtin.default"

# No deadline, because tests may run on a busy machine.
settings.register_profile("kennel", deadline=None)
settings.load_profile("kennel")


class Ended(Exception):
    """A module has ended, with its result."""


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Return a function that runs a module in this process and returns its result."""

    def end(_module: AnsibleModule, failed: bool = False, **result: Any) -> NoReturn:
        raise Ended({"failed": failed, **result})

    monkeypatch.setattr(AnsibleModule, "exit_json", end)
    monkeypatch.setattr(AnsibleModule, "fail_json", lambda self, **result: end(self, failed=True, **result))

    def run(module: ModuleType, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        given = {"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check}}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(given).encode())
        # Serialisation of arguments: ansible-core 2.18 has only one profile, and no helper for tests.
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(Ended) as ended:
            module.main()
        return ended.value.args[0]

    return run


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings of modules that run in this process."""
    found: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, text, **_more: found.append(text))
    return found
