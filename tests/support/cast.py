"""The cast of the tests: the Platform and its two customers, as RULES.md names them, and a stranger of no plan."""

PLATFORM = "00000000-0000-0000-0000-000000000001"
DIGITAL_HEALTH = "11111111-1111-1111-1111-111111111111"
PHARMA = "f7aa6fd4-0af9-4706-8b31-034f1f7accda"
STRANGER = "99999999-9999-4999-8999-999999999999"  # a tenant that joined after the migration
ASLEEP = "88888888-8888-4888-8888-888888888888"  # its row says is_active = false
UNKNOWN = "77777777-7777-4777-8777-777777777777"  # no row at all
# Further ids of tenants; frontends that know the Platform by another one send that.
ALIAS_OF_PLATFORM = "00000000-1000-4000-8000-000000000001"
ALIAS_OF_PHARMA = "f7aa6fd4-1000-4000-8000-034f1f7accda"
ALIAS_OF_ASLEEP = "88888888-1000-4000-8000-888888888888"
ALIASES = {ALIAS_OF_PLATFORM: PLATFORM, ALIAS_OF_PHARMA: PHARMA, ALIAS_OF_ASLEEP: ASLEEP}
SLUGS = {
    PLATFORM: "vital-platform",
    DIGITAL_HEALTH: "digital-health",
    PHARMA: "pharma",
    STRANGER: "stranger",
    ASLEEP: "asleep",
}
