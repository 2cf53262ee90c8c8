//! The flat format of Sage 100: a flag alone on its line (`#MPCT`), then one field per line.
//!
//! A third party is one row, which stands on the line of its flag: its own fields, and those of the
//! blocks that follow it, contacts, places of delivery and banks, each numbered. Blocks are cut at the
//! flags and never by a fixed step: the last field of a third party comes once per general account.
//! Third parties that are no customers are skipped with all their blocks.

use std::collections::BTreeMap;

use super::{Content, Format, Refusal, Row, Table, Tally, encoding::Decoded};

/// The fields of a third party (`#MPCT`) by position, from 1, as Sage calls them; those of value to
/// nobody but Sage itself are named by position alone.
const THIRD_PARTY: &[(usize, &str)] = &[
    (1, "Code tiers"),
    (2, "Intitulé"),
    (4, "Compte collectif"),
    (5, "Qualité"),
    (6, "Abrégé"),
    (7, "Contact"),
    (8, "Adresse"),
    (9, "Complément"),
    (10, "Code postal"),
    (11, "Ville"),
    (12, "Code région"),
    (13, "Pays"),
    (14, "Raccourci"),
    (15, "Indice devise"),
    (16, "Code NAF"),
    (17, "N° identifiant TVA"),
    (18, "N° SIRET"),
    (19, "Statistique 1"),
    (20, "Statistique 2"),
    (21, "Statistique 3"),
    (22, "Statistique 4"),
    (23, "Statistique 5"),
    (24, "Statistique 6"),
    (25, "Statistique 7"),
    (26, "Statistique 8"),
    (27, "Statistique 9"),
    (28, "Statistique 10"),
    (29, "Commentaire"),
    (30, "Encours autorisé"),
    (31, "Plafond assurance crédit"),
    (32, "Tiers payeur"),
    (33, "Code risque"),
    (34, "Catégorie tarifaire"),
    (39, "Catégorie comptable"),
    (43, "Indice langue"),
    (44, "Code EDI"),
    (51, "Contrôle de l'encours"),
    (52, "Date de création"),
    (53, "Hors rappel"),
    (56, "Téléphone"),
    (57, "Télécopie"),
    (58, "E-mail"),
    (59, "Site"),
    (61, "Placé sous surveillance"),
    (62, "Date de création société"),
    (63, "Forme juridique"),
    (64, "Effectif"),
    (65, "Chiffre d'affaires"),
    (66, "Résultat net"),
    (67, "Incidents de paiement"),
    (68, "Date du dernier incident"),
    (80, "Modèle de règlement"),
    (86, "Centrale d'achat"),
    (109, "Facebook"),
    (110, "LinkedIn"),
];

/// Positions whose dates are written as `JJMMAA`.
const DATES: &[usize] = &[52, 62, 68, 73, 74, 89, 90, 100];

/// Positions with a meaning of their own, which need more than a name.
const TYPE: usize = 3;
const PAYER: usize = 32;
const ASLEEP: usize = 50;
const PAYMENT_MODEL: usize = 80;
const OWNER_LAST_NAME: usize = 87;
const OWNER_FIRST_NAME: usize = 88;

/// Bank accounts within the third party's own fields; they belong to the seller's treasury.
const BANK_FIELDS: std::ops::RangeInclusive<usize> = 82..=85;

/// The fields before the general accounts that come once each.
const FIXED_FIELDS: usize = 133;

/// Fields that a third party has at least: up to its country. What is shorter was cut.
const LEAST_FIELDS: usize = 13;

/// The fields of a contact (`#MCTT`).
const CONTACT: &[(usize, &str)] = &[
    (9, "Civilité"),
    (1, "Nom"),
    (2, "Prénom"),
    (4, "Fonction"),
    (3, "N° service"),
    (5, "Téléphone"),
    (6, "Portable"),
    (7, "Télécopie"),
    (8, "E-mail"),
    (11, "Facebook"),
    (12, "LinkedIn"),
    (13, "Skype"),
];

/// The fields of a place of delivery (`#MCDL`).
const DELIVERY: &[(usize, &str)] = &[
    (1, "Intitulé"),
    (2, "Adresse"),
    (3, "Complément"),
    (4, "Code postal"),
    (5, "Ville"),
    (6, "Code région"),
    (7, "Pays"),
    (8, "Contact"),
    (12, "Téléphone"),
    (13, "Télécopie"),
    (14, "E-mail"),
    (15, "Commentaire"),
];

/// Where a place of delivery says that bills go there too.
const DELIVERY_IS_BILLING: usize = 17;

