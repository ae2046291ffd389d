"""First names that are one name, and how a name sounds. Pure."""

from functools import lru_cache

_SHORT_FORMS = """
    abigail abby gail; albert al bert bertie; alexander alex alec sandy sasha xander; alexandra alex sandra lexi;
    alfred alf alfie fred; amanda mandy; andrew andy drew andries; andries dries andre; angela angie; anna anne ann
    annie annette; anthony tony ant; antoinette netta toni; arthur art; barbara barb babs; barend ben; benjamin ben
    benny; bernard bernie; bongani bongs; bradley brad; bridget bridie; cameron cam; caroline carol carrie caz;
    catherine katherine kathryn cathryn kate katie cathy kathy kath kat cath; charles charlie chuck chas; charlotte
    lottie charlie; christina christine chris chrissie tina; christopher chris kit topher; christiaan chris;
    cornelius cor neels nelis kees; cynthia cindy; daniel dan danny danie; david dave davy dawie; deborah debbie deb;
    dennis denny; donald don donnie; dorothy dot dottie; douglas doug; edward ed eddie ted teddy ned; eleanor ellie
    nell nora; elizabeth liz lizzie beth betty eliza elsie elsa bess libby; emily em emmy; ernest ernie; esther essie;
    eugene gene; ferdinand ferdi; florence flo florrie; frances fran francie; francis frank frans; franciscus frans
    frank; frederick fred freddie frikkie; gabriel gabe; geoffrey jeffrey geoff jeff; george georgie; gerald gerry;
    gerhardus gert gerhard; gillian gill jill; gregory greg; harold harry hal; hendrik hennie henk; henry harry hank
    hal; hugh hughie; isabella isabel bella izzy; jacob jake jacobus; jacobus kobus koos jaco; jacqueline jackie;
    james jim jimmy jamie; janet jan; jennifer jen jenny; jessica jess jessie; joanna joanne jo; johannes johan hannes
    jan hansie hans; john johnny jack jon; jonathan jon jonny; joseph joe joey; joshua josh; judith judy; julia julie;
    kenneth ken kenny; kimberley kim; lambertus bertus; lawrence laurence larry laurie lourens; leonard len lenny leo;
    lillian lily lil; louis lou louie; lucinda lucy cindy; madeleine maddie; magdalena magda lena; margaret maggie
    meg peggy marge margie greta; maria marie mary mia; marthinus thinus martin; martha marty; martin marty; matthew
    matt mat; maureen mo; maximilian max; melissa mel lissa; michael mike mick micky mikey; michelle shelly; mildred
    millie; mohammed muhammad mohamed mohammad mo; nathaniel nathan nate nat; nicholas nick nicky nico; nicolaas nico
    klaas; nicola nicky; oliver ollie; olivia liv livvy; pamela pam; patricia pat patty trish tricia; patrick pat
    paddy; penelope penny; peter pete petrus; petrus piet pieter; philip phillip phil; pieter piet; priscilla cilla;
    rachel rach; raymond ray; rebecca becky becca; richard rick ricky dick rich richie; robert rob bob bobby robbie
    bert; roderick rod; roger rodge; ronald ron ronnie; rosemary rose rosie; rudolph rudi; russell russ; samantha sam
    sammy; samuel sam sammy; sandra sandy; sarah sara sally; sebastian seb; sibusiso sbu; simon si; siyabonga siya;
    sophia sofia sophie; stanley stan; stephanus fanie stefan; stephen steven steve stevie stefan; stuart stewart stu;
    susan sue susie suzanne; susanna sannie; sylvia syl; terence terry; theodore theo ted; theresa teresa terry tess;
    thomas tom tommy; thulani thula; timothy tim timmy; tobias toby; valerie val; veronica ronnie; victoria vicky
    tori; vincent vince; virginia ginny; walter walt wally; wilhelmina mina; wilhelm willem wim willie; willem wim
    willie; william will bill billy willie liam; winifred winnie; zachary zach zack
"""
_GROUPS = [frozenset(group.split()) for group in _SHORT_FORMS.split(";")]
_GROUPS_OF: dict[str, set[int]] = {}
for _number, _group in enumerate(_GROUPS):
    for _name in _group:
        _GROUPS_OF.setdefault(_name, set()).add(_number)
# Soundex, but for what is not a letter of ours: that stands for itself.
_CODES = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556")


def is_one_name(one: str, other: str) -> bool:
    """Whether two folded first names are forms of one: Kate and Catherine, J and John."""
    if len(one) == 1 or len(other) == 1:
        return one[:1] == other[:1]
    return not _GROUPS_OF.get(one, set()).isdisjoint(_GROUPS_OF.get(other, ()))


@lru_cache(maxsize=50_000)
def sound(name: str) -> str:
    """A folded name by its first letter and the three consonants that follow; blank for a blank."""
    found, last = [], ""
    for letter in name:
        code = letter.translate(_CODES)
        if code.isdigit():
            if code != last:
                found.append(code)
            last = code
        elif letter not in "hw":
            last = ""
            if not letter.isascii():
                found.append(letter)
    first = name[:1]
    if found and (first.translate(_CODES) == found[0] or first == found[0]):
        found = found[1:]
    return first + "".join(found[:3])
