"""The exercises of lesson 17, From VAE to diffusion: step back, weight, bound, sampler, score and velocity, words."""
