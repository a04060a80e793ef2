"""The exercises of lesson 19, Capstone: the pipeline, errors over images and seeds, bits with the weights, audit, report."""
