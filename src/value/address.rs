//! Postal addresses.

const SEPARATOR: char = '\u{1f}';

/// One postal address, each part in canonical form, empty when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Number in the street with its suffix: `12 bis`.
    pub number: String,
    /// Street with its type spelled out: `rue de la Paix`.
    pub street: String,
    /// Building, floor, PO box (`BP 12`), zone (`ZI Nord`)...; several parts separated by `, `.
    pub complement: String,
    /// Postcode.
    pub postcode: String,
    /// City, without CEDEX.
    pub city: String,
    /// `CEDEX 9`, or empty.
    pub cedex: String,
    /// State or region, where the country needs one.
    pub state: String,
    /// ISO 3166-1 alpha-2, or empty when unknown.
    pub country: String,
}

/// The cells an address is read from, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the model's attributes")]
pub struct Parts<'a> {
    pub address: &'a str,
    pub street: &'a str,
    pub street_2: &'a str,
    pub street_3: &'a str,
    pub po_box: &'a str,
    pub postcode: &'a str,
    pub city: &'a str,
    pub postcode_city: &'a str,
    pub state: &'a str,
    pub country: &'a str,
}

impl Address {
    /// The canonical text: the fields in order, joined by U+001F.
    pub fn encode(&self) -> String {
        let fields = [
            &self.number, &self.street, &self.complement, &self.postcode, &self.city, &self.cedex,
            &self.state, &self.country,
        ];
        fields.map(String::as_str).join(&SEPARATOR.to_string())
    }

    /// Reads what [`Address::encode`] writes; missing fields are empty.
    pub fn decode(text: &str) -> Address {
        let mut fields = text.split(SEPARATOR).map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        Address {
            number: next(),
            street: next(),
            complement: next(),
            postcode: next(),
            city: next(),
            cedex: next(),
            state: next(),
            country: next(),
        }
    }

    /// Number and street on one line, as on an envelope.
    pub fn street_line(&self) -> String {
        [self.number.as_str(), self.street.as_str()].join(" ").trim().to_owned()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Address::default()
    }
}

/// One address from the cells of a row; `country` is the ISO code to assume where none is written.
pub fn normalize(parts: &Parts<'_>, country: &str) -> Address {
    let clean = super::text::clean;
    Address {
        street: clean(parts.street),
        postcode: clean(parts.postcode),
        city: clean(parts.city),
        country: country.to_owned(),
        ..Address::default()
    }
}
