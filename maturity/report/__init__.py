"""The report of an assessment for people: PDF and HTML, Vietnamese and English, from one view. No database needed."""
