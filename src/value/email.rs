//! Email addresses.

use std::{borrow::Cow, sync::LazyLock};

use serde::Deserialize;

use super::{
    Certainty, Invalid, Issue,
    dictionary::{self, HashMap, HashSet, Words},
    text,
};

/// The addresses of one cell, in canonical form; what is no address is an [`Invalid`].
///
/// Reads `Name <a@b.fr>`, `mailto:a@b.fr`, and several addresses separated by `;`, `,`, `/`, blanks or
/// ` ::: `. A domain in other letters than ASCII gets its registered form (`xn--...`). Nothing is repaired: a wrong
/// letter would send someone's mail to someone else.
pub fn normalize(cell: &str) -> Vec<Result<String, Invalid>> {
    if is_plain(cell) {
        return vec![Ok(cell.to_owned())];
    }
    all(cell)
}

/// The fast path: most addresses of a file are in their canonical form already, and nothing stands beside them.
pub(crate) fn is_plain(cell: &str) -> bool {
    cell.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'@'))
        && is_valid(cell)
        // Of the names of directories only this has no other letters.
        && !cell.starts_with("imceaex-")
}

fn all(cell: &str) -> Vec<Result<String, Invalid>> {
    let cleaned = text::clean(cell);
    if cleaned.is_empty() {
        return Vec::new();
    }
    if is_directory_name(&cleaned) {
        return vec![Err(Invalid::new(
            "x500_address",
            "it is an address of the mail server's own directory, not an Internet address",
            "look the address up in the company's directory",
        ))];
    }
    if let Ok(address) = one(&cleaned) {
        return vec![Ok(address)];
    }
    let mut found: Vec<Result<String, Invalid>> = Vec::new();
    for piece in pieces(&cleaned) {
        let read = one(piece);
        if !found.contains(&read) {
            found.push(read);
        }
    }
    // A broken address is reported once, with the whole cell as what was read.
    if found.iter().all(Result::is_err) {
        found = vec![Err(bad(&cleaned))];
    }
    found
}

/// Whether a mail server's directory has such names: `/o=Dupont/ou=...` (X.500), also within an
/// Internet address (`IMCEAEX-_O=...@dupont.fr`), or `c=FR;a= ;p=Dupont;s=Martin` (X.400).
fn is_directory_name(cleaned: &str) -> bool {
    let lower = cleaned.to_ascii_lowercase();
    let bare = lower.strip_prefix("ex:").unwrap_or(&lower).trim_start();
    let x400 = bare.strip_prefix("x400:").unwrap_or(bare);
    bare.starts_with("/o=")
        || bare.starts_with("/cn=")
        || bare.starts_with("imceaex-")
        || x400.starts_with("c=") && x400.contains(";a=")
}

/// The parts of a cell that hold an `@`: those in angle brackets, and what stands outside of them and is an
/// address. A name before the brackets may hold an `@` too.
fn pieces(cell: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = cell;
    while let Some((before, inside, after)) = bracketed(rest) {
        pieces.extend(words(before).filter(|word| one(word).is_ok()));
        pieces.push(inside);
        rest = after;
    }
    let whole = pieces.is_empty();
    pieces.extend(words(rest).filter(|word| whole || one(word).is_ok()));
    pieces
}

/// What stands before, in and after the first angle brackets that hold an `@`.
fn bracketed(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find('<')?;
    let close = open + text[open..].find('>')?;
    let inside = &text[open + 1..close];
    inside.contains('@').then(|| (&text[..open], inside, &text[close + 1..]))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ';', ',', '/', '|']).filter(|piece| piece.contains('@'))
}

