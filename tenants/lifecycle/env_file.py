"""What a tenant's application has to know about it: the lines of its .env file, as the execution guide has them."""

from tenants.lifecycle.registry import Record


def lines(record: Record, url: str) -> dict[str, str]:
    """Variable → value. `url` is the service's address, empty where nobody has said it."""
    found = {"NEXT_PUBLIC_TENANT_ID": record.id, "NEXT_PUBLIC_TENANT_SLUG": record.slug}
    if record.domain:
        found["NEXT_PUBLIC_TENANT_DOMAIN"] = record.domain
    return found | ({"NEXT_PUBLIC_API_URL": url.rstrip("/")} if url else {})
