"""Criteria, evidence log and packages stand here once KPIs can be packed; the room is kept for the import contracts."""
