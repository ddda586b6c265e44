//! Numbers, routes, limits and price lists by commands.

use crate::server::Site;
use serde_json::{Value, json};

/// Acme in Germany with the extension 101 and the trunk `main`.
fn acme() -> Site {
    let site = Site::with_users(&["101"]);
    site.json(&["trunk", "set", "acme", "main", "host=gw.example", "options_s=0"]);
    site.json(&["tenant", "set", "acme", "region=de", "area=30"]);
    site
}

#[test]
fn numbers_lead_to_extensions_and_belong_to_one_tenant() {
    let site = acme();
    site.json(&["tenant", "add", "beta", "--domain", "beta.example"]);
    let set = site.json(&["number", "set", "acme", "+49 30 555-0001", "--to", "101"]);
    assert_eq!(set["reached"], true);
    let block = ["+49305550000", "+49305550099", "--to", "1", "--keep", "2"];
    site.json(&[&["number", "set", "acme"][..], &block].concat());
    let list = site.text(&["number", "list"]);
    let rows: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[1].join(" "), "acme +49305550000 to +49305550099 100 to 199");
    assert_eq!(rows[2].join(" "), "acme +49305550001 101");
    let stranger = site.refusal(&["number", "set", "beta", "+49305550050", "--to", "1"]);
    assert!(
        stranger.contains("belongs to another tenant") && !stranger.contains("acme"),
        "{stranger}"
    );
    for (arguments, part) in [
        (&["030 5550001", "--to", "1"][..], "write +, country code"),
        (&["+493055502"], "where does it lead"),
        (&["+493055502", "--to", "a b"], "must have 1 to 32"),
        (&["+493055509", "+493055501", "--to", "1"], "lowest number"),
        (&["+493", "--to", "1"], "5 to 15"),
    ] {
        let refusal = site.refusal(&[&["number", "set", "acme"][..], arguments].concat());
        assert!(refusal.contains(part), "{arguments:?}: {refusal}");
    }
    // A caller's number is one of the tenant's.
    let shows = site.json(&["user", "set", "acme", "101", "--caller-number", "+49305550001"]);
    assert_eq!(shows["caller_number"], "+49305550001");
    let foreign = ["user", "set", "acme", "101", "--caller-number", "+4930110"];
    assert!(site.refusal(&foreign).contains("is not the tenant's"));
    let none = site.json(&["user", "set", "acme", "101", "--caller-number", "none"]);
    assert_eq!(none["caller_number"], Value::Null);
    let whole = ["tenant", "set", "acme", "caller_number=+1 202 5550100"];
    assert!(site.refusal(&whole).contains("is not the tenant's"));
    site.json(&["tenant", "set", "acme", "caller_number=+49305550000"]);
    site.json(&["number", "delete", "acme", "+49305550001"]);
    assert!(
        site.refusal(&["number", "delete", "acme", "+49305550001"])
            .contains("carillon number list")
    );
    site.json(&["tenant", "delete", "acme", "--yes"]);
    site.json(&["number", "set", "beta", "+49305550050", "--to", "1"]);
}

