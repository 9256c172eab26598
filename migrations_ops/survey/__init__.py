"""What the control room shows: asked on Django's own connection, in the request's transaction. Only reads."""
