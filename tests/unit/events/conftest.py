"""Property tests here have no deadline of their own: how long one example takes says more about the machine's load."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