#[test]
fn routes_name_trunks_and_say_where_calls_for_help_go() {
    let site = Site::with_users(&["101"]);
    let list = site.json(&["route", "list", "acme"]);
    assert_eq!(list["emergency"], "none");
    assert!(
        site.text(&["route", "list", "acme"])
            .contains("acme has NO EMERGENCY PATH")
    );
    site.json(&["trunk", "set", "acme", "main", "host=gw.example"]);
    site.json(&["trunk", "set", "acme", "spare", "host=spare.example"]);
    let set = site.json(&[
        "route",
        "set",
        "acme",
        "abroad",
        "prefixes=44,1",
        "trunks=Main:1:70,spare:2",
    ]);
    assert_eq!(set["trunks"], json!(["main:1:70", "spare:2:10"]));
    let list = site.json(&["route", "list", "acme"]);
    assert_eq!(
        (&list["emergency"], &list["routes"][0]["state"]),
        (&json!("any_trunk"), &json!("good"))
    );
    site.json(&["route", "set", "acme", "help", "emergency=true", "trunks=main"]);
    let list = site.json(&["route", "list", "acme"]);
    assert_eq!(
        (&list["emergency"], &list["warning"]),
        (&json!("route"), &json!(""))
    );
    for (changes, part) in [
        (&["trunks=none"][..], "no trunk none"),
        (&["trunks="], "needs a trunk"),
        (&["trunks=main,MAIN"], "twice"),
        (&["trunks=main:x"], "can't be so"),
        (&["trunks=main", "prefixes=+4x"], "can't be so"),
        (
            &["trunks=main", "prefixes=44", "emergency=true"],
            "every emergency number",
        ),
        (&["trunks=main", "colour=red"], "no key"),
    ] {
        let refusal = site.refusal(&[&["route", "set", "acme", "bad"][..], changes].concat());
        assert!(refusal.contains(part), "{changes:?}: {refusal}");
    }
    assert!(
        site.refusal(&["trunk", "delete", "acme", "main"])
            .contains("route abroad takes trunk main")
    );
    // A trunk that is switched off is none for those who need help.
    site.json(&["trunk", "set", "acme", "main", "enabled=false"]);
    assert_eq!(site.json(&["route", "list", "acme"])["emergency"], "any_trunk");
    site.json(&["trunk", "set", "acme", "spare", "enabled=false"]);
    let list = site.json(&["route", "list", "acme"]);
    assert_eq!(list["emergency"], "none");
    assert_eq!(list["routes"][0]["state"], "none of its trunks is enabled");
    let _server = site.serve();
    assert!(
        site.text(&["trunk", "status", "--tenant", "acme"])
            .contains("acme has NO EMERGENCY PATH")
    );
    site.json(&["route", "delete", "acme", "abroad"]);
    site.json(&["route", "delete", "acme", "help"]);
    site.json(&["trunk", "delete", "acme", "main"]);
    assert_eq!(site.json(&["route", "list", "acme"])["routes"], json!([]));
}