fn one(piece: &str) -> Result<String, Invalid> {
    if let Some(address) = with_quoted_mailbox(piece) {
        return Ok(address);
    }
    let mut address = piece.to_lowercase();
    loop {
        let stripped = address
            .trim_matches(|c: char| c.is_whitespace() || "<>()[]\"';,:".contains(c))
            .trim_end_matches('.');
        let stripped = ["mailto:", "smtp:", "email:", "e-mail:", "mail:"]
            .iter()
            .find_map(|prefix| stripped.strip_prefix(prefix))
            .unwrap_or(stripped);
        if stripped.len() == address.len() {
            break;
        }
        address = stripped.to_owned();
    }
    // `mailto:a@b.fr?subject=Devis`
    if let Some((before, _)) = address.split_once('?').filter(|(before, _)| before.contains('@')) {
        address = before.to_owned();
    }
    let (mailbox, domain) = address.rsplit_once('@').ok_or_else(|| bad(piece))?;
    let address = match registered(domain) {
        Some(domain) => format!("{mailbox}@{domain}"),
        None => return Err(bad(piece)),
    };
    if is_valid(&address) { Ok(address) } else { Err(bad(piece)) }
}

/// The domain in the letters it is registered in.
fn registered(domain: &str) -> Option<Cow<'_, str>> {
    if domain.is_ascii() {
        return Some(Cow::Borrowed(domain));
    }
    let plain = domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '\u{b7}'));
    let ascii = plain.then(|| idna::domain_to_ascii_strict(domain).ok())??;
    Some(Cow::Owned(ascii))
}

/// An address whose mailbox stands in quotes, as RFC 5321 allows: `"anne martin"@b.fr`. The quotes go where they
/// are not needed.
fn with_quoted_mailbox(piece: &str) -> Option<String> {
    let (quoted, domain) = piece.trim().strip_prefix('"')?.rsplit_once("\"@")?;
    let mut mailbox = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' {
            chars.next()?
        } else if c == '"' {
            return None;
        } else {
            c
        };
        if !(' '..='~').contains(&c) {
            return None;
        }
        mailbox.push(c.to_ascii_lowercase());
    }
    let domain = registered(&domain.to_lowercase())?.into_owned();
    let plain = format!("{mailbox}@{domain}");
    if !mailbox.contains('@') && is_valid(&plain) {
        return Some(plain);
    }
    let fits = !mailbox.is_empty()
        && mailbox.len() <= MAILBOX_LENGTH - 2
        && is_valid(&format!("a@{domain}"));
    let escaped = mailbox.replace('\\', "\\\\").replace('"', "\\\"");
    fits.then(|| format!("\"{escaped}\"@{domain}"))
}

/// The most characters of a mailbox, of a domain, and of a whole address (RFC 5321).
const MAILBOX_LENGTH: usize = 64;
const DOMAIN_LENGTH: usize = 253;
const ADDRESS_LENGTH: usize = 254;

/// Whether a lower-case address has the syntax of those in use: dot-atoms, no commented parts, a domain with
/// a dot that ends in letters.
fn is_valid(address: &str) -> bool {
    let Some(at) = memchr::memchr(b'@', address.as_bytes()) else { return false };
    let (mailbox, domain) = (&address[..at], &address[at + 1..]);
    let dotted = |part: &str| part.as_bytes().split(|&b| b == b'.').all(|piece| !piece.is_empty());
    let mailbox_fits = mailbox.len() <= MAILBOX_LENGTH
        && dotted(mailbox)
        && mailbox
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&b));
    let label_fits = |label: &[u8]| {
        (1..=63).contains(&label.len())
            && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    let top_fits =
        top.len() >= 2 && (top.bytes().all(|b| b.is_ascii_alphabetic()) || top.starts_with("xn--"));
    mailbox_fits
        && address.len() <= ADDRESS_LENGTH
        && domain.len() <= DOMAIN_LENGTH
        && domain.len() > top.len()
        && domain.as_bytes().split(|&b| b == b'.').all(label_fits)
        && top_fits
}

