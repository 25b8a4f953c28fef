"""The shared database layer: pools, named SQL, migrations, partitions. Knows PostgreSQL, knows no KPI."""
