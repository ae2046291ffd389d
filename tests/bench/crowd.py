"""Very many people as a large tenant has them, to be compared: namesakes, families, and one in twenty twice."""

from django.db import connection, transaction

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile
from tests.bench.statements import insert_into

STARTS = "Mer,Bot,Vil,Kro,Nde,Sith,Har,Wal,Pet,Mok,Dla,Tho,Fer,Lou,Van,Str,Gov,Pil,Ras,Cam,Bre,Gor,Hol,Jan,Kha,Len,"
STARTS += "Mab,Nor,Oos,Pre,Qua,Ros,Sch,Tsh,Umb,Ven,Wes,Xab,Yor,Zwa"
MIDDLES = "a,e,i,o,u,ar,el,in,on,ul,ba,de,mi,no,ru,ka,le,si,to,vu"
ENDS = "berg,man,son,ley,ane,ela,ini,ton,s,er,sen,well"
GIVEN = "An,Be,Ca,Da,El,Fa,Gra,He,Is,Ja,Ka,Le,Ma,Na,Ol,Pe,Ra,Sa,Tha,Vi"
ENDINGS = "na,ter,lia,vid,sa,bo,ce,len,mes,tie,rin,dra,lo,mas,ki,no,pho,ra,do,ron"
# A household has a surname and a home phone, of which most give one to the club; a twentieth of all stands twice, with
# a slip in one thing. Names are skewed as names are: the commonest surname is one in eighty people's.
CROWD = """
    CREATE TEMP TABLE crowd ON COMMIT DROP AS
    WITH homes AS (
        SELECT h, (%(starts)s::text[])[1 + floor(power(random(), 2) * 40)]
            || (%(middles)s::text[])[1 + floor(power(random(), 1.5) * 20)]
            || (%(ends)s::text[])[1 + floor(random() * 12)] AS surname,
            CASE WHEN random() < 0.5 THEN '+2782' || lpad(h::text, 7, '0') END AS phone
        FROM generate_series(0, %(people)s / 2) h
    ), once AS (
        SELECT n, surname, (%(given)s::text[])[1 + floor(power(random(), 1.5) * 20)]
            || (%(endings)s::text[])[1 + floor(power(random(), 1.5) * 20)] AS given,
            date '1935-01-01' + floor(random() * 29000)::int AS born,
            CASE WHEN random() < 0.4 THEN phone WHEN random() < 0.5 THEN '+2783' || lpad(n::text, 7, '0') END AS phone,
            CASE WHEN random() < 0.7 THEN 'someone.' || n || '@example.com' END AS email, random() AS slip
        FROM generate_series(0, %(people)s * 20 / 21 - 1) n JOIN homes ON h = n * 9 / 20
    )
    SELECT n, surname, given, born, coalesce(phone, '') AS phone, coalesce(email, '') AS email FROM once
    UNION ALL
    SELECT n, CASE WHEN slip < 0.2 THEN overlay(surname PLACING '' FROM 3 FOR 1) ELSE surname END,
        CASE WHEN slip > 0.8 THEN left(given, 1) ELSE given END,
        CASE WHEN slip BETWEEN 0.4 AND 0.5 THEN born + 1 ELSE born END,
        CASE WHEN slip > 0.5 THEN coalesce(phone, '') ELSE '' END,
        CASE WHEN slip < 0.3 THEN coalesce(email, '') ELSE '' END
    FROM once WHERE n %% 20 = 0
"""
PROFILES = insert_into(
    CustomerProfile,
    {
        "tenant_id": "%(tenant)s::uuid", "first_name": "given", "last_name": "surname", "date_of_birth": "born",
        "phone_number": "phone", "phone_is_valid": "phone <> ''", "email": "email",
    },
    "FROM crowd ORDER BY random()",
)  # fmt: skip


def crowd(people: int) -> Tenant:
    """A tenant of its own with about so many people, without anything else about them."""
    tenant = Tenant.objects.create(slug="bench-crowd", name="Bench Crowd")
    lists = {"starts": STARTS, "middles": MIDDLES, "ends": ENDS, "given": GIVEN, "endings": ENDINGS}
    params = {name: words.split(",") for name, words in lists.items()} | {
        "tenant": tenant.pk,
        "people": people,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL synchronous_commit = off; SELECT setseed(0.5)"
        )
        for statement in (CROWD, PROFILES):
            cursor.execute(statement, params)
    return tenant
