//! Email addresses and phone numbers.

use super::{Comparison, Level, MISSING, Outcome, Shared, at, level, same};
use crate::{
    score::{values::Values, words::Words},
    value::email,
};

/// Email addresses: any of one record with any of the other.
pub(crate) struct Emails {
    shared: Shared,
    values: Values,
    /// Of each code what its address is made of.
    parts: Vec<Parts>,
    locals: Words,
    hosts: Words,
    /// Whether the family of a record is a household, not a group of companies.
    household: bool,
}

/// An email address, taken apart.
struct Parts {
    local: u32,
    host: u32,
    /// The mailbox of a function: `info`.
    is_role: bool,
    is_freemail: bool,
    /// Whether the local part is made of its holder's name, so that a homonym has it too.
    is_from_name: bool,
}

impl Emails {
    /// `from_name` tells of each code whether the local part is made of its holder's name.
    pub(crate) fn new(
        shared: Shared,
        values: Values,
        from_name: &[bool],
        household: bool,
    ) -> Emails {
        fn split(text: &str) -> (&str, &str) {
            text.split_once('@').unwrap_or((text, ""))
        }
        let (locals, local_of) = Words::numbered(values.texts().iter().map(|text| split(text).0));
        let (hosts, host_of) = Words::numbered(values.texts().iter().map(|text| split(text).1));
        let parts = values.texts().iter().enumerate().map(|(code, text)| Parts {
            local: local_of[code],
            host: host_of[code],
            is_role: email::is_role_mailbox(text),
            is_freemail: email::is_freemail(text),
            is_from_name: from_name[code],
        });
        Emails { shared, parts: parts.collect(), values, locals, hosts, household }
    }
}

const EMAIL_LEVELS: &[Level] = &[
    level("same address", 0.60, 0.0005),
    level("same shared mailbox", 0.02, 0.001),
    level("same local part, other host", 0.04, 0.001),
    level("one slip apart", 0.06, 0.0005),
    level("same host of a company", 0.08, 0.01),
    level("different", 0.20, 0.987),
];

impl Comparison for Emails {
    fn name(&self) -> &str {
        "email"
    }

    fn levels(&self) -> &'static [Level] {
        EMAIL_LEVELS
    }

    /// Colleagues and group companies have the host in common, rarely an address; some couples have one
    /// address for both.
    fn related(&self, relation: &str) -> Vec<f64> {
        if self.household && relation == "family" {
            return vec![0.15, 0.01, 0.01, 0.02, 0.03, 0.78];
        }
        vec![0.01, 0.10, 0.01, 0.01, 0.55, 0.32]
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        let (mine, yours) = (self.values.of(a), self.values.of(b));
        if mine.is_empty() || yours.is_empty() {
            return MISSING;
        }
        if let Some(code) = self.values.shared(a, b) {
            let level = if self.parts[code as usize].is_role { 2 } else { 1 };
            return Outcome { level, rarity_bits: self.values.rarity_bits(code) };
        }
        let mut best = MISSING;
        for &x in mine {
            for &y in yours {
                let found = self.compare_two(x, y);
                if best.level == 0 || (found.level != 0 && found.level < best.level) {
                    best = found;
                }
            }
        }
        best
    }
}

impl Emails {
    fn compare_two(&self, x: u32, y: u32) -> Outcome {
        let (of_x, of_y) = (&self.parts[x as usize], &self.parts[y as usize]);
        let local = self.locals.get(of_x.local);
        let same_host = of_x.host == of_y.host;
        if of_x.local == of_y.local && !same_host {
            if self.hosts.get(of_x.host).one_slip(self.hosts.get(of_y.host)) {
                return at(4);
            }
            // Two addresses made of one name say no more than the name does.
            let named = of_x.is_from_name || of_y.is_from_name;
            let telling = !named && !of_x.is_role && local.text.len() >= 4;
            return if telling { at(3) } else { MISSING };
        }
        if same_host {
            if local.text.len() > 4 && local.one_slip(self.locals.get(of_y.local)) {
                return at(4);
            }
            if !of_x.is_freemail {
                return at(5);
            }
        }
        at(6)
    }
}

