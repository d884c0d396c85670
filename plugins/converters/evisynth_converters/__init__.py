"""Readers of formats and conversions of statistics; each module is a plugin."""
