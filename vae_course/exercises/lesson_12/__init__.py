"""The exercises of lesson 12, What VAEs are used for: push, message length, break-even, AUROC, missing pixels, words."""
