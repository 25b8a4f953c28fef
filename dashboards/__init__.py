"""Dashboards of Grafana as code: made from `panels` and named SQL, checked in under generated/, published by `publish`."""
