"""Rules proposed for rows that no rule, or only the fall-back rule, decides. It only reads."""
