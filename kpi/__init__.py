"""KPIs: from the pieces of time and counts of a site to values, and why they are what they are.

Where to begin, in the way of the data:

- `running` takes what is dirty, in order, on one process or several, and is the service; `span` computes some days in
  one transaction.
- `compute` is the pure computation: readings of production days in, atoms and intervals out (`frames`).
- `rollup` makes values of atoms with the entries of `catalogue`; `energy` and `carbon` put their columns beside them.
- `building` gives the roll-up what is stored around fresh days (`stored`, `stored_eras`, `stored_marks`, `marking`).
- `explained` makes a stored value again and says it in words; `feeding` says what a site lacks for a KPI.
- `worked` answers examples of others by all of this.
"""
