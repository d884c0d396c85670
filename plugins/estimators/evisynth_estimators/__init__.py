"""Measures, corrections, models, intervals and bias tests, one module per derivation; each module is a plugin."""
