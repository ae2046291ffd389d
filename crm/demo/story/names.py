"""Names as they are heard at the two clubs, by community, so that first and last names belong together. Pure."""

import unicodedata
from random import Random
from typing import NamedTuple


class Community(NamedTuple):
    """First names of women and of men, and surnames, the commoner ones first."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]


def _community(women: str, men: str, surnames: str) -> Community:
    return Community(*(tuple(name.strip() for name in names.split(",")) for names in (women, men, surnames)))


AFRIKAANS = _community(
    "Annelise, Marietjie, Elmarie, Riana, Zoë, Carina, Hanlie, Ilse, Suné, Lizette, Chané, Anri, Marlene, Elsabé, "
    "Mariëtte, Tersia, Yolandi, Karien, Anneke, Leandri, Retha, Santa, Wilna, Corné, Mieke",
    "Pieter, Johan, Hennie, Jaco, Francois, Willem, Gerhard, Danie, Kobus, Christo, Stefan, Riaan, Ruan, Deon, "
    "Schalk, Wynand, Jean-Pierre, André, Hugo, Louis, Hendrik, Tiaan, Marius, Werner, Dewald",
    "Botha, van der Merwe, Pretorius, du Toit, Venter, Coetzee, Nel, de Villiers, Steyn, le Roux, Fourie, Kruger, "
    "Naudé, van Wyk, Swanepoel, Viljoen, Marais, Joubert, Malan, van Zyl, Cilliers, Théron, Basson, Lötter, Vosloo, "
    "Olivier, Jansen van Vuuren, Rossouw, Visser, Louw, Burger, Müller, Terblanche, Esterhuizen, Conradie",
)
SOUTH_AFRICAN = _community(
    "Kate, Jessica, Lauren, Nicola, Tracy, Bronwyn, Michelle, Candice, Samantha, Robyn, Gillian, Tamsin, Claire, "
    "Catherine, Leanne, Jacqui, Megan, Sally, Debbie, Kirsten, Natasha, Paige, Jenna, Bridget, Lindsay",
    "Craig, Grant, Brett, Ryan, Sean, Warren, Gareth, Bradley, Murray, Dale, Justin, Greg, Wayne, Clive, Rob, "
    "Stuart, Nick, Dean, Keith, Trevor, Alistair, Byron, Duncan, Gavin, Shaun",
    "Smith, Robertson, Taylor, Williams, Wright, Campbell, Thompson, Murray, Harris, Baker, Whitfield, Hendry, "
    "Mitchell, O'Reilly, Cloete, Dyer, Levy, Abramowitz, da Silva, Ferreira, Papadopoulos, Pereira, Bennett, "
    "Henderson, Gordon, Marshall, Rudman, Walters, Cullinan, Rushmere, Goldberg, Hutton, Barnard, Shaw, Pitman",
)
NGUNI_SOTHO = _community(
    "Lerato, Nomvula, Thandi, Zanele, Ntombi, Nosipho, Lindiwe, Palesa, Naledi, Ayanda, Bontle, Khanyi, Refilwe, "
    "Sibongile, Busisiwe, Unathi, Noluthando, Dineo, Mpho, Zinhle",
    "Thabo, Sipho, Siyabonga, Mandla, Bongani, Kagiso, Tshepo, Lwazi, Themba, Vusi, Sizwe, Luyanda, Tebogo, "
    "Andile, Mzwandile, Lunga, Katlego, Sandile, Xolani, Neo",
    "Nkosi, Dlamini, Mokoena, Ndlovu, Khumalo, Sithole, Molefe, Mahlangu, Zulu, Mthembu, Radebe, Ngcobo, Maseko, "
    "Mbeki, Qwabe, Motaung, Tshabalala, Mkhize, Phiri, Ntuli, Sibiya, Gumede, Madonsela, Xaba, Mabena, Cele",
)
CAPE = _community(
    "Fatima, Nazeema, Charlene, Chantal, Shireen, Zainab, Bernadette, Cheryl, Gadija, Ruwayda",
    "Ashraf, Ebrahim, Riedwaan, Jerome, Ashley, Yusuf, Clint, Moegamat, Denzil, Faiek",
    "Adams, Jacobs, Davids, Petersen, Abrahams, Isaacs, Hendricks, Fortuin, Arendse, Salie, Parker, Solomons",
)
INDIAN = _community(
    "Priya, Anjali, Kavitha, Nisha, Devika, Meera, Shanti, Anita, Pooja, Reshma, Sunita, Asha",
    "Rajesh, Vikram, Suresh, Arjun, Nikhil, Anand, Imran, Kiran, Sanjay, Dinesh, Rohan, Ashwin",
    "Naidoo, Pillay, Govender, Patel, Sharma, Singh, Reddy, Maharaj, Moodley, Khan, Chetty, Desai, Mistry, Kapoor",
)
ENGLISH = _community(
    "Emma, Charlotte, Sarah, Helen, Victoria, Rebecca, Lucy, Alison, Joanne, Fiona, Hannah, Rachel, Elizabeth, "
    "Susan, Margaret, Grace, Sophie, Amelia, Imogen, Beatrice, Georgina, Harriet, Diana, Pamela, Philippa, "
    "Chloë, Renée",
    "James, William, Oliver, Thomas, George, Richard, Andrew, Simon, Peter, Martin, Graham, Nigel, Edward, Henry, "
    "Matthew, Jonathan, Philip, Christopher, Roger, Timothy, Giles, Alan, Barry, Malcolm, Rupert, Jack, Ben",
    "Smith, Jones, Taylor, Brown, Wilson, Walker, White, Hall, Green, Turner, Cooper, Hill, Ward, Clarke, Bailey, "
    "Ashworth, Pemberton, Fairclough, Hargreaves, St. John, Whitaker, Barrington, Lockwood, Thorne, Sedgwick, "
    "D'Arcy, Cartwright, Holloway, Dawson, Fletcher, Marsh, Kendall, Winterbourne, Atkinson, Bowen, "
    "Chapman, Doyle, Ellison",
)
SCOTTISH = _community(
    "Ailsa, Morag, Kirsty, Eilidh, Catriona, Isla, Shona, Mhairi, Rhona, Heather",
    "Ewan, Hamish, Callum, Angus, Fergus, Iain, Alasdair, Gregor, Rory, Lachlan",
    "MacDonald, Campbell, Stewart, Fraser, Strachan, McAllister, Mac Leod, Sinclair, Buchanan, Drummond, McKenzie",
)
WELSH = _community(
    "Siân, Carys, Bethan, Angharad, Nerys, Rhiannon, Eleri, Cerys",
    "Rhys, Gareth, Dafydd, Huw, Owain, Ioan, Emyr, Gethin",
    "Davies, Evans, Williams, ap Gwilym, Llewellyn, Griffiths, Morgan, Price, Pritchard, Vaughan",
)
IRISH = _community(
    "Aoife, Niamh, Siobhán, Róisín, Orla, Gráinne, Maeve, Caitríona",
    "Seán, Conor, Declan, Pádraig, Eoin, Cormac, Ciarán, Brendan",
    "O'Brien, Murphy, O'Sullivan, Byrne, Ó Briain, Gallagher, O'Connor, Fitzgerald, Brennan, Nolan",
)
WEST_AFRICAN = _community(
    "Adaeze, Folake, Ngozi, Abena, Efua, Temitope",
    "Oluwaseun, Chidi, Kwame, Emeka, Kofi, Babatunde",
    "Adeyemi, Okafor, Mensah, Boateng, Okonkwo, Afolabi, Owusu",
)
EUROPEAN = _community(
    "Agnieszka, Katarzyna, Ingrid, Chiara, Hélène, Małgorzata",
    "Jean-Luc, Tomasz, Łukasz, Matteo, Jürgen, Søren",
    "Kowalska-Nowak, Wiśniewski, Rossi, Lefèvre, Müller, Sørensen, García López, Nowak",
)
HEARD_AT = {
    "ZA": ((SOUTH_AFRICAN, 35), (AFRIKAANS, 33), (NGUNI_SOTHO, 16), (INDIAN, 7), (CAPE, 7), (EUROPEAN, 2)),
    "GB": (
        (ENGLISH, 66), (SCOTTISH, 9), (IRISH, 7), (WELSH, 6), (INDIAN, 7), (WEST_AFRICAN, 3), (EUROPEAN, 2)
    ),
}  # fmt: skip
LETTERS = str.maketrans({"ł": "l", "ø": "o", "Ł": "L", "Ø": "O", "'": "", "’": "", ".": ""})


def community(rng: Random, region: str) -> Community:
    heard = HEARD_AT[region]
    return rng.choices([found for found, _ in heard], [share for _, share in heard])[0]


def first_name(rng: Random, people: Community, *, woman: bool) -> str:
    return _common_first(rng, people.women if woman else people.men)


def surname(rng: Random, people: Community) -> str:
    """A surname; one in twenty-five is of two families."""
    name = _common_first(rng, people.surnames)
    if rng.random() < 0.04 and " " not in name and "-" not in name:
        other = rng.choice(people.surnames)
        if other != name and " " not in other and "-" not in other:
            return f"{name}-{other}"
    return name


def _common_first(rng: Random, names: tuple[str, ...]) -> str:
    return names[int(len(names) * rng.random() ** 1.15)]


def as_ascii(name: str) -> str:
    """A name as it stands in an e-mail address: lower case, no accents, no spaces."""
    plain = unicodedata.normalize("NFKD", name.translate(LETTERS)).encode("ascii", "ignore").decode()
    return plain.lower().replace(" ", "")
