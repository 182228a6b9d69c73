"""The account of the scenarios along the main road: a real one where KENNEL_GENUINE is set, else that of the lab."""

import json
import os
from pathlib import Path

import pytest
import requests

# Tests read what Ansible prints by default.
os.environ["ANSIBLE_STDOUT_CALLBACK"] = "ansible.builtin.default"
GENUINE = "KENNEL_GENUINE" in os.environ


@pytest.fixture(scope="session")
def site():
    """The site that Agents report to."""
    return (os.environ.get("DD_SITE") if GENUINE else None) or "datadoghq.com"


@pytest.fixture(scope="session")
def datadog(site):
    """Read the account as any client does."""
    session = requests.Session()
    if GENUINE:
        url, api_key, app_key = f"https://api.{site}", os.environ["DD_API_KEY"], os.environ["DD_APP_KEY"]
    else:
        state = Path(os.environ["KENNEL_STATE"])
        url = json.loads((state / "lab.json").read_text(encoding="utf-8"))["datadog"]["url"]
        api_key, app_key = ((state / "secrets" / name).read_text(encoding="utf-8") for name in ("api_key", "app_key"))
        session.trust_env = False
    session.headers.update({"DD-API-KEY": api_key, "DD-APPLICATION-KEY": app_key})
    return lambda path, **params: session.get(f"{url}/api/{path}", params=params, timeout=30).json()
