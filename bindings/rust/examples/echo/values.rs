//! Two values whose fields stand at their boundaries.

use std::collections::BTreeMap;

use crate::echo::types::{Everything, Point};

pub fn lowest() -> Everything {
    Everything {
        small: 0,
        medium: 0,
        word: 0,
        large: 0,
        ratio: -0.0,
        flag: false,
        text: String::new(),
        blob: Vec::new(),
        field: [0; 32],
        maybe: None,
        numbers: Vec::new(),
        pair: [[0; 32]; 2],
        state: BTreeMap::new(),
        nested: point(0),
        points: Vec::new(),
        maybe_point: None,
    }
}

pub fn highest() -> Everything {
    Everything {
        small: u8::MAX,
        medium: u16::MAX,
        word: u32::MAX,
        large: u64::MAX,
        ratio: -1.797_693_134_862_315_7e308,
        flag: true,
        text: "naïve Ω 証明 🧾".into(),
        blob: (0..=255).collect(),
        field: [0xff; 32],
        maybe: Some(u32::MAX),
        numbers: vec![0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, u64::MAX],
        pair: [[1; 32], [0xfe; 32]],
        state: BTreeMap::from([(0, ([2; 32], 0)), (128, ([3; 32], 1)), (u32::MAX, ([4; 32], u64::MAX))]),
        nested: point(5),
        points: (0..20).map(point).collect(),
        maybe_point: Some(point(0xff)),
    }
}

fn point(byte: u8) -> Point {
    Point {
        x: [byte; 32],
        y: [byte.wrapping_add(1); 32],
    }
}
