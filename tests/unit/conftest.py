# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of the modules share."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NoReturn

import fake_datadog
import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kennel.fleet.plugins.module_utils import datadog_files


@pytest.fixture
def fake_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_datadog.FakeApi]:
    """A Datadog API that the test fills, and no setting of the environment."""
    for name in ("DD_API_KEY", "DD_APP_KEY", "DD_SITE", "DATADOG_HOST"):
        monkeypatch.delenv(name, raising=False)
    with fake_datadog.serve() as fake:
        yield fake


@pytest.fixture
def own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let modules give files to whoever runs the tests instead of dd-agent or root; modes stay as they are."""
    mine = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}
    for name in ("ensure_file", "ensure_folder"):
        real = getattr(datadog_files, name)

        def give_to_me(*args: Any, real: Callable[..., bool] = real, **arguments: Any) -> bool:
            return real(*args, **{**arguments, **mine})

        monkeypatch.setattr(datadog_files, name, give_to_me)


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
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(Ended) as ended:
            module.main()
        return ended.value.args[0]

    return run
