//! The policy of the reference server: built in, or a file of the operator's.

use std::path::Path;

use authkernel::policy::Policy;

use super::start::StartError;

/// The purpose of the tokens that the server issues at sign-in. Each session is one such token.
pub(crate) const SESSION_PURPOSE: &str = "user";

/// The policy that `authkernel serve` enforces when it is given no other; `authkernel policy` prints it.
pub const DEFAULT_POLICY: &str = r#"{
  "issuer": "authkernel",
  "audience": ["authkernel"],
  "purposes": {
    "user": { "lifetime": "14d", "store": true, "presence": "required", "opens_sockets": true }
  },
  "live_socket_id_template": "users_sessions:{sid}",
  "endpoints": ["web"],
  "sign_out_everywhere": { "include_purposes": null, "exclude_purposes": ["revocation"] },
  "on_credentials_changed": { "password": "others", "email": "everywhere" }
}
"#;

/// The text of the policy to enforce, checked as far as the server itself depends on it.
pub(crate) fn load(file: Option<&Path>) -> Result<String, StartError> {
    let Some(file) = file else {
        return Ok(DEFAULT_POLICY.to_owned());
    };
    let at = |problem: String| StartError::config(format!("policy {}: {problem}", file.display()));
    let text = read(file)?;
    let policy = Policy::parse(&text).map_err(|error| at(error.to_string()))?;
    if !policy
        .socket_purposes()
        .iter()
        .any(|name| name == SESSION_PURPOSE)
    {
        return Err(at(format!(
            "purposes.{SESSION_PURPOSE}: the server signs in with tokens of this purpose: declare it, with opens_sockets"
        )));
    }
    if !policy.endpoints().iter().any(|name| name == ENDPOINT) {
        return Err(at(format!(
            "endpoints: the live connections of this server are called {ENDPOINT}: name it"
        )));
    }
    Ok(text)
}

/// The text of a policy, checked as far as the kernel does.
pub(crate) fn read(file: &Path) -> Result<String, StartError> {
    let at = |problem: String| StartError::config(format!("policy {}: {problem}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| at(error.to_string()))?;
    Policy::parse(&text).map_err(|error| at(error.to_string()))?;
    Ok(text)
}

/// The endpoint that the live connections of this server belong to.
pub(crate) const ENDPOINT: &str = "web";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_is_valid() {
        let policy = Policy::parse(DEFAULT_POLICY).unwrap();
        assert_eq!(policy.socket_purposes(), [SESSION_PURPOSE]);
        assert_eq!(policy.endpoints(), [ENDPOINT]);
    }

    #[test]
    fn a_policy_that_cannot_serve_is_refused_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.json");
        for (from, to, expected) in [
            ("\"user\"", "\"usr\"", "purposes.user"),
            (", \"opens_sockets\": true", "", "purposes.user"),
            ("[\"web\"]", "[\"mobile\"]", "endpoints"),
            ("\"issuer\"", "\"isuer\"", "isuer"),
        ] {
            std::fs::write(&file, DEFAULT_POLICY.replace(from, to)).unwrap();
            let error = load(Some(&file)).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains("policy.json"),
                "{error}"
            );
        }
        assert!(load(Some(&folder.path().join("none.json"))).is_err());
    }
}
