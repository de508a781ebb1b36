"""What everything else is said in: frozen records, units, predicate and query types, errors."""
