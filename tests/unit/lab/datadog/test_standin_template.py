"""How the stand-in Datadog renders monitor messages."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
template = importlib.import_module("standin.alert.template")

VALUES = {
    "value": "850.0",
    "threshold": "800.0",
    "host.name": "web-1",
    "host.ip": "10.0.0.7",
    "role.name": "db_main",
    "dot.key.name": "five",
    "check_message": '<b> & "c"',
    "last_triggered_at": "whatever",
    "last_triggered_at_epoch": "1622467407000",
}
ALERT = {"is_alert", "is_priority:P1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{value}} on {{ host.name }} ({{host.ip}})", "850.0 on web-1 (10.0.0.7)"),
        ("[{{unknown.name}}]", "[]"),
        ("{{[dot.key].name}}", "five"),
        ("{{check_message}}|{{{check_message}}}", '&lt;b&gt; &amp; &quot;c&quot;|<b> & "c"'),
        ("{{#is_alert}}A{{/is_alert}}{{#is_warning}}W{{/is_warning}}", "A"),
        ("{{^is_alert}}A{{/is_alert}}{{^is_warning}}W{{/is_warning}}", "W"),
        ("{{#is_warning}}w{{else}}not w{{/is_warning}}", "not w"),
        ("{{#is_alert}}1{{#is_warning}}2{{/is_warning}}3{{^is_warning}}4{{/is_warning}}{{/is_alert}}5", "1345"),
        ("{{#is_warning}}1{{#is_alert}}2{{else}}3{{/is_alert}}4{{/is_warning}}5", "5"),
        ('{{#is_match "role.name" "web" "db"}}yes{{/is_match}}', "yes"),
        ("{{#is_match 'role' 'db'}}yes{{/is_match}}", "yes"),
        ('{{#is_match "role.name" "web"}}yes{{else}}no{{/is_match}}', "no"),
        ('{{^is_match "role.name" "web"}}no{{/is_match}}', "no"),
        ('{{#is_match "role.name" ""}}set{{/is_match}}{{#is_match "env.name" ""}}set{{/is_match}}', "set"),
        ('{{#is_exact_match "role.name" "db"}}yes{{else}}no{{/is_exact_match}}', "no"),
        ('{{#is_exact_match "role.name" "x" "db_main"}}yes{{/is_exact_match}}', "yes"),
        ('{{#is_exact_match "env.name" ""}}none{{/is_exact_match}}', "none"),
        ("{{#is_priority 'P1'}}one{{/is_priority}}{{#is_priority 'P2'}}two{{/is_priority}}", "one"),
        ("{{{{raw}}}}{{value}} {{#is_alert}}{{{{/raw}}}} {{value}}", "{{value}} {{#is_alert}} 850.0"),
        ("a{{! nothing }}b{{!-- {{value}} --}}c", "abc"),
        ("{{local_time 'last_triggered_at' 'Asia/Tokyo'}}", "2021-05-31 22:23:27+09:00"),
        ("?q={{urlencode 'check_message'}}", "?q=%3Cb%3E%20%26%20%22c%22"),
        ("{{eval 'value * 2'}}", "{{eval 'value * 2'}}"),
        ("{{/is_alert}}a {{#is_warning}}never closed", "a "),
    ],
)
def test_renders(text, expected):
    assert template.render(text, VALUES, ALERT) == expected


def test_only_handles_in_applicable_blocks_are_notified():
    text = "{{#is_alert}}@ops@example.com{{/is_alert}} {{#is_warning}}@slack-quiet{{/is_warning}} @pagerduty-Main."
    assert template.handles(template.render(text, VALUES, ALERT)) == ["ops@example.com", "pagerduty-Main"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "@a.b+c@mail.example.com, (@team-x) and @slack-a/b: @team-x",
            ["a.b+c@mail.example.com", "team-x", "slack-a/b"],
        ),
        ("write to someone@example.com, 5@6 or @ nobody", []),
        ("@here\n@all", ["here", "all"]),
        ("@ops@example.com.", ["ops@example.com"]),
    ],
)
def test_finds_handles(text, expected):
    assert template.handles(text) == expected


def test_writes_times_in_utc():
    assert template.utc(1622467407.5) == "Mon May 31 2021 13:23:27 UTC"
