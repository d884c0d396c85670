"""Generate exact references with 50-digit arithmetic.

Run ``python -m evisynth_validation.mpmath.generate``; the folder is named after the library that does the arithmetic,
which stays importable as ``mpmath`` because the modules here live below ``evisynth_validation``.
"""
