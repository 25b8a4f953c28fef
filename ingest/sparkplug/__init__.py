"""Sparkplug B 3.0: what nodes say, as readings and as state; and what a host application says to them."""
