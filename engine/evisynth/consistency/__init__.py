"""Check that the numbers of a review, a table or a printed result can all be true together."""
