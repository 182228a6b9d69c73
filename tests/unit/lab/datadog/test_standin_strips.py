"""Timelines of service checks."""

from __future__ import annotations

import importlib

from standin_client import bodies

strips = importlib.import_module("standin.web.strips")


def parts(statuses: dict[int, int], start: int = 0, end: int = 1000) -> list[tuple[str, float, float]]:
    """Return (state, start, end) of each part for these statuses at these times."""
    runs = [bodies.CheckRun("c", "h", (), status, ts, "") for ts, status in statuses.items()]
    return [(part["state"], part["begin"], part["end"]) for part in strips.strip(runs, start, end)]


def test_equal_states_are_merged() -> None:
    said = {ts: 0 if ts < 500 else 2 for ts in range(0, 1000, 50)}
    assert parts(said) == [("OK", 0, 500), ("Alert", 500, 1000)]


def test_stopped_check_has_no_data_after_three_intervals() -> None:
    assert parts(dict.fromkeys(range(0, 301, 50), 0)) == [("OK", 0, 450), ("No Data", 450, 1000)]


def test_runs_outside_the_span_are_cut_off() -> None:
    assert parts({-20: 1, 80: 0, 980: 0, 1100: 2}) == [
        ("Warn", 0, 80),
        ("OK", 80, 440),
        ("No Data", 440, 980),
        ("OK", 980, 1000),
    ]


def test_without_runs_there_is_no_data() -> None:
    assert parts({}) == [("No Data", 0, 1000)]


def test_parts_fill_the_strip() -> None:
    runs = [bodies.CheckRun("c", "h", (), 0, 100, "")]
    assert sum(part["width"] for part in strips.strip(runs, 0, 1000)) == strips.WIDTH
