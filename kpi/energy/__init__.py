"""Energy beside the sums of time and counts: meters, demand, prices, and baselines with what is judged by them.

`metering` says which meters make a scope, `split` shares energy out, `demand` and `prices` are of intervals and hours;
`baselines` are frozen by `baseline_job` from `fitting`, `fitting_many` and `regression`; `performance` and `cusum`
compare with them.
"""
