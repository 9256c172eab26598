"""Background work. A task is given a run's id and nothing else; all it knows it reads from the database."""

from pathlib import Path

from celery import shared_task
from django.conf import settings

from migrations_ops import services
from migrations_ops.engine.progress import Listeners
from migrations_ops.terminal import LogFiles


@shared_task(acks_late=True, reject_on_worker_lost=True)
def advance(run_id: int) -> str:
    """Carry a run on to its end and return its status. A killed worker's run is taken up by the next one."""
    return services.advance(run_id, LogFiles(Path(settings.LOG_DIR))).status


@shared_task(acks_late=True)
def help_along() -> int | None:
    """Share the tables of the run at work until it is over, and return its id; None where there is none."""
    try:
        return services.work(Listeners())
    except services.NothingToHelp:
        return None
