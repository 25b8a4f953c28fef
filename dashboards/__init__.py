"""Dashboards of Grafana as code: made of `panels` and named SQL, checked in under generated/, sent by `publish`."""
