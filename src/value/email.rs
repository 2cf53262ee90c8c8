//! Email addresses.

use std::{collections::HashSet, sync::LazyLock};

use serde::Deserialize;

use super::{
    Invalid,
    dictionary::{self, Words},
    text,
};

/// The addresses of one cell, in canonical form; what is no address is an [`Invalid`].
///
/// Reads `Name <a@b.fr>`, `mailto:a@b.fr`, and several addresses separated by `;`, `,`, `/`, blanks or
/// ` ::: `. Nothing is repaired: a wrong letter would send someone's mail to someone else.
pub fn normalize(cell: &str) -> Vec<Result<String, Invalid>> {
    let cleaned = text::clean(cell);
    if cleaned.is_empty() {
        return Vec::new();
    }
    if let Ok(address) = one(&cleaned) {
        return vec![Ok(address)];
    }
    if text::fold(&cleaned).starts_with("o ") && cleaned.starts_with('/') {
        return vec![Err(Invalid::new(
            "x500_address",
            "it is an address of the mail server's own directory, not an Internet address",
            "look the address up in the company's directory",
        ))];
    }
    let mut found: Vec<Result<String, Invalid>> = Vec::new();
    for piece in pieces(&cleaned) {
        let read = one(piece);
        if !found.contains(&read) {
            found.push(read);
        }
    }
    if found.is_empty() {
        found.push(Err(bad(&cleaned)));
    }
    // A broken address is reported once, with the whole cell as what was read.
    if found.iter().all(Result::is_err) {
        found = vec![Err(bad(&cleaned))];
    }
    found
}

/// The parts of a cell that hold an `@`: those in angle brackets where there are any.
fn pieces(cell: &str) -> Vec<&str> {
    let bracketed: Vec<&str> = cell
        .split('<')
        .skip(1)
        .filter_map(|after| after.split('>').next())
        .filter(|inside| inside.contains('@'))
        .collect();
    if !bracketed.is_empty() {
        return bracketed;
    }
    cell.split([' ', ';', ',', '/', '|', '"']).filter(|piece| piece.contains('@')).collect()
}

fn one(piece: &str) -> Result<String, Invalid> {
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
    if is_valid(&address) { Ok(address) } else { Err(bad(piece)) }
}

/// Whether a lower-case address has the syntax of those in use: dot-atoms, no quoted or
/// commented parts, a domain of letters with a dot.
fn is_valid(address: &str) -> bool {
    let Some((mailbox, domain)) = address.split_once('@') else { return false };
    let dotted = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.contains("..")
    };
    let mailbox_fits = mailbox.len() <= 64
        && dotted(mailbox)
        && mailbox
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&b));
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    let top_fits =
        top.len() >= 2 && (top.bytes().all(|b| b.is_ascii_alphabetic()) || top.starts_with("xn--"));
    mailbox_fits
        && domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(label_fits)
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
        1 if lower.contains(char::is_whitespace) => "there is a blank in it",
        1 if !lower.is_ascii() => "there is an accented letter in it",
        1 => "it is not written as an address is",
        _ => "there is more than one `@` in it",
    };
    let suggestion = repaired.iter().find(|address| is_valid(address)).map_or_else(
        || "ask for the address again".to_owned(),
        |address| format!("perhaps `{address}`"),
    );
    Invalid::new("bad_email", message, suggestion)
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
}

static ROLES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words: RoleWords =
        dictionary::read(include_str!("../../mappings/dictionaries/role_mailboxes.toml"));
    words.first.to_set()
});

struct Providers {
    families: HashSet<String>,
    domains: HashSet<String>,
    great: Vec<String>,
}

static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| {
    let lists: Freemail =
        dictionary::read(include_str!("../../mappings/dictionaries/freemail.toml"));
    Providers {
        families: lists.families.to_set(),
        domains: lists.domains.to_set(),
        great: lists.great.to_vec(),
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
    let whole: String = mailbox.chars().filter(char::is_ascii_alphabetic).collect();
    ROLES.contains(first) || ROLES.contains(&whole)
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

/// The well-known domain that the address's may be a slip of: `gmial.com` for `gmail.com`. It is for
/// people to look at, never to be put in its place.
pub fn suspected_domain(email: &str) -> Option<&'static str> {
    let domain = domain(email);
    if domain.len() < 6 || is_freemail_domain(domain) {
        return None;
    }
    let near = |great: &&String| {
        great.len().abs_diff(domain.len()) <= 1 && strsim::osa_distance(great, domain) == 1
    };
    PROVIDERS.great.iter().filter(|great| great.len() >= 7).find(near).map(String::as_str)
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
        assert_eq!(suspected_domain("a@gmial.com"), Some("gmail.com"));
        assert_eq!(suspected_domain("a@outlok.fr"), Some("outlook.fr"));
        assert_eq!(suspected_domain("a@gmail.com"), None);
        assert_eq!(suspected_domain("a@dupont.fr"), None);
    }

    proptest! {
        #[test]
        fn an_address_normalized_twice_is_the_same(cell in "[a-zA-Z0-9é.+_@ ,;<>/:()-]{0,40}|[a-z.]{1,6}@[a-z-]{1,5}\\.[a-z]{2,3}") {
            for address in normalize(&cell).into_iter().flatten() {
                prop_assert_eq!(normalize(&address), vec![Ok(address)]);
            }
        }
    }
}
