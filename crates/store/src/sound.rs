//! Sounds that tenants brought.
//!
//! Owns: their rows, how many and how large they may be together. Does not own: what is in one (`audio` makes it), which one a
//! name means in a call (`model::Library`).
//!
//! They are rows, and not files beside the database, so that a change of one and the tenant's new version are one transaction, and
//! a backup of the database has them all.

use crate::open::{sql, unsql};
use crate::{Store, StoreError, check};
use model::{Library, OwnSound, SoundId, TenantId, Wall};
use sqlx::SqliteConnection;
use tenancy::Scope;

/// How long a sound stays that no name leads to, milliseconds.
const LINGER_MS: u64 = 86_400_000;

/// What a sound is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundKind {
    /// Something that is said.
    Prompt,
    /// A piece of a music.
    Music,
}

impl SoundKind {
    fn as_str(self) -> &'static str {
        match self {
            SoundKind::Prompt => "prompt",
            SoundKind::Music => "music",
        }
    }
}

/// A sound to be kept.
#[derive(Clone, Debug)]
pub struct NewSound<'a> {
    /// Ogg-Opus, checked.
    pub audio: &'a [u8],
    /// Its length, milliseconds.
    pub ms: u32,
    /// Where it came from.
    pub source: &'a str,
    /// What is said, where an engine has spoken it.
    pub text: Option<&'a str>,
}

/// A sound as commands show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundRow {
    /// Row id; never reused.
    pub id: SoundId,
    /// Of the prompt or the music.
    pub name: String,
    /// Of a prompt: two letters, or empty for whatever language is spoken.
    pub language: String,
    /// Its length, milliseconds.
    pub ms: u32,
    /// Its size.
    pub octets: u64,
    /// Where it came from.
    pub source: String,
    /// What is said, where an engine has spoken it.
    pub text: Option<String>,
    /// When it was set.
    pub set: Wall,
}

type Columns = (i64, String, String, i64, i64, String, Option<String>, i64);