/// The fields of a bank account (`#MBQT`).
const BANK: &[(usize, &str)] = &[(2, "Intitulé"), (17, "IBAN"), (15, "BIC")];

/// A block: its flag, the line the flag stands on, the lines below it.
struct Block<'a> {
    flag: &'a str,
    line: u32,
    fields: Vec<&'a str>,
}

impl Block<'_> {
    /// A field by position, from 1, trimmed; empty when the block is shorter.
    fn field(&self, position: usize) -> &str {
        self.fields.get(position - 1).map_or("", |field| field.trim())
    }
}

/// Whether decoded text is of this format.
pub(super) fn is_sage(start: &str) -> bool {
    let first = start.lines().next().unwrap_or("").trim_end();
    ["#FLG ", "#VER "].iter().any(|flag| first.starts_with(flag)) || first == "#MPCT"
}

/// The table of third parties.
pub(super) fn table(decoded: Decoded) -> Result<Table, Refusal> {
    let Decoded { text, encoding, mut remarks } = decoded;
    let blocks = blocks(&text);
    if !blocks.iter().any(|block| block.flag == "#MPCT") {
        return Err(Refusal::new(
            "it is a Sage 100 flat file without third parties (#MPCT)",
            "export the third parties (plan tiers) from Sage, or the FEC for the entries",
        ));
    }
    if !blocks.iter().any(|block| block.flag == "#FIN") {
        remarks.push("the file does not end with #FIN: it may have been cut".into());
    }
    let (parties, mut rows) = parties(&blocks);
    remarks.extend(ignored(&blocks));

    let values: Vec<BTreeMap<Place, String>> = parties.iter().map(Party::values).collect();
    let mut columns: BTreeMap<Place, (String, bool)> = BTreeMap::new();
    for (place, value) in values.iter().flatten() {
        let telling = place.is_named() || !is_zero(value);
        let column = columns.entry(*place).or_insert_with(|| (place.name(), false));
        column.1 |= telling;
    }
    columns.retain(|_, (_, telling)| *telling);
    let header: Vec<String> = columns.values().map(|(name, _)| name.clone()).collect();
    let places: Vec<Place> = columns.into_keys().collect();
    let lines: Vec<u32> = parties.iter().map(|party| party.block.line).collect();
    // Rows of customers are made one by one: each has all columns, and a customer fills few of them.
    rows.sort_by_key(|row| row.number);
    let mut others = rows.into_iter().peekable();
    let mut customers = lines.into_iter().zip(values).peekable();
    let rows = std::iter::from_fn(move || {
        let customer = customers.peek().map(|(line, _)| *line);
        if let Some(row) = others.next_if(|row| customer.is_none_or(|line| row.number < line)) {
            return Some(row);
        }
        let (number, values) = customers.next()?;
        let cell = |place: &Place| values.get(place).map_or("", String::as_str);
        Some(Row { number, content: Content::Data(places.iter().map(cell).collect()) })
    });
    Ok(Table::of_records(Format::of("sage", encoding, remarks), header, rows, Tally::default()))
}

/// Cuts the text at its flags. What stands before the first one is a block without flag.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let number = at as u32 + 1;
        if is_flag(line) {
            let flag = line.split(' ').next().unwrap_or(line).trim_end();
            blocks.push(Block { flag, line: number, fields: Vec::new() });
        } else if let Some(block) = blocks.last_mut() {
            block.fields.push(line);
        } else {
            blocks.push(Block { flag: "", line: number, fields: vec![line] });
        }
    }
    blocks
}

/// `#MPCT` and its like; `#FLG 000`, `#VER 31` and `#DEV EUR`, which say it all on their line.
fn is_flag(line: &str) -> bool {
    let line = line.trim_end();
    let Some(name) = line.strip_prefix('#') else { return false };
    match name.split_once(' ') {
        Some((name, _)) => matches!(name, "FLG" | "VER" | "DEV"),
        // Four signs: a comment may well be `#URGENT`.
        None => {
            name == "FIN"
                || name.len() == 4
                    && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        }
    }
}

/// A customer with the blocks that follow it.
struct Party<'a> {
    block: &'a Block<'a>,
    contacts: Vec<&'a Block<'a>>,
    deliveries: Vec<&'a Block<'a>>,
    banks: Vec<&'a Block<'a>>,
    payments: Vec<&'a Block<'a>>,
    /// The lines of all its blocks of free fields.
    free: Vec<&'a str>,
}

