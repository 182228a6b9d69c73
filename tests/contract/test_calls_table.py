"""The table of calls in the README of the stand-in Datadog is up to date."""

from __future__ import annotations

from calls_table import BEGIN, README, written


def test_table_of_calls_is_up_to_date():
    text = README.read_text(encoding="utf-8")
    assert BEGIN in text
    assert written(text) == text, "run python tests/contract/calls_table.py"
