"""Dashboards in the format of timeboards and screenboards."""

from __future__ import annotations

import importlib

import pytest

# This import makes the stand-in importable.
import standin_client  # noqa: F401
from ansible_collections.kennel.fleet.plugins.module_utils._boards import PLACE, dashboard
from anything import ANYTHING
from hypothesis import given
from old_graphs import GRAPHS

boards = importlib.import_module("standin.wire.boards")


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_boards_round_trip(name):
    made = dashboard({"title": "T", "graphs": [{"title": "Mine", "definition": GRAPHS[name][0]}]})
    assert dashboard({"title": "T", "graphs": boards.graphs(made["widgets"])}) == made
    free = {**made, "layout_type": "free", "widgets": [one | {"layout": PLACE} for one in made["widgets"]]}
    assert dashboard({"board_title": "T", "widgets": boards.screen(free["widgets"])}) == free


@given(ANYTHING)
def test_every_valid_dashboard_has_an_old_form(anything):
    definition = {**(anything if isinstance(anything, dict) else {"requests": anything}), "type": "toplist"}
    (graph,) = boards.graphs([{"definition": definition}])
    assert graph["definition"]["viz"] == "toplist"
    assert boards.screen([{"definition": definition}])[0]["definition"] == definition
