"""The audit: a verdict on every claim of a lecture, with its evidence.

Three signals, from cheap to costly:

- ``verdicts``: how much room the measurement leaves to its limit (slack);
- ``static``: signs in the code that a claim cannot fail;
- ``mutants``, ``plan``, ``worker``: the lecture's code, the package functions that it calls and the
  stored results that it loads are changed, one change at a time, and what depends on the change is run
  again in a forked process.  A claim that wrong values break has shown that it can fail.

``cells`` and ``slices`` say what depends on what, ``driver`` runs the whole, ``tables`` stores and shows.
"""
