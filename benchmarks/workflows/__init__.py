"""Times a whole workflow, from the event that starts it to its completion: as a statechart and as a resumable."""
