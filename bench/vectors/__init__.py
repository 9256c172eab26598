"""What tenants are given of their nearest rows by an approximate index, before and after."""
