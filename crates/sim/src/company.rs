//! The tenants of a world as configurations.

use model::{Device, DeviceId, DigestSecret, Policy, TenantConfig, TenantId, User, UserId, UserSettings};

/// A tenant of a world: its domain and its extensions.
pub struct Company<'a> {
    /// SIP domain.
    pub domain: &'a str,
    /// Extensions; each has a device of the same name with the password `pw<extension>`.
    pub extensions: &'a [&'a str],
    /// Policy.
    pub policy: Policy,
}

/// A tenant's snapshot.
///
/// # Panics
/// When the company is no valid configuration.
#[must_use]
pub fn configure(index: usize, company: &Company<'_>, version: u64) -> TenantConfig {
    let id = TenantId(index as u64 + 1);
    let user = |n: usize, extension: &&str| User {
        id: UserId(n as u64 + 1),
        extension: (*extension).into(),
        display: format!("User {extension}").into(),
        enabled: true,
        settings: UserSettings::default(),
    };
    let device = |n: usize, extension: &&str| {
        let secret = sip::digest::ha1(extension, company.domain, &format!("pw{extension}"));
        Device {
            id: DeviceId(n as u64 + 1),
            user: UserId(n as u64 + 1),
            username: (*extension).into(),
            secret: DigestSecret {
                md5: secret.md5,
                sha256: secret.sha256,
            },
        }
    };
    let users = company
        .extensions
        .iter()
        .enumerate()
        .map(|(n, e)| user(n, e))
        .collect();
    let devices = company
        .extensions
        .iter()
        .enumerate()
        .map(|(n, e)| device(n, e))
        .collect();
    let policy = company.policy.clone();
    TenantConfig::new(
        id,
        version,
        company.domain,
        &[company.domain],
        policy,
        users,
        devices,
    )
    .unwrap_or_else(|error| unreachable!("{error}"))
}
