"""Queries, predicates, formulas and instants as documents."""
