"""Passwords of the service roles; the migrations create the roles without any."""

from psycopg import sql

from store.errors import translated
from store.pool import connect

ROLES = ("haidang_ingest", "haidang_kpi", "haidang_api", "haidang_evidence", "haidang_grafana")


def set_password(url: str, role: str, password: str) -> None:
    """Give a service role its password; the text never reaches a log of the server in clear (SCRAM verifier)."""
    with translated(url), connect(url, "roles", autocommit=True) as connection:
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))
