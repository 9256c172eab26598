"""Who asks: tokens, API keys, sessions; and the logins of the service."""
