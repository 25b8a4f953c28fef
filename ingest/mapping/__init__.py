"""Mapping files: how messages of any shape become values and events (docs/mapping.md). YAML in, checked rules out."""

from ingest.mapping.document import KEY, Mapping
from ingest.mapping.files import load, load_all
from ingest.mapping.rules import EventRule, ItemRule, ValueRule
from ingest.mapping.times import SlotRule, TimeRule
from ingest.mapping.topics import PLACE

__all__ = [
    "KEY",
    "PLACE",
    "EventRule",
    "ItemRule",
    "Mapping",
    "SlotRule",
    "TimeRule",
    "ValueRule",
    "load",
    "load_all",
]
