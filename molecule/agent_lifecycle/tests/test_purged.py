"""After the last step, purge, the host is bare again."""

import pytest


@pytest.mark.parametrize(
    "path", ["/etc/datadog-agent", "/opt/datadog-agent", "/var/log/datadog", "/usr/bin/datadog-agent"]
)
def test_nothing_of_the_agent_is_left(host, path):
    assert not host.file(path).exists


def test_no_entry_for_the_repository_is_left(host):
    with host.sudo():
        assert host.run("grep -rl packages:8081 /etc/apt").stdout == ""
        assert host.run("apt-get update").rc == 0


def test_unit_is_gone(host):
    assert not host.service("datadog-agent").exists
