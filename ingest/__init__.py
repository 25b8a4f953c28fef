"""From the broker to stored readings: nothing lost, nothing twice, nothing that stops.

- A worker (`worker`, `connection`, `session`) receives, `decode` and `sparkplug` read messages, `mapping` and `resolve`
  find their series, `batch` and `storing` put them into transactions of `writer`, and only then they are acknowledged.
- `supervisor` starts workers (`child`) and divides what they subscribe to (`sharing`, `leases`).
- What cannot be stored is kept with its reason (`refusals`, `doubt`) and can be played again (`replay`).
"""
