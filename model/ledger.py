"""What the ledger of ingest counts in: bounds of its histograms and the names of its two accounts."""

# Milliseconds from receipt to the commit's last statement; counts per bucket, one more bucket above the last bound.
LATENCY_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)

# Milliseconds from the newest device time of a message to its receipt; negative = the device's clock is ahead.
SKEW_BOUNDS_MS = (
    *(-600_000, -60_000, -10_000, -1_000, -100, 0, 100, 500, 1_000, 5_000, 10_000, 60_000, 600_000),
    *(3_600_000, 86_400_000),
)

# Messages: the first is the sum of the others.
MESSAGE_ACCOUNT = ("received", "processed", "rejected", "redelivered")
# Values: the first is the sum of the others.
VALUE_ACCOUNT = ("decoded", "stored", "duplicate", "conflict", "rejected_value")
# Beside the accounts: values that a mapping leaves out on purpose, numbers missing in a device's sequence (those of
# a native `seq` are not counted with the batch but found between the sets of numbers), and which of the received
# messages were replays of rejected ones.
BESIDE = ("ignored", "missing_seq", "replayed")
COUNTS = (*MESSAGE_ACCOUNT, *VALUE_ACCOUNT, *BESIDE)
