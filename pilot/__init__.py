"""What knows everyone: the command line, the embedded stack, the demo and the benchmarks."""
