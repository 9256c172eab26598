"""What the migration remembers. The engine writes these tables with SQL, in the transaction of the work itself."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now


class Run(models.Model):
    """One call of `run` or `undo`: who, when, which plan, how it ended. A killed run is continued, not repeated.

    One of `decide` stands for who carried decisions out at once; it has no phases and is over as it is written. One of
    `restore` puts rows of a tenant back as a backup has them; it has no phases, and its digest says what was asked.
    """

    class Kind(models.TextChoices):
        RUN = "run"
        UNDO = "undo"
        DECIDE = "decide"
        RESTORE = "restore"

    class Status(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        FAILED = "failed"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    UNFINISHED = (Status.RUNNING, Status.PAUSED, Status.FAILED)

    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status)
    phases = ArrayField(models.CharField(max_length=40), help_text="what was asked for, in order")
    plan_digest = models.CharField(max_length=64)
    plan = models.TextField(help_text="the plan file as it was used")
    started_by = models.CharField(max_length=200)
    reason = models.TextField(blank=True, default="", db_default="", help_text="why it was started")
    started_at = models.DateTimeField("started", db_default=Now())
    finished_at = models.DateTimeField(null=True)
    stop_requested = models.CharField(
        max_length=10, blank=True, default="", help_text="pause or cancel, asked elsewhere"
    )
    error = models.JSONField(null=True)
    scope = models.CharField(
        max_length=200, blank=True, db_default="", help_text="a canary's: tenant:SLUG or table:NAME; empty: everything"
    )
    progress = models.JSONField(null=True, help_text="where it is, how fast, and what it waits for")
    seen_at = models.DateTimeField(null=True, help_text="when the progress was written")
    in_background = models.BooleanField(
        db_default=False, help_text="workers carry it out, and take it up where one is killed"
    )

    class Meta:
        db_table = "run"
        constraints = [
            # On a constant: a second unfinished run of any kind is refused by the database itself.
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(status__in=["running", "paused", "failed"]),
                name="one_unfinished_run",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class PhaseRun(models.Model):
    """A phase carried out once; `migration_tracking` shows these rows under the guide's column names."""

    class Status(models.TextChoices):
        STARTED = "started"
        COMPLETED = "completed"
        FAILED = "failed"
        ROLLED_BACK = "rolled_back"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="phase_runs")
    phase = models.CharField(max_length=40)
    status = models.CharField(max_length=20, choices=Status)
    started_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True)
    metrics = models.JSONField(default=dict)
    error = models.JSONField(null=True)

    class Meta:
        db_table = "phase_run"
        constraints = [models.UniqueConstraint(fields=["run", "phase"], name="one_phase_run_per_run")]
        indexes = [models.Index(fields=["phase", "-id"], name="phase_run_latest")]

    def __str__(self) -> str:
        return f"{self.phase} of {self.run}"


class StepRun(models.Model):
    """One step of a phase run: what it saw and changed. How far it is, its shares say."""

    phase_run = models.ForeignKey(PhaseRun, on_delete=models.CASCADE, related_name="step_runs")
    step = models.CharField(max_length=200)
    relation = models.CharField(max_length=130, blank=True, default="")
    status = models.CharField(max_length=20, choices=PhaseRun.Status)
    outcome = models.CharField(max_length=10, blank=True, default="", help_text="PASS, WARN or FAIL of a check")
    begun = models.BooleanField(db_default=False, help_text="whether its shares are cut")
    rows_seen = models.BigIntegerField(default=0)
    rows_changed = models.BigIntegerField(default=0)
    foreign_writes = models.BigIntegerField(default=0)
    findings = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    wal_bytes = models.BigIntegerField(db_default=0, help_text="what the server wrote meanwhile, others included")
    longest_lock = models.FloatField(db_default=0, help_text="seconds that one change of the schema held its locks")
    facts = models.JSONField(null=True, help_text="what a check's answer was read from, for the report")
    started_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "step_run"
        constraints = [models.UniqueConstraint(fields=["phase_run", "step"], name="one_step_run_per_phase_run")]

    def __str__(self) -> str:
        return self.step


class Share(models.Model):
    """A stretch of a table's pages that one worker at a time carries on: done up to `at`, in the batch's own commit."""

    step_run = models.ForeignKey(StepRun, on_delete=models.CASCADE, related_name="shares")
    relation = models.CharField(max_length=130, help_text="the table that really holds the rows")
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    at = models.BigIntegerField()

    class Meta:
        db_table = "share"
        constraints = [models.UniqueConstraint(fields=["step_run", "relation", "first"], name="one_share")]

    def __str__(self) -> str:
        return f"{self.relation} {self.first}-{self.last}"


