"""Effects that depend on each other: their covariance, and one effect for each cluster of them."""
