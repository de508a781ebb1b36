"""Everything that must hold: unit and contract mirror src, docs runs the pages, repository the habits."""
