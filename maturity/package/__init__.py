"""Evidence packages: one file per site and period that a stranger can check again, without a database or a network."""
