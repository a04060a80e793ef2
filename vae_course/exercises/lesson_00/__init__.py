"""The exercises of lesson 00, Start here: two tiny ones and one in words."""
