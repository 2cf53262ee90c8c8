//! Web addresses.

use super::{Invalid, text};

/// Host without `www.`, then the path if there is one.
pub fn normalize(text: &str) -> Result<String, Invalid> {
    let cleaned = text::clean(text);
    let invalid = |message: &str| Invalid::new("bad_url", message, "");
    if cleaned.contains('@') && !cleaned.contains('/') {
        return Err(invalid("it is an email address"));
    }
    let mut rest = cleaned.trim_matches(|c: char| "<>()[]\"',; ".contains(c));
    if let Some((scheme, after)) = rest.split_once("://") {
        if scheme.chars().all(|c| c.is_ascii_alphanumeric()) {
            rest = after;
        }
    } else if let Some(after) = rest.strip_prefix("http:").or_else(|| rest.strip_prefix("https:")) {
        rest = after.trim_start_matches('/');
    }
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    let mut host = host.to_lowercase();
    while let Some(bare) = host.strip_prefix("www.") {
        host = bare.to_owned();
    }
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let top = host.rsplit('.').next().unwrap_or_default();
    let fits = host.contains('.')
        && host.split('.').all(label)
        && top.len() >= 2
        && !top.bytes().any(|b| b.is_ascii_digit());
    if !fits {
        return Err(invalid("it is not the address of a website"));
    }
    if path.contains(' ') {
        return Err(invalid("there is a blank in it"));
    }
    Ok(format!("{host}{}", path.trim_end_matches(['/', '?', '#'])))
}

/// The host of a canonical URL.
pub fn host(url: &str) -> &str {
    url.split(['/', '?', '#']).next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_site_is_its_host_and_path() {
        for url in [
            "http://www.Dupont.fr/",
            "www.dupont.fr",
            "dupont.fr",
            "https://dupont.fr",
            "HTTP://DUPONT.FR",
            "<http://www.dupont.fr>",
        ] {
            assert_eq!(normalize(url).as_deref(), Ok("dupont.fr"), "{url}");
        }
        assert_eq!(normalize("www.facebook.com/Dupont/").as_deref(), Ok("facebook.com/Dupont"));
        assert_eq!(host("facebook.com/Dupont"), "facebook.com");
        for bad in ["contact@dupont.fr", "en construction", "dupont", "192.168.0.1"] {
            assert!(normalize(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_site_normalized_twice_is_the_same(url in "(https?://)?(www\\.){0,2}[a-zA-Z.-]{1,12}\\.[a-z]{2,3}(:80)?(/[a-zA-Z?#/.]{0,6})?") {
            if let Ok(once) = normalize(&url) {
                prop_assert_eq!(normalize(&once), Ok(once));
            }
        }
    }
}
