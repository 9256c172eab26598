-- A shop with two stores, made for the tutorial: nothing in it knows of tenants.
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE stores (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    country text NOT NULL REFERENCES countries
);
CREATE TABLE departments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id bigint NOT NULL REFERENCES stores,
    name text NOT NULL,
    UNIQUE (store_id, name)
);
CREATE TABLE shelves (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    department_id bigint NOT NULL REFERENCES departments,
    label text NOT NULL UNIQUE
);
CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shelf_id uuid NOT NULL REFERENCES shelves,
    replaced_by bigint REFERENCES products,
    sku text NOT NULL UNIQUE,
    cents integer NOT NULL CHECK (cents > 0)
);
CREATE TABLE order_items (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products,
    quantity integer NOT NULL DEFAULT 1 CHECK (quantity > 0),
    ordered_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE returns (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_item_id bigint NOT NULL UNIQUE REFERENCES order_items,
    reason text NOT NULL
);
CREATE TABLE gift_cards (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE till_log (line text);
CREATE VIEW stock AS SELECT sku, cents FROM products;

INSERT INTO countries VALUES ('DE', 'Germany'), ('FR', 'France');
INSERT INTO stores (name, country) VALUES ('Berlin Mitte', 'DE'), ('Paris Nord', 'FR');
INSERT INTO departments (store_id, name) SELECT id, d FROM stores, unnest(ARRAY['Garden', 'Kitchen']) AS d;
INSERT INTO shelves (department_id, label) SELECT id, format('%s-%s', id, n) FROM departments, generate_series(1, 3) AS n;
INSERT INTO products (shelf_id, sku, cents)
SELECT id, format('SKU-%s', row_number() OVER (ORDER BY label, n)), 100 * n FROM shelves, generate_series(1, 5) AS n;
UPDATE products SET replaced_by = id + 1 WHERE id % 10 = 1;
INSERT INTO order_items (product_id, quantity) SELECT id, n FROM products, generate_series(1, 4) AS n;
INSERT INTO returns (order_item_id, reason) SELECT id, 'broken' FROM order_items WHERE id % 7 = 0;
INSERT INTO till_log VALUES ('opened');
