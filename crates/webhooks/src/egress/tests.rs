//! The table of forbidden addresses in every notation, and IPv4 inside IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::prelude::*;

use super::{BlockedAddress, EgressPolicy, UrlError, is_public};

const FORBIDDEN_HOSTS: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "0x7f000001",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[100::1]",
    "[2001::1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[2002:5db8:d822::]",
    "[2606:4700::5efe:a00:1]",
    "[2606:4700::200:5efe:7f00:1]",
    "[3fff::1]",
    "[5f00::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "api.localhost",
    "１２７.0.0.1",
    "127。0。0。1",
];

#[test]
fn s8_every_forbidden_address_is_refused_in_every_notation() {
    for host in FORBIDDEN_HOSTS {
        let url = format!("https://{host}/hook");
        assert_eq!(
            EgressPolicy::public().vet_url(&url),
            Err(UrlError::Forbidden),
            "{url}"
        );
    }
}

#[test]
fn s8_a_zone_in_an_address_is_no_url() {
    for url in ["https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/"] {
        assert_eq!(EgressPolicy::public().vet_url(url), Err(UrlError::Invalid));
    }
}

#[test]
fn public_urls_are_taken_and_normalised() {
    for (url, normal) in [
        ("https://example.com", "https://example.com/"),
        (
            "HTTPS://Example.COM:443/a?b=c#d",
            "https://example.com/a?b=c",
        ),
        (
            "https://93.184.216.34:8443/x",
            "https://93.184.216.34:8443/x",
        ),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        (
            "https://[64:ff9b::5db8:d822]/",
            "https://[64:ff9b::5db8:d822]/",
        ),
        (
            "https://example.com/ü{}|^",
            "https://example.com/%C3%BC%7B%7D|^",
        ),
    ] {
        let vetted = EgressPolicy::public().vet_url(url).expect(url);
        assert_eq!(vetted.as_str(), normal);
    }
}

#[test]
fn s28_what_is_wrong_with_a_url_is_said() {
    let policy = EgressPolicy::public();
    for (url, error) in [
        ("http://example.com/", UrlError::Scheme),
        ("ftp://example.com/", UrlError::Scheme),
        ("file:///etc/passwd", UrlError::Scheme),
        ("https://user@example.com/", UrlError::UserInfo),
        ("https://:secret@example.com/", UrlError::UserInfo),
        ("https://example.com:0/", UrlError::Host),
        ("https://exa\r\nmple.com/", UrlError::Invalid),
        ("https://example.com/\r\nx: y", UrlError::Invalid),
        ("https://example.com/\t", UrlError::Invalid),
        (" https://example.com/", UrlError::Invalid),
        ("https://", UrlError::Invalid),
        ("example.com/hook", UrlError::Invalid),
        ("", UrlError::Invalid),
    ] {
        assert_eq!(policy.vet_url(url), Err(error), "{url:?}");
    }
    let long = format!("https://example.com/{}", "a".repeat(2_048));
    assert_eq!(policy.vet_url(&long), Err(UrlError::Invalid));
}

#[test]
fn the_sandbox_takes_loopback_and_there_plain_http_but_nothing_else_private() {
    let policy = EgressPolicy::sandbox();
    for url in [
        "http://127.0.0.1:80/",
        "http://[::1]:80/",
        "http://localhost:80/",
        "https://127.1/",
    ] {
        assert!(policy.vet_url(url).is_ok(), "{url}");
    }
    for url in [
        "https://10.0.0.1/",
        "http://93.184.216.34/",
        "https://169.254.169.254/",
    ] {
        assert_eq!(policy.vet_url(url), Err(UrlError::Forbidden), "{url}");
    }
    // A name is vetted when it is resolved: plain http reaches no public address.
    let public = [IpAddr::from([93, 184, 216, 34])];
    assert!(policy.vet_addresses(true, 80, &public).is_err());
    assert!(policy.vet_addresses(false, 443, &public).is_ok());
}

#[test]
fn s7_one_forbidden_address_refuses_the_whole_name() {
    let public = IpAddr::from([93, 184, 216, 34]);
    let metadata = IpAddr::from([169, 254, 169, 254]);
    let policy = EgressPolicy::public();
    for addresses in [[public, metadata], [metadata, public]] {
        let blocked = Err(BlockedAddress { address: metadata });
        assert_eq!(policy.vet_addresses(false, 443, &addresses), blocked);
    }
}