impl Store {
    /// Keeps a prompt, in place of the one of this name and language.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a bad name, or when the tenant has no room left for it (`sounds_mb`).
    pub fn set_prompt(
        &mut self,
        scope: &Scope,
        (name, language): (&str, &str),
        sound: &NewSound<'_>,
        now: Wall,
    ) -> Result<SoundId, StoreError> {
        check::sound("prompt", name)?;
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            clear(db, Some(tenant), now).await?;
            retire(db, tenant, SoundKind::Prompt, name, Some(language), now).await?;
            let id = insert(db, tenant, (SoundKind::Prompt, name, language), sound, now).await?;
            has_room(db, tenant, (SoundKind::Prompt, name), now).await?;
            Ok(id)
        })
    }

    /// Takes a prompt away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn reset_prompt(
        &mut self,
        scope: &Scope,
        (name, language): (&str, &str),
        now: Wall,
    ) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            clear(db, Some(tenant), now).await?;
            match retire(db, tenant, SoundKind::Prompt, name, Some(language), now).await? {
                0 => Err(StoreError::not_found("prompt", name)),
                _ => Ok(()),
            }
        })
    }

    /// Adds pieces to a music, behind those that it has; all or none.
    ///
    /// # Errors
    /// As [`Store::set_prompt`], and [`StoreError::Invalid`] for more than [`Library::PIECES`].
    pub fn add_music(
        &mut self,
        scope: &Scope,
        name: &str,
        pieces: &[NewSound<'_>],
        now: Wall,
    ) -> Result<(), StoreError> {
        check::sound("music", name)?;
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            clear(db, Some(tenant), now).await?;
            for piece in pieces {
                insert(db, tenant, (SoundKind::Music, name, ""), piece, now).await?;
            }
            let known = rows(db, tenant, SoundKind::Music).await?;
            if known.iter().filter(|row| row.name == name).count() > Library::PIECES {
                return Err(check::invalid("music", name, "has at most 20 pieces"));
            }
            has_room(db, tenant, (SoundKind::Music, name), now).await
        })
    }

    /// Takes a piece out of a music, counted from 1, or all of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn remove_music(
        &mut self,
        scope: &Scope,
        name: &str,
        piece: Option<usize>,
        now: Wall,
    ) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            clear(db, Some(tenant), now).await?;
            let known = rows(db, tenant, SoundKind::Music).await?;
            let own: Vec<SoundId> = known
                .into_iter()
                .filter(|row| row.name == name)
                .map(|row| row.id)
                .collect();
            if own.is_empty() {
                return Err(StoreError::not_found("music", name));
            }
            let Some(piece) = piece else {
                retire(db, tenant, SoundKind::Music, name, None, now).await?;
                return Ok(());
            };
            let id = piece.checked_sub(1).and_then(|at| own.get(at));
            let id = id.ok_or_else(|| StoreError::not_found("piece", piece))?;
            sqlx::query("UPDATE sound SET gone_ms = ?1 WHERE id = ?2")
                .bind(sql(now.0))
                .bind(sql(id.0))
                .execute(db)
                .await?;
            Ok(())
        })
    }

    /// Deletes what no tenant's names have led to for a day, also where nobody changes anything any more: what was taken away
    /// is not to stay. How many there were.
    ///
    /// # Errors
    /// The database is locked, full or broken.
    pub fn clear_sounds(&mut self, now: Wall) -> Result<u64, StoreError> {
        self.write(async |db, _| clear(db, None, now).await)
    }

    /// The tenant's prompts by name and language, or the pieces of its music by name and in order.
    ///
    /// # Errors
    /// The database failed.
    pub fn sounds(&mut self, scope: &Scope, kind: SoundKind) -> Result<Vec<SoundRow>, StoreError> {
        let tenant = scope.tenant();
        self.read(async |db, _| rows(db, tenant, kind).await)
    }

    /// A sound of this very tenant, Ogg-Opus; also one that no name leads to any more, for a day.
    ///
    /// # Errors
    /// The database failed.
    pub fn sound(&mut self, scope: &Scope, id: SoundId) -> Result<Option<Vec<u8>>, StoreError> {
        let tenant = scope.tenant();
        self.one(async |db| {
            Ok(
                sqlx::query_scalar("SELECT audio FROM sound WHERE id = ?1 AND tenant = ?2")
                    .bind(sql(id.0))
                    .bind(sql(tenant.0))
                    .fetch_optional(db)
                    .await?,
            )
        })
    }
}

/// Deletes the sounds of a tenant, or of all, to which no name has led for a day.
async fn clear(db: &mut SqliteConnection, tenant: Option<TenantId>, now: Wall) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM sound WHERE gone_ms < ?1 AND (?2 IS NULL OR tenant = ?2)")
        .bind(sql(now.0.saturating_sub(LINGER_MS)))
        .bind(tenant.map(|tenant| sql(tenant.0)))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// Names lead to a sound no longer; how many there were.
async fn retire(
    db: &mut SqliteConnection,
    tenant: TenantId,
    kind: SoundKind,
    name: &str,
    language: Option<&str>,
    now: Wall,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE sound SET gone_ms = ?1 WHERE tenant = ?2 AND kind = ?3 AND name = ?4 AND gone_ms IS NULL
         AND (?5 IS NULL OR language = ?5)",
    )
    .bind(sql(now.0))
    .bind(sql(tenant.0))
    .bind(kind.as_str())
    .bind(name)
    .bind(language)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

async fn insert(
    db: &mut SqliteConnection,
    tenant: TenantId,
    (kind, name, language): (SoundKind, &str, &str),
    sound: &NewSound<'_>,
    now: Wall,
) -> Result<SoundId, StoreError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO sound (tenant, kind, name, language, ms, octets, source, text, set_ms, audio)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id",
    )
    .bind(sql(tenant.0))
    .bind(kind.as_str())
    .bind(name)
    .bind(language)
    .bind(sound.ms)
    .bind(i64::try_from(sound.audio.len()).unwrap_or(i64::MAX))
    .bind(sound.source)
    .bind(sound.text)
    .bind(sql(now.0))
    .bind(sound.audio)
    .fetch_one(db)
    .await?;
    Ok(SoundId(unsql(id)))
}

