"""The HTTP interface and the console: reads the store for callers with a key or a session, computes no KPI."""
