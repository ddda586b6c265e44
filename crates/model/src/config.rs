//! A tenant's configuration: one immutable, versioned snapshot, indexed for the lookups that calls make.

use crate::{
    DeviceId, Library, NumberRange, Policy, RateDraft, RecordPolicy, TenantId, Trunk, TrunkDraft, TrunkId,
    UserId, UserSettings,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// A person (or a room): owns one extension, is rung on every device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Row id.
    pub id: UserId,
    /// The number that others dial, and the user part of the address-of-record.
    pub extension: Box<str>,
    /// Shown to whom the user calls.
    pub display: Box<str>,
    /// A disabled user neither registers nor calls nor is called.
    pub enabled: bool,
    /// What the user decides about his own calls. Rows of before there were any have none set.
    #[serde(default)]
    pub settings: UserSettings,
}

/// What digest needs instead of a password: the hashes of `username:realm:password` (RFC 7616 §3.4.2).
/// It can sign for its user, so it never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestSecret {
    /// MD5 variant.
    pub md5: [u8; 16],
    /// SHA-256 variant.
    pub sha256: [u8; 32],
}

impl fmt::Debug for DigestSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestSecret(…)")
    }
}

/// A set of SIP credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Row id.
    pub id: DeviceId,
    /// Owner.
    pub user: UserId,
    /// Digest username; unique within the tenant.
    pub username: Box<str>,
    /// Digest secret under the tenant's realm.
    pub secret: DigestSecret,
}

