"""How mature a plant is, and what proves it: criteria judged by its own data, an evidence log, packages to hand on.

- Catalogues of criteria (`framework`, `loading`, `lint`) are judged by `evaluate`: `facts` of a window by `metrics`.
- Assessments (`site_assessment`, `workflow`, `confirming`) are computed, decided on by people, and finalised.
- The evidence log (`merkle`, `checkpoint`, `notes`, `log`, `audit`, `closing`) says what was known when.
- `package` makes and verifies what a plant hands on; verifying needs no database. `report` is for people, `programme`
  for who collects packages of many plants.
"""
