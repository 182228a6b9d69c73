"""An upgrade in batches: a failing batch is the last one, and a rollback works the same way."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.long

OLD, NEW = "1:7.99.0~lab-1", "1:7.99.1~lab-1"
# Two points of my_metric arrive soon, and the wait for data that cannot arrive is short.
SOON = {"datadog_custom_check_interval": 15}
RED = {**SOON, "datadog_verify_timeout": 10}


def versions(lab) -> list[str]:
    """Return the Agent's version on each host."""
    command = "dpkg-query --show --showformat '${Version}' datadog-agent"
    return [lab.on(host["name"], command).stdout for host in lab.plan["hosts"]]


@pytest.fixture(scope="module")
def fleet(lab):
    """All hosts with the older version, whatever other tests did to them."""
    run = lab.play("hosts", extra={**SOON, "datadog_agent_version": OLD, "datadog_agent_allow_downgrade": True})
    assert run.status == 0, run.output[-4000:]
    assert versions(lab) == [OLD] * 3
    return lab


def test_invalid_batches_are_refused_before_any_change(fleet):
    run = fleet.play("site", extra={"kennel_serial": [1, "some"], "datadog_agent_version": NEW})
    assert run.status != 0
    assert "kennel_serial is [1, 'some']. Set it to" in run.output
    assert run.changed_tasks() == []


def test_invalid_input_of_one_host_stops_every_batch(fleet):
    """A problem in the last batch is found before the first one."""
    hosts = {"datadog_tags_literals": "{{ ['1st:x'] if inventory_hostname == 'fresh3' else [] }}"}
    run = fleet.play("site", extra={**RED, **hosts, "kennel_serial": 1, "datadog_agent_version": NEW})
    assert run.status != 0
    assert "fresh3: " in run.output[run.output.index("Fix this first") :]
    assert versions(fleet) == [OLD] * 3


def test_failed_host_stops_the_run_after_its_batch(fleet):
    first, _second, last = versions(fleet)
    fleet.on("fresh1", "apt-mark hold datadog-agent")
    try:
        run = fleet.play("site", extra={**RED, "kennel_serial": 2, "datadog_agent_version": NEW})
    finally:
        fleet.on("fresh1", "apt-mark unhold datadog-agent")
    assert run.status != 0
    assert "fresh1 failed, so no further batch starts" in run.output
    assert versions(fleet) == [first, NEW, last]


def test_canary_without_data_stops_the_run(fleet):
    _first, *others = versions(fleet)
    # The Agent cannot reach Datadog by this name. Podman mounts the file, so it cannot be replaced.
    fleet.on("fresh1", "cp /etc/hosts /var/tmp/hosts && echo 127.0.0.9 datadog >>/etc/hosts")
    try:
        run = fleet.play("site", extra={**RED, "kennel_serial": 1, "datadog_agent_version": NEW})
    finally:
        fleet.on("fresh1", "cat /var/tmp/hosts >/etc/hosts")
    assert run.status != 0
    missing = run.missing()
    assert set(missing) == {"fresh1"} and "The Agent does not deliver" in missing["fresh1"]
    assert [run.recap()[host]["changed"] for host in ("fresh2", "fresh3")] == [0, 0]
    assert versions(fleet) == [NEW, *others]


def test_successful_run_upgrades_the_rest_in_batches(fleet):
    run = fleet.play("site", extra={**SOON, "kennel_serial": [1, "100%"], "datadog_agent_version": NEW})
    assert run.status == 0, run.output[-4000:]
    # Once per batch, and finally for all.
    assert run.output.count("Show what Datadog has") == 3
    assert versions(fleet) == [NEW] * 3


def test_rollback_works_the_same_way(fleet):
    back = {"datadog_agent_version": OLD, "datadog_agent_allow_downgrade": True}
    run = fleet.play("site", extra={**SOON, **back, "kennel_serial": [1, "100%"]})
    assert run.status == 0, run.output[-4000:]
    assert versions(fleet) == [OLD] * 3
