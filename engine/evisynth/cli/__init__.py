"""Offer the engine on the command line: ``evisynth fit``, ``demo`` and lists of what is there."""

from evisynth.cli.commands import main

__all__ = ["main"]
