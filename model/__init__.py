"""What everybody shares and nothing else: vocabulary, units, calendars, registry snapshot, digests. Pure."""