fn bad(piece: &str) -> Invalid {
    let lower = piece.to_lowercase();
    let glued: String = lower.split_whitespace().collect();
    let repaired = [
        glued.clone(),
        glued.replace(',', "."),
        glued.replace("(at)", "@").replace("[at]", "@"),
        super::text::fold(
            &glued
                .replace('@', "9at9")
                .replace('.', "9dot9")
                .replace('-', "9dash9")
                .replace('_', "9under9"),
        )
        .replace("9at9", "@")
        .replace("9dot9", ".")
        .replace("9dash9", "-")
        .replace("9under9", "_"),
    ];
    let message = match lower.matches('@').count() {
        0 => "there is no `@` in it",
        1 if lower.ends_with(']') && lower.contains("@[") => {
            "its domain is the number of a machine, not a name"
        }
        1 if lower.contains(char::is_whitespace) => "there is a blank in it",
        1 if !lower.is_ascii() => "there is an accented letter in it",
        1 => "it is not written as an address is",
        _ => "there is more than one `@` in it",
    };
    let valid = repaired.iter().find(|address| is_valid(address)).cloned();
    let suggestion = valid.or_else(|| with_great_domain(&glued)).map_or_else(
        || "ask for the address again".to_owned(),
        |address| format!("perhaps `{address}`"),
    );
    Invalid::new("bad_email", message, suggestion)
}

/// The address at the well-known provider that is meant, whose domain lacks its end or its point: `a@gmail`.
fn with_great_domain(address: &str) -> Option<String> {
    let (mailbox, domain) = address.split_once('@')?;
    let is_meant = |great: &&String| {
        great.strip_prefix(domain).is_some_and(|rest| rest.starts_with('.'))
            || domain.len() + 1 == great.len() && great.replacen('.', "", 1) == domain
    };
    let great = PROVIDERS.great.iter().find(is_meant)?;
    let address = format!("{mailbox}@{great}");
    is_valid(&address).then_some(address)
}

/// What a steward should know of a canonical address: that it is a role's, is thrown away soon, or that its
/// domain may be a slip.
pub fn issues(email: &str) -> Vec<Issue> {
    let mut issues = Vec::new();
    if let Some(meant) = suspected_domain(email) {
        issues.push(Issue {
            code: "suspected_domain",
            message: "its domain looks like a slip of a well-known one",
            certainty: Certainty::Doubtful,
            suggestion: format!(
                "perhaps `{}@{meant}`",
                email.rsplit_once('@').map_or("", |(mailbox, _)| mailbox)
            ),
        });
    } else if is_disposable(email) {
        // Whoever gives away mailboxes under a slip of `gmail.com` gets the mail of those who slip.
        issues.push(Issue::known("disposable_mailbox", "its mailbox lives for minutes only"));
    }
    if is_role_mailbox(email) {
        issues.push(Issue::known("role_mailbox", "it is a role's mailbox, not a person's"));
    }
    issues
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleWords {
    first: Words,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Freemail {
    families: Words,
    domains: Words,
    great: Words,
    slips: HashMap<String, String>,
    top_slips: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disposable {
    domains: Words,
}

static DISPOSABLE: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let list: Disposable =
        dictionary::read(include_str!("../../mappings/dictionaries/disposable.toml"));
    list.domains.to_set()
});

static ROLES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words: RoleWords =
        dictionary::read(include_str!("../../mappings/dictionaries/role_mailboxes.toml"));
    words.first.to_set()
});

struct Providers {
    families: HashSet<String>,
    domains: HashSet<String>,
    great: Vec<String>,
    slips: HashMap<String, String>,
    top_slips: HashMap<String, String>,
}

static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| {
    let lists: Freemail =
        dictionary::read(include_str!("../../mappings/dictionaries/freemail.toml"));
    Providers {
        families: lists.families.to_set(),
        domains: lists.domains.to_set(),
        great: lists.great.to_vec(),
        slips: lists.slips,
        top_slips: lists.top_slips,
    }
});

