"""Writes `phones.tsv` and `identifiers.tsv` beside this file: what two other libraries say of made-up numbers.

Run it in an environment with `phonenumbers` 9.0.42 (Apache 2.0: Google's metadata and algorithm) and
`python-stdnum` 2.2 (LGPL: only its answers are written, which are facts). Same versions, same files.
"""

import random
import re
from pathlib import Path

import phonenumbers
import stdnum
from phonenumbers import PhoneNumberFormat as Form, PhoneNumberType as Type
from stdnum import bic, iban, lei, no, vatin
from stdnum.ch import vat as ch_vat
from stdnum.eu import vat as eu_vat
from stdnum.fr import nir, siren, siret
from stdnum.gb import vat as gb_vat
from stdnum.no import mva

HERE = Path(__file__).parent
COUNTRIES = (
    "FR BE CH LU MC DE AT IT ES PT NL GB IE DK SE NO FI IS PL CZ SK HU RO BG GR HR SI EE LV LT MT CY LI AD SM "
    "GP MQ GF RE YT NC PF PM US CA MA DZ TN SN CI CM MG MU TR AU NZ JP CN IN BR MX IL AE"
).split()
TYPES = {
    Type.FIXED_LINE: "fixed", Type.MOBILE: "mobile", Type.VOIP: "fixed", Type.TOLL_FREE: "unknown",
    Type.PREMIUM_RATE: "unknown", Type.SHARED_COST: "unknown", Type.UAN: "unknown",
}


