"""The attack run: every tenant against every other, in the database and over HTTP, with rows of its own making."""