/// Whether the mailbox is a role's (`contact@`, `accueil.lyon@`...), not a person's.
pub fn is_role_mailbox(email: &str) -> bool {
    let mailbox = mailbox(email);
    let first = mailbox
        .split(['.', '-', '_'])
        .next()
        .unwrap_or_default()
        .trim_end_matches(|c: char| c.is_ascii_digit());
    let whole = || mailbox.chars().filter(char::is_ascii_alphabetic).collect::<String>();
    let is_one_word = mailbox.bytes().all(|b| b.is_ascii_alphabetic());
    ROLES.contains(first) || !is_one_word && ROLES.contains(&whole())
}

/// What stands before the `@`, without a `+tag`.
pub fn mailbox(email: &str) -> &str {
    let local = email.split('@').next().unwrap_or_default();
    local.split('+').next().unwrap_or(local)
}

/// What stands after the `@`, or an empty text.
pub fn domain(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Whether the address is at a provider of private mailboxes (`gmail.com`, `orange.fr`...).
pub fn is_freemail(email: &str) -> bool {
    is_freemail_domain(domain(email))
}

fn is_freemail_domain(domain: &str) -> bool {
    let (family, rest) = domain.split_once('.').unwrap_or((domain, ""));
    // `live.fr`, `yahoo.co.uk`, but not `mail.dupont.fr`.
    let bare = rest.len() <= 3
        || matches!(rest, "co.uk" | "com.br" | "co.jp" | "com.ar" | "com.mx" | "com.au" | "co.in");
    PROVIDERS.domains.contains(domain) || bare && PROVIDERS.families.contains(family)
}

/// Whether the address is at a provider of mailboxes that live for minutes.
pub fn is_disposable(email: &str) -> bool {
    let domain = domain(email);
    let parent = domain.split_once('.').map_or("", |(_, parent)| parent);
    DISPOSABLE.contains(domain) || DISPOSABLE.contains(parent)
}

/// The domain that the address's may be a slip of: `gmial.com` for `gmail.com`, `dupont.con` for
/// `dupont.com`. It is for people to look at, never to be put in its place.
pub fn suspected_domain(email: &str) -> Option<String> {
    let domain = domain(email);
    if let Some(meant) = PROVIDERS.slips.get(domain) {
        return Some(meant.clone());
    }
    if domain.len() < 6 || is_freemail_domain(domain) {
        return None;
    }
    let near = |great: &&String| {
        may_be_one_slip_apart(great, domain) && strsim::osa_distance(great, domain) == 1
    };
    if let Some(great) = PROVIDERS.great.iter().filter(|great| great.len() >= 7).find(near) {
        return Some(great.clone());
    }
    let (name, top) = domain.rsplit_once('.')?;
    PROVIDERS.top_slips.get(top).map(|meant| format!("{name}.{meant}"))
}

/// Whether what two domains have in common at both ends leaves room for one slip and no more: cheap, and true
/// of all that one slip takes from one to the other.
fn may_be_one_slip_apart(a: &str, b: &str) -> bool {
    // Two letters in each other's place.
    const LONGEST_SLIP: usize = 2;
    let longer = a.len().max(b.len());
    let common = || {
        let starts = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
        let ends = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
        starts + ends
    };
    a.len().abs_diff(b.len()) <= 1
        && (!a.is_ascii() || !b.is_ascii() || common() + LONGEST_SLIP >= longer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(cell: &str) -> String {
        let shown =
            normalize(cell).into_iter().map(|r| r.unwrap_or_else(|bad| format!("!{}", bad.code)));
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_address_is_found_in_what_people_write_around_it() {
        for cell in [
            "A.B@C.fr",
            " a.b@c.fr ",
            "<a.b@c.fr>",
            "mailto:a.b@c.fr",
            "a.b@c.fr.",
            "a.b@c.fr,",
            "Anne <a.b@c.fr>",
            "'a.b@c.fr'",
            "SMTP:a.b@c.fr",
            "a.b@c.fr (perso)",
            "mailto:a.b@c.fr?subject=x",
            "\"B, Anne\" <a.b@c.fr>",
        ] {
            assert_eq!(read(cell), "a.b@c.fr", "{cell}");
        }
    }

    #[test]
    fn several_addresses_in_a_cell_are_read() {
        for cell in [
            "a@b.fr;c@d.fr",
            "a@b.fr / c@d.fr",
            "a@b.fr c@d.fr",
            "a@b.fr ::: c@d.fr",
            "a@b.fr\nc@d.fr",
            "a@b.fr, C@D.fr, a@b.fr",
        ] {
            assert_eq!(read(cell), "a@b.fr c@d.fr", "{cell}");
        }
        assert_eq!(read("a@b.fr; c@d"), "a@b.fr !bad_email");
    }

    #[test]
    fn what_is_no_address_is_said_with_what_it_may_be() {
        assert_eq!(read("/o=ExchangeLabs/ou=Exchange/cn=Recipients/cn=abc"), "!x500_address");
        for cell in [
            "jean dupont",
            "a @b.fr",
            "hélène@b.fr",
            "a@b",
            "a@@b.fr",
            "a@b,com",
            ".a@b.fr",
            "a..b@c.fr",
            "a(at)b.fr",
            "a@-b.fr",
        ] {
            assert_eq!(read(cell), "!bad_email", "{cell}");
        }
        let suggestion = |cell| match normalize(cell).remove(0) {
            Err(invalid) => invalid.suggestion,
            Ok(address) => address,
        };
        assert_eq!(suggestion("a @b.fr"), "perhaps `a@b.fr`");
        assert_eq!(suggestion("a@b,com"), "perhaps `a@b.com`");
        assert_eq!(suggestion("hélène@b.fr"), "perhaps `helene@b.fr`");
    }

    #[test]
    fn role_mailboxes_and_private_providers_are_known() {
        for email in [
            "contact@a.fr",
            "info+pub@a.fr",
            "accueil.lyon@a.fr",
            "service-client@a.fr",
            "compta2@a.fr",
        ] {
            assert!(is_role_mailbox(email), "{email}");
        }
        assert!(!is_role_mailbox("jean.dupont@a.fr") && !is_role_mailbox("rose.accueil@a.fr"));
        assert!(
            is_freemail("a@gmail.com")
                && is_freemail("a@yahoo.co.uk")
                && is_freemail("a@orange.fr")
        );
        assert!(!is_freemail("a@mail.dupont.fr") && !is_freemail("a@live-event.fr"));
    }

    #[test]
    fn a_slip_in_a_great_domain_is_suspected() {
        let codes: Vec<_> = issues("a@gmial.com").iter().map(|issue| issue.code).collect();
        assert_eq!(codes, ["suspected_domain"]);
        assert_eq!(suspected_domain("a@gmial.com"), Some("gmail.com".to_owned()));
        assert_eq!(suspected_domain("a@outlok.fr"), Some("outlook.fr".to_owned()));
        assert_eq!(suspected_domain("a@gmail.com"), None);
        assert_eq!(suspected_domain("a@dupont.fr"), None);
    }

    proptest! {
        #[test]
        fn plain_addresses_are_their_own_canonical_form(
            cell in "[a-z0-9._-]{0,12}@[a-z0-9.-]{0,12}\\.[a-z]{1,4}|imceaex-[a-z]{1,4}@b\\.fr|[a-z@. ]{1,12}",
        ) {
            prop_assert_eq!(normalize(&cell), all(&cell));
        }

        #[test]
        fn an_address_normalized_twice_is_the_same(cell in "[a-zA-Z0-9é.+_@ ,;<>/:()-]{0,40}|[a-z.]{1,6}@[a-z-]{1,5}\\.[a-z]{2,3}") {
            for address in normalize(&cell).into_iter().flatten() {
                prop_assert_eq!(normalize(&address), vec![Ok(address)]);
            }
        }
    }
}
