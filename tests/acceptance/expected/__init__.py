"""What the recordings must give, computed straight from the files by short scripts that import nothing of ours."""
