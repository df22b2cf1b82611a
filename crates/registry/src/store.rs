//! The database: opening it, bringing its layout up to date, and the bridge
//! from synchronous callers to sqlx.
//!
//! This is the one place that knows the engine. PostgreSQL will come as a second
//! [`connect`] beside it.

use std::fs::{self, DirBuilder};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Row as _};
use tokio::runtime::Runtime;

use crate::place::database_of;
use crate::{RegistryError, Result};

pub(crate) type Connection = sqlx::SqliteConnection;
pub(crate) type Row = sqlx::sqlite::SqliteRow;

/// In order; a registry's layout is how many of them it has seen, which each
/// notes as the file's `user_version`.
const MIGRATIONS: [&str; 2] = [
    include_str!("../migrations/sqlite/0001_start.sql"),
    include_str!("../migrations/sqlite/0002_statements.sql"),
];

/// `MWRD`: tells a registry from any other SQLite file.
const APPLICATION: i64 = 0x4d57_5244;

/// Longer than any transaction here takes, shorter than patience.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open registry. Several processes may have the same one open; each write
/// waits for its turn.
#[derive(Debug)]
pub struct Registry {
    database: PathBuf,
    runtime: Runtime,
    connection: Mutex<Connection>,
}

impl Registry {
    /// Opens the registry at a folder (or a `.sqlite` file), making it when there
    /// is none.
    pub fn open(place: &Path) -> Result<Self> {
        refuse_server(place)?;
        let database = database_of(place);
        if !database.is_file() {
            create_folder(&database)?;
        }
        Self::connect(database)
    }

    /// Opens the registry when there is one, for commands that only read.
    pub fn open_existing(place: &Path) -> Result<Option<Self>> {
        refuse_server(place)?;
        let database = database_of(place);
        if database.is_file() {
            Self::connect(database).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The database file, to be told to the user.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// Waits until everything is in the main file and lets go of it. Dropping is
    /// as safe, and faster: what is in the write-ahead file is found next time.
    pub fn close(self) -> Result<()> {
        let connection = self
            .connection
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(self.runtime.block_on(connection.close())?)
    }

    fn connect(database: PathBuf) -> Result<Self> {
        let place = |doing, why| RegistryError::Place {
            path: database.clone(),
            doing,
            why,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|why| place("opened", why))?;
        let connection = runtime.block_on(connect(&database))?;
        Ok(Self {
            database,
            runtime,
            connection: Mutex::new(connection),
        })
    }

    /// Runs `work` on the connection.
    pub(crate) fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.runtime.block_on(work(&mut connection))
    }

    /// Runs `work` as one transaction that holds the write lock from the start,
    /// so that what it reads stays true until it has written.
    pub(crate) fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        self.with(async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let done = work(&mut transaction).await?;
            transaction.commit().await?;
            Ok(done)
        })
    }
}

/// Rather than make a folder of that name.
fn refuse_server(place: &Path) -> Result<()> {
    let scheme = place.to_str().and_then(|place| place.split_once(':'));
    match scheme {
        Some(("postgres" | "postgresql", _)) => Err(RegistryError::Refused(
            "a registry in PostgreSQL is not supported yet; name a folder".to_owned(),
        )),
        _ => Ok(()),
    }
}

async fn connect(database: &Path) -> Result<Connection> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .busy_timeout(PATIENCE)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let opened = match options.connect().await {
        Ok(mut connection) => layout(&mut connection)
            .await
            .map(|found| (connection, found)),
        Err(error) => Err(error),
    };
    let (mut connection, (layout, application)) =
        opened.map_err(|error| name_failure(database, error))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match (layout, application) {
        (found, APPLICATION) if found == known => Ok(connection),
        (found, APPLICATION) if found > known => Err(RegistryError::Newer {
            path: database.to_owned(),
            found,
            known,
        }),
        (0, 0) | (_, APPLICATION) => {
            migrate(&mut connection, database).await?;
            Ok(connection)
        }
        _ => Err(RegistryError::NotARegistry(database.to_owned())),
    }
}

async fn layout(connection: &mut Connection) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query(
        "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id",
    )
    .fetch_one(connection)
    .await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Two processes may do this at once; the second finds it done.
async fn migrate(connection: &mut Connection, database: &Path) -> Result<()> {
    write_ahead(connection).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let (found, application) = layout(&mut transaction).await?;
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master")
        .fetch_one(&mut *transaction)
        .await?;
    if application != APPLICATION && tables > 0 {
        return Err(RegistryError::NotARegistry(database.to_owned()));
    }
    let seen = usize::try_from(found).unwrap_or(usize::MAX);
    for migration in MIGRATIONS.iter().skip(seen) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The switch is kept in the file. SQLite does not wait for others while making
/// it, so this does.
async fn write_ahead(connection: &mut Connection) -> Result<()> {
    let mut left = 200;
    loop {
        let switched = sqlx::raw_sql("PRAGMA journal_mode = WAL")
            .execute(&mut *connection)
            .await
            .map_err(RegistryError::from);
        match switched {
            Err(RegistryError::Busy) if left > 0 => left -= 1,
            done => return done.map(|_| ()),
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}

fn name_failure(database: &Path, error: sqlx::Error) -> RegistryError {
    const CANNOT_OPEN: &str = "14";
    const NOT_A_DATABASE: &str = "26";
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some(NOT_A_DATABASE) => RegistryError::NotARegistry(database.to_owned()),
        Some(CANNOT_OPEN) => RegistryError::Place {
            path: database.to_owned(),
            doing: "opened",
            why: fs::OpenOptions::new()
                .append(true)
                .open(database)
                .err()
                .unwrap_or_else(|| std::io::Error::other("the folder cannot be written to")),
        },
        _ => error.into(),
    }
}

/// Models and what is wrong with them are nobody else's business.
fn create_folder(database: &Path) -> Result<()> {
    let Some(folder) = database
        .parent()
        .filter(|path| !path.as_os_str().is_empty())
    else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|why| RegistryError::Place {
        path: folder.to_owned(),
        doing: "created",
        why,
    })
}