/// Phone numbers: any of one record with any of the other.
pub(crate) struct Phones {
    shared: Shared,
    values: Values,
    /// Of each code: whether it is a mobile number, which people rarely share.
    mobile: Vec<bool>,
    /// Of each code its digits.
    digits: Vec<Digits>,
}

/// The digits of a number, four bits each, and how many characters it has.
#[derive(Clone, Copy, PartialEq)]
struct Digits {
    packed: u64,
    length: u8,
}

impl Digits {
    /// A plus sign counts as a digit of its own, and so do all other characters together.
    fn of(number: &str) -> Digits {
        let mut packed = 0;
        for byte in number.bytes() {
            packed = packed << 4
                | u64::from(match byte {
                    b'0'..=b'9' => byte - b'0',
                    b'+' => 10,
                    _ => 11,
                });
        }
        Digits { packed, length: number.len().min(255) as u8 }
    }

    /// Whether two numbers of one length differ in one digit, or in two neighbours that changed places.
    fn one_apart(self, other: Digits) -> bool {
        if self.length != other.length || !(7..=16).contains(&self.length) {
            return false;
        }
        let differ = self.packed ^ other.packed;
        let lowest = differ.trailing_zeros() / 4 * 4;
        match differ >> lowest {
            0 => false,
            1..=0xf => true,
            pair @ 0x10..=0xff if pair >> 4 == pair & 0xf => {
                let neighbours =
                    |number: u64| [number >> lowest & 0xf, number >> (lowest + 4) & 0xf];
                let ([p, q], [r, s]) = (neighbours(self.packed), neighbours(other.packed));
                p == s && q == r
            }
            _ => false,
        }
    }
}

impl Phones {
    /// `mobile` tells of each code whether it is a mobile number.
    pub(crate) fn new(shared: Shared, values: Values, mobile: Vec<bool>) -> Phones {
        let digits = values.texts().iter().map(Digits::of).collect();
        Phones { shared, values, mobile, digits }
    }
}

const PHONE_LEVELS: &[Level] = &[
    level("same mobile number", 0.35, 0.0005),
    level("same number", 0.30, 0.001),
    level("one digit apart", 0.03, 0.001),
    level("different", 0.32, 0.9975),
];

impl Comparison for Phones {
    fn name(&self) -> &str {
        "phone"
    }

    fn levels(&self) -> &'static [Level] {
        PHONE_LEVELS
    }

    /// Households and colleagues share a landline, rarely a mobile.
    fn related(&self, _relation: &str) -> Vec<f64> {
        vec![0.03, 0.50, 0.02, 0.45]
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        let (mine, yours) = (self.values.of(a), self.values.of(b));
        if mine.is_empty() || yours.is_empty() {
            return MISSING;
        }
        let is_mobile = |code: &&u32| self.mobile[**code as usize];
        let shared_mobile = mine.iter().filter(|code| yours.contains(code)).filter(is_mobile);
        let rarest = shared_mobile.min_by_key(|&&code| (self.values.count(code), code));
        if let Some(&code) = rarest {
            return same(&self.values, code);
        }
        if let Some(code) = self.values.shared(a, b) {
            return Outcome { level: 2, rarity_bits: self.values.rarity_bits(code) };
        }
        let digits = |code: &u32| self.digits[*code as usize];
        let near = mine.iter().any(|x| yours.iter().any(|y| digits(x).one_apart(digits(y))));
        at(if near { 3 } else { 4 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_may_be_wrong_or_two_neighbours_swapped() {
        let apart = |x, y| Digits::of(x).one_apart(Digits::of(y));
        assert!(apart("+33612345678", "+33612345679"));
        assert!(apart("+33612345678", "+33612354678"));
        assert!(!apart("+33612345678", "+33612345678"));
        assert!(!apart("+33612345678", "+33612355679"));
        assert!(!apart("+33612345678", "+33614325678"), "not neighbours");
        assert!(!apart("+33612345678", "+3361234567"), "a digit is missing");
        assert!(!apart("123456", "123457"), "too short to tell");
        assert!(apart("0033612345678901", "9033612345678901"));
    }
}
