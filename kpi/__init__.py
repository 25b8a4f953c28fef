"""KPIs: from the pieces of time and counts of a site to values, and why they are what they are.

Where to begin, in the way of the data:

- `job` takes what is dirty (`agenda`, `planning`, `work`), `span` computes it in one transaction, `parts` and `pool`
  spread it over processes.
- `compute` is the pure computation: readings of production days in, atoms and intervals out (`frames`).
- `rollup` makes values of atoms: `base` (sums per asset), `scopes`, `eras` (who adds up to what, and when), `windows`,
  `signatures`, `window_marks`, then `catalogue` by `valuing`, `evaluate` and `status`.
- Energy and carbon put their own columns beside the sums: `energy_scopes`, `demand`, `prices`, `carbon`, `emissions`,
  `market`, `baselines` (frozen by `baseline_job` from `fitting`, `fitting_many`, `regression`), `footprint` and `pact`.
- `explain` makes a stored value again (`behind`, `stored`) and says it in words: `worked_out`, `losses`, `boundary`,
  `rules`, `energy_split`, `sentences`, `series_verdict`.
- `worked` answers examples of others by all of this.
"""
