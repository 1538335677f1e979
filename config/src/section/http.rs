//! What the file of a server may say about the world outside. The comments here are the reference that users read.

use barhive_engine::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::read::{Captured, Located};

/// How the server is reached over HTTP.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ServerHttp")]
pub(crate) struct HttpSection {
    /// Address and port, or `none`. Beyond the loopback `tls` is needed. Default: 127.0.0.1:8787, and nothing when
    /// that is taken.
    pub(crate) listen: Option<Located<String>>,
    /// The file of the token, relative to this file. It is made where it is missing. Default: `token` in the
    /// server's folder.
    pub(crate) token_file: Option<Located<String>>,
    /// What the server proves itself with.
    pub(crate) tls: Option<Captured<TlsSection>>,
    /// Names that it answers to besides addresses and `localhost`. Default: none.
    pub(crate) hosts: Option<Captured<Vec<Located<String>>>>,
    /// The folder of the sets and sweeps that may be submitted over HTTP, relative to this file. Default: the
    /// current folder.
    pub(crate) files: Option<Located<String>>,
}

/// A certificate and its key, as PEM files relative to this one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ServerTls")]
pub(crate) struct TlsSection {
    /// The certificate, with those that vouch for it.
    pub(crate) cert: Located<String>,
    /// Its private key; only its owner may read the file.
    pub(crate) key: Located<String>,
}

/// The bot that tells a chat when jobs have ended that asked for `--notify telegram`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ServerTelegram")]
pub(crate) struct TelegramSection {
    /// The bot's token, from the environment: `${TELEGRAM_TOKEN}`.
    pub(crate) token: Located<Secret>,
    /// The chat: its number, or `@name` of a channel.
    pub(crate) chat: Located<String>,
    /// Where Telegram is. Default: `https://api.telegram.org`.
    pub(crate) url: Option<Located<String>>,
}