#[test]
fn s8_an_address_of_our_own_is_refused_even_where_its_subnet_is_allowed() {
    let listener: SocketAddr = "127.0.0.1:3080".parse().expect("an address");
    let everywhere: SocketAddr = "0.0.0.0:5432".parse().expect("an address");
    let public: SocketAddr = "93.184.216.34:443".parse().expect("an address");
    let policy = EgressPolicy::sandbox()
        .forbid(listener)
        .forbid(everywhere)
        .forbid(public);
    for url in [
        "http://127.0.0.1:3080/",
        "http://[::ffff:127.0.0.1]:3080/",
        "http://127.0.0.2:5432/",
        "http://[::1]:5432/",
        "https://93.184.216.34/",
    ] {
        assert_eq!(policy.vet_url(url), Err(UrlError::Forbidden), "{url}");
    }
    assert!(policy.vet_url("http://127.0.0.1:3081/").is_ok());
}

#[test]
fn an_allowed_subnet_is_reachable_by_every_notation_of_its_addresses() {
    let policy = EgressPolicy::public().allow("10.1.0.0/16".parse().expect("a subnet"));
    assert!(policy.vet_url("http://10.1.2.3/").is_ok());
    assert!(policy.vet_url("http://[::ffff:10.1.2.3]/").is_ok());
    assert_eq!(policy.vet_url("http://10.2.2.3/"), Err(UrlError::Forbidden));
    assert_eq!(
        policy.vet_url("http://localhost/"),
        Err(UrlError::Forbidden)
    );
}

proptest! {
    #[test]
    fn s8_ipv4_inside_ipv6_is_judged_as_the_ipv4_address(bits: u32) {
        let inner = Ipv4Addr::from_bits(bits);
        let verdict = is_public(IpAddr::V4(inner));
        let [a, b] = [(bits >> 16) as u16, (bits & 0xffff) as u16];
        let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b);
        prop_assert_eq!(is_public(IpAddr::V6(inner.to_ipv6_mapped())), verdict);
        prop_assert_eq!(is_public(IpAddr::V6(nat64)), verdict);
        let isatap = Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0x5efe, a, b);
        prop_assert_eq!(is_public(IpAddr::V6(isatap)), verdict);
        let six_to_four = Ipv6Addr::new(0x2002, a, b, 0, 0, 0, 0, 1);
        prop_assert!(!is_public(IpAddr::V6(six_to_four)));
        prop_assert!(!is_public(IpAddr::V6(inner.to_ipv6_compatible())));
    }

    #[test]
    fn a_public_ipv4_address_is_none_that_the_standard_library_knows_as_special(bits: u32) {
        let address = Ipv4Addr::from_bits(bits);
        let special = address.is_private() || address.is_loopback() || address.is_link_local()
            || address.is_multicast() || address.is_broadcast() || address.is_documentation()
            || address.is_unspecified();
        prop_assert!(!(special && is_public(IpAddr::V4(address))));
    }

    #[test]
    fn a_public_ipv6_address_is_global_unicast_or_a_translated_ipv4_one(bits: u128) {
        let address = Ipv6Addr::from_bits(bits);
        if is_public(IpAddr::V6(address)) {
            prop_assert_eq!(address.segments()[0] & 0xe000, 0x2000);
        }
    }

    #[test]
    fn s8_every_spelling_of_an_ipv4_literal_meets_the_same_verdict(bits: u32) {
        let policy = EgressPolicy::public();
        let [a, b, c, d] = bits.to_be_bytes();
        let expected = is_public(IpAddr::V4(Ipv4Addr::from_bits(bits)));
        let rest = bits & 0xff_ffff;
        for host in [
            format!("{a}.{b}.{c}.{d}"),
            format!("{bits}"),
            format!("{bits:#x}"),
            format!("0{bits:o}"),
            format!("{a}.{rest}"),
            format!("{a:#x}.0{b:o}.{c}.{d}"),
            format!("[::ffff:{a}.{b}.{c}.{d}]"),
        ] {
            let accepted = policy.vet_url(&format!("https://{host}/")).is_ok();
            prop_assert_eq!(accepted, expected, "{}", host);
        }
    }
}
