"""`haidang bench faults`: numbered messages while everything around ingest breaks, and the account of each of them."""
