"""The exercises of lesson 16, Hierarchies: two levels, their rates, the merge, levels redrawn, two counts, the ladder, words."""
