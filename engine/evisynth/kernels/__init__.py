"""Array kernels: no tables, no names, no printing."""
