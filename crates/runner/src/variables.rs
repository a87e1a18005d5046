//! Secrets as `${VAR}`: put in where a request is made, and taken out of what is written. Knows no file and no connection.

use metron_wire::is_secret_name;

use crate::class::ClassConfig;

/// A variable that is not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{name}` is not set")]
pub struct NotSet {
    /// Its name.
    pub name: String,
}

/// Where variables come from: the environment, or a test.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One part of a text.
enum Part<'a> {
    Plain(&'a str),
    Variable(&'a str),
}

/// The text with each `${NAME}` replaced by that variable's value, as `encode` writes it.
///
/// # Errors
/// If one is not set.
pub(crate) fn expand(text: &str, variables: Lookup<'_>, encode: impl Fn(&str) -> String) -> Result<String, NotSet> {
    let mut expanded = String::new();
    for part in parts(text) {
        match part {
            Part::Plain(plain) => expanded.push_str(plain),
            Part::Variable(name) => {
                let value = variables(name).ok_or_else(|| NotSet { name: name.to_owned() })?;
                expanded.push_str(&encode(&value));
            }
        }
    }
    Ok(expanded)
}

/// A header line as it may be written to a file: a secret value that is not a variable already becomes
/// `${METRON_HEADER_NAME}`, by which whoever repeats the run is asked for it.
///
/// ```
/// use metron_runner::variables::masked_header;
/// assert_eq!(masked_header("x-team: search"), "x-team: search");
/// assert_eq!(masked_header("X-API-Key: sk-1"), "X-API-Key: ${METRON_HEADER_X_API_KEY}");
/// assert_eq!(masked_header("Authorization: Bearer ${KEY}"), "Authorization: Bearer ${KEY}");
/// ```
#[must_use]
pub fn masked_header(line: &str) -> String {
    masked_header_of("", line)
}

/// As [`masked_header`], of a class: the variable has its name too, since each class has a value of its own.
fn masked_header_of(class: &str, line: &str) -> String {
    match line.split_once(':') {
        Some((name, value)) if is_secret_name(name.trim()) && !is_variable(value) => {
            let of_class = if class.is_empty() { String::new() } else { format!("{}_", variable_name(class)) };
            format!("{}: ${{METRON_HEADER_{of_class}{}}}", name.trim(), variable_name(name.trim()))
        }
        Some(_) => line.to_owned(),
        // No header at all: it could be anything, and it is refused before it is used.
        None => "${METRON_HEADER}".to_owned(),
    }
}

/// A class as it may be written to a file, the values of its secret headers as variables.
pub(crate) fn masked_class(class: &ClassConfig) -> ClassConfig {
    let header = class.header.iter().map(|line| masked_header_of(&class.name, line)).collect();
    ClassConfig { header, ..class.clone() }
}

/// A class as it was typed, as it may be written to a file: one with a secret becomes a JSON object without it.
///
/// ```
/// use metron_runner::variables::masked_class_text;
/// assert_eq!(masked_class_text("a: 70%, header=x-team: b"), "a: 70%, header=x-team: b");
/// assert_eq!(
///     masked_class_text("a: 70%, header=x-api-key: sk-1"),
///     r#"{"name":"a","share":0.7,"header":["x-api-key: ${METRON_HEADER_A_X_API_KEY}"]}"#
/// );
/// ```
#[must_use]
pub fn masked_class_text(text: &str) -> String {
    match text.parse::<ClassConfig>() {
        Ok(class) if masked_class(&class) == class => text.to_owned(),
        Ok(class) => serde_json::to_string(&masked_class(&class)).expect("a class is plain values"),
        // No class at all: it could hold anything, and it is refused before it is used.
        Err(_) => "${METRON_CLASS}".to_owned(),
    }
}

/// A URL as it may be written to a file: the values of secret query parameters that are no variables already become
/// `${METRON_QUERY_NAME}`, and user and password `${METRON_URL_USER}`.
///
/// ```
/// use metron_runner::variables::masked_url;
/// assert_eq!(masked_url("https://h/v1?api-version=1&key=abc"), "https://h/v1?api-version=1&key=${METRON_QUERY_KEY}");
/// assert_eq!(masked_url("https://h/v1?key=${KEY}"), "https://h/v1?key=${KEY}");
/// assert_eq!(masked_url("sim:fixed?tokens=128"), "sim:fixed?tokens=128");
/// assert_eq!(masked_url("https://me:pw@h/v1"), "https://${METRON_URL_USER}@h/v1");
/// ```
#[must_use]
pub fn masked_url(url: &str) -> String {
    // A simulated engine's settings are no secrets, whatever their names (`tokens=128`).
    if url.starts_with(metron_sim::spec::SCHEME) {
        return url.to_owned();
    }
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let mut masked = masked_user(address);
    if let Some(query) = query {
        masked.push('?');
        let pairs: Vec<String> = query.split('&').map(masked_pair).collect();
        masked.push_str(&pairs.join("&"));
    }
    masked
}

fn masked_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, host)) if !is_variable(user) => {
            format!("{scheme}://${{METRON_URL_USER}}@{host}{}", &rest[authority.len()..])
        }
        Some(_) | None => address.to_owned(),
    }
}

