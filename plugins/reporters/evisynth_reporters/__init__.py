"""Renderings of results; each module is a plugin."""
