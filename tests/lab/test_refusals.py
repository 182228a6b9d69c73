"""Invalid input: all problems are reported at once, with host, variable and fix, before any change.

site.yml starts with preflight.yml, as the first test shows; the other tests only run preflight.yml.
"""

from __future__ import annotations

import pytest


@pytest.fixture
def untouched(lab):
    """Fail the test if the run changed anything on a host."""
    lab.on("fresh1", "touch /var/tmp/before")
    yield
    changed = lab.on("fresh1", "find /etc /opt /var/lib/dpkg -newer /var/tmp/before -type f").stdout.split()
    assert changed == []


def test_all_problems_of_all_hosts_are_reported_together(lab, untouched):
    extra = {
        "datadog_api_key": "0" * 31,
        "datadog_tags_literals": ["1st:x", "webserver"],
        "datadog_agent_version": "newest",
        "datadog_custom_check_interval": 0,
        "datadog_mysql_user_password": "",
        "flask_apm_port": 80,
    }
    run = lab.play("site", extra=extra)
    assert run.status != 0
    report = run.output[run.output.index("Fix this first") :]
    for host in ("fresh1", "fresh2"):
        for variable in (
            "datadog_agent_api_key",
            "'1st:x'",
            "'webserver'",
            "datadog_agent_version",
            "datadog_custom_check_interval",
        ):
            assert any(host in line and variable in line for line in report.splitlines()), (host, variable)
    assert any("fresh1" in line and "datadog_mysql_user_password" in line for line in report.splitlines())
    assert "fresh3: flask_apm_port" in report
    assert "fresh1: flask_apm_port" not in report
    assert run.changed_tasks() == []


def test_wrong_types_and_templated_braces_are_refused(lab, untouched):
    monitor = {"key": "disk", "type": "metric alert", "query": "max(last_5m):max:system.disk.in_use{*} by {host} > 0.9"}
    texts = {"name": "The disk of {{host.name}}", "message": "{{#is_alert}}{{value}}{{/is_alert}}"}
    wrong = {"datadog_agent_tags": "x", "datadog_tags_literals": {"a": {"b": "c"}}, "mysql_users": [{}]}
    run = lab.play("preflight", extra={**wrong, "datadog_objects_extra_monitors": [{**monitor, **texts}]})
    assert run.status != 0
    report = run.output[run.output.index("Fix this first") :]
    for host, words in (
        ("fresh1", "mysql_users"),
        ("fresh2", "datadog_agent_tags"),
        ("fresh2", "datadog_tags_literals"),
    ):
        assert any(f"{host}: " in line and words in line for line in report.splitlines()), (host, words)
    assert "datadog_objects" in report and "write !unsafe before" in report and "as in {{host.name}}" in report


@pytest.mark.parametrize(("variable", "length"), [("datadog_api_key", 32), ("datadog_app_key", 40)])
def test_wrong_key_is_named(lab, untouched, variable, length):
    wrong = "f" * length
    run = lab.play("preflight", "--limit=fresh2", extra={variable: wrong})
    assert run.status != 0
    assert variable in run.output[run.output.index("Fix this first") :]
    assert wrong not in run.output


def test_invalid_code_and_reserved_check_names_are_refused(lab, untouched, tmp_path):
    (tmp_path / "mine.py").write_text("from datadog_checks.base import AgentCheck\n", encoding="utf-8")
    (tmp_path / "broken.py").write_text("import os\ndef check(:\n    pass\n", encoding="utf-8")
    source = str(tmp_path / "mine.py")
    checks = [{"name": "mysql"}, {"name": "load", "source": source}, {"name": "queue", "source": source}]
    checks += [{"name": "broken", "source": str(tmp_path / "broken.py"), "metrics": ["x"]}]
    run = lab.play("preflight", "--limit=fresh1,fresh2", extra={"datadog_custom_check_checks": checks})
    assert run.status != 0
    report = run.output[run.output.index("Fix this first") :].splitlines()
    for host, words in (
        (
            "fresh1",
            "check mysql: another role writes its conf.yaml on this host. Remove it, and use datadog_mysql_user",
        ),
        ("fresh2", "check load: the Agent has a check with that name"),
        ("fresh2", "check queue: the Agent's Python has a module with that name"),
        ("fresh2", "broken.py, line 2 is not valid Python"),
    ):
        assert any(host in line and words in line for line in report), (host, words)
    # If no other role manages it, any check may use the integration.
    assert not any("fresh2" in line and "check mysql" in line for line in report)


