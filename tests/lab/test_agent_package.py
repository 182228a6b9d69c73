"""The stand-in Agent's package on a bare host, without any role: it behaves like the genuine one, good or bad.

The facts are from datadog-agent 7.84 and 7.50, and datadog-signing-keys 1.4.1; see the table in lab/agent/README.md.
"""

from __future__ import annotations

import json

import pytest

HOST = "fresh2"
TODAY, NEWER, OLD = "1:7.99.0~lab-1", "1:7.99.1~lab-1", "1:7.50.0~lab-1"
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install --yes --allow-downgrades datadog-agent="
KEYRING = "/usr/share/keyrings/datadog-archive-keyring.gpg"
TRUSTED = "/etc/apt/trusted.gpg.d/datadog-archive-keyring.gpg"
ETC, ROOT = "/etc/datadog-agent", "/opt/datadog-agent"
PATHS = [
    *(f"{ETC}{path}" for path in ("", "/datadog.yaml", "/system-probe.yaml", "/compliance.d", "/compliance.d/mine")),
    *(f"{ETC}/{path}" for path in ("conf.d/mine.yaml", "managed", "install_info", "install.json", "auth_token")),
    *(ROOT, f"{ROOT}/run", f"{ROOT}/processes.d", f"{ROOT}/embedded/bin/python3", "/var/log/datadog"),
    *("/opt/datadog-packages", "/opt/datadog-packages/run", "/usr/bin/datadog-agent", "/usr/bin/datadog-installer"),
    *(KEYRING, TRUSTED, "/opt/datadog-signing-keys", "/lib/systemd/system/datadog-agent.service"),
]
PROBE = f"""
import grp, json, os, pwd, subprocess
def out(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout
def entry(path):
    about = os.lstat(path)
    try:
        user = pwd.getpwuid(about.st_uid).pw_name
    except KeyError:
        user = about.st_uid
    return [user, grp.getgrgid(about.st_gid).gr_name, oct(about.st_mode & 0o7777)]
units = [f"datadog-agent{{name}}.service" for name in ("", "-trace", "-process", "-security", "-procmgr")]
listing = ["gpg", "--no-default-keyring", "--keyring", {KEYRING!r}, "--with-colons", "--list-keys"]
keys, primary = [], False
for line in out(*listing).splitlines():
    if line.startswith("fpr:") and primary:
        keys.append(line.split(":")[9])
    primary = line.startswith("pub:")
print(json.dumps({{
    "version": out("dpkg-query", "--show", "--showformat", "${{Version}}", "datadog-agent"),
    "enabled": [unit for unit in units if out("systemctl", "is-enabled", unit).strip() == "enabled"],
    "active": [unit for unit in units if out("systemctl", "is-active", unit).strip() == "active"],
    "owned": out("dpkg", "--listfiles", "datadog-agent").count("/systemd/system/"),
    "paths": {{path: entry(path) for path in {PATHS!r} if os.path.lexists(path)}},
    "keys": keys,
}}))
"""
# The steps, in order. The state after each step is stored under its name.
STEPS = {
    "bare": f"""
        apt-get update
        apt-get install --yes --no-install-recommends gnupg
        python3 -c 'import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1]).read())' \
            http://packages:8081/DATADOG_APT_KEY_CURRENT.public | gpg --dearmor >{KEYRING}
        echo 'deb [signed-by={KEYRING}] http://packages:8081/ stable 7' >/etc/apt/sources.list.d/datadog.list
        apt-get update
    """,
    "installed": f"{INSTALL}{TODAY}",
    "disabled": f"""
        mkdir -p {ETC}/compliance.d
        for file in system-probe.yaml compliance.d/mine conf.d/mine.yaml; do echo 'a: b' >{ETC}/$file; done
        chmod 0600 {ETC}/conf.d/mine.yaml
        echo 'api_key: 00000000000000000000000000000000' >{ETC}/datadog.yaml
        systemctl disable --now datadog-agent
    """,
    "upgraded": f"{INSTALL}{NEWER} && sleep 3",
    "old": f"{INSTALL}{OLD}",
    "masked": f"systemctl mask datadog-agent && ! {INSTALL}{NEWER}",
    "repaired": "systemctl unmask datadog-agent && dpkg --configure --pending",
    "other_list": """
        echo 'deb http://packages:8081/ stable 7' >/etc/apt/sources.list.d/datadog.list
        dpkg-reconfigure datadog-signing-keys
    """,
    "removed": "apt-get remove --yes datadog-agent",
    "purged": "apt-get purge --yes datadog-agent datadog-signing-keys",
}


