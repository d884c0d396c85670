"""Hold the reference results that evisynth is checked against, one folder per source of truth.

Every folder has a ``README.md`` that says what agrees, what does not and why, what is compared and what is not.
The sets travel in the wheel, so that a user's own machine can be held to them; they are found with
``importlib.resources.files("evisynth_validation") / "<reference>"``.

``founding``
    Published figures of the papers the engine grew from, compared at the digits printed.
``mpmath``
    50-digit arithmetic, the arbiter wherever programs disagree.
``corpus``
    Sets of effects with every estimate of τ² at 40 certified digits, in a file for anyone's program.
``metafor``
    The R package metafor on published data sets.
``meta``
    The R packages meta and metasens on published data sets, from a recording.
``nist``
    NIST's Statistical Reference Datasets for linear regression.
``textbook``
    Worked examples of textbooks and papers, compared at the digits printed.
``machine``
    Exact values of the library functions that the engine stands on.

``laws`` holds methods to the laws of their kind, and ``simulations`` tests to published simulation tables.
"""
