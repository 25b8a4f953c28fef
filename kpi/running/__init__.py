"""The KPI job at work: what is dirty, in which order it is computed, by which processes; the service around it.

`work` and `planning` are pure (marks → days → spans), `agenda` reads them, `job` does a pass over a site and `service`
passes one after the other; `pool`, `worker` and `parts` spread a span over processes; `recompute` asks for history.
"""
