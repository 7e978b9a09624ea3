//! The intermediate values of one recorded signature.

#[path = "../../tests/kit/recorded.rs"]
mod recorded;

use super::Verifier;
use crate::chains::{Columns, advance};
use crate::encoding::decode;
use crate::hash::{Hasher, column};
use crate::kernel::available;
use crate::scheme::TEST;
use crate::tests::canonical;
use crate::tweak;

#[test]
fn each_stage_of_the_first_recorded_signature_has_its_worked_value() {
    let Some(blocks) = recorded::chain("test-8") else { return };
    assert_eq!(blocks[0].name, "block_000.ssz");
    let claims = recorded::claims(&blocks[0].entries);
    for kernel in available() {
        let mut verifier = Verifier::new(Hasher::new(TEST, kernel));
        let candidates: Vec<_> = claims.iter().filter_map(|claim| verifier.decode(claim)).collect();
        assert_eq!((candidates.len(), candidates[0].slot), (1, 1));
        verifier.load(&candidates);
        let hash = verifier.message_hash(&candidates);
        assert_eq!(canonical(&hash, 0)[0], 1601349202);
        let mut digits = Vec::new();
        assert!(decode(&TEST, &column(&hash, 0), &mut digits));
        assert_eq!(digits, [0, 3, 0, 3]);
        assert_eq!(verifier.plan(&hash), 1);
        let columns = Columns {
            slots: &verifier.slots,
            parameter: &verifier.parameter,
        };
        advance(kernel, &columns, &mut verifier.walks, &mut verifier.values);
        assert_eq!(canonical(&verifier.values, 0)[..2], [1787692551, 289355051]);
        let leaf = verifier
            .hasher
            .leaf(&verifier.domain(|slot| tweak::tree(0, slot)), &verifier.values);
        assert_eq!(canonical(&leaf, 0)[..3], [1309584941, 1903804832, 461417598]);
        let above = verifier.parents(&leaf, 1);
        assert_eq!(canonical(&above, 0)[..2], [387244913, 985946330]);
        assert_eq!(canonical(&verifier.root(), 0)[..3], [1603570824, 817179616, 687937317]);
    }
}
