//! What dialled texts mean, country by country.

use crate::{country, plan, read};
use number::{Plan, PlanFault};

#[test]
fn a_number_is_dialled_in_the_ways_of_its_country() {
    for (code, dialled, number) in [
        ("de", "030 1234567", "+49301234567"),
        ("de", "0301234567", "+49301234567"),
        ("de", "(030) 12345-67", "+49301234567"),
        ("de", "0049 30 1234567", "+49301234567"),
        ("de", "+49 (0)30 1234567", "+49301234567"),
        ("de", "0044 20 7946 0018", "+442079460018"),
        ("de", "015112345678", "+4915112345678"),
        ("uk", "020 7946 0018", "+442079460018"),
        ("gb", "07911 123456", "+447911123456"),
        ("uk", "00353 1 234 5678", "+35312345678"),
        ("us", "(202) 456-1111", "+12024561111"),
        ("us", "1 202 456 1111", "+12024561111"),
        ("us", "011 44 20 7946 0018", "+442079460018"),
        ("us", "1-876-926-0123", "+18769260123"),
        ("ca", "416 967 1111", "+14169671111"),
        ("fr", "01 42 68 53 00", "+33142685300"),
        ("fr", "0033142685300", "+33142685300"),
        ("it", "06 698 12345", "+390669812345"),
        ("it", "347 123 4567", "+393471234567"),
        ("es", "912 34 56 78", "+34912345678"),
        ("pl", "22 621 02 52", "+48226210252"),
        ("ch", "044 668 18 00", "+41446681800"),
        ("at", "0664 1234567", "+436641234567"),
        ("au", "02 9374 4000", "+61293744000"),
        ("au", "0011 64 9 306 7000", "+6493067000"),
        ("nz", "09 306 7000", "+6493067000"),
        ("jp", "03-6384-9000", "+81363849000"),
        ("jp", "010 1 202 456 1111", "+12024561111"),
        ("in", "098765 43210", "+919876543210"),
        ("br", "0 11 3061 0000", "+551130610000"),
        ("br", "0 21 11 3061 0000", "+551130610000"),
        ("mx", "55 5093 2000", "+525550932000"),
        ("ru", "8 495 969 0404", "+74959690404"),
        ("ru", "8 10 49 30 1234567", "+49301234567"),
        ("hu", "06 1 234 5678", "+3612345678"),
        ("cn", "010 6552 9988", "+861065529988"),
        ("sg", "6521 8000", "+6565218000"),
        ("il", "03-513-8000", "+97235138000"),
        ("za", "011 510 0000", "+27115100000"),
        ("tr", "0212 334 0000", "+902123340000"),
        ("ua", "044 537 0000", "+380445370000"),
        ("kr", "02-531-9000", "+8225319000"),
    ] {
        assert_eq!(read(&plan(code), dialled), number, "{dialled} in {code}");
    }
}

#[test]
fn what_is_no_number_of_the_world_is_not_read() {
    for (code, dialled) in [
        ("de", ""),
        ("de", "+"),
        ("de", "101"),
        ("de", "1000"),
        ("de", "116117"),
        ("de", "*72"),
        ("de", "0301234567#"),
        ("de", "anonymous"),
        ("de", "0800-FLOWERS"),
        ("de", "030 1234567 ext 5"),
        ("de", "030+1234567"),
        ("de", "++49301234567"),
        ("de", "00999123456789"),
        ("de", "+99912345678"),
        ("us", "411"),
        ("us", "4000"),
        ("us", "5551234"),
        ("us", "2"),
        ("uk", "79460018"),
    ] {
        assert_eq!(read(&plan(code), dialled), "-", "{dialled} in {code}");
    }
    let padded = format!("030 1234567{}", " ".repeat(29));
    assert_eq!(padded.len(), number::MAX_OCTETS);
    assert_eq!(read(&plan("de"), &padded), "+49301234567");
    assert_eq!(read(&plan("de"), &format!("{padded} ")), "-");
}

