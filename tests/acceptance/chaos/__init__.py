"""Worker processes that are killed, stopped and cut off from their store, and what came of the work all the same.

`python -m tests.acceptance.chaos` (`make chaos`) is the full form, `test_chaos` the short one. What happened is judged
by a log of its own that the processes write (`witness`), and by comparison with a run that nobody disturbed.
"""
