"""The operator's REST: thin faces over services/."""