fn masked_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) if is_secret_name(name) && !is_variable(value) => {
            format!("{name}=${{METRON_QUERY_{}}}", variable_name(name))
        }
        Some(_) | None => pair.to_owned(),
    }
}

/// Whether a value is one variable, with at most a scheme's name (`Bearer`) before it.
fn is_variable(value: &str) -> bool {
    let value = value.trim();
    let last = value
        .rsplit_once(' ')
        .map_or(value, |(scheme, last)| if scheme.bytes().all(|b| b.is_ascii_alphabetic()) { last } else { value });
    let mut parts = parts(last);
    matches!((parts.next(), parts.next()), (Some(Part::Variable(_)), None))
}

fn variable_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// A text cut at its `${NAME}`s. What is no whole one is plain.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = rest.strip_prefix("${").and_then(|inner| inner.split_once('}'))
            && is_name(name)
        {
            rest = after;
            return Some(Part::Variable(name));
        }
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find("${").map_or(rest.len(), |at| at + first);
        let (plain, after) = rest.split_at(end);
        rest = after;
        Some(Part::Plain(plain))
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A value as it stands in a URL's query.
pub(crate) fn percent_encoded(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The text that was percent-encoded; what is no whole `%XX` stands for itself.
pub(crate) fn percent_decoded(value: &str) -> String {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let byte = (first == b'%').then(|| after.get(..2)).flatten();
        let byte = byte.and_then(|digits| std::str::from_utf8(digits).ok());
        match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            None => {
                decoded.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expanded: Result<&str, &str>) {
        let variables = |name: &str| (name == "KEY").then(|| "sk/1".to_owned());
        let found = expand(text, &variables, str::to_owned);
        let expected = expanded.map(str::to_owned).map_err(|name| NotSet { name: name.to_owned() });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn whole_variables_are_replaced_and_nothing_else() {
        check("", Ok(""));
        check("Bearer ${KEY}!", Ok("Bearer sk/1!"));
        check("${KEY}${KEY}", Ok("sk/1sk/1"));
        check("$KEY ${ ${} ${1} ${a b} é${KEY}", Ok("$KEY ${ ${} ${1} ${a b} ésk/1"));
        check("${NONE}", Err("NONE"));
    }

    #[test]
    fn what_a_variable_holds_is_not_expanded_again() {
        let expanded = expand("${A}", &|_| Some("${B}".to_owned()), str::to_owned);
        assert_eq!(expanded.as_deref(), Ok("${B}"));
    }

    #[test]
    fn a_value_in_a_query_keeps_its_characters() {
        assert_eq!(percent_encoded("sk/7+a=="), "sk%2F7%2Ba%3D%3D");
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        assert_eq!(percent_decoded(&percent_encoded("sk/7+a== ü")), "sk/7+a== ü");
        assert_eq!(percent_decoded("100%, %zz %2"), "100%, %zz %2");
    }

    #[test]
    fn a_secret_beside_a_variable_is_still_masked() {
        assert_eq!(masked_header("cookie: a=1; b=${B}"), "cookie: ${METRON_HEADER_COOKIE}");
        assert_eq!(masked_header("x-api-key: sk-1${B}"), "x-api-key: ${METRON_HEADER_X_API_KEY}");
        assert_eq!(masked_header("no colon sk-1"), "${METRON_HEADER}");
    }

    proptest::proptest! {
        #[test]
        fn masking_twice_is_masking_once(name in "[a-zA-Z-]{1,12}", value in "[ -~]{0,30}") {
            let once = masked_header(&format!("{name}: {value}"));
            proptest::prop_assert_eq!(masked_header(&once), once);
        }

        #[test]
        fn text_without_variables_stays(text in "[^$]{0,40}") {
            proptest::prop_assert_eq!(expand(&text, &|_| None, str::to_owned), Ok(text));
        }
    }
}
