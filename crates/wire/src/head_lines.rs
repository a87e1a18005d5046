//! A response's head as a person looks at it: its lines as they came. It knows nothing of what they mean.

/// The lines of a response's head; empty where none was kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeadLines(String);

impl HeadLines {
    /// Of the bytes of a head, without what is secret in it.
    pub(crate) fn new(bytes: &[u8], redact: impl FnOnce(String) -> String) -> Self {
        Self(redact(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// The protocol of the status line, such as `HTTP/1.1`.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.0.lines().next()?.split(' ').next().filter(|protocol| !protocol.is_empty())
    }

    /// The value of the first header of this name. From outside: not safe for a terminal.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.0.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(given, _)| given.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The headers' names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.lines().skip(1).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_looked_up_by_name() {
        let head = HeadLines::new(b"HTTP/1.0 200 OK\r\nServer: a:b\r\nVia: 1\r\nvia: 2\r\n\r\n", |text| text);
        assert_eq!(
            (head.protocol(), head.header("server"), head.header("VIA")),
            (Some("HTTP/1.0"), Some("a:b"), Some("1"))
        );
        assert_eq!(head.names().collect::<Vec<_>>(), ["Server", "Via", "via"]);
        assert_eq!((HeadLines::default().protocol(), HeadLines::default().header("server")), (None, None));
    }
}
