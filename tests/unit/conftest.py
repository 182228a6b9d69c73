# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the unit tests of the modules share."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable, Iterator
from typing import Any

import fake_datadog
import pytest
from ansible_collections.kennel.fleet.plugins.module_utils import safe_files


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
        real = getattr(safe_files, name)

        def give_to_me(*args: Any, real: Callable[..., bool] = real, **arguments: Any) -> bool:
            return real(*args, **{**arguments, **mine})

        monkeypatch.setattr(safe_files, name, give_to_me)