/// Why a set of rows is not a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// A tenant needs a domain: the first is its realm.
    NoDomain,
    /// Two users share an extension.
    DuplicateExtension(Box<str>),
    /// Two devices share a username.
    DuplicateUsername(Box<str>),
    /// A device names a user that does not exist.
    OrphanDevice(Box<str>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::NoDomain => f.write_str("the tenant has no domain; add one"),
            ConfigError::DuplicateExtension(e) => write!(f, "extension {e} is used twice; change one"),
            ConfigError::DuplicateUsername(u) => write!(f, "device username {u} is used twice; change one"),
            ConfigError::OrphanDevice(u) => write!(f, "device {u} has no user; delete it"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Everything that a tenant's calls read. Built once per change, shared, never altered.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    id: TenantId,
    version: u64,
    name: Box<str>,
    domains: Vec<Box<str>>,
    policy: Policy,
    users: Vec<User>,
    devices: Vec<Device>,
    by_user: HashMap<UserId, usize>,
    by_extension: HashMap<Box<str>, usize>,
    by_username: HashMap<Box<str>, usize>,
    by_device: HashMap<DeviceId, usize>,
    lists: BTreeMap<Box<str>, Vec<UserId>>,
    records_always: bool,
    library: Library,
    trunks: Vec<Trunk>,
    numbers: Vec<NumberRange>,
    rates: Option<Arc<RateDraft>>,
    costs: BTreeMap<TrunkId, Arc<RateDraft>>,
    inside: Trunk,
}

impl TenantConfig {
    /// The same for a call for help: neither the tenant's nor a trunk's codecs keep it from being understood.
    #[must_use]
    pub fn for_help(&self) -> TenantConfig {
        let mut config = self.clone();
        config.policy.codecs.clear();
        for trunk in &mut config.trunks {
            trunk.draft.codecs.clear();
        }
        config
    }

    /// Checks and indexes the rows. Domains are compared in lower case; the first is the digest realm.
    ///
    /// # Errors
    /// The first inconsistency found, see [`ConfigError`].
    pub fn new(
        id: TenantId,
        version: u64,
        name: &str,
        domains: &[&str],
        policy: Policy,
        users: Vec<User>,
        devices: Vec<Device>,
    ) -> Result<TenantConfig, ConfigError> {
        if domains.is_empty() {
            return Err(ConfigError::NoDomain);
        }
        let mut by_user = HashMap::with_capacity(users.len());
        let mut by_extension = HashMap::with_capacity(users.len());
        for (index, user) in users.iter().enumerate() {
            by_user.insert(user.id, index);
            if by_extension.insert(user.extension.clone(), index).is_some() {
                return Err(ConfigError::DuplicateExtension(user.extension.clone()));
            }
        }
        let mut by_username = HashMap::with_capacity(devices.len());
        let by_device = devices.iter().enumerate().map(|(i, d)| (d.id, i)).collect();
        for (index, device) in devices.iter().enumerate() {
            if !by_user.contains_key(&device.user) {
                return Err(ConfigError::OrphanDevice(device.username.clone()));
            }
            if by_username.insert(device.username.clone(), index).is_some() {
                return Err(ConfigError::DuplicateUsername(device.username.clone()));
            }
        }
        let domains = domains
            .iter()
            .map(|d| d.to_ascii_lowercase().into_boxed_str())
            .collect();
        let name = name.into();
        let known = |extension: &String| {
            let place = by_extension.get(extension.as_str()).copied();
            place
                .and_then(|place: usize| users.get(place))
                .map(|user| user.id)
        };
        let lists = policy.lists.iter().take(Policy::LISTS).map(|(name, members)| {
            let members = members.iter().filter_map(known).take(Policy::LIST_USERS);
            (name.as_str().into(), members.collect())
        });
        let lists = lists.collect();
        let always = |wish: &User| wish.settings.record == Some(RecordPolicy::Always);
        let records_always = policy.record == RecordPolicy::Always || users.iter().any(always);
        Ok(TenantConfig {
            id,
            version,
            name,
            domains,
            policy,
            users,
            devices,
            by_user,
            by_extension,
            by_username,
            by_device,
            lists,
            records_always,
            library: Library::default(),
            trunks: Vec::new(),
            numbers: Vec::new(),
            rates: None,
            costs: BTreeMap::new(),
            inside: Trunk::inside(),
        })
    }

    /// The same with these sounds of the tenant's own.
    #[must_use]
    pub fn with_library(self, library: Library) -> TenantConfig {
        TenantConfig { library, ..self }
    }

    /// The same with these ways to carriers; at most [`TrunkDraft::MOST`] count.
    #[must_use]
    pub fn with_trunks(self, mut trunks: Vec<Trunk>) -> TenantConfig {
        trunks.truncate(TrunkDraft::MOST);
        trunks.sort_by_key(|trunk| trunk.id);
        TenantConfig { trunks, ..self }
    }

    /// Every trunk of the tenant, by id, ascending.
    #[must_use]
    pub fn trunks(&self) -> &[Trunk] {
        &self.trunks
    }

    /// A trunk by id; [`TrunkId::INSIDE`] is always there, and not among [`TenantConfig::trunks`].
    #[must_use]
    pub fn trunk(&self, id: TrunkId) -> Option<&Trunk> {
        if id == TrunkId::INSIDE {
            return Some(&self.inside);
        }
        let place = self.trunks.binary_search_by_key(&id, |trunk| trunk.id).ok()?;
        self.trunks.get(place)
    }

    /// A trunk by name.
    #[must_use]
    pub fn trunk_named(&self, name: &str) -> Option<&Trunk> {
        self.trunks
            .iter()
            .find(|trunk| trunk.name.eq_ignore_ascii_case(name))
    }

    /// The same with these numbers of the public network; at most [`NumberRange::MOST`] count.
    #[must_use]
    pub fn with_numbers(self, mut numbers: Vec<NumberRange>) -> TenantConfig {
        numbers.truncate(NumberRange::MOST);
        // The narrowest first: one number goes before a range, and a range before a wider one.
        numbers.sort_by_key(|range| (range.len(), range.first));
        TenantConfig { numbers, ..self }
    }

    /// The tenant's numbers, the narrowest range first.
    #[must_use]
    pub fn numbers(&self) -> &[NumberRange] {
        &self.numbers
    }

    /// The narrowest range that has this number: the digits of E.164, country code first.
    #[must_use]
    pub fn number(&self, number: u64) -> Option<&NumberRange> {
        self.numbers.iter().find(|range| range.has(number))
    }

    /// The same with this price list. Configurations with the same list share it, so that whoever has made a table of it sees that
    /// nothing has changed.
    #[must_use]
    pub fn with_rates(self, rates: Option<Arc<RateDraft>>) -> TenantConfig {
        TenantConfig { rates, ..self }
    }

    /// What calls to the outside cost; `None` without a price list.
    #[must_use]
    pub fn rates(&self) -> Option<&Arc<RateDraft>> {
        self.rates.as_ref()
    }

    /// The same with these price lists of carriers, by trunk; shared from one configuration to the next as the tenant's own is.
    #[must_use]
    pub fn with_costs(self, costs: BTreeMap<TrunkId, Arc<RateDraft>>) -> TenantConfig {
        TenantConfig { costs, ..self }
    }

    /// What carriers charge for calls, by trunk.
    #[must_use]
    pub fn costs(&self) -> &BTreeMap<TrunkId, Arc<RateDraft>> {
        &self.costs
    }

    /// The sounds that the tenant has brought.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The tenant.
    #[must_use]
    pub fn id(&self) -> TenantId {
        self.id
    }

    /// Rises with every change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Display name of the company.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All SIP domains, lower case, at least one.
    #[must_use]
    pub fn domains(&self) -> &[Box<str>] {
        &self.domains
    }

    /// The digest realm and the domain of addresses-of-record: the first domain.
    #[must_use]
    pub fn realm(&self) -> &str {
        self.domains.first().map_or("", |d| d)
    }

    /// True when `host` is one of the tenant's domains, whatever its case.
    #[must_use]
    pub fn owns_domain(&self, host: &str) -> bool {
        self.domains.iter().any(|d| d.eq_ignore_ascii_case(host))
    }

    /// The tenant's policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// True when some calls of the tenant are recorded from their beginning.
    #[must_use]
    pub fn records_always(&self) -> bool {
        self.records_always
    }

    /// All users.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// All devices.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// A user by id.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.by_user.get(&id).and_then(|i| self.users.get(*i))
    }

    /// A user by extension.
    #[must_use]
    pub fn extension(&self, extension: &str) -> Option<&User> {
        self.by_extension.get(extension).and_then(|i| self.users.get(*i))
    }

    /// The users of a list, those that exist.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&[UserId]> {
        self.lists.get(name).map(Vec::as_slice)
    }

    /// Every list.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &[UserId])> {
        self.lists.iter().map(|(name, users)| (&**name, users.as_slice()))
    }

    /// A device by digest username.
    #[must_use]
    pub fn device(&self, username: &str) -> Option<&Device> {
        self.by_username.get(username).and_then(|i| self.devices.get(*i))
    }

    /// A device by id.
    #[must_use]
    pub fn device_by_id(&self, id: DeviceId) -> Option<&Device> {
        self.by_device.get(&id).and_then(|i| self.devices.get(*i))
    }

    /// True when the device exists, is the user's, and the user is enabled: what a binding needs to stay.
    #[must_use]
    pub fn may_be_bound(&self, device: DeviceId, user: UserId) -> bool {
        let owner = self.by_device.get(&device).and_then(|i| self.devices.get(*i));
        owner.is_some_and(|d| d.user == user) && self.user(user).is_some_and(|user| user.enabled)
    }

    /// The secret of a device, to see whether it has changed.
    #[must_use]
    pub fn secret(&self, device: DeviceId) -> Option<&DigestSecret> {
        let place = self.by_device.get(&device)?;
        self.devices.get(*place).map(|device| &device.secret)
    }
}
