//! What has changed and is not told yet. However many watch a resource, noting that it changed costs the same; its
//! watchers are looked up little by little.

use super::Events;
use model::{Package, Resource, UserId};
use std::collections::{BTreeMap, VecDeque};

/// Watchers looked at for each one that a turn may tell: some of them wait for an answer and need no place in the queue.
const LOOKS: usize = 8;

/// What changed: of a list, whose part of it.
type Change = (Package, Resource, Option<UserId>);

/// How far the watchers of a change have been looked up.
#[derive(Clone, Copy, Default)]
struct Reached {
    /// The last subscription that was marked.
    id: u64,
    /// It changed again, and those before have to be marked once more.
    again: bool,
}

/// The changes, each once, in the order in which they came.
#[derive(Default)]
pub(super) struct Changes {
    reached: BTreeMap<Change, Reached>,
    order: VecDeque<Change>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn note(&mut self, change: Change) {
        match self.reached.get_mut(&change) {
            Some(reached) => reached.again = reached.id > 0,
            None => {
                self.reached.insert(change.clone(), Reached::default());
                self.order.push_back(change);
            }
        }
    }
}

impl Events {
    /// The watchers of a resource, if there are any, have something to hear.
    pub(super) fn mark(&mut self, package: Package, resource: &Resource, user: Option<UserId>) {
        if self.next_watcher(package, resource, 0).is_some() {
            self.changes.note((package, resource.clone(), user));
        }
    }

    fn next_watcher(&self, package: Package, resource: &Resource, after: u64) -> Option<u64> {
        let first = (package, resource.clone(), after.saturating_add(1));
        let (p, r, id) = self.watchers.range(first..).next()?;
        (*p == package && r == resource).then_some(*id)
    }

    /// Puts watchers in the queue until it holds enough for a turn. Changes take turns, so that one which thousands watch
    /// keeps none waiting.
    pub(super) fn fill_queue(&mut self) {
        let mut looks = self.budget * LOOKS;
        while looks > 0
            && self.queue.len() < self.budget
            && let Some(change) = self.changes.order.pop_front()
        {
            let share = looks.min(self.budget);
            looks -= share;
            if self.mark_some(&change, share) {
                self.changes.reached.remove(&change);
            } else {
                self.changes.order.push_back(change);
            }
        }
    }

    /// Marks that many watchers of a change; true when there are no more.
    fn mark_some(&mut self, change: &Change, share: usize) -> bool {
        let (package, resource, user) = change;
        let mut reached = self.changes.reached.get(change).copied().unwrap_or_default();
        for _ in 0..share {
            match self.next_watcher(*package, resource, reached.id) {
                Some(id) => {
                    reached.id = id;
                    if let Some(subscription) = self.subscriptions.get_mut(&id) {
                        subscription.changed(*user);
                        self.enqueue(id);
                    }
                }
                None if reached.again => reached = Reached::default(),
                None => return true,
            }
        }
        self.changes.reached.insert(change.clone(), reached);
        false
    }
}
