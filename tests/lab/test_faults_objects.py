"""Objects, while runs are killed, meet, or lose their key: each object exists once, as after a clean run."""

from __future__ import annotations

import signal
from typing import Any

import faults
import pytest
import requests

# Only the hosts' names are used.
OBJECTS = ("objects", "--forks=3")


@pytest.fixture(scope="module")
def clean(lab) -> dict[str, Any]:
    """The objects that a clean run creates in an empty account."""
    emptied(lab)
    run = lab.play(*OBJECTS)
    assert run.status == 0, run.output[-3000:]
    return faults.account_of(lab)


def emptied(lab) -> None:
    run = lab.play("teardown")
    assert run.status == 0, run.output[-3000:]
    assert sum(map(len, faults.account_of(lab).values())) == 0


def recovered(lab) -> dict[str, Any]:
    """Return the account's objects after a successful run, and one that changes nothing."""
    run = lab.play(*OBJECTS)
    assert run.status == 0, run.output[-3000:]
    run = lab.play(*OBJECTS)
    assert (run.status, run.changed_tasks()) == (0, []), run.output[-3000:]
    return faults.account_of(lab)


def exported(lab, folder) -> dict[str, str]:
    """Return the files of an export."""
    run = lab.play("export", "-e", f"export_folder={folder}")
    assert run.status == 0, run.output[-3000:]
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def test_concurrent_controllers_create_each_object_once(lab, clean, tmp_path):
    before = exported(lab, tmp_path / "before")
    emptied(lab)
    ended = [run.end() for run in [lab.start(*OBJECTS), lab.start(*OBJECTS)]]
    assert [run.status for run in ended] == [0, 0], [run.output[-2000:] for run in ended]
    assert recovered(lab) == clean
    assert exported(lab, tmp_path / "after") == before


@pytest.mark.long
@pytest.mark.parametrize("number", [1, 2, 3])
def test_run_killed_between_objects_is_completed_by_the_next(lab, clean, number):
    emptied(lab)
    run = lab.start(*OBJECTS)
    faults.wait_for(lambda: faults.number_of_objects(lab) >= number, f"{number} objects")
    faults.kill(run)
    assert number <= faults.number_of_objects(lab) < sum(map(len, clean.values()))
    assert recovered(lab) == clean


@pytest.mark.long
def test_killed_teardown_is_completed_or_reverted(lab, clean):
    whole = recovered(lab)
    run = lab.start("teardown")
    faults.wait_for(lambda: faults.number_of_objects(lab) < sum(map(len, whole.values())), "an object that is gone")
    faults.kill(run)
    assert recovered(lab) == clean


def refuses(lab) -> bool:
    """Whether the stand-in Datadog responds, and refuses the key."""
    try:
        faults.ask(lab, "/api/v1/monitor")
    except requests.HTTPError as error:
        return error.response.status_code == 403
    except requests.ConnectionError:
        pass
    return False


@pytest.mark.long
def test_key_revoked_during_a_run_is_reported_and_nothing_is_half_done(lab, clean):
    emptied(lab)
    container = lab.container("datadog")
    keys = "/etc/kennel/keys.json"
    other = r's/"api_key": "[0-9a-f]\{8\}/"api_key": "00000000/'
    revoke = f"cp -p {keys} /var/tmp/keys && sed -i '{other}' {keys}"
    run = lab.start("site", "--limit=fresh2")
    faults.reach(run, "PLAY [Hosts]")
    # The run waits for that.
    run.process.send_signal(signal.SIGSTOP)
    try:
        done = lab.podman("exec", container, "sh", "-c", f"{revoke} && systemctl restart kennel-datadog")
        faults.wait_for(lambda: refuses(lab), "an answer of the stand-in Datadog")
    finally:
        run.process.send_signal(signal.SIGCONT)
        ended = run.end()
        lab.podman("exec", container, "sh", "-c", f"mv /var/tmp/keys {keys} && systemctl restart kennel-datadog")
    assert done.returncode == 0, done.stderr
    assert ended.status != 0
    assert "datadog_api_key" in ended.output, ended.output[-3000:]
    # The host is complete, because that needs no key.
    assert "PLAY [Objects]" in ended.output
    lab.up()
    assert faults.number_of_objects(lab) == 0
    assert recovered(lab) == clean
