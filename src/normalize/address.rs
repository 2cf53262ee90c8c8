//! The cells of a record's addresses, put together and read.
//!
//! Streets and towns repeat, house numbers do not: the two halves of a plain address are each read once for
//! all records. What is no plain address is read whole, once per chunk.

use std::{collections::HashMap, sync::Arc};

use hashbrown::DefaultHashBuilder;
use rayon::prelude::*;

use crate::{
    table::ValueIssue,
    value::{
        Issue,
        address::{self, Address, Parts, Plain},
        text,
    },
};

/// The cell of an address that an attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Address,
    Street,
    Street2,
    Street3,
    PoBox,
    Postcode,
    City,
    PostcodeCity,
    State,
    Country,
}

impl Slot {
    pub(super) fn of(attribute: &str) -> Slot {
        match attribute {
            "address" => Slot::Address,
            "street" => Slot::Street,
            "street_2" => Slot::Street2,
            "street_3" => Slot::Street3,
            "po_box" => Slot::PoBox,
            "postcode" => Slot::Postcode,
            "city" => Slot::City,
            "postcode_city" => Slot::PostcodeCity,
            "state" => Slot::State,
            _ => Slot::Country,
        }
    }

    fn cell<'s, 'a>(self, parts: &'s mut Parts<'a>) -> &'s mut &'a str {
        match self {
            Slot::Address => &mut parts.address,
            Slot::Street => &mut parts.street,
            Slot::Street2 => &mut parts.street_2,
            Slot::Street3 => &mut parts.street_3,
            Slot::PoBox => &mut parts.po_box,
            Slot::Postcode => &mut parts.postcode,
            Slot::City => &mut parts.city,
            Slot::PostcodeCity => &mut parts.postcode_city,
            Slot::State => &mut parts.state,
            Slot::Country => &mut parts.country,
        }
    }

    /// Whether what a cell of the slot said is in an address that holds `present`.
    pub(super) fn is_in(self, present: Present) -> bool {
        match self {
            Slot::Street | Slot::Street2 | Slot::Street3 | Slot::PoBox => present.street,
            Slot::Postcode => present.postcode,
            Slot::City => present.city,
            Slot::State => present.state,
            Slot::Country => present.country,
            Slot::Address | Slot::PostcodeCity => true,
        }
    }
}

/// Which parts an address has; a complement counts as a street.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Present {
    street: bool,
    postcode: bool,
    city: bool,
    state: bool,
    country: bool,
}

impl Present {
    fn of(address: &Address) -> Present {
        Present {
            street: !address.street.is_empty() || !address.complement.is_empty(),
            postcode: !address.postcode.is_empty(),
            city: !address.city.is_empty(),
            state: !address.state.is_empty(),
            country: !address.country.is_empty(),
        }
    }
}

/// The cells of one address of a record: those of one label.
pub(super) struct Group<'a> {
    label: u32,
    pub(super) parts: Parts<'a>,
    /// Of its first cell.
    pub(super) origin: u32,
}

/// Adds a cell to the first address of its label that has none of the kind yet.
pub(super) fn gather<'a>(
    groups: &mut Vec<Group<'a>>,
    slot: Slot,
    label: u32,
    cell: &'a str,
    origin: u32,
) {
    for group in groups.iter_mut().filter(|group| group.label == label) {
        let held = slot.cell(&mut group.parts);
        if held.is_empty() {
            *held = cell;
            return;
        }
    }
    let mut parts = Parts::default();
    *slot.cell(&mut parts) = cell;
    groups.push(Group { label, parts, origin });
}

/// What the cells of an address are together.
#[derive(Debug, Clone)]
pub(super) struct Located {
    /// Its length at the end of the text that it was written onto; 0 when there is no address.
    pub(super) len: usize,
    pub(super) present: Present,
    pub(super) bad_postcode: bool,
    /// What a steward should know of its postcode.
    pub(super) issue: Option<Arc<ValueIssue>>,
}

impl Located {
    fn of(
        parts: &Parts<'_>,
        present: Present,
        issue: Option<Arc<ValueIssue>>,
        len: usize,
    ) -> Located {
        let bad_postcode =
            !present.postcode && !text::is_postcode_placeholder(&text::clean(parts.postcode));
        Located { len, present, bad_postcode, issue }
    }
}

