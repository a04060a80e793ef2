"""The reading edition: all full lessons with their stored outputs as a static site. `make book` builds it."""
