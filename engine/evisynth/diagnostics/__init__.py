"""Look behind a pooled result: which studies it hangs on, how it came about and what it says of each study."""
