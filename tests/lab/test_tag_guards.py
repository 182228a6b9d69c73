"""Runs with --tags: they run the selected part, its requirements, and nothing else."""

from __future__ import annotations

import re

import pytest

HOST = "fresh2"
CHECKS = "kennel.fleet.datadog_custom_check : Install the checks"
AGENT = "kennel.fleet.datadog_agent : Install and configure the Agent, or remove it"


@pytest.fixture(scope="module")
def ready(lab):
    """A host that is set up."""
    run = lab.play("hosts", f"--limit={HOST}")
    assert run.status == 0, run.output[-4000:]
    return lab


def roles(run) -> set[str]:
    """Return the roles that did more than check their inputs."""
    tasks = re.findall(r"^TASK \[kennel\.fleet\.(\w+) : (.*)\] \*+$", run.output, re.MULTILINE)
    looked = re.compile("Validating|Check the inputs|Gather the groups of the host")
    return {role for role, task in tasks if not looked.match(task)}


def test_only_checks_are_corrected(ready):
    ready.on(
        HOST, "rm /etc/datadog-agent/conf.d/my_metric.d/conf.yaml; echo tags: [] >>/etc/datadog-agent/datadog.yaml"
    )
    run = ready.play("site", f"--limit={HOST}", "--tags=checks")
    assert run.status == 0, run.output[-3000:]
    assert roles(run) == {"datadog_custom_check"}
    assert run.changed_tasks() == [CHECKS]
    # Other changes are left to other tags.
    assert ready.play("hosts", f"--limit={HOST}", "--skip-tags=agent").changed_tasks() == []
    assert ready.play("hosts", f"--limit={HOST}", "--tags=agent").changed_tasks()[0] == AGENT


def test_new_tags_reach_the_agent(ready):
    team = {"datadog_tags_literals": ["team:tagged"]}
    run = ready.play("hosts", f"--limit={HOST}", "--tags=tags", extra=team)
    assert run.status == 0, run.output[-3000:]
    assert roles(run) == {"datadog_agent"}
    assert "team:tagged" in ready.on(HOST, "cat /etc/datadog-agent/datadog.yaml").stdout
    assert ready.play("hosts", f"--limit={HOST}").status == 0


@pytest.mark.parametrize(
    ("tag", "done"), [("preflight", set()), ("objects", {"datadog_objects"}), ("verify", {"datadog_verify"})]
)
def test_parts_of_site_run_alone_after_preflight(ready, tag, done):
    run = ready.play("site", f"--limit={HOST}", f"--tags={tag}")
    assert run.status == 0, run.output[-3000:]
    assert "Report every problem" in run.output and roles(run) == done


def test_invalid_input_is_refused_with_any_tags(ready):
    run = ready.play("site", f"--limit={HOST}", "--tags=agent", extra={"datadog_agent_version": "newest"})
    assert run.status != 0 and f"{HOST}: datadog_agent_version" in run.output


def test_tag_that_applies_to_no_selected_host_is_refused(ready):
    run = ready.play("hosts", f"--limit={HOST}", "--tags=app")
    assert run.status != 0 and "no host in this run is in the group for this tag" in run.output


@pytest.mark.parametrize("tags", [["--skip-tags=always"], ["--tags=tagged"], ["--tags=checks", "--skip-tags=always"]])
def test_tags_without_the_input_checks_are_refused(ready, tags):
    run = ready.play("site", f"--limit={HOST}", *tags)
    assert run.status != 0 and "TASK [" not in run.output
    assert "--tags and --skip-tags do not accept" in run.output
