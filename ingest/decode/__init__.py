"""Decoders: bytes in, values, events and rejections out. Pure: no clock, no database, no memory of earlier messages."""
