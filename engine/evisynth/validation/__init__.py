"""Prove on this machine that the numbers are right: the installation, every method, and the user's own data.

``agreements``
    One number of a method beside what it is held to.
``asking``
    Which methods are asked for; what a reference set is called with.
``live_r``
    The R call of each record beside the record, with the R of this machine: ``r_session`` runs it, ``r_effects`` and
    ``r_tables`` make the questions, ``r_reading`` reads the answers.
"""
