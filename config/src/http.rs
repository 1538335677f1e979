//! What the file of a server says about the world outside, checked.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use barhive_engine::secret::Secret;

use crate::{
    read::{Captured, Located, Reader},
    section::{HttpSection, TelegramSection, TlsSection},
    tree::Value,
};

/// Where Telegram is.
const TELEGRAM: &str = "https://api.telegram.org";

/// How a server is reached over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where it listens.
    pub listen: HttpListen,
    /// The file of the token; the caller's choice when `None`.
    pub token_file: Option<PathBuf>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Names that it answers to.
    pub hosts: Vec<String>,
    /// The folder of what may be submitted; the caller's choice when `None`.
    pub files: Option<PathBuf>,
}

/// Where a server listens for HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpListen {
    /// Where it usually does, if nobody else does.
    #[default]
    Usual,
    /// Here.
    At(SocketAddr),
    /// Nowhere.
    Nowhere,
}

/// A bot of Telegram and whom it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelegramSettings {
    /// The bot's token.
    pub token: Secret,
    /// The chat.
    pub chat: String,
    /// Where Telegram is.
    pub url: String,
}

/// Where to listen, as a flag or a file says it: `127.0.0.1:8787`, `none`.
///
/// # Errors
/// What was expected and found.
pub fn http_listen(text: &str) -> Result<HttpListen, String> {
    match text {
        "none" => Ok(HttpListen::Nowhere),
        "localhost" => {
            Err("expected an address with a port, as in 127.0.0.1:8787, found \"localhost\"".to_owned())
        }
        _ => text.parse().map(HttpListen::At).map_err(|_| {
            format!("expected none, or an address with a port, as in 127.0.0.1:8787, found \"{text}\"")
        }),
    }
}

pub(crate) fn http(
    reader: &Reader<'_>,
    captured: Option<&Captured<HttpSection>>,
    dir: &Path,
) -> HttpSettings {
    let section: HttpSection = captured.and_then(|captured| reader.open(captured)).unwrap_or_default();
    let tls: Option<TlsSection> = section.tls.as_ref().and_then(|tls| reader.open(tls));
    let tls_is_named = section.tls.is_some();
    let listen = section.listen.as_ref().and_then(|listen| {
        let said = http_listen(&listen.value).and_then(|at| match at {
            HttpListen::At(address) if !address.ip().is_loopback() && !tls_is_named => Err(format!(
                "{address} is beyond the loopback, where everybody could read the token: name a certificate under \
                 http.tls, or listen at 127.0.0.1 and use a tunnel"
            )),
            at => Ok(at),
        });
        said.map_err(|fault| reader.fault(&reader.place(listen.place), fault, None)).ok()
    });
    HttpSettings {
        listen: listen.unwrap_or_default(),
        token_file: section.token_file.as_ref().and_then(|file| path(reader, file, dir)),
        tls: tls.and_then(|tls| Some((path(reader, &tls.cert, dir)?, path(reader, &tls.key, dir)?))),
        hosts: section.hosts.as_ref().map(|hosts| names(reader, hosts)).unwrap_or_default(),
        files: section.files.as_ref().and_then(|files| path(reader, files, dir)),
    }
}

/// A path that starts at the folder of the file.
fn path(reader: &Reader<'_>, written: &Located<String>, dir: &Path) -> Option<PathBuf> {
    if written.value.is_empty() || written.value.contains('\0') {
        reader.fault(&reader.place(written.place), "expected a path, found an empty text", None);
        return None;
    }
    Some(dir.join(&written.value))
}

fn names(reader: &Reader<'_>, captured: &Captured<Vec<Located<String>>>) -> Vec<String> {
    let mut names = Vec::new();
    for place in reader.items(captured) {
        let Some(name) = reader.read::<String>(&place) else { continue };
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if name.is_empty() || !name.bytes().all(is_letter) {
            let fault = format!(
                "expected the name of a machine without a port, as in bars.example, found \"{name}\""
            );
            reader.fault(&place, fault, None);
            continue;
        }
        names.push(name);
    }
    names
}

