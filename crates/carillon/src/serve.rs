//! `carillon serve`: from a configuration to a running node, and down again.

use crate::arguments::Global;
use crate::{config, control, logging, place};
use anyhow::{Context, Result};
use node::{Live, Node};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::thread;
use store::Store;

/// Serves until SIGTERM or SIGINT. The first lets calls end by themselves for the configured grace; a second one
/// ends them at once.
///
/// # Errors
/// One line that says what is wrong and what to do.
pub(crate) fn run(global: &Global) -> Result<()> {
    let config = match &global.config {
        Some(file) => config::load(file)?,
        None => config::defaults(),
    };
    logging::start(&config.log, config.log_json)?;
    let data_dir = match (&global.data_dir, config.data_dir) {
        (Some(dir), _) => dir.clone(),
        (None, Some(dir)) => dir,
        (None, None) => place::default_data_dir()?,
    };
    let mut settings = config.settings;
    settings.data_dir.clone_from(&data_dir);
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).context("cannot catch signals")?;
    let store = Store::open_exclusive(&data_dir)?;
    let node = Node::start(settings, store)?;
    let control = control::server::start(node.live(), &data_dir)?;
    for (transport, address) in node.listen_addresses() {
        tracing::info!("listening on {transport} {address}");
    }
    if let Some(address) = node.metrics_address() {
        tracing::info!("metrics on http://{address}/metrics");
    }
    tracing::info!("ready, data in {}", data_dir.display());
    wait(signals, &node.live())?;
    tracing::info!("stopping: calls may end by themselves; a second signal ends them now");
    node.shutdown();
    drop(control);
    tracing::info!("stopped");
    Ok(())
}

/// Returns on the first signal to stop; later ones hurry the node.
fn wait(mut signals: Signals, live: &Live) -> Result<()> {
    for signal in &mut signals {
        if signal != SIGHUP {
            break;
        }
        match live.reload_tls() {
            Ok(()) => tracing::info!("certificates are read again"),
            Err(error) => tracing::error!("the old certificate stays: {error:#}"),
        }
    }
    let live = live.clone();
    let hurry = move || {
        if signals.forever().any(|signal| signal != SIGHUP) {
            live.hurry();
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(hurry)
        .context("cannot start the signal thread")?;
    Ok(())
}
