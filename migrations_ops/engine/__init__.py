"""The engine: turns steps into transactions. It knows no table of the platform, no rule and no tenant."""
