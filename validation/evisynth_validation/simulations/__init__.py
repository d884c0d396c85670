"""Repeat published simulation studies: their tables, retyped, and the designs that lead to them."""