#[test]
fn an_area_code_makes_local_numbers() {
    let berlin = Plan::new(country("de"), Some("030"), None).unwrap();
    assert_eq!(berlin.area(), Some("30"));
    assert_eq!(read(&berlin, "1234567"), "+49301234567");
    assert_eq!(read(&berlin, "089 1234567"), "+49891234567");
    assert_eq!(read(&berlin, "0044 20 7946 0018"), "+442079460018");
    let washington = Plan::new(country("us"), Some("202"), Some("9")).unwrap();
    assert_eq!(read(&washington, "456-1111"), "+12024561111");
    assert_eq!(read(&washington, "9 456-1111"), "+12024561111");
    assert_eq!(read(&washington, "909 622 1111"), "+19096221111");
    let london = Plan::new(country("uk"), Some("20"), None).unwrap();
    assert_eq!(read(&london, "7946 0018"), "+442079460018");
    assert_eq!(read(&london, "07911 123456"), "+447911123456");
    let sydney = Plan::new(country("au"), Some("2"), None).unwrap();
    assert_eq!(read(&sydney, "9374 4000"), "+61293744000");
    let rome = Plan::new(country("it"), Some("06"), None).unwrap();
    assert_eq!(rome.area(), Some("06"));
}

#[test]
fn an_outside_prefix_is_optional() {
    let us = Plan::new(country("us"), None, Some("9")).unwrap();
    for dialled in [
        "9 202 456 1111",
        "9 1 202 456 1111",
        "202 456 1111",
        "+1 202 456 1111",
    ] {
        assert_eq!(read(&us, dialled), "+12024561111", "{dialled}");
    }
    assert_eq!(read(&us, "9 011 44 20 7946 0018"), "+442079460018");
    assert_eq!(read(&us, "011 44 20 7946 0018"), "+442079460018");
    assert_eq!(read(&us, "909 622 1111"), "+19096221111");
    assert_eq!(read(&us, "9"), "-");
    let de = Plan::new(country("de"), None, Some("0")).unwrap();
    for dialled in [
        "0 030 1234567",
        "030 1234567",
        "0 0049 30 1234567",
        "+49 30 1234567",
    ] {
        assert_eq!(read(&de, dialled), "+49301234567", "{dialled}");
    }
    assert_eq!(read(&de, "000 44 20 7946 0018"), "+442079460018");
    // The rule for texts of two meanings: an outside line, then a number of Vodafone's, and not one in Arizona.
    assert_eq!(read(&de, "00 1520 2345678"), "+4915202345678");
    assert_eq!(read(&plan("de"), "00 1520 2345678"), "+15202345678");
    let uk = Plan::new(country("uk"), None, Some("9")).unwrap();
    assert_eq!(read(&uk, "9 020 7946 0018"), "+442079460018");
    assert_eq!(read(&uk, "020 7946 0018"), "+442079460018");
}

#[test]
fn ranges_that_no_table_knows_are_read_if_they_are_dialled_in_full() {
    assert_eq!(read(&plan("us"), "1 555 555 0100"), "+15555550100");
    assert_eq!(read(&plan("us"), "555 555 0100"), "-");
    assert_eq!(read(&plan("dk"), "10 00 00 00"), "+4510000000");
}

#[test]
fn plans_are_data_and_faults_say_what_is_wrong() {
    let json = r#"{"country":"GB","area":"20","outside":"9"}"#;
    let plan: Plan = serde_json::from_str(json).unwrap();
    assert_eq!(plan, Plan::new(country("uk"), Some("020"), Some("9")).unwrap());
    assert_eq!(serde_json::to_string(&plan).unwrap(), json);
    let plan: Plan = serde_json::from_str(r#"{"country":"uk"}"#).unwrap();
    assert_eq!((plan.country(), plan.outside()), (country("gb"), None));
    for bad in [
        r#"{"country":"zz"}"#,
        r#"{}"#,
        r#"{"country":"de","city":"30"}"#,
        r#"{"country":"de","area":""}"#,
        r#"{"country":"de","area":"0"}"#,
        r#"{"country":"de","area":"3o"}"#,
        r#"{"country":"de","outside":"*9"}"#,
        r#"{"country":"de","outside":"1234567"}"#,
    ] {
        assert!(serde_json::from_str::<Plan>(bad).is_err(), "{bad}");
    }
    let fault = Plan::new(country("de"), Some("x"), None).unwrap_err();
    assert_eq!(fault, PlanFault::Area);
    assert!(fault.to_string().contains("030"), "{fault}");
}
