//! `KEY=VALUE`s applied to something that is kept as JSON. The present value of a key says how to read a new one.

use anyhow::{Result, anyhow};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The same with these changes; `what` names it in errors.
///
/// # Errors
/// A key that there is not, or a value of the wrong kind.
pub(super) fn apply<T>(what: &str, old: &T, changes: &[String]) -> Result<T>
where
    T: Default + Serialize + DeserializeOwned,
{
    let mut object = object(old)?;
    let usual = self::object(&T::default())?;
    for change in changes {
        let (key, text) = change
            .split_once('=')
            .ok_or_else(|| anyhow!("{change:?} has no value; write KEY=VALUE, such as media=direct"))?;
        if let Some((head, name)) = key.split_once('.')
            && let Some(Value::Object(inner)) = object.get_mut(head)
            && is_open(usual.get(head))
        {
            match text {
                "none" => inner.remove(name),
                text => inner.insert(name.to_owned(), text.into()),
            };
            continue;
        }
        let known = || object.keys().cloned().collect::<Vec<_>>().join(", ");
        let old = object
            .get(key)
            .ok_or_else(|| anyhow!("the {what} has no key {key:?}; it has {}", known()))?;
        if old.is_object() {
            return Err(anyhow!(
                "{key} is not set so: it has commands of its own, see carillon --help"
            ));
        }
        // What needs no value can be without one again.
        let is_optional = usual.get(key).is_some_and(Value::is_null);
        let new = match is_optional && text.is_empty() {
            true => Some(Value::Null),
            false => read_as(old, text),
        };
        let new = new.ok_or_else(|| anyhow!("{key} = {text:?} is of the wrong kind; now it is {old}"))?;
        object.insert(key.to_owned(), new);
    }
    let new = serde_json::from_value(Value::Object(object));
    new.map_err(|e| anyhow!("the {what} can't be so: {e}"))
}

/// True for what has names of its own as keys, and texts as values: it is empty where nothing is said.
fn is_open(usual: Option<&Value>) -> bool {
    usual.and_then(Value::as_object).is_some_and(Map::is_empty)
}

fn object(value: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(value)? {
        Value::Object(object) => Ok(object),
        _ => Ok(Map::new()),
    }
}

fn read_as(old: &Value, text: &str) -> Option<Value> {
    match old {
        Value::Bool(_) => text.parse::<bool>().ok().map(Value::from),
        Value::Number(_) => text.parse::<u64>().ok().map(Value::from),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(items.map(|item| item.to_ascii_lowercase()).collect())
        }
        // Nothing so far: a number where it is one.
        Value::Null => Some(text.parse::<u64>().map_or_else(|_| text.into(), Value::from)),
        _ => Some(text.into()),
    }
}
