"""For authors, instructors and for trouble: the command line and all that it calls."""
