"""A stored value made again and said: its formula with numbers, the pieces behind it, losses, rules, sentences."""