/// The customers, and the rows that are none.
fn parties<'a>(blocks: &'a [Block<'a>]) -> (Vec<Party<'a>>, Vec<Row>) {
    let mut parties: Vec<Party<'a>> = Vec::new();
    let mut rows = Vec::new();
    // Whose blocks follow: a customer's, or those of somebody who is left out.
    let mut taken = false;
    for block in blocks {
        let skipped = |reason| Row { number: block.line, content: Content::Skipped(reason) };
        match block.flag {
            "#MPCT" => {
                let outcome = match block.field(TYPE) {
                    _ if block.fields.len() < LEAST_FIELDS => Err(bad(
                        block,
                        "ragged_row",
                        format!("the third party has {} fields only", block.fields.len()),
                    )),
                    "0" => Ok(()),
                    "1" => Err(Content::Skipped("supplier")),
                    "2" | "3" => Err(Content::Skipped("other_ledger")),
                    _ => Err(bad(
                        block,
                        "bad_type",
                        "the type of the third party is none of 0 to 3".into(),
                    )),
                };
                taken = outcome.is_ok();
                match outcome {
                    Ok(()) => parties.push(Party {
                        block,
                        contacts: Vec::new(),
                        deliveries: Vec::new(),
                        banks: Vec::new(),
                        payments: Vec::new(),
                        free: Vec::new(),
                    }),
                    Err(content) => rows.push(Row { number: block.line, content }),
                }
            }
            "#MCTT" | "#MCDL" | "#MBQT" | "#MRLT" | "#MIVA" | "#MHIT" | "#MFRT" => {
                match parties.last_mut().filter(|_| taken) {
                    Some(party) => party.adopt(block),
                    None => rows.push(skipped("other_ledger")),
                }
            }
            "#FLG" | "#VER" | "#DEV" => rows.push(skipped("header")),
            "#FIN" | "" => rows.push(skipped("structure")),
            _ => {
                taken = false;
                rows.push(skipped("other_ledger"));
            }
        }
    }
    (parties, rows)
}

fn bad(block: &Block<'_>, code: &'static str, message: String) -> Content {
    Content::Bad { code, message, raw: block.fields.join("\n") }
}

/// What the blocks hold that no column shows.
fn ignored(blocks: &[Block<'_>]) -> Vec<String> {
    let told = [
        ("#MBQT", "bank accounts (#MBQT): IBAN and BIC are kept only where a mapping names them"),
        ("#MRLT", "terms of payment (#MRLT): read where the third party names no model"),
        ("#MHIT", "reminders (#MHIT): not read"),
        ("#MFRT", "routing codes of invoices (#MFRT): not read"),
        ("#MECG", "accounting entries (#MECG): not read; the FEC has them"),
    ];
    told.into_iter()
        .filter_map(|(flag, what)| {
            let count = blocks.iter().filter(|block| block.flag == flag).count();
            (count > 0).then(|| format!("{count} {what}"))
        })
        .collect()
}

/// Where a value stands, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A field of [`THIRD_PARTY`], by its position there, or an unnamed one.
    Own(usize),
    Active,
    Owner,
    /// Which contact, from 1, and position in [`CONTACT`].
    Contact(usize, usize),
    Delivery(usize, usize),
    Billing(usize, usize),
    Bank(usize, usize),
    /// Which free field, from 1; what the company calls them is not in the file.
    Free(usize),
}

impl Place {
    fn is_named(self) -> bool {
        match self {
            Place::Own(position) => named(position).is_some(),
            Place::Free(_) => false,
            _ => true,
        }
    }

    fn name(self) -> String {
        match self {
            Place::Own(position) => {
                named(position).map_or_else(|| format!("Champ {position}"), str::to_owned)
            }
            Place::Active => "Actif".into(),
            Place::Owner => "Collaborateur".into(),
            Place::Contact(nth, at) => format!("Contact {nth} {}", CONTACT[at].1),
            Place::Delivery(nth, at) => format!("Livraison {nth} {}", DELIVERY[at].1),
            Place::Billing(nth, at) => format!("Facturation {nth} {}", DELIVERY[at].1),
            Place::Bank(nth, at) => format!("Banque {nth} {}", BANK[at].1),
            Place::Free(nth) => format!("Champ libre {nth}"),
        }
    }
}

fn named(position: usize) -> Option<&'static str> {
    THIRD_PARTY.iter().find(|(at, _)| *at == position).map(|(_, name)| *name)
}

