"""The exercises of lesson 09, Find the bug: five broken functions to mend, and one case to plan in words."""
