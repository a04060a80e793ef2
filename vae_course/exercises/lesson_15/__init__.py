"""The exercises of lesson 15, Richer posteriors and priors: planar step, bound, mean-field gap, coupling, VampPrior, words."""
