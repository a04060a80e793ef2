"""Speed, measured side by side: `python -m benchmarks` runs all, `python -m benchmarks.epoch` one of them.

Whatever is compared is measured in turns within one run, and the ratio is the median over the rounds.
"""