/// What a steward should know of a postcode that was read: that it stood in the town's cell, or that zeros at its
/// start were lost. Those of plain addresses have all their digits.
fn postcode_issue(parts: &Parts<'_>, postcode: &str) -> Option<Arc<ValueIssue>> {
    let written = text::clean(parts.postcode);
    if address::is_swapped(parts) {
        let issue = Issue::known("swapped_place", "postcode and town stood in each other's cell");
        return Some(Arc::new(ValueIssue { issue, raw: written, value: postcode.to_owned() }));
    }
    let written = written.as_str();
    let zeros = postcode.strip_suffix(written).filter(|zeros| !zeros.is_empty())?;
    let is_lost = !written.is_empty() && zeros.bytes().all(|b| b == b'0');
    is_lost.then(|| {
        let issue = Issue::likely("zero_restored", "the zero at its start was lost");
        let (raw, value) = (written.to_owned(), postcode.to_owned());
        Arc::new(ValueIssue { issue, raw, value })
    })
}

type Map<K, V> = HashMap<K, V, DefaultHashBuilder>;

/// The halves of plain addresses.
#[derive(Default)]
pub(super) struct Halves<'a> {
    streets: Map<&'a str, Option<Address>>,
    places: Map<(&'a str, &'a str), Option<Address>>,
}

/// The plain addresses that differ in their street, and those that differ in their place.
#[derive(Default)]
pub(super) struct Different<'a> {
    streets: Map<&'a str, Plain<'a>>,
    places: Map<(&'a str, &'a str), Plain<'a>>,
}

impl<'a> Different<'a> {
    pub(super) fn add(&mut self, parts: &Parts<'a>, country: &str) {
        if let Some(plain) = Plain::of(parts, country) {
            self.streets.entry(plain.street).or_insert(plain);
            self.places.entry((plain.postcode, plain.city)).or_insert(plain);
        }
    }

    /// These and those of `other`.
    pub(super) fn and(mut self, other: Different<'a>) -> Different<'a> {
        if self.streets.len() < other.streets.len() {
            return other.and(self);
        }
        self.streets.extend(other.streets);
        self.places.extend(other.places);
        self
    }

    /// Reads each once.
    pub(super) fn read(self) -> Halves<'a> {
        let streets = self.streets.into_par_iter();
        let places = self.places.into_par_iter();
        Halves {
            streets: streets.map(|(key, plain)| (key, plain.read_street())).collect(),
            places: places.map(|(key, plain)| (key, plain.read_place())).collect(),
        }
    }
}

/// Addresses that are not plain and were read before, each with the country that it is in when it names none.
pub(super) type Whole<'a> = Map<(Parts<'a>, &'a str), Read>;

/// An address that was read whole.
#[derive(Clone)]
pub(super) struct Read {
    encoded: String,
    present: Present,
    issue: Option<Arc<ValueIssue>>,
}

impl Read {
    fn of(parts: &Parts<'_>, country: &str) -> Read {
        let address = address::normalize(parts, country);
        Read {
            encoded: if address.is_empty() { String::new() } else { address.encode() },
            present: Present::of(&address),
            issue: postcode_issue(parts, &address.postcode),
        }
    }
}

impl<'a> Halves<'a> {
    /// Writes the address onto `text`; `country` is the one that it is in when it names none.
    pub(super) fn locate(
        &self,
        parts: &Parts<'a>,
        country: &'a str,
        whole: &mut Whole<'a>,
        text: &mut String,
    ) -> Located {
        let before = text.len();
        if let Some(present) = self.join(parts, country, text) {
            return Located::of(parts, present, None, text.len() - before);
        }
        let read =
            whole.entry((parts.clone(), country)).or_insert_with(|| Read::of(parts, country));
        text.push_str(&read.encoded);
        Located::of(parts, read.present, read.issue.clone(), read.encoded.len())
    }

    /// Writes a plain address of its two halves.
    fn join(&self, parts: &Parts<'a>, country: &str, text: &mut String) -> Option<Present> {
        let plain = Plain::of(parts, country)?;
        let street = self.streets.get(plain.street)?.as_ref()?;
        let place = self.places.get(&(plain.postcode, plain.city))?.as_ref()?;
        plain.encode(street, place, text);
        Some(Present { street: Present::of(street).street, ..Present::of(place) })
    }
}
