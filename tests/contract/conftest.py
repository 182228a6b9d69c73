"""Fixtures: a running stand-in Datadog, and an account there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from account import Account
from standin_process import Standin, free_port


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """A running stand-in with separate keys and data."""
    started = Standin(tmp_path_factory.mktemp("standin"), free_port())
    started.start()
    yield started
    started.stop()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A unique name for hosts and metrics."""
    return "t" + secrets.token_hex(4)


@pytest.fixture
def account(standin: Standin) -> Iterator[Account]:
    """An empty account in the stand-in."""
    account = Account(standin)
    account.lab("POST", "reset")
    yield account
    account.lab("POST", "reset")