@pytest.fixture(scope="module")
def states(lab):
    """The host's state after each step. The last step nearly restores the initial state."""
    found = {}
    for name, command in STEPS.items():
        done = lab.on(HOST, f"set -e\n{command}\n")
        assert done.returncode == 0, (name, done.stdout[-1500:], done.stderr[-1500:])
        found[name] = json.loads(lab.on(HOST, f"python3 - <<'PROBE'\n{PROBE}\nPROBE\n").stdout)
    yield found
    lab.on(HOST, f"rm -rf {KEYRING} {KEYRING}~ {TRUSTED} /opt/datadog-packages /etc/apt/sources.list.d/datadog.list")


def test_recommended_package_adds_keys_and_removes_none(states):
    [first] = states["bare"]["keys"]
    assert states["installed"]["keys"][0] == first
    assert len(states["installed"]["keys"]) == 4
    assert states["purged"]["keys"] == states["installed"]["keys"]
    assert states["purged"]["paths"][KEYRING] == ["root", "root", "0o644"]
    assert "/opt/datadog-signing-keys" in states["removed"]["paths"]
    # A copy in apt's folder only exists if a list does not name the keyring.
    assert TRUSTED not in states["upgraded"]["paths"]
    assert TRUSTED in states["other_list"]["paths"]


def test_nothing_runs_before_the_first_configuration(states):
    assert (states["installed"]["enabled"], states["installed"]["active"]) == (["datadog-agent.service"], [])
    paths = states["installed"]["paths"]
    assert f"{ETC}/datadog.yaml" not in paths and f"{ETC}/auth_token" not in paths
    # At first, they belong to root.
    assert paths[f"{ETC}/install_info"] == paths[f"{ETC}/install.json"] == ["root", "root", "0o644"]


def test_upgrade_enables_and_starts_a_disabled_agent(states):
    assert (states["disabled"]["enabled"], states["disabled"]["active"]) == ([], [])
    assert states["upgraded"]["version"] == NEWER
    assert states["upgraded"]["enabled"] == ["datadog-agent.service"]
    assert states["upgraded"]["active"] == ["datadog-agent.service", "datadog-agent-trace.service"]


def test_upgrade_sets_owners_and_few_modes(states):
    paths, agents = states["upgraded"]["paths"], ["dd-agent", "dd-agent"]
    for path in (f"{ETC}/install_info", f"{ETC}/install.json", ETC, f"{ETC}/managed", ROOT, f"{ROOT}/run"):
        assert paths[path][:2] == agents, path
    assert paths["/var/log/datadog"] == [*agents, "0o750"]
    assert paths[f"{ETC}/conf.d/mine.yaml"] == [*agents, "0o600"]
    assert paths[f"{ETC}/system-probe.yaml"] == [*agents, "0o440"]
    assert paths[f"{ETC}/compliance.d/mine"] == ["root", "root", "0o644"]
    assert paths[f"{ETC}/auth_token"] == [*agents, "0o600"]


def test_units_belong_to_no_current_package(states):
    unit = "/lib/systemd/system/datadog-agent.service"
    assert states["upgraded"]["owned"] == 0 and unit in states["upgraded"]["paths"]
    assert states["old"]["owned"] == 5
    assert states["repaired"]["owned"] == 0 and unit in states["repaired"]["paths"]
    assert unit not in states["removed"]["paths"]


def test_old_package_enables_units_that_start_the_agent_at_boot(states):
    units = ["", "-trace", "-process", "-security"]
    assert states["old"]["enabled"] == [f"datadog-agent{unit}.service" for unit in units]
    assert states["repaired"]["enabled"] == ["datadog-agent.service"]


def test_masked_unit_makes_the_installation_fail(states):
    assert states["masked"]["enabled"] == []
    assert states["repaired"]["active"][:1] == ["datadog-agent.service"]


def test_removal_keeps_the_configuration_and_purge_leaves_little(states):
    removed, purged = states["removed"]["paths"], states["purged"]["paths"]
    kept = {ETC, f"{ETC}/datadog.yaml", f"{ETC}/conf.d/mine.yaml", ROOT, "/var/log/datadog", "/opt/datadog-packages"}
    assert kept <= set(removed)
    gone = {"/usr/bin/datadog-agent", "/usr/bin/datadog-installer", f"{ROOT}/run", "/opt/datadog-packages/run"}
    assert not set(removed) & {*gone, f"{ETC}/install_info", f"{ETC}/install.json"}
    assert set(purged) == {"/opt/datadog-packages", KEYRING, TRUSTED}