/// What names lead to counts. What lingers does not, for nobody could make room by taking something away, but it goes before its
/// day is over where there is much of it.
async fn has_room(
    db: &mut SqliteConnection,
    tenant: TenantId,
    (kind, name): (SoundKind, &str),
    now: Wall,
) -> Result<(), StoreError> {
    let (count, octets, lingering, room): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE s.gone_ms IS NULL),
                coalesce(sum(s.octets) FILTER (WHERE s.gone_ms IS NULL), 0),
                coalesce(sum(s.octets) FILTER (WHERE s.gone_ms IS NOT NULL), 0),
                coalesce(json_extract(t.policy, '$.sounds_mb'), ?2)
         FROM tenant t LEFT JOIN sound s ON s.tenant = t.id WHERE t.id = ?1",
    )
    .bind(sql(tenant.0))
    .bind(sql(model::Policy::default().sounds_mb))
    .fetch_one(&mut *db)
    .await?;
    let room = unsql(room).saturating_mul(1_000_000);
    if unsql(count) > Library::SOUNDS as u64 {
        let rule = "is one sound too many: a tenant has at most 5000";
        return Err(check::invalid(kind.as_str(), name, rule));
    }
    if unsql(octets) > room {
        let rule =
            "does not fit: the tenant has no room left for sounds (sounds_mb); take one away, or raise it";
        return Err(check::invalid(kind.as_str(), name, rule));
    }
    if unsql(lingering) > room {
        sqlx::query("DELETE FROM sound WHERE tenant = ?1 AND gone_ms < ?2")
            .bind(sql(tenant.0))
            .bind(sql(now.0))
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn rows(
    db: &mut SqliteConnection,
    tenant: TenantId,
    kind: SoundKind,
) -> Result<Vec<SoundRow>, StoreError> {
    let columns: Vec<Columns> = sqlx::query_as(
        "SELECT id, name, language, ms, octets, source, text, set_ms FROM sound
         WHERE tenant = ?1 AND kind = ?2 AND gone_ms IS NULL ORDER BY name, language, id",
    )
    .bind(sql(tenant.0))
    .bind(kind.as_str())
    .fetch_all(db)
    .await?;
    let row = |(id, name, language, ms, octets, source, text, set): Columns| SoundRow {
        id: SoundId(unsql(id)),
        name,
        language,
        ms: u32::try_from(ms).unwrap_or(0),
        octets: unsql(octets),
        source,
        text,
        set: Wall(unsql(set)),
    };
    Ok(columns.into_iter().map(row).collect())
}

/// Tenant, kind, name, language, id and length of what names lead to, by tenant and in order.
pub(crate) type Named = (i64, String, String, String, i64, i64);

/// For snapshots.
pub(crate) async fn named(
    db: &mut SqliteConnection,
    only: Option<i64>,
    disabled: bool,
) -> Result<Vec<Named>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT s.tenant, s.kind, s.name, s.language, s.id, s.ms FROM sound s JOIN tenant t ON t.id = s.tenant
         WHERE (t.enabled OR ?2) AND s.gone_ms IS NULL AND (?1 IS NULL OR s.tenant = ?1)
         ORDER BY s.tenant, s.id",
    )
    .bind(only)
    .bind(disabled)
    .fetch_all(db)
    .await?)
}

/// Puts one into the library of its tenant.
pub(crate) fn shelve(library: &mut Library, (_, kind, name, language, id, ms): &Named) {
    let sound = OwnSound {
        id: SoundId(unsql(*id)),
        ms: u32::try_from(*ms).unwrap_or(0),
    };
    match kind.as_str() {
        "music" => library.add_piece(name, sound),
        _ => library.add_prompt(name, language, sound),
    }
}
