"""Programmes: what many sites hand over about their assessments, and what it says together."""