impl<'a> Party<'a> {
    fn adopt(&mut self, block: &'a Block<'a>) {
        match block.flag {
            "#MCTT" => self.contacts.push(block),
            "#MCDL" => self.deliveries.push(block),
            "#MBQT" => self.banks.push(block),
            "#MRLT" => self.payments.push(block),
            "#MIVA" => self.free.extend(&block.fields),
            // The others are counted among what is ignored.
            _ => {}
        }
    }

    /// The filled values.
    fn values(&self) -> BTreeMap<Place, String> {
        let mut values: BTreeMap<Place, String> = BTreeMap::new();
        let mut put = |place: Place, value: String| {
            if !value.is_empty() {
                values.insert(place, value);
            }
        };
        for position in 1..=FIXED_FIELDS.min(self.block.fields.len()) {
            let value = self.block.field(position);
            match position {
                TYPE | OWNER_LAST_NAME | OWNER_FIRST_NAME => {}
                _ if BANK_FIELDS.contains(&position) => {}
                // Most pay for themselves, and Sage writes their own code.
                PAYER if value == self.block.field(1) => {}
                ASLEEP => put(Place::Active, active(value).into()),
                PAYMENT_MODEL if value.is_empty() => put(Place::Own(position), self.terms()),
                _ if DATES.contains(&position) => put(Place::Own(position), date(value)),
                _ if is_zero(value) && named(position).is_some() => {}
                _ => put(Place::Own(position), value.to_owned()),
            }
        }
        let owner =
            [self.block.field(OWNER_FIRST_NAME), self.block.field(OWNER_LAST_NAME)].join(" ");
        put(Place::Owner, owner.trim().to_owned());
        for (nth, contact) in self.contacts.iter().enumerate() {
            for (at, (position, name)) in CONTACT.iter().enumerate() {
                let value = contact.field(*position);
                let value = if *name == "Civilité" { civility(value) } else { value };
                put(Place::Contact(nth + 1, at), value.to_owned());
            }
        }
        for (nth, delivery) in self.deliveries.iter().enumerate() {
            let bills_too = delivery.field(DELIVERY_IS_BILLING) == "1";
            let place = if bills_too { Place::Billing } else { Place::Delivery };
            for (at, (position, _)) in DELIVERY.iter().enumerate() {
                put(place(nth + 1, at), delivery.field(*position).to_owned());
            }
        }
        for (nth, bank) in self.banks.iter().enumerate() {
            for (at, (position, _)) in BANK.iter().enumerate() {
                put(Place::Bank(nth + 1, at), bank.field(*position).to_owned());
            }
        }
        for (at, value) in self.free.iter().enumerate() {
            put(Place::Free(at + 1), value.trim().to_owned());
        }
        values
    }

    /// The terms of the first payment: `30 jours fin de mois`.
    fn terms(&self) -> String {
        let Some(payment) = self.payments.first() else { return String::new() };
        let (days, condition) = (payment.field(3), payment.field(2));
        let condition = match condition {
            "0" => "net",
            "1" => "fin de mois civil",
            "2" => "fin de mois",
            _ => return String::new(),
        };
        match days.parse::<u16>() {
            Ok(0) => "comptant".into(),
            Ok(days) => format!("{days} jours {condition}"),
            Err(_) => String::new(),
        }
    }
}

fn active(asleep: &str) -> &'static str {
    match asleep {
        "0" => "Oui",
        "1" => "Non",
        _ => "",
    }
}

fn civility(code: &str) -> &str {
    match code {
        "0" => "M.",
        "1" => "Mme",
        "2" => "Mlle",
        other => other,
    }
}

/// The ISO date of `JJMMAA`, else the text as it is. The years 50 to 99 are of the last century: Sage
/// 100 does not know companies older than itself by much.
fn date(text: &str) -> String {
    let number = |at: usize| text.get(at..at + 2).and_then(|part| part.parse::<u16>().ok());
    let plain = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    if let (true, Some(day), Some(month), Some(year)) = (plain, number(0), number(2), number(4))
        && (1..=31).contains(&day)
        && (1..=12).contains(&month)
    {
        let century = if year >= 50 { 1900 } else { 2000 };
        return format!("{:04}-{month:02}-{day:02}", century + year);
    }
    text.to_owned()
}

