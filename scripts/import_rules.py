"""The import rule that import-linter has no contract for: a package with a list of doors."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class ClosedContract(Contract):
    """
    Within its root package, `package` imports `may_import` only and is imported by `may_be_imported_by` only.

    A `forbidden` contract would have to list every other package, and fails while one of them is absent; this
    one lists the few that are allowed, so a new package is shut out until somebody lets it in. A package that
    does not exist yet keeps its contract.
    """

    type_name = "closed"

    package = fields.StringField()
    may_import = fields.ListField(subfield=fields.StringField())
    may_be_imported_by = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """List every import that crosses the border of `package` at a place that is not a door."""
        package, root = str(self.package), str(self.package).partition(".")[0]
        outward = [package, *(str(door) for door in self.may_import)]  # type: ignore[attr-defined]
        inward = [package, *(str(door) for door in self.may_be_imported_by)]  # type: ignore[attr-defined]
        modules = sorted(module for module in graph.modules if _is_in(module, [package]))
        crossings = [
            f"{module} imports {imported}; it may import {', '.join(outward[1:])}"
            for module in modules
            for imported in sorted(graph.find_modules_directly_imported_by(module))
            if imported != root and _is_in(imported, [root]) and not _is_in(imported, outward)
        ] + [
            f"{importer} imports {module}; only {', '.join(inward[1:])} may"
            for module in modules
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if not _is_in(importer, inward)
        ]
        return ContractCheck(kept=not crossings, metadata={"crossings": crossings})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import that broke the contract."""
        for crossing in check.metadata["crossings"]:
            output.print_error(crossing, bold=False)


def _is_in(module: str, packages: list[str]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)
