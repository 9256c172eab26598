"""What VITAL's API is compared with. Each reads the same tables as a superuser: no credentials, no tenants, no RLS."""