@pytest.fixture(scope="module")
def ready(lab):
    """A host that is set up."""
    run = lab.play("hosts", "--limit=fresh2")
    assert run.status == 0, run.output[-3000:]
    return lab


def test_check_that_does_not_load_is_refused_and_the_old_one_is_kept(lab, ready, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from datadog_checks.base import AgentCheck\nimport no_such_module\n", encoding="utf-8"
    )
    checks = [{"name": "mine", "source": str(tmp_path / "mine.py"), "metrics": ["x"]}]
    run = lab.play("hosts", "--limit=fresh2", extra={"datadog_custom_check_checks": checks})
    assert run.status != 0
    assert "no_such_module" in run.output
    assert lab.on("fresh2", "cd /etc/datadog-agent/checks.d && ls *.py").stdout.split() == ["my_metric.py"]


@pytest.mark.parametrize(
    ("place", "trap", "words"),
    [
        ("conf.d/my_metric.d", "ln -s /root/kept", "is a link to '/root/kept'"),
        ("conf.d", "ln -s /root/kept", "is a link to '/root/kept'"),
        ("checks.d", "ln -s /root/kept", "is a link to '/root/kept'"),
        ("conf.d/my_metric.d/conf.yaml", "ln -s /etc/shadow", "is a link to '/etc/shadow'"),
        ("conf.d/my_metric.d/conf.yaml", "mkfifo", "is a named pipe"),
        ("datadog.yaml", "ln -s datadog.yaml", "is a link to 'datadog.yaml'"),
    ],
)
def test_agents_user_cannot_redirect_root(lab, ready, place, trap, words):
    kept = "find /root/kept -exec stat -c '%n %U %a %i %Y' {} +; sha256sum /root/kept/* /etc/shadow"
    lab.on("fresh2", "mkdir -p /root/kept; for f in conf.yaml my_metric.py; do echo 'a: 1' >/root/kept/$f; done")
    lab.on("fresh2", "chmod -R go= /root/kept")
    before = lab.on("fresh2", kept).stdout
    own = f"cd /etc/datadog-agent && runuser -u dd-agent -- mv {place} aside && runuser -u dd-agent -- {trap} {place}"
    assert lab.on("fresh2", own).returncode == 0
    try:
        run = lab.play("hosts", "--limit=fresh2", "--diff", extra={"datadog_custom_check_interval": 33})
    finally:
        lab.on("fresh2", f"cd /etc/datadog-agent && rm {place} && mv aside {place}")
    assert run.status != 0
    message = " ".join(run.output.split())
    assert f"/etc/datadog-agent/{place} {words}" in message
    assert "run again" in message
    assert "root:" not in run.output
    assert lab.on("fresh2", kept).stdout == before


def test_interpreter_without_pymysql_is_refused(lab, untouched):
    """Only on hosts with MySQL; others only need the standard library."""
    own = {name: {"ansible_python_interpreter": lab.own_python(name)} for name in ("fresh1", "fresh2")}
    run = lab.play("preflight", "--limit=fresh1,fresh2", inventory={"all": {"hosts": own}})
    assert run.status != 0 and run.changed_tasks() == []
    report = run.output[run.output.rindex("Fix this first") :].split("PLAY RECAP")[0]
    [problem] = report.strip().splitlines()[1:]
    assert "fresh1: ansible_python_interpreter: modules run in /var/tmp/own/bin/python, which has no PyMySQL" in problem
    assert "only serves /usr/bin/python3. Set the variable to that, or install PyMySQL" in problem


def test_unreachable_host_is_reported_with_the_others(lab, untouched, tmp_path):
    # Cached facts about it do not help.
    cache = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path)}
    limit = "--limit=fresh1,fresh2"
    assert lab.play("preflight", limit, **cache).status == 0
    run = lab.play("preflight", limit, extra={"datadog_agent_version": "newest", "ansible_port": 1}, **cache)
    assert run.status != 0
    report = run.output[run.output.index("Fix this first") :]
    assert "fresh1: it cannot be reached" in report
    assert "fresh2: it cannot be reached" in report
    assert "fresh1: datadog_agent_version" not in report
