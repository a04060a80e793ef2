"""The exercises of lesson 11, How good is it?: the bound, the effective sample size, weights, errors, and looks."""
