"""A closed package is entered and left by its doors only."""

from __future__ import annotations

import pytest
from grimp import ImportGraph

from scripts.import_rules import ClosedContract

ADAPTERS = {
    "package": "bank.adapters",
    "may_import": ["bank.ports", "bank.model"],
    "may_be_imported_by": ["bank.app"],
}


def graph_of(*imports: tuple[str, str]) -> ImportGraph:
    graph = ImportGraph()
    for importer, imported in imports:
        graph.add_import(importer=importer, imported=imported)
    return graph


@pytest.mark.parametrize(
    ("imports", "crossings"),
    [
        pytest.param([], [], id="absent package"),
        pytest.param([("bank.adapters.sqlite", "bank.ports.store")], [], id="door out"),
        pytest.param([("bank.app.wiring", "bank.adapters.sqlite")], [], id="door in"),
        pytest.param([("bank.adapters.a", "bank.adapters.b")], [], id="within"),
        pytest.param(
            [("bank.adapters.a", "pyarrow"), ("bank.adapters.a", "bank")], [], id="others' and the root"
        ),
        pytest.param(
            [("bank.adapters.a", "bank.lake.scan")],
            ["bank.adapters.a imports bank.lake.scan; it may import bank.ports, bank.model"],
            id="out elsewhere",
        ),
        pytest.param(
            [("bank.api.http", "bank.adapters.a")],
            ["bank.api.http imports bank.adapters.a; only bank.app may"],
            id="in from elsewhere",
        ),
        pytest.param(
            [("bank.adapters.a", "bank.portside")],
            ["bank.adapters.a imports bank.portside; it may import bank.ports, bank.model"],
            id="a name that begins like a door",
        ),
    ],
)
def test_closed_contract(imports: list[tuple[str, str]], crossings: list[str]) -> None:
    contract = ClosedContract(name="closed", session_options={}, contract_options=dict(ADAPTERS))
    found = contract.check(graph_of(*imports), verbose=False)
    assert (found.kept, found.metadata["crossings"]) == (not crossings, crossings)
