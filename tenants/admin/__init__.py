"""The admin's pages of tenants and access, and what other pages of it stand on."""

from tenants.admin import access_admin as access_admin
