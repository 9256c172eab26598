"""The ways to resolve a reference into another tenant, by the names that people say."""

MOVE_CHILD, MOVE_PARENT, SHARE, COPY, ACCEPT = REFERENCE_WAYS = ("move-child", "move-parent", "share", "copy", "accept")
