"""The platform's own tables: tools, agents, prompts, knowledge. Adopted as found, never altered by `migrate`."""
