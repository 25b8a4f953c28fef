"""Migrations: one revision = one folder of SQL files beside its Python stub, run in order of name."""
