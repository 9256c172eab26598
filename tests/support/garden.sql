-- A garden centre as its owners have grown it: odd names, keys of texts and of several columns, partitions, a circle, no tenant.
CREATE SCHEMA "Gärtnerei 100%";
SET search_path = "Gärtnerei 100%";
CREATE TABLE "Länder" (code text PRIMARY KEY, "Name" text);
CREATE TABLE "Mandanten" ("Kürzel" text PRIMARY KEY, "Name" text NOT NULL, land text REFERENCES "Länder");
CREATE TABLE "Kunden" (
    mandant text NOT NULL REFERENCES "Mandanten", nr integer, "Voller Name" text NOT NULL, werber integer,
    suche text GENERATED ALWAYS AS (lower("Voller Name")) STORED, "geändert" timestamptz,
    PRIMARY KEY (mandant, nr), FOREIGN KEY (mandant, werber) REFERENCES "Kunden"
);
CREATE FUNCTION stempel() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW."geändert" := now(); RETURN NEW; END';
CREATE TRIGGER "Stempel" BEFORE UPDATE ON "Kunden" FOR EACH ROW EXECUTE FUNCTION stempel();
CREATE TABLE "Artikel" (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), mandant text NOT NULL REFERENCES "Mandanten",
    "Ober ""Artikel""" uuid REFERENCES "Artikel", "Bezeichnung" text UNIQUE, lager bigint
);
CREATE TABLE "order" (id bigint PRIMARY KEY, artikel uuid REFERENCES "Artikel");
ALTER TABLE "Artikel" ADD CONSTRAINT fk FOREIGN KEY (lager) REFERENCES "order";
CREATE TABLE "Bestellungen" (
    mandant text, kunde integer, nr integer, am date, bemerkung text,
    PRIMARY KEY (mandant, nr, am), CONSTRAINT fk FOREIGN KEY (mandant, kunde) REFERENCES "Kunden"
) PARTITION BY RANGE (am);
CREATE TABLE "Bestellungen 2023" PARTITION OF "Bestellungen" FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE "Bestellungen 2024" PARTITION OF "Bestellungen" FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (mandant);
CREATE TABLE "Bestellungen 2024 Rest" PARTITION OF "Bestellungen 2024" DEFAULT;
CREATE TABLE "Bestellungen Rest" PARTITION OF "Bestellungen" DEFAULT;
CREATE TABLE "Positionen, die zu einer Bestellung gehören, mit langem Namen" (
    mandant text, bestellung integer, am date, pos smallint, artikel uuid REFERENCES "Artikel",
    PRIMARY KEY (mandant, bestellung, am, pos),
    CONSTRAINT fk FOREIGN KEY (mandant, bestellung, am) REFERENCES "Bestellungen" (mandant, nr, am)
);
CREATE TABLE "Positionen, die zu einer Bestellung gehören, mit langem Namez" (
    "Schlüssel" text PRIMARY KEY, artikel uuid NOT NULL CONSTRAINT fk REFERENCES "Artikel"
);
CREATE TABLE protokoll (zeile text);
INSERT INTO "Länder" VALUES ('AT', 'Österreich');
INSERT INTO "Mandanten" VALUES ('ö1', 'Grün & Söhne', 'AT'), ('x''2', 'Rose "Rot"', NULL);
INSERT INTO "Kunden" (mandant, nr, "Voller Name", werber) SELECT "Kürzel", n, format('Kunde %s', n), nullif(n - 1, 0) FROM "Mandanten", generate_series(1, 20) AS n;
INSERT INTO "Artikel" (mandant, "Bezeichnung") SELECT "Kürzel", "Kürzel" || n FROM "Mandanten", generate_series(1, 10) AS n;
UPDATE "Artikel" AS a SET "Ober ""Artikel""" = (SELECT o.id FROM "Artikel" AS o WHERE o.mandant = a.mandant ORDER BY o."Bezeichnung" LIMIT 1);
INSERT INTO "order" SELECT row_number() OVER (), id FROM "Artikel";
INSERT INTO "order" VALUES (1000, NULL);
UPDATE "Artikel" AS a SET lager = (SELECT o.id FROM "order" AS o WHERE o.artikel = a.id);
INSERT INTO "Bestellungen" SELECT mandant, nr, nr, date '2023-06-01' + 60 * (nr % 12) FROM "Kunden";
INSERT INTO "Positionen, die zu einer Bestellung gehören, mit langem Namen" (mandant, bestellung, am, pos) SELECT mandant, nr, am, 1 FROM "Bestellungen";
