use tileproof::cid::{from_text, to_text};
use tileproof::types::Cid;

/// The SHA-256 of nothing, as `ipfs add` prints the empty raw block.
fn empty_block() -> Cid {
    Cid { codec: 0x55, digest: 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 }
}

#[test]
fn test_the_empty_raw_block_has_its_well_known_text() {
    assert_eq!(
        to_text(@empty_block()), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    );
}

#[test]
fn test_the_empty_unixfs_directory_reads_back() {
    let text = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354";
    let cid = from_text(@text);
    assert_eq!(cid.codec, 0x70);
    assert_eq!(cid.digest, 0x59948439065f29619ef41280cbb932be52c56d99c5966b65e0111239f098bbef);
    assert_eq!(to_text(@cid), text);
}

#[test]
fn test_every_text_reads_back() {
    for i in 0..40_u32 {
        let digest: u256 = core::poseidon::poseidon_hash_span([i.into()].span()).into() * 32 + 7;
        let cid = Cid { codec: 0x70, digest };
        assert_eq!(from_text(@to_text(@cid)), cid);
    }
}

#[test]
#[should_panic(expected: 'INVALID_CID')]
fn test_a_text_of_another_length_is_refused() {
    from_text(@"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk");
}

#[test]
#[should_panic(expected: 'INVALID_CID')]
fn test_another_multibase_is_refused() {
    from_text(@"zafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
}

#[test]
#[should_panic(expected: 'INVALID_CID')]
fn test_upper_case_is_refused() {
    from_text(@"bAfkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
}

#[test]
#[should_panic(expected: 'INVALID_CID')]
fn test_padding_bits_must_be_zero() {
    from_text(@"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv");
}

#[test]
#[should_panic(expected: 'INVALID_CID')]
fn test_another_codec_is_refused() {
    from_text(@to_text(@Cid { codec: 0x71, digest: 1 }));
}

#[test]
#[should_panic(expected: 'INVALID_CID')]
fn test_another_hash_function_is_refused() {
    // sha2-512's code in the header of a CID of the right length.
    from_text(@"bafkrgihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
}
