"""A bare host: check mode's predictions, the run's changes, the number of remote calls, and secrets in the output."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from conftest import PLAYBOOK, ROOT

# Counted instead of timed: a module call takes about 0.4 s per host. The official role needs 81 and 59 for less work.
FIRST, CONVERGED = 13, 10
SMALL_FIRST, SMALL_CONVERGED = 5, 3
# All roles, and the app with its database.
TRACED_FIRST, TRACED_CONVERGED = FIRST + 8, CONVERGED + 5

FILES = "find / -xdev -newer /var/tmp/marker -type f -not -path /proc/* -not -path /run/* -not -path /var/log/*"
TWO_CHECKS = {
    "datadog_custom_check_checks": [
        {"name": "my_metric", "source": "my_metric.py", "metrics": ["my_metric"]},
        {"name": "uptime"},
    ]
}
# Outdated facts that a cache may have about a host that was replaced.
FORMER_LIFE = {
    "cacheable": True,
    "ansible_distribution": "Ubuntu",
    "ansible_distribution_version": "24.04",
    "ansible_distribution_major_version": "24",
    "ansible_distribution_release": "noble",
    "packages": {"mariadb-server": [{}], "python3-pymysql": [{}], "python3-venv": [{}]},
}


@dataclass
class Story:
    """The runs on one bare host, in order."""

    check: object
    files_after_check: list[str]
    first: object
    second: object


def tell(lab, host: str, extra: dict, *, inventory: dict | None = None, **env: str) -> Story:
    def hosts(*arguments):
        limit = f"--limit={host}"
        return lab.play("hosts", limit, "--diff", "-vvv", *arguments, extra=extra, inventory=inventory, **env)

    lab.on(host, "touch /var/tmp/marker")
    check = hosts("--check")
    files = lab.on(host, FILES).stdout.split()
    return Story(check, files, hosts(), hosts())


@pytest.fixture(scope="module")
def bare(lab):
    """The lab with bare hosts, whatever other tests did to them."""
    lab.renew()
    return lab


@pytest.fixture(scope="module")
def whole(bare) -> Story:
    """All roles, on a host with MySQL."""
    return tell(bare, "fresh1", {})


@pytest.fixture(scope="module")
def small(bare) -> Story:
    """Agent, tags and two checks, with an interpreter that lacks the apt library."""
    own = bare.own_python("fresh2")
    assert "No module named 'apt'" in bare.on("fresh2", f"{own} -c 'import apt'").stderr
    return tell(
        bare, "fresh2", TWO_CHECKS, inventory={"all": {"hosts": {"fresh2": {"ansible_python_interpreter": own}}}}
    )


@pytest.fixture(scope="module")
def traced(bare, tmp_path_factory) -> Story:
    """All roles, on a host with MySQL and the app that reads from it, without Ansible's apt library.
    A fact cache has outdated facts about it.
    """
    assert bare.on("fresh3", "apt-get remove --yes python3-apt").returncode == 0
    cache = {
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path_factory.mktemp("facts")),
    }
    lie = [str(PLAYBOOK.with_name("ansible")), "fresh3", "-m", "set_fact", "-a", json.dumps(FORMER_LIFE)]
    assert bare.run(lie, ROOT, {**bare.env, **cache}).status == 0
    return tell(bare, "fresh3", {}, **cache)


@pytest.fixture(params=["whole", "small", "traced"])
def story(request) -> Story:
    return request.getfixturevalue(request.param)


def test_check_mode_succeeds(story):
    assert story.check.status == 0, story.check.output[-3000:]


def test_check_mode_changes_nothing(story):
    left = [
        path for path in story.files_after_check if not path.startswith(("/home/kennel/.ansible", "/var/lib/systemd"))
    ]
    assert left == []


def test_check_mode_predicts_the_changes(story):
    assert story.first.status == 0, story.first.output[-3000:]
    assert story.check.changed_tasks() == story.first.changed_tasks()


def test_second_run_changes_nothing(story):
    assert story.second.status == 0, story.second.output[-3000:]
    assert story.second.changed_tasks() == []


def test_check_mode_finds_nothing_left_to_do(lab, story, request):
    host = {"whole": "fresh1", "small": "fresh2", "traced": "fresh3"}[request.node.callspec.params["story"]]
    run = lab.play("hosts", f"--limit={host}", "--check", extra=TWO_CHECKS if host == "fresh2" else {})
    assert run.status == 0, run.output[-3000:]
    assert run.changed_tasks() == []


def test_all_roles_stay_within_their_calls(whole):
    assert 0 < whole.first.module_calls() <= FIRST
    assert 0 < whole.second.module_calls() <= CONVERGED


def test_agent_tags_and_two_checks_stay_within_their_calls(small):
    assert 0 < small.first.module_calls() <= SMALL_FIRST
    assert 0 < small.second.module_calls() <= SMALL_CONVERGED


def test_app_and_its_database_stay_within_their_calls(traced):
    assert 0 < traced.first.module_calls() <= TRACED_FIRST
    assert 0 < traced.second.module_calls() <= TRACED_CONVERGED


def test_package_lists_are_refreshed_at_most_once(story):
    # Counts the lists of all repositories. The Agent only needs its own, and Ansible does not report the refresh before
    # it installs python3-apt.
    assert story.first.list_refreshes() <= 1
    assert story.second.list_refreshes() == 0


def test_agent_is_restarted_at_most_once(story):
    restarts = [task for task in story.first.changed_tasks() if task.startswith("Restart") or ": Restart" in task]
    assert len(restarts) <= 1


def test_output_contains_no_secrets(lab, story):
    output = story.check.output + story.first.output + story.second.output
    assert [secret[:4] for secret in lab.secrets() if secret in output] == []


@pytest.mark.parametrize("host", ["fresh1", "fresh3"])
def test_world_readable_files_contain_no_secrets(lab, whole, traced, host):
    for secret in lab.secrets():
        found = lab.on(host, f"grep -rlsF {secret} /etc /opt /var/lib /var/log /home /tmp /usr/local").stdout.split()
        for path in found:
            mode = lab.on(host, f"stat -c %a {path}").stdout.strip()
            assert mode.endswith("0"), f"{path} has mode {mode}"


def test_app_is_only_restarted_for_its_own_changes(lab, traced):
    def started():
        return lab.on("fresh3", "systemctl show -P ActiveEnterTimestampMonotonic flask_apm").stdout

    before = started()
    lab.play("hosts", "--limit=fresh3", extra={"datadog_custom_check_interval": 20})
    assert started() == before
    # Its version is in the unit, so systemd must be reloaded.
    run = lab.play("hosts", "--limit=fresh3", "--diff", extra={"flask_apm_version": "1.0.1"})
    assert run.status == 0, run.output[-3000:]
    assert '+Environment="DD_VERSION=1.0.1"' in run.output
    assert started() != before
    pid = lab.on("fresh3", "systemctl show -P MainPID flask_apm").stdout.strip()
    assert "DD_VERSION=1.0.1" in lab.on("fresh3", f"tr '\\0' '\\n' < /proc/{pid}/environ").stdout.splitlines()


def test_wrong_password_of_the_app_is_reported(lab, traced):
    run = lab.play("hosts", "--limit=fresh3", extra={"flask_apm_database": {
        "unix_socket": "/run/mysqld/mysqld.sock", "user": "nobody-such", "database": "flask_apm"}})  # fmt: skip
    assert run.status != 0
    assert "check flask_apm_database and its password" in run.output


def test_interval_is_only_in_the_yaml_file(lab, whole):
    before = lab.on("fresh1", "sha256sum /etc/datadog-agent/checks.d/my_metric.py").stdout
    run = lab.play("hosts", "--limit=fresh1", "--diff", extra={"datadog_custom_check_interval": 20})
    assert run.status == 0, run.output[-3000:]
    assert run.changed_tasks() == ["kennel.fleet.datadog_custom_check : Install the checks"]
    assert "-  - min_collection_interval: 45\n" in run.output and "+  - min_collection_interval: 20\n" in run.output
    assert lab.on("fresh1", "sha256sum /etc/datadog-agent/checks.d/my_metric.py").stdout == before


def test_check_command_shows_the_metric(lab, whole):
    done = lab.on("fresh1", "runuser -u dd-agent -- datadog-agent check my_metric --json")
    metrics = [metric for run in json.loads(done.stdout) for metric in run["aggregator"]["metrics"]]
    assert [metric["metric"] for metric in metrics] == ["my_metric"]
    assert 0 <= metrics[0]["points"][0][1] <= 1000
