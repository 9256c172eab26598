"""The operator's REST: thin faces over the rooms."""
