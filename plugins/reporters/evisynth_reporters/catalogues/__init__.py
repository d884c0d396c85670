"""Hold the texts of figures and reports in other languages: a JSON file each, English text → translation."""
