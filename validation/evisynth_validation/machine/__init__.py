"""Hold exact values of the functions behind quantiles and likelihoods, that a machine's libraries are tried with."""
