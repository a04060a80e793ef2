"""Published tables that anybody can train again: the settings of the paper, and a command that runs them.

`vae-course replicate iwae --full` is the whole of it; without `--full` it tells what it would do.
"""
