"""A whole app in one test: on the real worker, with time in the hands of the test. Start in `harness.py`."""

from arvo.testing.harness.harness import Harness, NoAnswerError, StuckError
from arvo.testing.harness.manual_clock import ManualClock
from arvo.testing.harness.recorder import RecordedEvents

__all__ = ["Harness", "ManualClock", "NoAnswerError", "RecordedEvents", "StuckError"]
