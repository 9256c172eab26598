"""The registry of tenants. The adopted table `tenants` stays the record of name and settings; VITAL adds the rest:
host names, further ids, the staff who may use a tenant, and the keys of programs."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django_tenants.models import DomainMixin, TenantMixin

NO_TENANT = "00000000-0000-0000-0000-000000000000"  # stands for none, where requests are counted


class TenantRecord(models.Model):
    """A row of the table of tenants, which `migrate` never touches: the platform's `tenants`, or the one that the plan
    names (`tenants.registry`). These are the columns that each has."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100)
    slug = models.CharField(max_length=50, unique=True)
    domain = models.CharField(max_length=255, unique=True, null=True, blank=True)  # as it was found
    compliance_level = models.CharField(max_length=20, default="standard")
    is_active = models.BooleanField("active", default=True)
    settings = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)

    class Meta:
        managed = False
        db_table = "tenants"
        verbose_name = "tenant"

    def __str__(self) -> str:
        return self.name


class Tenant(TenantMixin):  # type: ignore[misc]  # django-tenants has no type hints
    """A tenant as django-tenants knows it, one to one with its `TenantRecord`.

    Pooled: it owns rows in shared tables and no schema. `schema_name` must be unique for django-tenants and names
    nothing; creating or dropping schemas is switched off.
    """

    class Isolation(models.TextChoices):
        POOLED = "pooled"

    auto_create_schema = False
    auto_drop_schema = False

    # No database constraint: it would hang a trigger on a table that is not ours.
    record = models.OneToOneField(
        TenantRecord,
        primary_key=True,
        db_column="id",
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="tenant",
        verbose_name="tenant",
    )
    isolation = models.CharField(max_length=20, choices=Isolation.choices, default=Isolation.POOLED)

    class Meta:
        db_table = "tenant"
        verbose_name = verbose_name_plural = "host names"

    def __str__(self) -> str:
        return str(self.record)


class Domain(DomainMixin):  # type: ignore[misc]  # django-tenants has no type hints
    """A host name under which a tenant is known; the primary one is its record's, others are kept as aliases."""

    class Meta:
        db_table = "domain"


class TenantAlias(models.Model):
    """A further id by which applications know a tenant. It is no other tenant's, of either kind."""

    id = models.UUIDField(primary_key=True)
    tenant_id = models.UUIDField()

    class Meta:
        db_table = "tenant_alias"
        verbose_name_plural = "tenant aliases"

    def __str__(self) -> str:
        return f"{self.id} is {self.tenant_id}"


class Role(models.TextChoices):
    """What a person or a token may do; each may do what those before it may."""

    USER = "user"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"


class Membership(models.Model):
    """A tenant that a user of the admin may use, and as what. Superusers need none: they are super_admin."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    tenant_id = models.UUIDField("tenant")
    # Nobody is super_admin of one tenant: that opens them all, and is for superusers.
    role = models.CharField(max_length=20, choices=Role.choices[:2], default=Role.USER)

    class Meta:
        db_table = "membership"
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["user", "tenant_id"], name="one_membership"),
            models.CheckConstraint(condition=models.Q(role__in=["user", "admin"]), name="no_super_admin_of_one_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.role}"


class ApiKey(models.Model):
    """A program's credential. Only a hash is stored: the key itself is shown once, when it is made."""

    class Scope(models.TextChoices):
        READ = "read"
        WRITE = "write"
        METRICS = "metrics"

    name = models.CharField(max_length=100)
    prefix = models.CharField(
        "begins with", max_length=12, unique=True, help_text="how the key begins, to tell it from others"
    )
    digest = models.CharField(max_length=64, unique=True)
    tenants = ArrayField(models.UUIDField(), help_text="the tenants it may use; the first is its own")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    created_at = models.DateTimeField("created", db_default=Now())
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    revoked_at = models.DateTimeField("revoked", null=True, blank=True)
    last_used_at = models.DateTimeField("last used", null=True, blank=True, help_text="to the minute")

    class Meta:
        db_table = "api_key"
        verbose_name = "API key"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Maintenance(models.Model):
    """While its one row is there, the API reads and does not write."""

    id = models.SmallIntegerField(primary_key=True, default=1, help_text="always 1: it is on, or it is not")
    since = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=200)
    reason = models.TextField()
    run_id = models.BigIntegerField(null=True, help_text="the run that switched it on, and off when it is completed")

    class Meta:
        db_table = "maintenance"
        verbose_name_plural = "maintenance"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_maintenance")]

    def __str__(self) -> str:
        return f"on since {self.since:%Y-%m-%d %H:%M} by {self.by}"


class Traffic(models.Model):
    """How many requests of a tenant were answered within an hour, and how many of them with 4xx and 5xx.

    Written by every process of the service each few seconds, and kept for a week. Requests of no tenant have the
    tenant NO_TENANT.
    """

    pk = models.CompositePrimaryKey("hour", "tenant_id")
    hour = models.DateTimeField()
    tenant_id = models.UUIDField()
    requests = models.BigIntegerField()
    refused = models.BigIntegerField(help_text="4xx")
    failed = models.BigIntegerField(help_text="5xx")

    class Meta:
        db_table = "traffic"
        verbose_name_plural = "traffic"

    def __str__(self) -> str:
        return f"{self.requests} of {self.tenant_id} since {self.hour:%Y-%m-%d %H:%M}"


class TenantOwned(models.Model):
    """A row of a legacy table that belongs to a tenant once the migration has assigned it."""

    tenant = models.ForeignKey(
        TenantRecord, null=True, blank=True, on_delete=models.DO_NOTHING, related_name="+", verbose_name="tenant"
    )

    class Meta:
        abstract = True
