"""The tenant-filtered API beside its peers."""