def phone_line(text, region):
    """What Google's library says of `text` read in `region`: E.164 and the kind of line, or `!`."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return "!", ""
    if not phonenumbers.is_valid_number(number):
        return "!", ""
    line = TYPES.get(phonenumbers.number_type(number), "unknown")
    return phonenumbers.format_number(number, Form.E164), line


def phones():
    """Example numbers of all kinds of each country, in national and international form, and broken ones."""
    for region in COUNTRIES:
        seen = set()
        for kind in TYPES:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            national = phonenumbers.format_number(number, Form.NATIONAL)
            abroad = phonenumbers.format_number(number, Form.INTERNATIONAL)
            digits = phonenumbers.format_number(number, Form.E164)
            forms = [(region, national), (region, abroad), ("FR", abroad)]
            if kind in (Type.FIXED_LINE, Type.MOBILE):
                forms += [("FR", "00" + digits[1:]), (region, digits + "99999"), (region, digits[:-4])]
            seen.update(forms)
        broken = phonenumbers.invalid_example_number(region)
        if broken is not None:
            seen.add((region, phonenumbers.format_number(broken, Form.INTERNATIONAL)))
        for asked, text in sorted(seen):
            yield (asked, text, *phone_line(text, asked))


def says(module, number):
    """The compact number if `module` finds it valid, else `!`."""
    try:
        return module.validate(number)
    except stdnum.exceptions.ValidationError:
        return "!"


VAT_SHAPES = {
    "AT": "U99999999", "BE": "0999999999|1999999999", "BG": "999999999|9999999999", "CY": "99999999?",
    "CZ": "99999999|999999999|9999999999", "DE": "999999999", "DK": "99999999", "EE": "999999999", "EL": "999999999",
    "ES": "A99999999|B99999999|99999999?|X9999999?|Y9999999?|Z9999999?|Q9999999?|G99999999|K9999999?", "FI": "99999999",
    "FR": "99999999999|?9999999999|9?999999999|??999999999", "HR": "99999999999", "HU": "99999999",
    "IE": "9999999?|9999999??|9?99999?", "IT": "99999999999", "LT": "999999999|999999999999", "LU": "99999999",
    "LV": "99999999999", "MT": "99999999", "NL": "999999999B99", "PL": "9999999999", "PT": "999999999",
    "RO": "99|999999|99999999|9999999999", "SE": "9999999999 01", "SI": "99999999", "SK": "9999999999",
}


def drawn(shape, chance):
    """A number of the shape: `9` a digit, `?` a letter, all else as it is."""
    letters = {"9": "0123456789", "?": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    return "".join(chance.choice(letters.get(c, c)) for c in shape)


def sampled(check, draw, valid, invalid):
    """Numbers that `check` accepts and refuses, in the order drawn."""
    found, refused, tries = [], [], 0
    while (len(found) < valid or len(refused) < invalid) and tries < 400_000:
        tries += 1
        number = draw()
        answer = check(number)
        if answer == "!" and len(refused) < invalid:
            refused.append((number, "!"))
        elif answer != "!" and len(found) < valid:
            found.append((number, answer))
    return found + refused


def identifiers():
    chance = random.Random(20)
    def digits(count):
        return "".join(chance.choice("0123456789") for _ in range(count))
    for number, answer in sampled(lambda n: says(siren, n), lambda: digits(9), 15, 10):
        yield "siren", number, answer
    for number, answer in sampled(lambda n: says(siret, n), lambda: digits(14), 15, 10):
        yield "siret", number, answer
    for number, answer in sampled(lambda n: says(siret, n), lambda: "356000000" + digits(5), 8, 8):
        yield "siret", number, answer
    for country, shapes in sorted(VAT_SHAPES.items()):
        for shape in shapes.split("|"):
            draw = lambda: country + drawn(shape, chance)
            for number, answer in sampled(lambda n: says(eu_vat, n), draw, 5, 4):
                yield "vat", number, answer
    for shape in ("999999999", "999999999999", "GD999", "HA999"):
        draw = lambda: "GB" + drawn(shape, chance)
        for number, answer in sampled(lambda n: says(gb_vat, n), draw, 5, 4):
            yield "vat", number, answer if answer == "!" or answer.startswith("GB") else "GB" + answer
    for ending in ("MWST", "TVA", "IVA"):
        for number, answer in sampled(lambda n: says(ch_vat, n), lambda: "CHE" + digits(9) + ending, 3, 2):
            yield "vat", number, answer
    for number, answer in sampled(lambda n: says(mva, n), lambda: "NO" + digits(9) + "MVA", 4, 3):
        yield "vat", number, answer if answer == "!" else "NO" + answer
    for number, answer in sampled(lambda n: says(nir, n), lambda: chance.choice("12") + digits(2) + chance.choice(["01", "07", "12"]) + digits(10), 15, 12):
        yield "nir", number, answer
    for number, answer in sampled(lambda n: says(lei, n), lambda: "969500" + drawn("?9?9?9?9?9??", chance) + digits(2), 8, 6):
        yield "lei", number, answer
    for number in ("PSSTFRPP", "PSSTFRPPXXX", "BNPAFRPPPAE", "DEUTDEFF500", "PSST", "PSSTFRPPX", "12STFRPP", "AGRIFRPP882", "PSST1RPP"):
        yield "bic", number, says(bic, number)
    yield from ibans(chance)


def ibans(chance):
    """One valid number of each country that has them, by its structure, and three ways to break it."""
    structures = {}
    for line in (Path(stdnum.__file__).parent / "iban.dat").read_text().splitlines():
        match = re.match(r'(\w\w) .*bban="([^"]+)"', line)
        if match:
            structures[match.group(1)] = match.group(2)
    for country, bban in sorted(structures.items()):
        for _ in range(200):
            body = "".join(
                "".join(chance.choice({"n": "0123456789", "a": "ABCDEFGHIJ", "c": "0123456789ABCDEF"}[kind]) for _ in range(int(count)))
                for count, kind in re.findall(r"(\d+)!?([nac])", bban)
            )
            key = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
            number = f"{country}{key:02}{body}"
            if says(iban, number) != "!":
                yield "iban", number, number
                broken = (number[:-1] + ("1" if number[-1] != "1" else "2"), number[:-2])
                for wrong in broken[: 1 + (country in ("FR", "DE", "BE", "CH", "ES", "IT", "GB", "MC", "LU"))]:
                    yield "iban", wrong, says(iban, wrong)
                break


def write(name, about, header, rows):
    lines = [f"# {line}" for line in about] + ["\t".join(header)]
    lines += ["\t".join(row) for row in rows]
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(name, len(lines) - len(about) - 1)


write(
    "phones.tsv",
    [
        f"What Google's libphonenumber says of its own example numbers (phonenumbers {phonenumbers.__version__}, Apache 2.0).",
        "Made by make_second_opinion.py. `!` is no valid number.",
    ],
    ("country", "written", "e164", "line"),
    phones(),
)
write(
    "identifiers.tsv",
    [
        f"What python-stdnum {stdnum.__version__} says of made-up numbers (only its answers: facts). Made by make_second_opinion.py. `!` is invalid.",
    ],
    ("attribute", "written", "answer"),
    identifiers(),
)
