"""Schedules in words, and Markdown that cannot inject HTML."""

from __future__ import annotations

import importlib

import pytest

# This import makes the stand-in importable.
import standin_client  # noqa: F401

words = importlib.import_module("standin.web.words")
PICTURE = f"/snapshot/view/dd-snapshots/org_1/2026-11-30/{'a' * 40}.png"


@pytest.mark.parametrize(
    ("rule", "start", "length", "shown"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "19:00", "14h", "Mon to Fri 19:00 to 09:00, Europe/Paris"),
        ("FREQ=WEEKLY;BYDAY=SA,SU", "00:00", "1d", "Sat and Sun all day, Europe/Paris"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "08:00", "30m", "Mon, Wed and Fri 08:00 to 08:30, Europe/Paris"),
        ("FREQ=DAILY", "22:00", "8h", "every day 22:00 to 06:00, Europe/Paris"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "01:00", "2d", "every 2 weeks on Tue from 01:00 for 2d, Europe/Paris"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "03:00", "1h", "every month on day 1 03:00 to 04:00, Europe/Paris"),
        ("FREQ=DAILY;UNTIL=20270131T000000Z", "03:00", "1h",
         "every day 03:00 to 04:00, Europe/Paris, until 2027-01-31"),
        ("FREQ=DAILY;COUNT=3", "03:00", "1h", "every day 03:00 to 04:00, Europe/Paris, 3 times"),
        ("FREQ=MONTHLY;BYDAY=1MO", "03:00", "1h", ""),
        ("FREQ=WEEKLY;BYSETPOS=1", "03:00", "1h", ""),
        ("FREQ=HOURLY", "03:00", "1h", ""),
    ],
)  # fmt: skip
def test_recurrences_are_described_in_words(rule: str, start: str, length: str, shown: str) -> None:
    body = {"rrule": rule, "start": f"2026-11-30T{start}:00", "duration": length}
    assert words.recurrence(body, "Europe/Paris") == shown


def test_downtime_is_named_by_its_first_line() -> None:
    assert words.name({"message": "\nNights. @ops\n\nmanaged_by:kennel"}) == "Nights. @ops"
    assert words.name({"message": None}) == "no message"


def test_markdown_in_an_event_is_rendered() -> None:
    shown = words.event("%%% \n# New\n**v2** and [more](http://x.example/a)\n\n- one\n %%%")
    assert "<h1>New</h1>" in shown and "<strong>v2</strong>" in shown and "<li>one</li>" in shown
    assert '<a href="http://x.example/a">more</a>' in shown
    assert "**v2**" in words.event("**v2**")


def test_only_snapshots_are_shown_as_pictures() -> None:
    inside = words.event(f"%%%\n![CPU](http://lab:8080{PICTURE})\n%%%")
    assert inside.count("<img") == 1 and f'<img src="{PICTURE}" alt="CPU"' in inside
    assert words.event(f"See http://lab:8080{PICTURE}").count("<img") == 1
    elsewhere = words.event("%%%\n![them](http://x.example/track.png)\n%%%")
    assert "<img" not in elsewhere and "http://x.example/track.png" in elsewhere


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](javascript:alert(1))",
        '![x" onerror="alert(1)](http://x.example/"onerror=alert(1))',
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
    ],
)
def test_sent_text_cannot_inject_html(text: str) -> None:
    for shown in (words.markdown(text), words.event(f"%%%\n{text}\n%%%"), words.event(text)):
        assert "<script" not in shown and "<img" not in shown
        assert 'href="javascript' not in shown and 'href="data' not in shown and '" onerror' not in shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("trace.x_y", "trace.<wbr>x_<wbr>y<wbr>"),
        ("get_/<b>", "get_<wbr>/<wbr>&lt;b&gt;<wbr>"),
        ("", ""),
    ],
)
def test_names_can_wrap_after_punctuation(name: str, shown: str) -> None:
    assert words.folding(name) == shown


def test_long_text_is_shown_unrendered() -> None:
    assert "<strong>" in words.markdown("**a** " * 10)
    assert words.markdown("**a** " * 10_000).startswith('<p class="prose">**a**')


def test_unmet_conditions_leave_no_gap_in_a_mail() -> None:
    assert words.markdown("\n\n\nIt is high.\n\n\n\n@ops").split("\n") == ["<p>It is high.</p>", "<p>@ops</p>", ""]