class Tuning(models.Model):
    """A limit that was set; the others have their defaults. Read again while a run is active."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.TextField()
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "tuning"

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class AuditEvent(models.Model):
    """What a person did: who, when, what, why. Append-only, by a trigger."""

    at = models.DateTimeField("time", db_default=Now())
    who = models.CharField(max_length=200)
    action = models.CharField(max_length=40)
    reason = models.TextField(blank=True, default="")
    facts = models.JSONField("details", default=dict)

    class Meta:
        db_table = "audit"
        verbose_name = "audit entry"
        verbose_name_plural = "audit"

    def __str__(self) -> str:
        return f"{self.action} by {self.who}"


class Rehearsal(models.Model):
    """A run, its undo and a second run on a sampled copy, and their forecast for the whole database."""

    held_at = models.DateTimeField(db_default=Now())
    held_by = models.CharField(max_length=200)
    plan_digest = models.CharField(max_length=64)
    exact = models.BooleanField(
        help_text="whether the undo left the copy as it was, and the second run was as the first"
    )
    forecast = models.JSONField(help_text="phase and table: rows, seconds, WAL, disk, longest lock")

    class Meta:
        db_table = "rehearsal"

    def __str__(self) -> str:
        return f"rehearsal of {self.held_at:%Y-%m-%d %H:%M}"


class LedgerEntry(models.Model):
    """What one batch changed by one rule: the keys of its rows, the values before and after.

    One entry holds thousands of keys, so that the ledger of 10 M rows stays a few hundred megabytes.
    """

    class Kind(models.TextChoices):
        ASSIGN = "assign", "assigned"
        INSERT = "insert", "inserted"
        LATE = "late", "assigned on write"
        COPY = "copy", "copied for another tenant"
        REFERENCE = "reference", "reference changed"

    run_id = models.BigIntegerField("run", null=True)
    phase = models.CharField(max_length=40)
    step = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind)
    relation = models.CharField("table", max_length=130)
    rule = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text="of the verdict's SQL: which rules decided")
    before = models.JSONField()
    after = models.JSONField()
    keys = ArrayField(models.TextField(), verbose_name="which rows")
    hashes = ArrayField(models.BigIntegerField(), null=True, help_text="of each inserted row, to know it again")
    rows = models.IntegerField()
    written_at = models.DateTimeField("written", db_default=Now())
    transaction = models.BigIntegerField(help_text="the batch's transaction id, to tell our writes from foreign ones")
    undone_at = models.DateTimeField("undone", null=True)
    undone_in = models.BigIntegerField(null=True, help_text="the undo's transaction id, for the same reason")
    conflicts = ArrayField(
        models.TextField(), verbose_name="kept by the undo", null=True, help_text="rows that were changed since"
    )

    class Meta:
        db_table = "ledger"
        verbose_name_plural = "ledger"
        indexes = [models.Index(fields=["relation", "-id"], name="ledger_relation")]

    def __str__(self) -> str:
        return f"{self.rows} rows of {self.relation}: {self.rule}"


class RestoreEntry(models.Model):
    """What one batch of a restore did to rows of a tenant: their keys, and each row's values before and after.

    It is no entry of the ledger: to the migration a restore writes as applications do, so that no rule, check or undo
    of a phase takes these rows for its own.
    """

    class Kind(models.TextChoices):
        INSERT = "insert", "inserted again"
        CHANGE = "change", "changed back"
        DELETE = "delete", "deleted"

    run_id = models.BigIntegerField("run")
    tenant_id = models.UUIDField("tenant")
    kind = models.CharField(max_length=10, choices=Kind)
    relation = models.CharField("table", max_length=130)
    keys = ArrayField(models.TextField(), verbose_name="which rows")
    before = models.JSONField(null=True, help_text="for each key its values as texts; of a change those that differ")
    after = models.JSONField(null=True, help_text="the same, as the restore has left them")
    rows = models.IntegerField()
    written_at = models.DateTimeField("written", db_default=Now())
    undone_at = models.DateTimeField("undone", null=True)
    conflicts = ArrayField(
        models.TextField(), verbose_name="kept by the undo", null=True, help_text="rows that were changed since"
    )

    class Meta:
        db_table = "restore_entry"
        indexes = [models.Index(fields=["run_id", "-id"], name="restore_entry_run")]

    def __str__(self) -> str:
        return f"{self.rows} rows of {self.relation}: {self.kind}"


class TableField(models.TextField):  # type: ignore[type-arg]
    """A table that keeps its identity under another name, and after a dump and its restore."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "regclass"


class AppliedStatement(models.Model):
    """A change of the schema that VITAL made (and not one it found already there), with what its undo needs."""

    phase = models.CharField(max_length=40)
    statement = models.CharField(max_length=200, unique=True)
    memo = models.JSONField(null=True)
    relation = models.CharField(max_length=130, blank=True, default="", help_text="the table that it is about, if one")
    relid = TableField(null=True, help_text="the same, whatever it is called since")
    run_id = models.BigIntegerField()
    applied_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "applied_statement"

    def __str__(self) -> str:
        return self.statement


class Finding(models.Model):
    """A row, or a thing about a table, that a check found and a person should look at."""

    phase = models.CharField(max_length=40)
    check_name = models.CharField("check", max_length=200)
    severity = models.CharField(max_length=10)
    relation = models.CharField("table", max_length=130)
    key = models.TextField("row", blank=True)
    message = models.TextField("finding")
    run_id = models.BigIntegerField("run")
    found_at = models.DateTimeField("found", db_default=Now())
    settled_by = models.BigIntegerField(
        null=True, help_text="the resolution of references that settled it; none after its undo"
    )

    class Meta:
        db_table = "finding"
        indexes = [models.Index(fields=["check_name", "relation"], name="finding_check")]

    def __str__(self) -> str:
        return self.message


