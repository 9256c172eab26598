"""What a page may load, and from where: from nowhere, but for what it says itself."""


def policy(**allowed: str) -> str:
    """The header for a page that is allowed so much: `script_src="'self'"`."""
    nothing = dict.fromkeys(("default_src", "form_action", "base_uri", "frame_ancestors"), "'none'")
    return "; ".join(f"{name.replace('_', '-')} {source}" for name, source in (nothing | allowed).items())
