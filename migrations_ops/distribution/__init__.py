"""Tables on several servers: which table is placed how on a Citus cluster, carried out and taken back as a phase."""
