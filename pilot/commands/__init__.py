"""One module per group of commands; each translates flags, calls the room that does the work, and shows the result."""