/// `0`, `0,00`, `0,0000`: what Sage writes for no value.
fn is_zero(text: &str) -> bool {
    text.starts_with('0') && text.bytes().all(|b| matches!(b, b'0' | b',' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::told_rows, *};

    /// A third party: fields by position, the others empty.
    fn party(fields: &[(usize, &str)]) -> String {
        block("#MPCT", 134, fields)
    }

    fn block(flag: &str, lines: usize, fields: &[(usize, &str)]) -> String {
        let mut all = vec![""; lines];
        for (at, value) in fields {
            all[at - 1] = value;
        }
        format!("{flag}\r\n{}\r\n", all.join("\r\n"))
    }

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let decoded = Decoded { text: text.into(), encoding: "IBM850".into(), remarks: Vec::new() };
        let table = table(decoded).expect("it has third parties");
        let remarks = table.format.remarks.clone();
        (told_rows(table), remarks)
    }

    #[test]
    fn blocks_are_cut_at_flags_whatever_their_length() {
        let text = [
            "#FLG 000\r\n#VER 31\r\n#DEV EUR\r\n".to_owned(),
            party(&[
                (1, "A"),
                (2, "Alpha"),
                (3, "0"),
                (29, "#URGENT"),
                (35, "0,0000"),
                (52, "310199"),
            ]),
            "4040000\r\n".to_owned(),
            block("#MRLT", 11, &[(2, "2"), (3, "30")]),
            block("#MCTT", 13, &[(1, "Roy"), (2, "Zoé"), (9, "1")]),
            party(&[(1, "F"), (2, "Fournisseur"), (3, "1")]),
            block("#MCTT", 13, &[(1, "Nobody")]),
            party(&[
                (1, "B"),
                (2, "Beta"),
                (3, "0"),
                (32, "A"),
                (50, "1"),
                (87, "Moreau"),
                (88, "Inès"),
            ]),
            block("#MCDL", 17, &[(1, "Dépôt"), (5, "Lyon")]),
            block("#MCDL", 17, &[(1, "Siège"), (5, "Paris"), (17, "1")]),
            block("#MBQT", 21, &[(17, "FR76")]),
            "#FIN\r\n".to_owned(),
        ]
        .concat();
        let (rows, remarks) = read(&text);
        assert_eq!(
            rows,
            [
                "1: header",
                "2: header",
                "3: header",
                "4: Code tiers=A, Intitulé=Alpha, Commentaire=#URGENT, Date de création=1999-01-31, \
                 Modèle de règlement=30 jours fin de mois, Contact 1 Civilité=Mme, Contact 1 Nom=Roy, Contact 1 Prénom=Zoé",
                "166: supplier",
                "301: other_ledger",
                "315: Code tiers=B, Intitulé=Beta, Tiers payeur=A, Actif=Non, Collaborateur=Inès Moreau, \
                 Livraison 1 Intitulé=Dépôt, Livraison 1 Ville=Lyon, Facturation 2 Intitulé=Siège, \
                 Facturation 2 Ville=Paris, Banque 1 IBAN=FR76",
                "508: structure",
            ]
        );
        assert_eq!(remarks.len(), 2, "{remarks:?}");
    }

    #[test]
    fn free_fields_are_columns_of_their_own() {
        let customer = |code: &str| party(&[(1, code), (2, "Nom"), (3, "0")]);
        let text = [
            customer("A"),
            "#MIVA\r\nNe plus relancer\r\n0,00\r\n".to_owned(),
            "#MIVA\r\nSalon 2019\r\n".to_owned(),
            customer("B"),
            "#MIVA\r\n\r\n0,00\r\n".to_owned(),
            party(&[(1, "F"), (2, "Fournisseur"), (3, "1")]),
            "#MIVA\r\nnobody's\r\n#FIN\r\n".to_owned(),
        ]
        .concat();
        let (rows, _) = read(&text);
        let customers: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.split_once(": Code tiers="))
            .map(|row| row.1)
            .collect();
        assert_eq!(
            customers,
            [
                "A, Intitulé=Nom, Champ libre 1=Ne plus relancer, Champ libre 3=Salon 2019",
                "B, Intitulé=Nom",
            ]
        );
    }

    #[test]
    fn a_third_party_that_was_cut_is_a_reject_and_a_file_without_end_is_told() {
        let (rows, remarks) = read("#FLG 000\n#MPCT\nA\nAlpha\n0\n");
        assert_eq!(rows, ["1: header", "2: bad ragged_row"]);
        assert!(remarks[0].contains("#FIN"), "{remarks:?}");
    }

    #[test]
    fn a_file_without_third_parties_is_refused_with_what_to_export() {
        let decoded = Decoded {
            text: "#FLG 000\n#VER 31\n#MECG\n1\n#FIN\n".into(),
            encoding: String::new(),
            remarks: Vec::new(),
        };
        assert!(table(decoded).err().is_some_and(|refusal| refusal.hint.contains("plan tiers")));
    }
}
