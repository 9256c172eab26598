"""The door to restores of one tenant: shown, carried out, undone."""

from typing import TYPE_CHECKING

from vital.lazy import names_of

if TYPE_CHECKING:
    from migrations_ops.tenant_restore.comparison import Wanted
    from migrations_ops.tenant_restore.restore import Request, restore, undo

__all__ = ["Request", "Wanted", "restore", "undo"]
__getattr__ = names_of(__package__, {"comparison": "Wanted", "restore": "Request restore undo"})
