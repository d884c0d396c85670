"""Hold whole reviews, fit them by their own settings, verify, compare and check them."""
