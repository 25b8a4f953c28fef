"""The parts of a site file by concern, each checked by itself: pydantic models of what an engineer writes."""
