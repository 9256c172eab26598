"""What could go wrong, looked at before it does: each sign with what to do about it. It only reads."""