pub(crate) fn telegram(
    reader: &Reader<'_>,
    captured: Option<&Captured<TelegramSection>>,
) -> Option<TelegramSettings> {
    let section = reader.open(captured?)?;
    let place = reader.place(section.token.place);
    let is_plain = matches!(&place.node.value, Value::Scalar(written) if !written.text.contains("${"));
    if is_plain || section.token.value.expose().is_empty() {
        reader.fault(&place, "expected a token from the environment, as in \"${TELEGRAM_TOKEN}\"", None);
    }
    let chat = section.chat.value;
    if chat.is_empty() {
        let fault = "expected a chat: its number, or @name of a channel; found an empty text";
        reader.fault(&reader.place(section.chat.place), fault, None);
    }
    let url = section.url.map_or_else(
        || TELEGRAM.to_owned(),
        |url| {
            if !["http://", "https://"].iter().any(|scheme| url.value.starts_with(scheme)) {
                let fault = format!("expected an address that begins with https://, found \"{}\"", url.value);
                reader.fault(&reader.place(url.place), fault, None);
            }
            url.value.trim_end_matches('/').to_owned()
        },
    );
    Some(TelegramSettings { token: section.token.value, chat, url })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Faults, ServerSettings, load_server};

    fn load(text: &str) -> Result<ServerSettings, Faults> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.yaml");
        fs::write(&path, text).unwrap();
        load_server(&path).map(|settings| {
            let bare = |path: PathBuf| path.strip_prefix(folder.path()).unwrap().to_owned();
            let HttpSettings { token_file, tls, files, .. } = settings.http.clone();
            let http = HttpSettings {
                token_file: token_file.map(bare),
                tls: tls.map(|(cert, key)| (bare(cert), bare(key))),
                files: files.map(bare),
                ..settings.http
            };
            ServerSettings { http, ..settings }
        })
    }

    #[test]
    fn every_key_has_its_meaning() {
        let text = "
http:
  listen: 0.0.0.0:9000
  token_file: keys/token
  tls: {cert: a.pem, key: b.pem}
  hosts: [bars.example, lab-2]
  files: sweeps
telegram: {token: \"${PATH}\", chat: \"-100\", url: http://127.0.0.1:1/}
";
        let settings = load(text).unwrap();
        let expected = HttpSettings {
            listen: HttpListen::At("0.0.0.0:9000".parse().unwrap()),
            token_file: Some("keys/token".into()),
            tls: Some(("a.pem".into(), "b.pem".into())),
            hosts: vec!["bars.example".to_owned(), "lab-2".to_owned()],
            files: Some("sweeps".into()),
        };
        assert_eq!(settings.http, expected);
        let telegram = settings.telegram.unwrap();
        assert_eq!((telegram.chat.as_str(), telegram.url.as_str()), ("-100", "http://127.0.0.1:1"));
        assert_eq!(telegram.token.expose(), std::env::var("PATH").unwrap());
        assert_eq!(load("http: {listen: none}").unwrap().http.listen, HttpListen::Nowhere);
        let six = load("http: {listen: \"[::1]:0\"}").unwrap().http.listen;
        assert_eq!(six, HttpListen::At("[::1]:0".parse().unwrap()));
        assert_eq!(load("{}").unwrap().http, HttpSettings::default());
    }

    #[test]
    fn beyond_the_loopback_there_is_no_listening_without_tls() {
        for address in ["0.0.0.0:8787", "192.168.1.5:80", "\"[::]:8787\""] {
            let faults = load(&format!("http: {{listen: {address}}}")).unwrap_err().to_string();
            assert!(faults.contains("beyond the loopback") && faults.contains("http.tls"), "{faults}");
        }
    }

    #[test]
    fn all_faults_come_at_once_and_tokens_are_not_repeated() {
        let text = "
http: {listen: 127.0.0.1, token_file: \"\", tls: {cert: a.pem}, hosts: [\"a:1\", 7], filez: x}
telegram: {token: hunter2, chat: \"\", url: ftp://x}
";
        let faults = load(text).unwrap_err().to_string();
        let parts = [
            "as in 127.0.0.1:8787",
            "found an empty text",
            "key",
            "without a port",
            "filez",
            "${TELEGRAM_TOKEN}",
            "@name of a channel",
            "begins with https://",
        ];
        for part in parts {
            assert!(faults.contains(part), "{part}: {faults}");
        }
        assert!(!faults.contains("hunter2"), "{faults}");
    }
}
