"""Times one event of a statechart, from the JSON text of a snapshot to that of the next, beside other engines."""
