"""The statements that plan messages: set-based, a chunk of people at a time."""

PEOPLE_MEANT = """
    SELECT count(*) AS people FROM (
        SELECT customer_id FROM segments_segmentmember WHERE tenant_id = %(tenant)s AND segment_id = ANY(%(segments)s)
        EXCEPT
        SELECT customer_id FROM segments_segmentmember WHERE tenant_id = %(tenant)s AND segment_id = ANY(%(excluded)s)
    ) meant
"""
# Of several devices the one that was used last; looked up where there is something to push.
DEVICE = """CASE WHEN 'PUSH' = ANY(%(channels)s) THEN coalesce((
                SELECT d.token FROM customers_device d
                WHERE d.tenant_id = %(tenant)s AND d.customer_id = p.id AND d.dropped_at IS NULL
                ORDER BY d.last_seen_at DESC LIMIT 1), '') ELSE '' END"""
# members   the next people by id, each once
# people    with what is known of them, and why they get nothing whatever the channel
# reach     each with every channel that they have an address on; who has none, on the first channel with none
# judged    with why they get nothing on it; of an address several have, the first person's counts
# numbered  a number for each who gets something, in an order that follows from nothing else
PLAN = """
WITH members AS MATERIALIZED (
    SELECT DISTINCT m.customer_id FROM unnest(%(segments)s::uuid[]) AS s (id) CROSS JOIN LATERAL (
        SELECT customer_id FROM segments_segmentmember
        WHERE tenant_id = %(tenant)s AND segment_id = s.id AND customer_id > %(after)s
        ORDER BY customer_id LIMIT %(most)s
    ) m ORDER BY m.customer_id LIMIT %(most)s
), people AS MATERIALIZED (
    SELECT m.customer_id AS id, p.country, p.home_club_ref, p.email, p.phone_number, p.phone_is_valid,
        p.email_opt_in, p.sms_opt_in, p.push_opt_in, p.whatsapp_opt_in,
        md5(%(campaign)s || ':' || m.customer_id) AS dice,
        ('x' || left(md5('control:' || coalesce(p.home_club_ref, '') || ':' || m.customer_id), 8))::bit(32)::bigint
            %% 10000 < coalesce(c.percent, usual.percent, 0) AS is_control,
        CASE
            WHEN EXISTS (SELECT FROM segments_segmentmember x WHERE x.tenant_id = %(tenant)s
                AND x.customer_id = m.customer_id AND x.segment_id = ANY(%(excluded)s::uuid[])) THEN 'EXCLUDED'
            WHEN p.id IS NULL OR p.erased_at IS NOT NULL THEN 'ERASED'
            WHEN p.status <> 'ACTIVE' THEN 'NOT_ACTIVE'
            WHEN p.processing_restricted_at IS NOT NULL THEN 'RESTRICTED'
            WHEN p.is_blocked AND %(is_marketing)s THEN 'BLOCKED'
            ELSE ''
        END AS reason
    FROM members m
    LEFT JOIN customers_customerprofile p ON p.tenant_id = %(tenant)s AND p.id = m.customer_id
    LEFT JOIN unnest(%(refs)s::text[], %(controls)s::int[]) AS c (ref, percent) ON c.ref = p.home_club_ref
    LEFT JOIN unnest(%(refs)s::text[], %(controls)s::int[]) AS usual (ref, percent) ON usual.ref = ''
), reach AS (
    SELECT p.*, w.channel, w.address, w.opt_in, w.place,
        count(*) FILTER (WHERE w.address <> '') OVER (PARTITION BY p.id) AS addresses
    FROM people p CROSS JOIN LATERAL (
        SELECT c.channel, c.place, v.address, v.opt_in
        FROM unnest(%(channels)s::text[]) WITH ORDINALITY AS c (channel, place)
        JOIN LATERAL (VALUES
            ('EMAIL', coalesce(p.email, ''), p.email_opt_in),
            ('SMS', CASE WHEN p.phone_is_valid THEN p.phone_number ELSE '' END, p.sms_opt_in),
            ('WHATSAPP', CASE WHEN p.phone_is_valid THEN p.phone_number ELSE '' END, p.whatsapp_opt_in),
            ('PUSH', {push}, p.push_opt_in)
        ) AS v (channel, address, opt_in) ON v.channel = c.channel
    ) w
), judged AS (
    SELECT r.id, r.channel, r.address, r.dice, r.is_control, r.country, r.home_club_ref,
        CASE
            WHEN r.reason <> '' THEN r.reason
            WHEN r.address = '' THEN 'NO_ADDRESS'
            WHEN %(flags_decide)s AND r.opt_in IS FALSE THEN 'REFUSED'
            WHEN %(flags_decide)s AND r.opt_in IS NULL THEN 'NEVER_ASKED'
            WHEN r.is_control THEN 'CONTROL_GROUP'
            WHEN ('x' || left(r.dice, 8))::bit(32)::bigint %% 10000 < %(holdout)s THEN 'HOLDOUT'
            ELSE ''
        END AS reason
    FROM reach r
    WHERE CASE WHEN r.reason <> '' OR r.addresses = 0 THEN r.place = 1 ELSE r.address <> '' END
), told AS (
    SELECT j.id, j.channel, j.address, j.dice, j.country, j.home_club_ref,
        CASE
            WHEN j.reason = '' AND (row_number() OVER (PARTITION BY j.channel, j.address, j.reason ORDER BY j.id) > 1
                OR EXISTS (SELECT FROM campaigns_message o WHERE o.tenant_id = %(tenant)s AND o.run_id = %(run)s
                    AND o.address = j.address AND o.channel = j.channel AND o.occasion = '')) THEN 'DUPLICATE_ADDRESS'
            ELSE j.reason
        END AS reason
    FROM judged j
), numbered AS (
    SELECT id, %(numbered)s - 1 + row_number() OVER (ORDER BY channels, dice) AS number
    FROM (
        SELECT id, dice, string_agg(channel, '+' ORDER BY channel) AS channels FROM told WHERE reason = ''
        GROUP BY id, dice
    ) n
), placed AS (
    SELECT t.*, n.number,
        (n.number + 1) * %(sample)s / 100 > n.number * %(sample)s / 100 AS is_now,
        (%(turns)s::uuid[])[1 + (n.number * %(sample)s / 100) %% greatest(cardinality(%(turns)s::uuid[]), 1)] AS turn,
        CASE WHEN %(size)s > 0 THEN (n.number / greatest(%(size)s, 1)) * %(minutes)s * interval '1 minute'
            ELSE interval '0' END AS wait,
        coalesce(z.due, y.due, %(starts)s::timestamptz) AS starts
    FROM told t LEFT JOIN numbered n ON n.id = t.id AND t.reason = ''
    LEFT JOIN unnest(%(places)s::text[], %(dues)s::timestamptz[]) AS z (place, due)
        ON z.place = 'country:' || t.country
    LEFT JOIN unnest(%(places)s::text[], %(dues)s::timestamptz[]) AS y (place, due)
        ON y.place = 'club:' || t.home_club_ref
), made AS (
    INSERT INTO campaigns_message
        (tenant_id, customer_id, recorded_for, run_id, variant_id, origin, channel, message_class, purpose, club_ref,
         address, state, reason, due_at, deadline_at)
    SELECT %(tenant)s, id, id, %(run)s, CASE WHEN is_now THEN turn END, %(origin)s, channel, %(class)s, %(purpose)s,
        %(club_ref)s, CASE WHEN reason = '' THEN address ELSE '' END,
        CASE WHEN reason = '' THEN 'QUEUED' ELSE 'SKIPPED' END, reason,
        CASE WHEN is_now THEN starts + wait END, CASE WHEN is_now THEN starts + wait + %(lasts)s END
    FROM placed ORDER BY id, channel
    ON CONFLICT DO NOTHING RETURNING id
)
SELECT (SELECT count(*) FROM members) AS people, (SELECT customer_id FROM members ORDER BY 1 DESC LIMIT 1) AS last,
    (SELECT count(*) FROM numbered) AS numbered, (SELECT count(*) FROM made) AS rows
""".replace("{push}", DEVICE)
