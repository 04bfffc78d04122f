"""Tests of the durable worker and its parts."""
