"""The console: pages for people, in Vietnamese and English, from the same store functions as the API."""
