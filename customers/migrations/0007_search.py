import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension
from django.db import migrations, models

from crm.tenancy.constraints import tenant_foreign_key

# Two spellings that nobody tells apart become one; customers.terms does the same, letter for letter.
FOLD = """
    CREATE FUNCTION customers_fold(raw text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    BEGIN
        IF octet_length(raw) = length(raw) THEN RETURN lower(raw); END IF;
        RETURN replace(replace(replace(replace(
            translate(
                lower(regexp_replace(normalize(raw, NFKD), '[\\u0300-\\u036f]', '', 'g')),
                'øłđðħıς', 'olddhiσ'
            ), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
    END $$;
    -- Split at whatever is neither an ASCII letter or digit nor a letter of another script.
    CREATE FUNCTION customers_words(folded text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT array_remove(regexp_split_to_array(
            folded, '[\\u0001-\\u002f\\u003a-\\u0060\\u007b-\\u00bf\\u2000-\\u206f\\u3000-\\u303f]+'), '')
    $$;
    CREATE FUNCTION customers_word_stems(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT array_agg(DISTINCT stem) FROM (
            SELECT word
            UNION ALL
            SELECT overlay(word PLACING '' FROM i FOR 1) FROM generate_series(1, length(word)) i
            UNION ALL
            SELECT overlay(overlay(word PLACING '' FROM j FOR 1) PLACING '' FROM i FOR 1)
            FROM generate_series(2, length(word)) j, generate_series(1, j - 1) i
            WHERE length(word) BETWEEN 8 AND 20
        ) stems (stem)
    $$;
"""
# The one place that says what people are found by. Writes only what differs; rows in the order of their ids.
REFRESH = """
    CREATE FUNCTION customers_refresh_search(people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        WITH said AS MATERIALIZED (
            SELECT p.id, p.tenant_id, own.words, called.words AS called,
                -- O'Brien is obrien, o and brien
                CASE WHEN concat(p.first_name, p.last_name, p.display_name) ~ '[''’‘ʼ`´]' THEN customers_words(
                    customers_fold(translate(concat_ws(' ', p.first_name, p.last_name, p.display_name),
                        '''’‘ʼ`´', '      ')))
                ELSE '{}' END AS parts,
                customers_fold(p.email) || coalesce(held.emails, '{}') AS emails,
                held.numbers, coalesce(held.ids, '{}') || coalesce(card.numbers, '{}') AS ids,
                concat_ws(' ', nullif(regexp_replace(p.phone_number, '\\D', '', 'g'), ''), held.phones) AS phones
            FROM customers_customerprofile p
            CROSS JOIN LATERAL (
                SELECT customers_words(customers_fold(
                    translate(concat_ws(' ', p.first_name, p.last_name), '''’‘ʼ`´', ''))) AS words
            ) own
            CROSS JOIN LATERAL (
                SELECT customers_words(customers_fold(translate(p.display_name, '''’‘ʼ`´', ''))) AS words
            ) called
            CROSS JOIN LATERAL (
                SELECT array_agg(customers_fold(a.value)) FILTER (WHERE a.kind = 'email') AS emails,
                    string_agg(regexp_replace(a.value, '\\D', '', 'g'), ' ' ORDER BY a.value)
                        FILTER (WHERE a.kind = 'phoneNumber' AND a.value <> p.phone_number) AS phones,
                    array_agg(a.value) FILTER (WHERE a.kind = 'sclMemberId') AS numbers,
                    array_agg(a.value) FILTER (WHERE a.kind <> ALL ('{email,phoneNumber,sclMemberId}')) AS ids
                FROM customers_aliasholder h
                JOIN customers_identityalias a ON a.tenant_id = h.tenant_id AND a.id = h.alias_id
                WHERE h.tenant_id = p.tenant_id AND h.customer_id = p.id
            ) held
            CROSS JOIN LATERAL (
                SELECT array_agg(n.number) AS numbers FROM customers_associationnumber n
                WHERE n.tenant_id = p.tenant_id AND n.customer_id = p.id
            ) card
            WHERE p.id = ANY (people)
        ), learnt AS (
            INSERT INTO customers_searchword (tenant_id, word, stems)
            SELECT n.tenant_id, n.word, customers_word_stems(n.word)
            FROM (SELECT DISTINCT s.tenant_id, word FROM said s, unnest(s.words || s.called) word) n
            WHERE length(n.word) BETWEEN 4 AND 40 AND n.word !~ '[0-9]' AND NOT EXISTS (
                SELECT FROM customers_searchword k WHERE k.tenant_id = n.tenant_id AND k.word = n.word
            )
        )
        INSERT INTO customers_customersearch AS found (tenant_id, customer_id, lexemes, phones)
        SELECT s.tenant_id, s.id, array_to_tsvector(
            s.words || s.called || s.parts
            || ARRAY(SELECT '=' || string_agg(word, ' ' ORDER BY word COLLATE "C") FROM unnest(s.words) word
                HAVING count(*) > 0)
            || ARRAY(SELECT '=' || string_agg(word, ' ' ORDER BY word COLLATE "C") FROM unnest(s.called) word
                HAVING count(*) > 0)
            || ARRAY(SELECT '@' || email FROM unnest(s.emails) email WHERE email <> '')
            || ARRAY(SELECT '@@' || split_part(email, '@', 2) FROM unnest(s.emails) email WHERE email <> '')
            || ARRAY(SELECT '~' || word FROM unnest(s.emails) email, unnest(customers_words(
                regexp_replace(split_part(email, '@', 1), '[0-9]+', ' ', 'g'))) word WHERE length(word) > 1)
            || ARRAY(SELECT '#' || number FROM unnest(s.numbers) number)
            || ARRAY(SELECT '!' || array_to_string(customers_words(customers_fold(id)), '') FROM unnest(s.ids) id)
        ), s.phones
        FROM said s ORDER BY s.id
        ON CONFLICT (customer_id) DO UPDATE SET lexemes = EXCLUDED.lexemes, phones = EXCLUDED.phones
        WHERE (found.lexemes, found.phones) IS DISTINCT FROM (EXCLUDED.lexemes, EXCLUDED.phones);
    END $$;
"""
FOLLOW = """
    CREATE FUNCTION customers_search_new_people() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM customers_refresh_search(ARRAY(SELECT id FROM now_so));
        RETURN NULL;
    END $$;
    CREATE FUNCTION customers_search_changed_people() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE changed uuid[] := ARRAY(
        SELECT n.id FROM now_so n JOIN before b ON b.id = n.id
        WHERE (n.first_name, n.last_name, n.display_name, n.email, n.phone_number)
            IS DISTINCT FROM (b.first_name, b.last_name, b.display_name, b.email, b.phone_number));
    BEGIN
        IF cardinality(changed) > 0 THEN PERFORM customers_refresh_search(changed); END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER search_new AFTER INSERT ON customers_customerprofile
        REFERENCING NEW TABLE AS now_so
        FOR EACH STATEMENT EXECUTE FUNCTION customers_search_new_people();
    CREATE TRIGGER search_changed AFTER UPDATE ON customers_customerprofile
        REFERENCING OLD TABLE AS before NEW TABLE AS now_so
        FOR EACH STATEMENT EXECUTE FUNCTION customers_search_changed_people();
"""
# Identifiers come before the person they make: then there is nobody to refresh yet.
FOLLOW_IDENTIFIERS = """
    CREATE FUNCTION customers_search_identified() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            PERFORM customers_refresh_search(ARRAY(SELECT DISTINCT customer_id FROM now_so));
        ELSIF TG_OP = 'DELETE' THEN
            PERFORM customers_refresh_search(ARRAY(SELECT DISTINCT customer_id FROM before));
        ELSE
            PERFORM customers_refresh_search(ARRAY(
                SELECT customer_id FROM before UNION SELECT customer_id FROM now_so));
        END IF;
        RETURN NULL;
    END $$;
"""
TRIGGERS = "".join(
    f"""
    CREATE TRIGGER search_new AFTER INSERT ON {table} REFERENCING NEW TABLE AS now_so
        FOR EACH STATEMENT EXECUTE FUNCTION customers_search_identified();
    CREATE TRIGGER search_changed AFTER UPDATE ON {table} REFERENCING OLD TABLE AS before NEW TABLE AS now_so
        FOR EACH STATEMENT EXECUTE FUNCTION customers_search_identified();
    CREATE TRIGGER search_gone AFTER DELETE ON {table} REFERENCING OLD TABLE AS before
        FOR EACH STATEMENT EXECUTE FUNCTION customers_search_identified();
    """
    for table in ("customers_aliasholder", "customers_associationnumber")
)
UNDO = """
    DROP FUNCTION customers_search_identified() CASCADE;
    DROP FUNCTION customers_search_changed_people() CASCADE;
    DROP FUNCTION customers_search_new_people() CASCADE;
    DROP FUNCTION customers_refresh_search(uuid[]);
    DROP FUNCTION customers_word_stems(text);
    DROP FUNCTION customers_words(text);
    DROP FUNCTION customers_fold(text);
"""
TENANT = models.ForeignKey(
    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.tenant"
)


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0006_field_history"),
        ("tenancy", "0002_append_only_audit"),
    ]

    operations = [
        TrigramExtension(),
        BtreeGinExtension(),
        migrations.CreateModel(
            name="CustomerSearch",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search",
                        serialize=False,
                        to="customers.customerprofile",
                    ),
                ),
                ("lexemes", django.contrib.postgres.search.SearchVectorField()),
                ("phones", models.TextField(blank=True)),
                ("tenant", TENANT),
            ],
            options={
                "verbose_name_plural": "customer search",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["tenant", "lexemes", "phones"],
                        gin_pending_list_limit=1024,
                        name="customer_search_words",
                        opclasses=["uuid_ops", "tsvector_ops", "gin_trgm_ops"],
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("word", models.CharField(max_length=40)),
                (
                    "stems",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), size=None
                    ),
                ),
                ("tenant", TENANT.clone()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "word"], name="search_word"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["tenant", "stems"],
                        name="search_word_stems",
                        opclasses=["uuid_ops", "array_ops"],
                    ),
                ],
            },
        ),
        tenant_foreign_key(
            "customers_customersearch", "customer_id", "customers_customerprofile", on_delete="CASCADE"
        ),
        migrations.RunSQL(FOLD + REFRESH + FOLLOW + FOLLOW_IDENTIFIERS + TRIGGERS, UNDO),
    ]