class FailingRow(models.Model):
    """A row that refused its new values, and why; the next time that its step is carried out, it is tried again."""

    relation = models.CharField(max_length=130)
    step = models.CharField(max_length=200)
    key = models.TextField()
    before = models.JSONField(help_text="what it has instead")
    sqlstate = models.CharField(max_length=5, blank=True, db_default="")
    message = models.TextField(help_text="what the server said, without its details, which may show other rows")
    run_id = models.BigIntegerField()
    found_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "failing_row"
        constraints = [models.UniqueConstraint(fields=["relation", "step", "key"], name="one_failing_row")]

    def __str__(self) -> str:
        return f"{self.relation} {self.key}: {self.message}"


class Baseline(models.Model):
    """A table before anything changed: rows and the order-independent fingerprint of its columns."""

    relation = models.CharField(max_length=130, primary_key=True)
    columns = ArrayField(models.TextField())
    rows = models.BigIntegerField()
    fingerprint = models.DecimalField(max_digits=40, decimal_places=0)
    deletes = models.BigIntegerField(help_text="the table's counter of deleted rows at that time")
    snapshot = models.TextField(
        help_text="which transactions were over by then, to tell later writes from earlier ones"
    )
    seen = ArrayField(
        models.BigIntegerField(),
        default=list,
        help_text="the latest that were, by the rows they wrote: exact for savepoints",
    )
    relid = TableField(null=True, help_text="the table itself, whatever it is called since")
    files = ArrayField(
        models.BigIntegerField(),
        default=list,
        help_text="the files of its rows: others after TRUNCATE, CLUSTER and the like",
    )
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "baseline"

    def __str__(self) -> str:
        return self.relation


class BaselineRow(models.Model):
    """A row that had a tenant at the baseline: only these may be reassigned by a rule that says so."""

    relation = models.CharField(max_length=130)
    key = models.TextField()
    tenant_id = models.UUIDField()

    class Meta:
        db_table = "baseline_row"
        constraints = [models.UniqueConstraint(fields=["relation", "key"], name="one_baseline_row")]

    def __str__(self) -> str:
        return f"{self.relation} {self.key}"


class Redecision(models.Model):
    """A row that a changed rule set decides again; filled and emptied by the assignment at work."""

    relation = models.CharField(max_length=130)
    key = models.TextField()

    class Meta:
        db_table = "redecision"
        constraints = [models.UniqueConstraint(fields=["relation", "key"], name="one_redecision")]

    def __str__(self) -> str:
        return f"{self.relation} {self.key}"


class Override(models.Model):
    """A person's decision about one row. It wins over every rule and survives re-runs."""

    relation = models.CharField("table", max_length=130)
    key = models.TextField("row")
    tenant_id = models.UUIDField("tenant")
    reason = models.TextField()
    decided_by = models.CharField(max_length=200)
    decided_at = models.DateTimeField("decided", db_default=Now())

    class Meta:
        db_table = "override"
        verbose_name = "decision"
        constraints = [models.UniqueConstraint(fields=["relation", "key"], name="one_override")]

    def __str__(self) -> str:
        return f"{self.relation} {self.key}"


class AcceptedReference(models.Model):
    """A reference into another tenant that a person has accepted: this row, to this row, of these two tenants.

    Where one of them changes it is a finding again.
    """

    relation = models.CharField("table", max_length=130)
    columns = models.TextField(help_text="by which the row refers, as findings name them")
    key = models.TextField("row")
    parent_key = models.TextField("row referred to")
    tenant_id = models.UUIDField("tenant")
    parent_tenant_id = models.UUIDField("tenant referred to")
    reason = models.TextField()
    accepted_by = models.CharField(max_length=200)
    accepted_at = models.DateTimeField("accepted", db_default=Now())
    run_id = models.BigIntegerField("run", help_text="the number of the resolution")

    class Meta:
        db_table = "accepted_reference"
        constraints = [
            models.UniqueConstraint(
                fields=["relation", "columns", "key", "parent_key", "tenant_id", "parent_tenant_id"],
                name="one_accepted_reference",
            )
        ]

    def __str__(self) -> str:
        return f"{self.relation} {self.key}: {self.columns}"


class RowCopy(models.Model):
    """A row that was copied for a tenant: the copy serves every row of this tenant that refers to the original."""

    relation = models.CharField("table", max_length=130)
    key = models.TextField("original")
    tenant_id = models.UUIDField("tenant")
    copy = models.TextField()
    run_id = models.BigIntegerField("run", help_text="the number of the resolution")

    class Meta:
        db_table = "row_copy"
        verbose_name_plural = "row copies"
        constraints = [
            models.UniqueConstraint(fields=["relation", "key", "tenant_id"], name="one_row_copy"),
        ]

    def __str__(self) -> str:
        return f"{self.relation} {self.key}"
