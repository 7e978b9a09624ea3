//! The signatures of the recorded chains verify, but for those that the specification refused.

#[path = "kit/recorded.rs"]
mod recorded;

use proofplane_xmss::batch::verify;
use proofplane_xmss::kernel::available;
use proofplane_xmss::scheme::{PROD, TEST};

/// The two recorded blocks with a bad signature, that of their first vote.
const BAD: [&str; 2] = ["block_003.ssz", "block_005.ssz"];

#[test]
fn recorded_blocks_have_the_recorded_verdicts_with_every_kernel_and_thread_count() {
    for (folder, scheme) in [("test-8", TEST), ("prod-8", PROD)] {
        let Some(blocks) = recorded::chain(folder) else { return };
        assert_eq!(blocks.len(), 18);
        for block in &blocks {
            let claims = recorded::claims(&block.entries);
            for kernel in available() {
                for threads in [1, 2, 4] {
                    let failure = verify(scheme, kernel, &claims, threads).first_failure;
                    let expected = BAD.contains(&block.name.as_str()).then_some(0);
                    assert_eq!(failure, expected, "{folder} {} {} {threads}", block.name, kernel.name);
                }
            }
        }
    }
}
