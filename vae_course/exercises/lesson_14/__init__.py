"""The exercises of lesson 14, Discrete codes: nearest code, quantise, perplexity, the account, a choice's gradient, words."""