#[test]
fn limits_go_out_as_json_and_come_back_the_same() {
    let site = acme();
    let set = site.json(&[
        "toll",
        "set",
        "acme",
        "currency=eur",
        "countries=43,41",
        "by_day.user.calls_per_min=6",
        "users.101.limits.spend_per_day=none",
        "trunks.main.classes=national,mobile",
    ]);
    assert_eq!(set["by_day"]["user"]["calls_per_min"], 6);
    assert_eq!(set["users"]["1"]["limits"]["spend_per_day"], Value::Null);
    let shown = site.json(&["toll", "show", "acme"]);
    assert_eq!(shown, set);
    let file = site.file("limits.json", &shown.to_string());
    site.json(&["toll", "set", "acme", "by_day.user.calls_per_min=1"]);
    site.json(&["toll", "set", "acme", "--file", &file]);
    assert_eq!(site.json(&["toll", "show", "acme"]), shown);
    let empty = site.file("empty.json", "{}");
    let usual = site.json(&["toll", "set", "acme", "--file", &empty]);
    assert_ne!(usual, shown);
    assert_eq!(
        usual["by_day"]["tenant"]["concurrent"], 40,
        "what is left out has the default"
    );
    for (text, part) in [
        ("{", "no limits"),
        (r#"{"limits": 1}"#, "unknown field"),
        (r#"{"users": {"99": {}}}"#, "no user with id 99"),
        (r#"{"by_day": {"user": {"spend_per_day": 1.5}}}"#, "amount"),
    ] {
        let file = site.file("bad.json", text);
        let refusal = site.refusal(&["toll", "set", "acme", "--file", &file]);
        assert!(refusal.contains(part), "{text}: {refusal}");
    }
    for key in ["toll=x", "routes=x", "flows=x"] {
        let refusal = site.refusal(&["tenant", "set", "acme", key]);
        assert!(refusal.contains("commands of its own"), "{refusal}");
    }
    assert_eq!(site.json(&["toll", "show", "acme"]), usual);
}

#[test]
fn limits_are_lifted_and_their_use_is_shown_by_a_running_server() {
    let site = acme();
    assert!(site.refusal(&["toll", "used", "acme"]).contains("carillon serve"));
    let _server = site.serve();
    let text = site.text(&["toll", "used", "acme"]);
    assert!(
        text.contains("calls_per_min") && text.contains("tenant"),
        "{text}"
    );
    for (arguments, part) in [
        (&["--for", "2d"][..], "no time up to a day"),
        (&["--for", "0s"], "no time up to a day"),
        (&["--user", "999", "--for", "1h"], "no user 999"),
        (&["--class", "moon", "--for", "1h"], "no kind of numbers"),
    ] {
        let refusal = site.refusal(&[&["toll", "lift", "acme"][..], arguments].concat());
        assert!(refusal.contains(part), "{arguments:?}: {refusal}");
    }
    let lifted = site.json(&["toll", "lift", "acme", "--user", "101", "--for", "1h"]);
    assert_eq!(
        (&lifted["whose"], &lifted["seconds"]),
        (&json!("user 101"), &json!(3_600))
    );
    let used = site.json(&["toll", "used", "acme"]);
    let of_user = used
        .as_array()
        .unwrap()
        .iter()
        .find(|used| used["whose"] == "user 101");
    let left = of_user.unwrap()["lifted_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&left), "{used:#}");
}

#[test]
fn a_price_list_is_imported_asked_and_kept_in_the_currency_of_the_limits() {
    let site = acme();
    let list = site.file(
        "list.csv",
        "Prefix;Destination;Price;Increments\n49;Germany;0,01;60/60\n44;United Kingdom;0,02;1/1\n",
    );
    assert!(
        site.refusal(&["rate", "import", "acme", &list])
            .contains("no currency is known")
    );
    let made = site.json(&["rate", "import", "acme", &list, "--currency", "eur"]);
    assert_eq!((&made["rows"], &made["currency"]), (&json!(2), &json!("EUR")));
    let home = site.json(&["rate", "show", "acme", "5550001"]);
    assert_eq!(
        (&home["number"], &home["class"], &home["allowed"]),
        (&json!("+49305550001"), &json!("national"), &json!(true))
    );
    assert_eq!(home["cost_by_seconds"]["180"], "0.03");
    let abroad = site.text(&["rate", "show", "acme", "0044 20 7946 0018"]);
    assert!(
        abroad.contains("United Kingdom") && abroad.contains("NOT ALLOWED: international numbers"),
        "{abroad}"
    );
    site.json(&["toll", "set", "acme", "countries=44,33"]);
    let abroad = site.json(&["rate", "show", "acme", "+442079460018"]);
    assert_eq!(
        (&abroad["allowed"], &abroad["cost_by_seconds"]["30"]),
        (&json!(true), &json!("0.01"))
    );
    let unrated = site.json(&["rate", "show", "acme", "+33142278186"]);
    assert_eq!(
        (&unrated["row"], &unrated["reason"]),
        (&Value::Null, &json!("the price list does not have the number"))
    );
    let other = site.refusal(&["toll", "set", "acme", "currency=usd"]);
    assert!(
        other.contains("is not that of the tenant's price list"),
        "{other}"
    );
    site.json(&["toll", "set", "acme", "currency=eur"]);
    let other = site.refusal(&["rate", "import", "acme", &list, "--currency", "usd"]);
    assert!(other.contains("is not that of the tenant's limits"), "{other}");
    for (text, part) in [
        ("", "is empty"),
        ("prefix,price\n", "no row"),
        ("prefix\n49\n", "no column is named"),
        ("prefix,price\n49,cheap\n", "line 2"),
        ("prefix,price\n49,0.01\n49,0.02\n", "two rows"),
    ] {
        let file = site.file("bad.csv", text);
        let refusal = site.refusal(&["rate", "import", "acme", &file, "--currency", "eur"]);
        assert!(refusal.contains(part), "{text:?}: {refusal}");
    }
    assert!(
        site.text(&["rate", "show", "acme"])
            .contains("2 rows in EUR, from list.csv")
    );
    site.json(&["rate", "delete", "acme"]);
    assert!(site.text(&["rate", "show", "acme"]).contains("has no price list"));
}

#[test]
fn locations_are_written_down_and_phones_without_one_are_named() {
    let site = acme();
    site.json(&["user", "add", "acme", "102"]);
    let list = site.json(&["location", "list", "acme"]);
    assert_eq!(list["locations"], json!([]));
    assert_eq!(list["unlocated"], json!(["101", "102"]));
    assert!(
        site.text(&["location", "list", "acme"])
            .contains("NO LOCATION for phones: 101 102.")
    );
    let set = ["location", "set", "acme", "lab"];
    let address = [
        "country=de",
        "a3=Berlin",
        "RD=Unter den Linden",
        "hno=1",
        "point=52.5,13.4,30",
    ];
    let lab = site.json(&[&set[..], &address, &["phones=101", "networks=10.1.0.0/16"]].concat());
    assert_eq!(
        lab["civic"],
        json!({"country": "de", "A3": "Berlin", "RD": "Unter den Linden", "HNO": "1"})
    );
    assert_eq!(
        lab["text"],
        "Unter den Linden 1, Berlin, DE, 52.500000,13.400000,30"
    );
    assert_eq!(
        (&lab["usual"], &lab["networks"]),
        (&json!(false), &json!(["10.1.0.0/16"]))
    );
    let changed = site.json(&[&set[..], &["HNO=", "point="]].concat());
    assert_eq!(
        (changed["civic"].get("HNO"), &changed["point"]),
        (None, &Value::Null)
    );
    assert_eq!(
        site.json(&["location", "list", "acme"])["unlocated"],
        json!(["102"])
    );
    site.json(&[
        "location",
        "set",
        "acme",
        "hall",
        "country=de",
        "LOC=hall",
        "--usual",
    ]);
    assert_eq!(
        site.json(&["tenant", "show", "acme"])["policy"]["emergency_location"],
        "hall"
    );
    site.json(&["location", "remove", "acme", "hall"]);
    assert_eq!(
        site.json(&["tenant", "show", "acme"])["policy"]["emergency_location"],
        ""
    );
    assert!(
        site.refusal(&["location", "remove", "acme", "hall"])
            .contains("location list")
    );
    // Who is told of calls for help is there.
    let told = site.json(&["tenant", "set", "acme", "emergency_notify=102"]);
    assert_eq!(told["policy"]["emergency_notify"], json!(["102"]));
    let gone = site.refusal(&["tenant", "set", "acme", "emergency_notify=102,103"]);
    assert!(gone.contains("no extension 103"), "{gone}");
}

#[test]
fn whoever_looks_at_a_tenant_hears_of_a_missing_emergency_path() {
    let site = acme();
    let shown = |site: &Site| site.json(&["tenant", "show", "acme"])["emergency"].clone();
    assert_eq!(shown(&site), "any_trunk");
    assert_eq!(site.json(&["tenant", "list"])[0]["emergency"], "any_trunk");
    site.json(&["trunk", "set", "acme", "main", "enabled=false"]);
    assert_eq!(shown(&site), "none");
    assert!(site.text(&["tenant", "list"]).contains("NO PATH"));
    for command in [&["tenant", "show", "acme"][..], &["location", "list", "acme"]] {
        let text = site.text(command);
        assert!(text.contains("acme has NO EMERGENCY PATH"), "{command:?}: {text}");
    }
}

#[test]
fn a_location_that_can_not_be_told_is_refused() {
    let site = acme();
    site.json(&["location", "set", "acme", "lab", "country=de", "phones=101"]);
    for (arguments, part) in [
        (&["hall", "country=de", "phones=101"][..], "101 is at lab"),
        (
            &["hall", "country=de", "phones=999"],
            "no extension or device 999",
        ),
        (&["attic", "A3=Berlin"], "needs its country"),
        (&["attic", "phones="], "needs an address"),
        (&["attic", "country=de", "street=x"], "RD (street)"),
        (&["attic", "point=91,0"], "LATITUDE,LONGITUDE"),
        (&["a b", "country=de"], "1 to 64 letters"),
    ] {
        let all = [&["location", "set", "acme"][..], arguments].concat();
        let refusal = site.refusal(&all);
        assert!(refusal.contains(part), "{arguments:?}: {refusal}");
    }
}
