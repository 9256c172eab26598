"""The hours after a migration, watched: one look after another, added up, and a verdict in the end. It only reads."""
