"""Atoms → values of every scope and window, pure: sums first, ratios last.

`rolling` is the way through: `base` (sums per asset), `scopes`, `eras` and `signatures` (who adds up to what and
when), `windows`, `window_marks` (which findings touch them), then `valuing`, `evaluate` and `status`.
"""
