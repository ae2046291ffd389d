"""Who is compared with whom: people who share a key. Pure.

Each slip spoils some keys and leaves others, so that two mentions of one person keep one in common. Coarse keys stand
beside fine ones: of a large tenant, only the fine ones are shared by few enough to be of use.
"""

from collections.abc import Iterator
from itertools import product
from zlib import crc32

from customers.likeness.names import sound
from customers.likeness.records import Record, house_number

LOCAL_PART = 5  # letters from which what stands before the @ says something


def keys(one: Record) -> list[int]:
    """Numbers of 32 bits with sign, in order, each once."""
    return sorted({crc32(key.encode()) - 2**31 for key in _keys(one)})


def _keys(one: Record) -> Iterator[str]:
    sounds = [sound(name) for name in (one.given, one.surname) if name]
    yield from _reached_by(one)
    yield from _named(one, sounds)
    if one.born:
        yield f"b{one.born}"
    for said, about in product(sounds, (*_birth(one), *_home(one))):
        yield f"{said}{about}"
    yield from _lives(one)


def _reached_by(one: Record) -> Iterator[str]:
    if one.email:
        yield f"e{one.email}"
        local = one.email.partition("@")[0]
        if len(local) >= LOCAL_PART:
            yield f"l{local}"
    if one.phone:
        yield f"p{one.phone}"


def _named(one: Record, sounds: list[str]) -> Iterator[str]:
    """Both names, in whichever order, as they are written and as they sound; of a double name its halves."""
    if len(sounds) == 2:
        yield "n" + " ".join(sorted((one.given, one.surname)))
        yield "s" + " ".join(sorted(sounds))
    if len(one.surname_words) > 1 and one.given:
        for word in one.surname_words:
            yield "s" + " ".join(sorted((sounds[0], sound(word))))


def _birth(one: Record) -> Iterator[str]:
    if one.born:
        yield f"b{one.born}"
        yield f"y{one.born[:4]}"
        yield f"d{one.born[4:]}"


def _home(one: Record) -> Iterator[str]:
    if one.postcode:
        yield f"c{one.postcode}"
    if one.place:
        yield f"t{sound(one.place)}"
    yield from (f"h{word}" for word in one.home.split()[:2])


def _lives(one: Record) -> Iterator[str]:
    """Where somebody lives, and when they were born."""
    street = sound("".join(one.home.split()[1:2]))
    number = house_number(one.home)
    if one.postcode and one.born:
        yield f"cy{one.postcode} {one.born[:4]}"
        yield f"cd{one.postcode} {one.born[4:]}"
    if one.postcode and one.home:
        yield f"cn{one.postcode} {number}"
        yield f"cs{one.postcode} {street}"
    if one.place and street and number:
        yield f"tn{sound(one.place)} {number} {street}"
