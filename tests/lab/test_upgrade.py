"""An upgrade in batches: the batch that goes wrong is the last that is touched, and the way back is the way there."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.long

OLD, NEW = "1:7.99.0~lab-1", "1:7.99.1~lab-1"
# Two points of my_metric are soon there, and what cannot arrive is not waited for long.
SOON = {"datadog_custom_check_interval": 15}
RED = {**SOON, "datadog_verify_timeout": 10}


def versions(lab) -> list[str]:
    """The Agent's version on each host."""
    command = "dpkg-query --show --showformat '${Version}' datadog-agent"
    return [lab.on(host["name"], command).stdout for host in lab.plan["hosts"]]


@pytest.fixture(scope="module")
def fleet(lab):
    """All hosts with the older version, however other tests have left them."""
    run = lab.play("hosts", extra={**SOON, "datadog_agent_version": OLD, "datadog_agent_allow_downgrade": True})
    assert run.status == 0, run.output[-4000:]
    assert versions(lab) == [OLD] * 3
    return lab


def test_batches_that_are_no_numbers_are_refused_before_any_change(fleet):
    run = fleet.play("site", extra={"kennel_serial": [1, "some"], "datadog_agent_version": NEW})
    assert run.status != 0
    assert "kennel_serial is [1, 'some']: write" in run.output
    assert run.changed_tasks() == []


def test_one_bad_input_keeps_every_batch_from_beginning(fleet):
    """What would be found out in the last batch is found out before the first."""
    hosts = {"datadog_tags_literals": "{{ ['1st:x'] if inventory_hostname == 'fresh3' else [] }}"}
    run = fleet.play("site", extra={**RED, **hosts, "kennel_serial": 1, "datadog_agent_version": NEW})
    assert run.status != 0
    assert "fresh3: " in run.output[run.output.index("Fix this first") :]
    assert versions(fleet) == [OLD] * 3


def test_host_that_fails_lets_its_batch_end_and_no_other_begin(fleet):
    first, _second, last = versions(fleet)
    fleet.on("fresh1", "apt-mark hold datadog-agent")
    try:
        run = fleet.play("site", extra={**RED, "kennel_serial": 2, "datadog_agent_version": NEW})
    finally:
        fleet.on("fresh1", "apt-mark unhold datadog-agent")
    assert run.status != 0
    assert "fresh1 failed, so no further batch starts" in run.output
    assert versions(fleet) == [first, NEW, last]


def test_canary_whose_data_does_not_arrive_is_the_last_that_is_touched(fleet):
    _first, *others = versions(fleet)
    # The Agent cannot reach Datadog under this name. Podman has the file mounted, so that it cannot be replaced.
    fleet.on("fresh1", "cp /etc/hosts /var/tmp/hosts && echo 127.0.0.9 datadog >>/etc/hosts")
    try:
        run = fleet.play("site", extra={**RED, "kennel_serial": 1, "datadog_agent_version": NEW})
    finally:
        fleet.on("fresh1", "cat /var/tmp/hosts >/etc/hosts")
    assert run.status != 0
    missing = run.missing()
    assert set(missing) == {"fresh1"} and "The Agent cannot deliver" in missing["fresh1"]
    assert [run.recap()[host]["changed"] for host in ("fresh2", "fresh3")] == [0, 0]
    assert versions(fleet) == [NEW, *others]


def test_run_that_goes_well_upgrades_the_rest_batch_by_batch(fleet):
    run = fleet.play("site", extra={**SOON, "kennel_serial": [1, "100%"], "datadog_agent_version": NEW})
    assert run.status == 0, run.output[-4000:]
    # For each batch, and in the end for all.
    assert run.output.count("Show what Datadog has") == 3
    assert versions(fleet) == [NEW] * 3


def test_rollback_goes_the_same_way(fleet):
    back = {"datadog_agent_version": OLD, "datadog_agent_allow_downgrade": True}
    run = fleet.play("site", extra={**SOON, **back, "kennel_serial": [1, "100%"]})
    assert run.status == 0, run.output[-4000:]
    assert versions(fleet) == [OLD] * 3
