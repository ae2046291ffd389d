"""What people are found by: a narrow table beside the profile, kept in step by the database (migration 0007)."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from crm.tenancy.models import TenantModel
from customers.models.profile import CustomerProfile


class CustomerSearch(TenantModel):
    """The words and numbers of one customer, folded as `customers.terms.fold` does it.

    lexemes: plain ones are words of names; "=" leads all words of a name, sorted; "@" an e-mail, "@@" its domain, "~" a
    word before its @; "#" a member number, "!" another id without its punctuation. So masks can leave kinds out.
    phones: the digits of every number in international form, separated by blanks.
    Nobody writes here: triggers on the profile and on those who hold identifiers do, set-based, in the transaction
    of the change.
    """

    customer = models.OneToOneField(
        CustomerProfile, models.CASCADE, primary_key=True, related_name="search", db_constraint=False
    )
    lexemes = SearchVectorField()
    phones = models.TextField(blank=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "customer search"
        indexes = [
            GinIndex(
                fields=["tenant", "lexemes", "phones"],
                opclasses=["uuid_ops", "tsvector_ops", "gin_trgm_ops"],
                gin_pending_list_limit=1024,  # kB that a search may have to read through, and one writer to sort in
                name="customer_search_words",
            ),
        ]

    def __str__(self) -> str:
        return f"search of {self.customer_id}"


class SearchWord(TenantModel):
    """A word that names of the tenant have, once: misspellings are compared with these, not with people.

    stems: the word with one letter left out, in every way; of long words two. Words that differ by a slip of the
    keys share one.
    No unique key: two transactions that bring a new name must not wait for each other, so a word may stand twice
    until `tidy_words` has been.
    """

    id = models.BigAutoField(primary_key=True)
    word = models.CharField(max_length=40)
    stems = ArrayField(models.CharField(max_length=40))

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["tenant", "word"], name="search_word"),
            GinIndex(
                fields=["tenant", "stems"], opclasses=["uuid_ops", "array_ops"], name="search_word_stems"
            ),
        ]

    def __str__(self) -> str:
        return self.word


@SearchVectorField.register_lookup
class Matches(models.Lookup[Any]):
    """`lexemes__matches`: by a tsquery as `customers.terms` writes it, which PostgreSQL parses no further."""

    lookup_name = "matches"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} @@ {right}::tsquery", (*left_params, *right_params)
